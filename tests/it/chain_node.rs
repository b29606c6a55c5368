//! Live sources against a fake node: every hazard of the read protocol, and none loses, doubles or
//! changes a block.

use std::time::Duration;

use audius_etl::chain::core_pb::Block;
use audius_etl::chain::{
    self, BlockSource, Error, ErrorKind, Fetched, LastBlock, NodeLimits, RawBlock, RawBody,
    RetryPolicy, SourceConfig,
};
use audius_etl::decode::{DecodeOptions, decode_block};
use tonic::Code;

use crate::support::blocks::{block, block_hash, entity, mixed_block, rollup};
use crate::support::fake_node::{FakeNode, Habit, StreamHabit};

fn limits() -> NodeLimits {
    NodeLimits {
        connect_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(5),
        stream_idle: Duration::from_millis(300),
        retry: RetryPolicy {
            first: Duration::from_millis(1),
            soon: Duration::from_millis(4),
            late: Duration::from_millis(8),
            limit: 3,
            forever: true,
        },
        ..NodeLimits::default()
    }
}

fn config(nodes: &[&FakeNode]) -> SourceConfig {
    let urls = nodes.iter().map(|node| node.url.clone());
    SourceConfig { limits: limits(), ..SourceConfig::new(urls) }
}

fn once(nodes: &[&FakeNode]) -> SourceConfig {
    SourceConfig { once: true, ..config(nodes) }
}

/// Blocks with transactions, `from ..= to`.
fn blocks(from: i64, to: i64) -> impl Iterator<Item = Block> {
    (from..=to).map(mixed_block)
}

/// Reads to the end, an error, or `count` blocks.
async fn take(source: &mut Box<dyn BlockSource>, count: usize) -> (Vec<RawBlock>, Option<Error>) {
    let mut taken = Vec::new();
    while taken.len() < count {
        match source.next().await {
            Ok(Fetched::Blocks(batch)) => taken.extend(batch),
            Ok(Fetched::AtHead { .. }) => {}
            Ok(Fetched::End) => return (taken, None),
            Err(error) => return (taken, Some(error)),
        }
    }
    (taken, None)
}

async fn read(config: SourceConfig) -> (Vec<RawBlock>, Option<Error>) {
    match chain::open(config).await {
        Ok(mut source) => take(&mut source, usize::MAX).await,
        Err(error) => (Vec::new(), Some(error)),
    }
}

/// The blocks are `from ..= to` and each has the three transactions it was made with.
#[track_caller]
fn assert_whole(blocks: &[RawBlock], from: i64, to: i64) {
    let heights: Vec<_> = blocks.iter().map(|block| block.height).collect();
    assert_eq!(heights, (from..=to).collect::<Vec<_>>());
    for block in blocks {
        let RawBody::Message(message) = &block.body else { panic!("{block:?}") };
        assert_eq!(message.transactions.len(), 3, "block {}", block.height);
        assert!(block.origin.is_live());
    }
}

fn upper_case(mut block: Block) -> Block {
    block.hash.make_ascii_uppercase();
    block.proposer.make_ascii_uppercase();
    block
}

#[tokio::test]
async fn a_long_chain_is_read_in_batches_of_fifty_and_in_order() {
    let node = FakeNode::start(blocks(1, 730));
    let mut source = chain::open(once(&[&node])).await.unwrap();
    assert_eq!((source.chain_id(), source.head()), (Some("test-chain"), Some(730)));
    let (blocks, error) = take(&mut source, usize::MAX).await;
    assert!(error.is_none(), "{error:?}");
    assert_whole(&blocks, 1, 730);
    assert!(matches!(source.next().await, Ok(Fetched::End)));
    let state = node.state();
    let batches = state.calls.iter().filter(|(method, _)| method == "GetBlocks");
    assert!(batches.clone().all(|(_, heights)| heights.len() <= 50));
    assert_eq!(batches.count(), 15);
    assert_eq!(state.count("GetBlock"), 0);
}

