//! The write cycle against sinks that fail, hang and lag.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{sync::Semaphore, time::timeout};

use super::*;
use crate::model::{Block, Provenance, Timestamp, Tx, TxBody};

/// Long enough for anything that is going to happen; tests never wait for it when all is well.
const SOON: Duration = Duration::from_secs(20);

/// A run that was written: checkpoint ids, history mode, head height of the status.
type RunSeen = (Vec<u64>, bool, Option<i64>);

/// What a scripted sink was asked to do.
#[derive(Default)]
struct Script {
    runs: Mutex<Vec<RunSeen>>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    /// Fail when this checkpoint is written.
    fail_at: Option<u64>,
    /// Refuse what has this height.
    refuse_at: Option<i64>,
    /// A write takes a permit; without one it hangs.
    permits: Option<Semaphore>,
    closed: AtomicUsize,
}

impl Script {
    fn written(&self) -> Vec<Vec<u64>> {
        self.runs.lock().unwrap().iter().map(|(ids, ..)| ids.clone()).collect()
    }

    fn refusal(&self, run: &Run) -> Option<Error> {
        let is_refused = |block: &WrittenBlock| Some(block.checkpoint.height) == self.refuse_at;
        let refused = run.blocks.iter().any(is_refused);
        refused.then_some(Error::Encode { table: "users", column: "name", problem: "on purpose" })
    }

    fn allow(&self, writes: usize) {
        self.permits.as_ref().unwrap().add_permits(writes);
    }
}

struct Scripted(Arc<Script>);

impl Sink for Scripted {
    async fn write(&mut self, run: Arc<Run>) -> Result<Written, Error> {
        let script = &self.0;
        let now = script.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        script.most_in_flight.fetch_max(now, Ordering::SeqCst);
        if let Some(permits) = &script.permits {
            permits.acquire().await.unwrap().forget();
        }
        tokio::task::yield_now().await;
        script.in_flight.fetch_sub(1, Ordering::SeqCst);
        let ids: Vec<u64> = run.blocks.iter().map(|block| block.checkpoint.id).collect();
        if script.fail_at.is_some_and(|id| ids.contains(&id)) {
            return Err(Error::Diverged { expected: None, found: None });
        }
        if let Some(error) = script.refusal(&run) {
            return Err(error);
        }
        let head = run.status.as_ref().and_then(|status| status.head_height);
        script.runs.lock().unwrap().push((ids, run.keep_history, head));
        let checkpoint = run.blocks.last().map(|block| block.checkpoint.clone());
        Ok(Written { blocks: run.blocks.len(), checkpoint, ..Written::default() })
    }

    async fn rehearse(&mut self, run: Arc<Run>) -> Result<Result<(), Error>, Error> {
        Ok(self.0.refusal(&run).map_or(Ok(()), Err))
    }

    async fn rollback(&mut self, checkpoint: u64) -> Result<Checkpoint, Error> {
        if checkpoint == 0 {
            return Err(Error::HistoryGone { checkpoint, oldest: Some(1) });
        }
        Ok(block(checkpoint, 0).checkpoint)
    }

    async fn close(self) {
        self.0.closed.fetch_add(1, Ordering::SeqCst);
    }
}

fn block(id: u64, plays: usize) -> WrittenBlock {
    let play = crate::model::block::Play {
        user_id: String::new(),
        track_id: String::new(),
        played_at: Timestamp::default(),
        signature: String::new(),
        city: String::new(),
        region: String::new(),
        country: String::new(),
    };
    let height = i64::try_from(id).unwrap();
    WrittenBlock {
        checkpoint: Checkpoint {
            id,
            chain: "test".into(),
            height,
            block_hash: format!("hash {id}"),
            block_time: Timestamp::from_seconds(height),
            em_block: None,
        },
        block: Arc::new(Block {
            chain_id: "test".into(),
            height,
            hash: format!("hash {id}"),
            proposer: String::new(),
            time: Timestamp::from_seconds(height),
            txs: vec![Tx {
                hash: format!("tx {id}"),
                index: 0,
                body: TxBody::Plays(vec![play; plays]),
            }],
            size: 100,
        }),
        provenance: Provenance::default(),
        changes: Vec::new(),
        statements: None,
        duplicates: Vec::new(),
        rollups: Vec::new(),
    }
}