#[tokio::test]
async fn a_range_is_kept_to() {
    let node = FakeNode::start(blocks(1, 300));
    let range = SourceConfig { start: 120, end_inclusive: Some(203), ..config(&[&node]) };
    let (blocks, error) = read(range).await;
    assert!(error.is_none(), "{error:?}");
    assert_whole(&blocks, 120, 203);
}

#[tokio::test]
async fn above_the_head_the_source_waits_and_says_so() {
    let node = FakeNode::start(blocks(1, 3));
    node.state().batch_habit = Habit::Fails(Code::Unimplemented);
    let mut source = chain::open(config(&[&node])).await.unwrap();
    let (first, _) = take(&mut source, 3).await;
    assert_whole(&first, 1, 3);
    assert!(matches!(source.next().await, Ok(Fetched::AtHead { head: 3 })));
    blocks(4, 5).for_each(|block| node.state().push(block));
    let (more, _) = take(&mut source, 2).await;
    assert_whole(&more, 4, 5);
}

#[tokio::test]
async fn heights_missing_from_a_batch_are_asked_for_one_by_one() {
    let node = FakeNode::start(blocks(1, 120));
    for height in [1, 7, 8, 60, 119] {
        let mut state = node.state();
        let block = state.blocks.remove(&height).unwrap();
        state.elsewhere.insert(height, upper_case(block));
    }
    let (blocks, error) = read(once(&[&node])).await;
    assert!(error.is_none(), "{error:?}");
    assert_whole(&blocks, 1, 120);
    assert_eq!(node.state().count("GetBlock"), 5);
    let decoded = decode_block(blocks[6].clone(), &DecodeOptions::default()).unwrap();
    assert_eq!(decoded.hash, block_hash(7));
    assert_eq!(decoded.proposer, decoded.proposer.to_lowercase());
}

#[tokio::test]
async fn a_hole_of_more_than_a_batch_does_not_stall() {
    let node = FakeNode::start(blocks(1, 400));
    for height in 51..=260 {
        let mut state = node.state();
        let block = state.blocks.remove(&height).unwrap();
        state.elsewhere.insert(height, block);
    }
    let (blocks, error) = read(once(&[&node])).await;
    assert!(error.is_none(), "{error:?}");
    assert_whole(&blocks, 1, 400);
}

#[tokio::test]
async fn a_block_the_node_has_lost_is_named() {
    let node = FakeNode::start(blocks(1, 100));
    node.state().blocks.remove(&42);
    let (blocks, error) = read(config(&[&node])).await;
    assert_whole(&blocks, 1, 41);
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("has no block 42, although its head is 100"), "{error}");
}

#[tokio::test]
async fn without_get_blocks_every_block_is_asked_for_alone() {
    for code in [Code::Unimplemented, Code::InvalidArgument] {
        let node = FakeNode::start(blocks(1, 70));
        node.state().batch_habit = Habit::Fails(code);
        let one_at_a_time = NodeLimits { requests_in_flight: 1, ..limits() };
        let (blocks, error) = read(SourceConfig { limits: one_at_a_time, ..once(&[&node]) }).await;
        assert!(error.is_none(), "{error:?}");
        assert_whole(&blocks, 1, 70);
        let state = node.state();
        assert_eq!((state.count("GetBlocks"), state.count("GetBlock")), (1, 70));
    }
}

#[tokio::test]
async fn a_batch_the_node_cannot_read_is_asked_for_block_by_block() {
    let node = FakeNode::start(blocks(1, 10));
    node.state().batch_habit = Habit::Fails(Code::Unknown);
    let (blocks, error) = read(once(&[&node])).await;
    assert!(error.is_none(), "{error:?}");
    assert_whole(&blocks, 1, 10);
}

#[tokio::test]
async fn a_node_that_speaks_only_connect_is_read() {
    let node = FakeNode::start(blocks(1, 60));
    node.state().grpc = false;
    let (blocks, error) = read(once(&[&node])).await;
    assert!(error.is_none(), "{error:?}");
    assert_whole(&blocks, 1, 60);
}

#[tokio::test]
async fn a_node_that_speaks_only_grpc_is_read() {
    let node = FakeNode::start(blocks(1, 60));
    node.state().connect = false;
    let (blocks, error) = read(once(&[&node])).await;
    assert!(error.is_none(), "{error:?}");
    assert_whole(&blocks, 1, 60);
}

#[tokio::test]
async fn answers_above_four_mebibytes_are_read() {
    let big = (0..40).map(|n| {
        let mut tx = entity("Track", "Create", &format!("0x{n}"));
        tx.transaction = Some(vec![0x0a; 300 << 10].into());
        tx
    });
    let node = FakeNode::start([block(1, big.collect())]);
    for grpc in [true, false] {
        node.state().grpc = grpc;
        let (blocks, error) = read(once(&[&node])).await;
        assert!(error.is_none(), "{error:?}");
        assert!(blocks[0].size() > 10 << 20);
    }
}

#[tokio::test]
async fn full_blocks_make_smaller_batches() {
    let full = |height| {
        let mut tx = entity("Track", "Create", "0x1");
        tx.transaction = Some(vec![0x0a; 900 << 10].into());
        block(height, vec![tx])
    };
    let node = FakeNode::start((1..=120).map(full));
    let (blocks, error) = read(once(&[&node])).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(blocks.len(), 120);
    let state = node.state();
    let last = state.calls.iter().rev().find(|(method, _)| method == "GetBlocks").unwrap();
    assert!(last.1.len() < 50, "{last:?}");
}

#[tokio::test]
async fn a_complete_stream_is_used_once_it_has_proved_itself() {
    let node = FakeNode::start(blocks(1, 20));
    node.state().stream = StreamHabit::Complete;
    let limits = NodeLimits { stream_idle: Duration::from_secs(60), ..limits() };
    let mut source = chain::open(SourceConfig { limits, ..config(&[&node]) }).await.unwrap();
    let (first, _) = take(&mut source, 20).await;
    assert_whole(&first, 1, 20);
    for height in 21..=60 {
        node.state().push(mixed_block(height));
        let (got, error) = take(&mut source, 1).await;
        assert!(error.is_none(), "{error:?}");
        assert_whole(&got, height, height);
        let RawBody::Message(message) = &got[0].body else { panic!("{got:?}") };
        assert_eq!(*message, mixed_block(height), "a streamed block differs from a polled one");
    }
    let state = node.state();
    let streams = state.calls.iter().filter(|(method, _)| method == "StreamBlocks");
    assert_eq!(streams.cloned().collect::<Vec<_>>(), [("StreamBlocks".to_owned(), vec![21])]);
    assert!(state.count("GetBlocks") < 20, "polled although the stream is complete");
}

/// Follows a growing chain over a stream with `habit`; whatever the stream does, every block must
/// come whole and once.
async fn follow_with(habit: StreamHabit) -> FakeNode {
    let node = FakeNode::start(blocks(1, 5));
    node.state().stream = habit;
    let mut source = chain::open(config(&[&node])).await.unwrap();
    let (mut all, _) = take(&mut source, 5).await;
    for height in (6..=45).step_by(2) {
        blocks(height, height + 1).for_each(|block| node.state().push(block));
        let (got, error) = take(&mut source, 2).await;
        assert!(error.is_none(), "{error:?}");
        all.extend(got);
    }
    assert_whole(&all, 1, 45);
    node
}

#[tokio::test]
async fn a_stream_that_loses_the_first_transaction_is_given_up() {
    let node = follow_with(StreamHabit::LosesFirstTransaction).await;
    assert_eq!(node.state().count("StreamBlocks"), 1);
}

#[tokio::test]
async fn a_stream_that_skips_a_height_is_given_up() {
    for skipped in [9, 30] {
        let node = follow_with(StreamHabit::Skips(skipped)).await;
        assert_eq!(node.state().count("StreamBlocks"), 1);
    }
}

#[tokio::test]
async fn a_stream_that_ignores_its_start_loses_nothing() {
    follow_with(StreamHabit::LiveTailOnly).await;
}