fn batch(ids: impl IntoIterator<Item = u64>, history: bool) -> Batch {
    Batch {
        blocks: ids.into_iter().map(|id| block(id, 3)).collect(),
        ethereum: None,
        transactions: 0,
        in_reorg_threshold: history,
        safe_height: None,
    }
}

fn start(script: Script, config: WriterConfig) -> (Arc<Script>, WriterHandle) {
    let script = Arc::new(script);
    let handle = spawn(Scripted(Arc::clone(&script)), config, |_| {});
    (script, handle)
}

fn hanging() -> Script {
    Script { permits: Some(Semaphore::new(0)), ..Script::default() }
}

/// Lets the task run until it waits for something else than the processor.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn batches_are_durable_after_a_flush_in_their_order() {
    let (script, handle) = start(Script::default(), WriterConfig::default());
    for id in 1..=20 {
        handle.submit(batch([id], false)).unwrap();
    }
    assert_eq!(timeout(SOON, handle.flush()).await.unwrap().unwrap(), 20);
    assert_eq!(script.written().concat(), (1..=20).collect::<Vec<_>>());
    assert_eq!(handle.committed(), 20);
}

#[tokio::test]
async fn only_one_write_is_in_flight_and_the_rest_goes_out_together() {
    let (script, handle) = start(hanging(), WriterConfig::default());
    handle.submit(batch([1], false)).unwrap();
    settle().await;
    for id in 2..=9 {
        handle.submit(batch([id], false)).unwrap();
        settle().await;
    }
    script.allow(100);
    timeout(SOON, handle.flush()).await.unwrap().unwrap();
    assert_eq!(script.written(), [vec![1], (2..=9).collect()]);
    assert_eq!(script.most_in_flight.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_run_ends_where_the_history_mode_changes() {
    let (script, handle) = start(hanging(), WriterConfig::default());
    handle.submit(batch([1], false)).unwrap();
    settle().await;
    for (id, history) in [(2, false), (3, true), (4, true), (5, false)] {
        handle.submit(batch([id], history)).unwrap();
    }
    script.allow(100);
    timeout(SOON, handle.flush()).await.unwrap().unwrap();
    let modes: Vec<_> =
        script.runs.lock().unwrap().iter().map(|(ids, mode, _)| (ids.clone(), *mode)).collect();
    assert_eq!(modes, [(vec![1], false), (vec![2], false), (vec![3, 4], true), (vec![5], false)]);
}

#[tokio::test]
async fn a_run_stays_within_its_limits_but_a_larger_batch_goes_whole() {
    // A block of this test is 5 raw rows: itself, its transaction and three plays.
    let config = WriterConfig { max_rows: 10, ..WriterConfig::default() };
    let (script, handle) = start(hanging(), config);
    handle.submit(batch([1], false)).unwrap();
    settle().await;
    for ids in [2..3, 3..4, 4..5, 5..9, 9..10] {
        handle.submit(batch(ids, false)).unwrap();
    }
    script.allow(100);
    timeout(SOON, handle.flush()).await.unwrap().unwrap();
    assert_eq!(script.written(), [vec![1], vec![2, 3], vec![4], vec![5, 6, 7, 8], vec![9]]);
}

#[tokio::test]
async fn pending_counts_the_queue_and_the_run_in_flight_until_it_is_durable() {
    let (script, handle) = start(hanging(), WriterConfig::default());
    handle.submit(batch([1, 2], false)).unwrap();
    settle().await;
    handle.submit(batch([3], false)).unwrap();
    assert_eq!(handle.pending(), Weight { changes: 0, items: 15, bytes: 300 });
    script.allow(1);
    assert_eq!(timeout(SOON, handle.wait_for_commit()).await.unwrap().unwrap(), 2);
    assert_eq!(handle.pending().items, 5);
    script.allow(1);
    timeout(SOON, handle.flush()).await.unwrap().unwrap();
    assert_eq!(handle.pending(), Weight::default());
}

#[tokio::test]
async fn waiting_for_a_commit_returns_at_once_when_nothing_could_bring_one() {
    let (_script, handle) = start(Script::default(), WriterConfig::default());
    assert_eq!(timeout(SOON, handle.wait_for_commit()).await.unwrap().unwrap(), 0);
    handle.submit(batch([1], false)).unwrap();
    handle.flush().await.unwrap();
    assert_eq!(timeout(SOON, handle.wait_for_commit()).await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn a_failed_write_reaches_everybody_who_waits_and_everybody_who_comes_later() {
    let script = Script { fail_at: Some(2), ..hanging() };
    let (script, handle) = start(script, WriterConfig::default());
    handle.submit(batch([1], false)).unwrap();
    settle().await;
    handle.submit(batch([2], false)).unwrap();
    handle.submit(batch([3], true)).unwrap();
    let waiters: Vec<_> = (0..6)
        .map(|n| {
            let handle = handle.clone();
            tokio::spawn(async move {
                match n % 3 {
                    0 => handle.flush().await.map(drop),
                    1 => handle.rollback_to(1).await.map(drop),
                    _ => handle.shutdown().await,
                }
            })
        })
        .collect();
    settle().await;
    script.allow(100);
    let mut errors = Vec::new();
    for waiter in waiters {
        errors.push(timeout(SOON, waiter).await.unwrap().unwrap().unwrap_err());
    }
    errors.push(handle.submit(batch([4], false)).unwrap_err());
    errors.push(timeout(SOON, handle.wait_for_commit()).await.unwrap().unwrap_err());
    errors.push(timeout(SOON, handle.flush()).await.unwrap().unwrap_err());
    assert!(errors.iter().all(|error| Arc::ptr_eq(error, &errors[0])), "{errors:?}");
    assert!(matches!(*errors[0], Error::Diverged { .. }));
    assert_eq!(script.written(), [[1]]);
    assert_eq!(handle.committed(), 1);
}

#[tokio::test]
async fn a_sink_that_panics_leaves_nobody_waiting() {
    struct Panicking;
    impl Sink for Panicking {
        async fn write(&mut self, _run: Arc<Run>) -> Result<Written, Error> {
            panic!("on purpose")
        }
        async fn rehearse(&mut self, _run: Arc<Run>) -> Result<Result<(), Error>, Error> {
            panic!("on purpose")
        }
        async fn rollback(&mut self, _checkpoint: u64) -> Result<Checkpoint, Error> {
            panic!("on purpose")
        }
        async fn close(self) {}
    }
    let handle = spawn(Panicking, WriterConfig::default(), |_| {});
    handle.submit(batch([1], false)).unwrap();
    let error = timeout(SOON, handle.flush()).await.unwrap().unwrap_err();
    assert!(matches!(*error, Error::Stopped));
    assert!(matches!(*handle.submit(batch([2], false)).unwrap_err(), Error::Stopped));
    assert!(timeout(SOON, handle.rollback_to(1)).await.unwrap().is_err());
}

#[tokio::test]
async fn a_refused_run_is_halved_until_its_block_is_found_and_the_lane_is_held_there() {
    let script = Script { refuse_at: Some(12), ..hanging() };
    let (script, handle) = start(script, WriterConfig::default());
    handle.submit(batch([1], false)).unwrap();
    settle().await;
    handle.submit(batch(2..=9, false)).unwrap();
    handle.submit(batch(10..=17, false)).unwrap();
    let waiter = {
        let handle = handle.clone();
        tokio::spawn(async move { handle.flush().await })
    };
    settle().await;
    script.allow(100);
    let error = timeout(SOON, waiter).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.refusal().unwrap().text, "users.name: on purpose");
    assert_eq!(script.written().concat(), (1..=11).collect::<Vec<_>>());
    // 16 blocks: halved four times, and each half that is taken is a write.
    assert!(script.written().len() <= 9, "{:?}", script.written());
    assert_eq!((handle.committed(), handle.pending().rows()), (11, 0));

    assert!(Arc::ptr_eq(&handle.submit(batch([18], false)).unwrap_err(), &error));
    let ethereum = handle.on(Lane::Ethereum);
    ethereum.submit(step(19)).unwrap();
    assert_eq!(timeout(SOON, ethereum.flush()).await.unwrap().unwrap(), 19);
    assert!(handle.rehearse(batch([12], false).blocks, false).await.unwrap().is_err());
    assert!(handle.rehearse(batch([13], false).blocks, false).await.unwrap().is_ok());
    assert_eq!(handle.committed(), 11);
    handle.resume();
    handle.submit(batch([20, 21], false)).unwrap();
    assert_eq!(timeout(SOON, handle.flush()).await.unwrap().unwrap(), 21);
}

#[tokio::test]
async fn a_batch_that_repeats_a_checkpoint_is_refused_but_a_gap_means_nothing() {
    let config = WriterConfig { committed: 7, ..WriterConfig::default() };
    let (_script, handle) = start(Script::default(), config);
    handle.submit(batch([8], false)).unwrap();
    for id in [7, 8] {
        let error = handle.submit(batch([id], false)).unwrap_err();
        assert!(matches!(*error, Error::OutOfOrder { after: 8, .. }), "{error}");
    }
    handle.submit(batch([10], false)).unwrap();
    assert_eq!(handle.flush().await.unwrap(), 10);
}

/// A step of the Ethereum follower.
fn step(id: u64) -> Batch {
    let checkpoint = Checkpoint { chain: "eip155:1".into(), ..block(id, 0).checkpoint };
    let ethereum = EthereumWrite {
        checkpoint,
        read_number: 0,
        read_hash: String::new(),
        balances: Vec::new(),
        unread: Vec::new(),
        settled: Vec::new(),
        effects: Vec::new(),
        blocks: Vec::new(),
        restart: false,
    };
    Batch { ethereum: Some(ethereum), ..Batch::default() }
}

#[tokio::test]
async fn each_lane_counts_what_it_has_submitted_and_committed() {
    let (script, core) = start(hanging(), WriterConfig::default());
    let ethereum = core.on(Lane::Ethereum);
    core.submit(batch([1], false)).unwrap();
    settle().await;
    // A later id on one lane is no reason to refuse an earlier one on the other.
    ethereum.submit(step(5)).unwrap();
    core.submit(batch([2, 3], false)).unwrap();
    assert_eq!((core.pending().items, ethereum.pending().items), (15, 1));
    script.allow(2);
    assert_eq!(timeout(SOON, ethereum.flush()).await.unwrap().unwrap(), 5);
    assert_eq!((core.committed(), ethereum.committed()), (1, 5));
    script.allow(1);
    assert_eq!(timeout(SOON, core.flush()).await.unwrap().unwrap(), 3);
    assert_eq!(script.written(), [vec![1], vec![], vec![2, 3]], "a run holds one lane's batches");
}

#[tokio::test]
async fn a_rollback_does_not_wait_for_what_the_other_lane_has_queued() {
    let (script, core) = start(hanging(), WriterConfig::default());
    let ethereum = core.on(Lane::Ethereum);
    ethereum.submit(step(1)).unwrap();
    settle().await;
    core.submit(batch([2], false)).unwrap();
    let rollback = tokio::spawn(async move { ethereum.rollback_to(1).await });
    settle().await;
    script.allow(1);
    assert_eq!(timeout(SOON, rollback).await.unwrap().unwrap().unwrap().id, 1);
    assert_eq!(core.committed(), 0);
    script.allow(1);
    timeout(SOON, core.flush()).await.unwrap().unwrap();
}

fn status(head: i64) -> ChainStatus {
    ChainStatus { chain: "test".into(), head_height: Some(head), ..ChainStatus::default() }
}

fn statuses(script: &Script) -> Vec<(usize, Option<i64>)> {
    script.runs.lock().unwrap().iter().map(|(ids, _, head)| (ids.len(), *head)).collect()
}

#[tokio::test]
async fn the_chain_status_travels_with_a_run_and_an_equal_one_is_not_written_again() {
    let (script, handle) = start(Script::default(), WriterConfig::default());
    handle.set_status(status(5));
    handle.submit(batch([1], false)).unwrap();
    handle.flush().await.unwrap();
    handle.set_status(status(5));
    handle.submit(batch([2], false)).unwrap();
    handle.flush().await.unwrap();
    let last = statuses(&script);
    assert_eq!(last.iter().filter(|(_, head)| head.is_some()).count(), 1, "{last:?}");
}

#[tokio::test]
async fn an_idle_writer_writes_a_changed_status_by_itself() {
    let config =
        WriterConfig { status_interval: Duration::from_millis(1), ..WriterConfig::default() };
    let (script, handle) = start(Script::default(), config);
    handle.set_status(status(6));
    let written = async {
        while script.runs.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(SOON, written).await.unwrap();
    assert_eq!(statuses(&script), [(0, Some(6))]);
}

#[tokio::test]
async fn a_flush_does_not_wait_for_the_throttle_of_the_status() {
    let config = WriterConfig { status_interval: SOON * 100, ..WriterConfig::default() };
    let (script, handle) = start(Script::default(), config);
    handle.set_status(status(6));
    timeout(SOON, handle.flush()).await.unwrap().unwrap();
    handle.set_status(status(7));
    timeout(SOON, handle.flush()).await.unwrap().unwrap();
    assert_eq!(statuses(&script), [(0, Some(6)), (0, Some(7))]);
}

#[tokio::test]
async fn a_shutdown_writes_what_is_queued_and_closes_the_sink() {
    let (script, handle) = start(Script::default(), WriterConfig::default());
    handle.submit(batch([1, 2], false)).unwrap();
    handle.set_status(status(9));
    timeout(SOON, handle.shutdown()).await.unwrap().unwrap();
    assert_eq!(script.written().concat(), [1, 2]);
    assert_eq!(script.closed.load(Ordering::SeqCst), 1);
    assert!(matches!(*handle.submit(batch([3], false)).unwrap_err(), Error::Stopped));
}

#[tokio::test]
async fn a_rollback_comes_after_what_is_queued_and_the_next_batch_goes_on_from_there() {
    let (script, handle) = start(Script::default(), WriterConfig::default());
    handle.submit(batch(1..=5, true)).unwrap();
    let checkpoint = timeout(SOON, handle.rollback_to(3)).await.unwrap().unwrap();
    assert_eq!((checkpoint.id, handle.committed()), (3, 3));
    handle.submit(batch([4], true)).unwrap();
    handle.flush().await.unwrap();
    assert_eq!(script.written(), [vec![1, 2, 3, 4, 5], vec![4]]);
}

#[tokio::test]
async fn a_rollback_that_is_not_possible_leaves_the_writer_at_work() {
    let (_script, handle) = start(Script::default(), WriterConfig::default());
    handle.submit(batch([1], true)).unwrap();
    let error = timeout(SOON, handle.rollback_to(0)).await.unwrap().unwrap_err();
    assert!(matches!(*error, Error::HistoryGone { oldest: Some(1), .. }));
    handle.submit(batch([2], true)).unwrap();
    assert_eq!(handle.flush().await.unwrap(), 2);
}

#[tokio::test]
async fn commits_are_reported_before_anybody_who_waits_goes_on() {
    let reported = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reported);
    let handle = spawn(Scripted(Arc::default()), WriterConfig::default(), move |written| {
        count.fetch_add(written.blocks, Ordering::SeqCst);
    });
    for id in 1..=50 {
        handle.submit(batch([id], false)).unwrap();
        if id % 10 == 0 {
            let committed = handle.flush().await.unwrap();
            assert_eq!(reported.load(Ordering::SeqCst) as u64, committed);
        }
    }
}