#[tokio::test]
async fn a_stream_that_ends_is_taken_over_by_polling() {
    let node = follow_with(StreamHabit::EndsAfter(3)).await;
    assert!(node.state().count("GetBlocks") > 3);
}

#[tokio::test]
async fn a_node_without_a_stream_is_asked_for_it_once() {
    let node = follow_with(StreamHabit::Unimplemented).await;
    assert_eq!(node.state().count("StreamBlocks"), 1);
}

#[tokio::test]
async fn another_chain_is_refused_before_a_block_is_read() {
    let node = FakeNode::start(blocks(1, 5));
    let cursor = SourceConfig { chain_id: Some("old-chain".to_owned()), ..once(&[&node]) };
    let (blocks, error) = read(cursor).await;
    assert!(blocks.is_empty());
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Data);
    let text = error.to_string();
    assert!(text.contains("`test-chain`") && text.contains("`old-chain`"), "{text}");
    assert!(text.contains("--new-chain"), "{text}");
}

#[tokio::test]
async fn a_block_of_another_chain_stops_the_source_after_the_blocks_before_it() {
    let node = FakeNode::start(blocks(1, 5));
    node.state().blocks.get_mut(&4).unwrap().chain_id = "new-chain".to_owned();
    let mut source = chain::open(once(&[&node])).await.unwrap();
    let (_, error) = take(&mut source, usize::MAX).await;
    assert!(matches!(&error, Some(Error::WrongChain { found, .. }) if found == "new-chain"));
    assert!(matches!(source.next().await, Err(Error::Stopped)));
}

#[tokio::test]
async fn a_changed_hash_of_the_last_indexed_block_is_an_error() {
    let node = FakeNode::start(blocks(1, 9));
    let resume = |hash: String| SourceConfig {
        start: 6,
        last: Some(LastBlock { height: 5, hash }),
        ..once(&[&node])
    };
    let (_, error) = read(resume("ff".to_owned())).await;
    let error = error.unwrap();
    assert!(matches!(error, Error::ChangedHash { height: 5, .. }), "{error}");
    let (blocks, error) = read(resume(block_hash(5).to_uppercase())).await;
    assert!(error.is_none(), "{error:?}");
    assert_whole(&blocks, 6, 9);
}

#[tokio::test]
async fn a_node_that_lags_behind_what_is_indexed_is_waited_for() {
    let node = FakeNode::start(blocks(1, 3));
    let resume = SourceConfig {
        start: 6,
        last: Some(LastBlock { height: 5, hash: block_hash(5) }),
        ..config(&[&node])
    };
    let mut source = chain::open(resume).await.unwrap();
    blocks(4, 7).for_each(|block| node.state().push(block));
    let (blocks, error) = take(&mut source, 2).await;
    assert!(error.is_none(), "{error:?}");
    assert_whole(&blocks, 6, 7);
}

#[tokio::test]
async fn a_call_that_stalls_is_given_up_and_repeated() {
    let node = FakeNode::start(blocks(1, 60));
    let patience = Duration::from_millis(50);
    let limits = NodeLimits { request_timeout: patience, ..limits() };
    let mut source = chain::open(SourceConfig { limits, ..once(&[&node]) }).await.unwrap();
    node.state().next_calls = vec![Habit::Stalls; 3];
    let (blocks, error) = take(&mut source, usize::MAX).await;
    assert!(error.is_none(), "{error:?}");
    assert_whole(&blocks, 1, 60);
}

#[tokio::test]
async fn a_node_that_is_not_ready_is_asked_again() {
    let node = FakeNode::start(blocks(1, 60));
    node.state().next_calls = vec![Habit::Fails(Code::Unavailable); 2];
    let (blocks, error) = read(once(&[&node])).await;
    assert!(error.is_none(), "{error:?}");
    assert_whole(&blocks, 1, 60);
}

#[tokio::test]
async fn a_follower_outlasts_any_number_of_connection_faults() {
    let node = FakeNode::start(blocks(1, 5));
    let mut source = chain::open(config(&[&node])).await.unwrap();
    let (first, _) = take(&mut source, 5).await;
    assert_whole(&first, 1, 5);
    node.state().next_calls = vec![Habit::Fails(Code::Unavailable); 40];
    blocks(6, 8).for_each(|block| node.state().push(block));
    let (more, error) = take(&mut source, 3).await;
    assert!(error.is_none(), "{error:?}");
    assert_whole(&more, 6, 8);
}

#[tokio::test]
async fn a_run_to_the_head_ends_when_the_node_stays_away() {
    let node = FakeNode::start(blocks(1, 60));
    let mut source = chain::open(once(&[&node])).await.unwrap();
    node.state().habit = Habit::Fails(Code::Unavailable);
    let (_, error) = take(&mut source, usize::MAX).await;
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.is_retryable());
    assert!(error.to_string().contains("service not ready (unavailable)"), "{error}");
}

/// A port on which every connection is reset as soon as it is made.
async fn resetting_port() -> (String, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://user:secret@{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            connection.set_zero_linger().unwrap();
        }
    });
    (url, task)
}

/// A port in front of `node` that resets each of its connections after so many answered bytes.
async fn cutting_port(node: &FakeNode, bytes: u64) -> (String, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let target = node.url.strip_prefix("http://").unwrap().to_owned();
    let task = tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            client.set_zero_linger().unwrap();
            let target = target.clone();
            tokio::spawn(async move {
                let server = tokio::net::TcpStream::connect(target).await.unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (from_server, mut to_server) = server.into_split();
                let mut answers = tokio::io::AsyncReadExt::take(from_server, bytes);
                tokio::select! {
                    _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
                    _ = tokio::io::copy(&mut answers, &mut to_client) => {}
                }
            });
        }
    });
    (url, task)
}

#[tokio::test]
async fn connections_reset_in_the_middle_of_answers_lose_nothing() {
    let node = FakeNode::start(blocks(1, 400));
    let (url, task) = cutting_port(&node, 150_000).await;
    let retry = RetryPolicy { limit: 50, ..limits().retry };
    let limits = NodeLimits { retry, ..limits() };
    let config = SourceConfig { once: true, limits, ..SourceConfig::new([url]) };
    let (blocks, error) = read(config).await;
    task.abort();
    assert!(error.is_none(), "{error:?}");
    assert_whole(&blocks, 1, 400);
    assert!(node.state().count("GetNodeInfo") > 1, "no connection was cut");
}

#[tokio::test]
async fn a_node_that_accepts_and_stays_silent_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let patience = Duration::from_millis(40);
    let limits = NodeLimits { request_timeout: patience, ..limits() };
    let (_, error) = read(SourceConfig { limits, ..SourceConfig::new([url]) }).await;
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("no answer within 40ms"), "{error}");
}

#[tokio::test]
async fn unreachable_nodes_are_listed_with_reasons_and_without_passwords() {
    let (resets, task) = resetting_port().await;
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/v1?key=secret", listener.local_addr().unwrap())
    };
    let config = SourceConfig { limits: limits(), ..SourceConfig::new([resets, closed]) };
    let (_, error) = read(config).await;
    task.abort();
    let error = error.unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let text = error.to_string();
    assert!(!text.contains("secret"), "{text}");
    assert!(text.starts_with("no core node answers: http://***@127.0.0.1:"), "{text}");
    assert!(text.contains("/v1?key=***: Connection refused"), "{text}");
}

#[tokio::test]
async fn the_next_node_takes_over_in_order() {
    let (dead, task) = resetting_port().await;
    let (second, third) = (FakeNode::start(blocks(1, 100)), FakeNode::start(blocks(1, 200)));
    let urls = [dead, second.url.clone(), third.url.clone()];
    let config = SourceConfig { limits: limits(), ..SourceConfig::new(urls) };
    let mut source = chain::open(config).await.unwrap();
    let (mut all, _) = take(&mut source, 100).await;
    assert_eq!(third.state().calls, [], "the third node was asked before the second failed");
    second.state().habit = Habit::Fails(Code::Unavailable);
    let (more, error) = take(&mut source, 100).await;
    assert!(error.is_none(), "{error:?}");
    all.extend(more);
    assert_whole(&all, 1, 200);
    task.abort();
}

#[tokio::test]
async fn a_node_that_answers_with_another_block_is_not_believed() {
    let node = FakeNode::start(blocks(1, 5));
    node.state().blocks.get_mut(&3).unwrap().height = 4;
    let (_, error) = read(once(&[&node])).await;
    assert!(error.unwrap().to_string().contains("asked for block 3, answered block 4"));
}

#[tokio::test]
async fn a_node_that_does_not_know_its_head_yet_is_waited_for() {
    let node = FakeNode::start([]);
    let mut source = chain::open(config(&[&node])).await.unwrap();
    assert_eq!(source.head(), None);
    blocks(1, 3).for_each(|block| node.state().push(block));
    let (blocks, error) = take(&mut source, 3).await;
    assert!(error.is_none(), "{error:?}");
    assert_whole(&blocks, 1, 3);
}

#[tokio::test]
async fn repeated_transaction_hashes_are_all_kept() {
    let twice = entity("User", "Follow", "0x1");
    let node = FakeNode::start([
        block(1, vec![twice.clone(), rollup(1), twice.clone()]),
        block(2, vec![twice.clone()]),
    ]);
    let (blocks, error) = read(once(&[&node])).await;
    assert!(error.is_none(), "{error:?}");
    let hashes: Vec<_> = blocks
        .into_iter()
        .map(|raw| decode_block(raw, &DecodeOptions::default()).unwrap())
        .flat_map(|block| block.txs)
        .filter(|tx| tx.hash == twice.hash)
        .collect();
    assert_eq!(hashes.len(), 3);
}

#[tokio::test]
async fn nodes_and_archives_do_not_mix() {
    let node = FakeNode::start([]);
    let mixed = SourceConfig::new([node.url.as_str(), "blocks.jsonl"]);
    let error = chain::open(mixed).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Usage);
}

#[tokio::test]
async fn a_transaction_whose_bytes_are_not_those_of_its_hash_is_asked_of_the_next_node() {
    let mut spoiled: Vec<Block> = blocks(1, 9).collect();
    spoiled[4].transactions[1].transaction = Some(vec![0xff, 0xff, 0x07].into());
    let (bad, good) = (FakeNode::start(spoiled), FakeNode::start(blocks(1, 9)));
    let (taken, error) = read(once(&[&bad, &good])).await;
    assert!(error.is_none(), "{error:?}");
    assert_whole(&taken, 1, 9);

    let (taken, error) = read(once(&[&bad])).await;
    assert_whole(&taken, 1, 4);
    let error = error.unwrap();
    assert!(matches!(error, Error::NoBlock { height: 5, .. }), "{error:?}");
    assert!(error.to_string().contains("transaction 1 of block 5 is neither readable"), "{error}");
}

#[tokio::test]
async fn a_node_that_begins_above_or_ends_below_what_is_wanted_is_named() {
    let late = FakeNode::start(blocks(50, 70));
    let (taken, error) = read(once(&[&late])).await;
    let error = error.unwrap();
    assert!(taken.is_empty());
    assert!(matches!(error, Error::NoBlock { height: 1, .. }), "{error:?}");
    let failure = audius_etl::failure::Failure::from(error);
    assert_eq!(failure.exit_code(), 4);
    assert!(failure.hints().iter().any(|hint| hint.contains("--start")), "{failure:?}");

    let short = FakeNode::start(blocks(1, 20));
    let last = Some(LastBlock { height: 40, hash: block_hash(40) });
    let config = SourceConfig { start: 41, last, ..once(&[&short]) };
    let (taken, error) = read(config).await;
    let error = error.unwrap();
    assert!(taken.is_empty());
    assert!(error.to_string().contains("its head 20 is below block 40"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unreachable);
}
