//! Reading balances again: what is read, in which order, by whom, and what becomes of it.

use std::collections::BTreeSet;
use std::time::Duration;

use audius_etl::db::eth_balances::{self, ReadAt, WalletBalance};
use audius_etl::eth::Provider;
use audius_etl::sweep::Sweeper;
use sqlx::Connection;
use tokio_util::sync::CancellationToken;

use crate::support::TestEnv;
use crate::support::anvil::{Anvil, holder, wallet};
use crate::support::db::TestDb;
use crate::support::fault_proxy::{FaultProxy, Verdict};
use crate::support::service::{PATIENCE, Service};

/// A node and a database; the first `known` wallets have 1,000 and their number as balance.
struct Place {
    anvil: Anvil,
    proxy: FaultProxy,
    db: TestDb,
}

impl Place {
    async fn new(known: u64) -> Self {
        let anvil = Anvil::start().await;
        for number in 0..known {
            anvil.set_balance(holder(number), 1_000 + number).await;
        }
        anvil.mine(1).await;
        let proxy = FaultProxy::start(anvil.port()).await;
        Self { anvil, proxy, db: TestDb::new().await }
    }

    /// Adds rows for wallets, the one with the lowest number read longest ago.
    async fn add(&self, wallets: impl IntoIterator<Item = String>) {
        let list: Vec<String> = wallets.into_iter().collect();
        sqlx::query(
            "INSERT INTO eth_wallet_balances (wallet, updated_at) \
             SELECT w, 'epoch'::timestamp + n * interval '1 second' \
             FROM unnest($1::text[]) WITH ORDINALITY AS u(w, n)",
        )
        .bind(list)
        .execute(&mut self.db.connect().await)
        .await
        .unwrap();
    }

    async fn sweeper(&self, name: &str) -> Sweeper {
        self.sweeper_of_chunks(200, name).await
    }

    async fn sweeper_of_chunks(&self, chunk: usize, name: &str) -> Sweeper {
        let mut config = self.anvil.config(Some(&self.proxy.url()));
        config.chunk = chunk;
        let provider = Provider::connect(config).await.unwrap();
        let pool = self.db.database().pool(4).await.unwrap();
        Sweeper::new(self.db.database().clone(), pool, provider, name.to_owned())
    }

    /// Runs the command line in an environment.
    async fn run(&self, env: &TestEnv, more: &[&str]) -> crate::support::Run {
        let mut args = vec!["sweep".to_owned(), "--db".to_owned(), self.db.url().to_owned()];
        args.extend(self.anvil.options(Some(&self.proxy.url())));
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        let mut command = tokio::process::Command::from(env.command(&args));
        crate::support::Run::new(command.output().await.unwrap(), env)
    }

    /// Wallets and balances of all rows that were ever stored, in order of wallets.
    async fn stored(&self) -> Vec<String> {
        let sql = "SELECT wallet || ' ' || balance FROM eth_wallet_balances \
                   WHERE updated_at > '2000-01-01' ORDER BY wallet";
        self.db.texts(sql).await
    }

    async fn leases(&self) -> i64 {
        self.db.number("SELECT count(*) FROM audius_etl_sweep_leases").await
    }
}

fn rows(numbers: impl IntoIterator<Item = u64>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("{} {}", wallet(number), 1_000 + number)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_batch_of_two_hundred_is_one_call() {
    let place = Place::new(250).await;
    place.add((0..250).map(wallet)).await;
    let run = place.run(&TestEnv::new(), &["--once", "--batch", "200"]).await;
    assert_eq!(run.code(), 0, "{run:?}");
    assert_eq!(place.proxy.count("eth_call"), 1);
    let call = place.proxy.state().calls.iter().find_map(|call| call.sub_calls());
    assert_eq!(call, Some(1 + 3 * 200));
    assert_eq!(place.stored().await, rows(0..200));
    assert_eq!(place.leases().await, 0);
    assert!(run.stdout().contains("200 balances stored"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_read_longest_ago_come_first() {
    let place = Place::new(10).await;
    place.add([7, 3, 9, 1].map(wallet)).await;
    let sweeper = place.sweeper("one").await;
    sweeper.batch(2).await.unwrap();
    assert_eq!(place.stored().await, rows([3, 7]));
    sweeper.batch(2).await.unwrap();
    assert_eq!(place.stored().await, rows([1, 3, 7, 9]));
    // And around again.
    sweeper.batch(4).await.unwrap();
    assert_eq!(sweeper.tally().stored, 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_address_is_left_alone_and_reported() {
    let place = Place::new(3).await;
    let upper = wallet(1).to_uppercase();
    let odd =
        ["", "0x12", "drop table users", &upper, "0xzz00000000000000000000000000000000000000"];
    place.add(odd.map(str::to_owned).into_iter().chain((0..3).map(wallet))).await;
    let run = place.run(&TestEnv::new(), &["--once", "--batch", "3"]).await;
    assert_eq!(run.code(), 0, "{run:?}");
    assert_eq!(place.stored().await, rows(0..3));
    assert!(run.stderr().contains("5 rows of eth_wallet_balances are no addresses"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wallets_that_cannot_be_read_keep_their_balance_and_do_not_get_in_the_way() {
    let place = Place::new(6).await;
    for (number, mode) in [(0, 1), (1, 2), (2, 3)] {
        place.anvil.set_mode(holder(number), mode).await;
    }
    place.anvil.mine(1).await;
    place.add((0..6).map(wallet)).await;
    place.db.execute("UPDATE eth_wallet_balances SET balance = 5").await;
    let sweeper = place.sweeper("one").await;
    let tally = sweeper.batch(3).await.unwrap();
    assert_eq!((tally.asked, tally.stored, tally.failures()), (3, 0, 3));
    sweeper.batch(3).await.unwrap();
    assert_eq!(place.stored().await, rows(3..6));
    let kept =
        "SELECT count(*) FROM eth_wallet_balances WHERE balance = 5 AND updated_at < '2000-01-01'";
    assert_eq!(place.db.number(kept).await, 3);
    let noted = "SELECT reason FROM audius_etl_sweep_failures ORDER BY wallet";
    let reasons = place.db.texts(noted).await;
    let wanted = [
        "balanceOf failed: revert: broken",
        "balanceOf returned 0 bytes",
        "balanceOf returned 16 bytes",
    ];
    assert_eq!(reasons, wanted);
    // Once it can be read again, it is, after its pause.
    place.anvil.set_mode(holder(0), 0).await;
    place.anvil.mine(1).await;
    place.db.execute("UPDATE audius_etl_sweep_failures SET next_at = now()").await;
    sweeper.batch(1).await.unwrap();
    assert_eq!(place.stored().await, rows([0, 3, 4, 5]));
    assert_eq!(place.db.number("SELECT count(*) FROM audius_etl_sweep_failures").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_read_never_replaces_a_newer_one() {
    let place = Place::new(2).await;
    place.add((0..2).map(wallet)).await;
    let mut connection = place.db.connect().await;
    let newer =
        [WalletBalance { wallet: wallet(0), balance: "77".to_owned(), event_block: Some(5) }];
    let at = ReadAt { number: 1_000_000, hash: "0xabc" };
    let mut transaction = connection.begin().await.unwrap();
    eth_balances::store(&mut transaction, &newer, at).await.unwrap();
    transaction.commit().await.unwrap();
    place.db.execute("UPDATE eth_wallet_balances SET updated_at = 'epoch'").await;
    let tally = place.sweeper("one").await.batch(2).await.unwrap();
    assert_eq!((tally.stored, tally.failures()), (1, 1));
    let balance = "SELECT balance::bigint FROM eth_wallet_balances WHERE balance = 77";
    assert_eq!(place.db.number(balance).await, 77);
    assert_eq!(place.leases().await, 0);
}

/// The table of the specification's 1.8: the block number is that of the highest event, not of the
/// read, and a sweep has none.
#[tokio::test(flavor = "multi_thread")]
async fn the_block_number_is_the_highest_event_and_a_sweep_leaves_it() {
    let db = TestDb::new().await;
    let mut connection = db.connect().await;
    let steps = [
        ("0xaa", "100", Some(12_345), "100, 12345"),
        ("0xaa", "200", None, "200, 12345"),
        ("0xaa", "300", Some(100), "300, 12345"),
        ("0xaa", "400", Some(99_999), "400, 99999"),
        ("0xbb", "500", None, "500, NULL"),
        ("0xbb", "600", Some(7), "600, 7"),
    ];
    for (read_block, (wallet, balance, event_block, wanted)) in (100_000..).zip(steps) {
        let row =
            WalletBalance { wallet: wallet.to_owned(), balance: balance.to_owned(), event_block };
        let at = ReadAt { number: read_block, hash: "0xabc" };
        let mut transaction = connection.begin().await.unwrap();
        eth_balances::store(&mut transaction, &[row], at).await.unwrap();
        transaction.commit().await.unwrap();
        let sql = format!(
            "SELECT balance || ', ' || coalesce(blocknumber::text, 'NULL') \
             FROM eth_wallet_balances WHERE wallet = '{wallet}'"
        );
        assert_eq!(db.texts(&sql).await, [wanted]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_sweeps_share_one_full_pass_and_read_no_wallet_twice() {
    let place = Place::new(1_000).await;
    place.add((0..1_000).map(wallet)).await;
    let one = place.sweeper_of_chunks(10, "one").await;
    let two = place.sweeper_of_chunks(10, "two").await;
    let cancel = CancellationToken::new();
    let first = one.begin_pass().await.unwrap();
    assert_eq!((first.joined, first.due), (false, 1_000));
    // Slow enough for the second to come while the first is at it.
    place.proxy.judge(|call| match call.sub_calls() {
        Some(_) => Verdict::Late(Duration::from_millis(200)),
        None => Verdict::Pass,
    });
    let second = async {
        while place.leases().await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let pass = two.begin_pass().await.unwrap();
        assert!(pass.joined);
        assert_eq!(pass.started, first.started);
        two.full(&pass, &cancel).await.unwrap();
    };
    let (done, ()) = tokio::join!(one.full(&first, &cancel), second);
    done.unwrap();
    let (one, two) = (one.tally(), two.tally());
    assert_eq!(one.stored + two.stored, 1_000);
    assert_eq!(one.asked + two.asked, 1_000);
    assert!(one.stored > 0 && two.stored > 0, "{one:?} {two:?}");
    assert_eq!(place.stored().await, rows(0..1_000));
    assert_eq!(place.leases().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_taken_at_the_same_time_never_overlap() {
    let place = Place::new(400).await;
    place.add((0..400).map(wallet)).await;
    let sweepers = futures::future::join_all(
        (0..8).map(|number| place.sweeper(["a", "b", "c", "d", "e", "f", "g", "h"][number])),
    )
    .await;
    let tallies = futures::future::join_all(sweepers.iter().map(|sweeper| sweeper.batch(50))).await;
    let stored: u64 = tallies.iter().map(|tally| tally.as_ref().unwrap().stored).sum();
    let distinct: BTreeSet<_> = place.stored().await.into_iter().collect();
    assert_eq!(stored, distinct.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_of_a_process_that_died_runs_out() {
    let place = Place::new(2).await;
    place.add((0..2).map(wallet)).await;
    let lease = |until: &str| {
        format!(
            "INSERT INTO audius_etl_sweep_leases (wallets, holder, leased_until) \
             VALUES (ARRAY['{}'], 'gone', now() {until})",
            wallet(0)
        )
    };
    place.db.execute(&lease("+ interval '1 minute'")).await;
    let sweeper = place.sweeper("one").await;
    assert_eq!(sweeper.batch(10).await.unwrap().stored, 1);
    assert_eq!(place.stored().await, rows([1]));
    place
        .db
        .execute("UPDATE audius_etl_sweep_leases SET leased_until = now() - interval '1 second'")
        .await;
    sweeper.batch(1).await.unwrap();
    assert_eq!(place.stored().await, rows(0..2));
    assert_eq!(place.leases().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_goes_away_while_it_is_read_is_replaced() {
    let place = Place::new(3).await;
    place.add((0..3).map(wallet)).await;
    let sweeper = place.sweeper("one").await;
    place.proxy.once("eth_call", Verdict::error(-32_001, "block not found"));
    assert_eq!(sweeper.batch(3).await.unwrap().stored, 3);
    assert_eq!(place.stored().await, rows(0..3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_fails_gives_its_wallets_back() {
    let place = Place::new(3).await;
    place.add((0..3).map(wallet)).await;
    let mut config = place.anvil.config(Some(&place.proxy.url()));
    config.retry.limit = 1;
    let provider = Provider::connect(config).await.unwrap();
    let pool = place.db.database().pool(2).await.unwrap();
    let sweeper = Sweeper::new(place.db.database().clone(), pool, provider, "one".to_owned());
    place.proxy.judge(|call| match call.method.as_str() {
        "eth_call" => Verdict::Reset,
        _ => Verdict::Pass,
    });
    assert!(sweeper.batch(3).await.unwrap_err().is_retryable());
    assert_eq!(place.leases().await, 0);
    assert!(place.stored().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_sweep_ends_when_all_is_younger_than_its_start_but_what_cannot_be_read() {
    let place = Place::new(500).await;
    place.anvil.set_mode(holder(100), 1).await;
    place.anvil.mine(1).await;
    place.add((0..500).map(wallet).chain(["nonsense".to_owned()])).await;
    // A failure of an earlier sweep does not excuse from this one.
    let failed = format!(
        "INSERT INTO audius_etl_sweep_failures (wallet, failed_at, next_at, reason) \
         VALUES ('{}', '2020-01-01', now() + interval '1 hour', 'earlier')",
        wallet(7)
    );
    place.db.execute(&failed).await;
    let run = place.run(&TestEnv::new(), &["--full"]).await;
    assert_eq!(run.code(), 0, "{run:?}");
    assert_eq!(place.stored().await, rows((0..500).filter(|&number| number != 100)));
    assert!(run.stdout().contains("swept 500 wallets"), "{run:?}");
    assert!(run.stdout().contains("balanceOf failed: revert: broken"), "{run:?}");
    // 200, 200 and 100.
    assert_eq!(place.proxy.count("eth_call"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_totals_of_users_follow() {
    let place = Place::new(3).await;
    place.add((0..3).map(wallet)).await;
    place.db.execute(&format!(
        "INSERT INTO users (user_id, is_current, is_verified, wallet, created_at, updated_at, handle, handle_lc, txhash) \
         VALUES (1, true, false, '{}', now(), now(), 'a', 'a', '')",
        wallet(0).to_uppercase().replace("0X", "0x")
    )).await;
    place.db.execute(&format!(
        "SET session_replication_role = replica; INSERT INTO associated_wallets (user_id, wallet, blockhash, blocknumber, is_current, is_delete, chain) \
         VALUES (1, '{}', '', 0, true, false, 'eth')",
        wallet(2)
    )).await;
    place.sweeper("one").await.batch(10).await.unwrap();
    let total = "SELECT balance::bigint FROM eth_user_balances WHERE user_id = 1";
    assert_eq!(place.db.number(total).await, 1_000 + 1_002);
    let read = "SELECT concat_ws(' ', user_id, eth_balance, sol_balance) FROM v_user_balances \
                WHERE updated_at > '2000-01-01'";
    assert_eq!(place.db.texts(read).await, ["1 2002 0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_goes_on_answers_for_its_health() {
    let place = Place::new(2).await;
    place.add((0..2).map(wallet)).await;
    let mut args =
        ["sweep", "--interval", "1s", "--db", place.db.url()].map(str::to_owned).to_vec();
    args.extend(place.anvil.options(Some(&place.proxy.url())));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let service = Service::start(TestEnv::new(), &args).await;
    let ready = service.until_status("/ready", 200).await;
    assert_eq!(ready["status"], "ok", "{ready}");
    let swept = async {
        while place.stored().await.len() < 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, swept).await.unwrap();
    assert_eq!(service.json("/health").await.0, 200);
    assert!(service.metric("audius_etl_stalled_seconds{stage=\"ethereum\"}").await.is_some());
    assert_eq!(service.stop().await, 130);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_of_the_reference_works_and_odd_numbers_in_it_do_not_count() {
    let place = Place::new(60).await;
    place.add((0..60).map(wallet)).await;
    let contracts = place.anvil.contracts;
    let mut env = TestEnv::new();
    env.set("writeDbUrl", place.db.url())
        .set("ethRpcUrl", &place.proxy.url())
        .set("ethAudioContractAddress", &contracts.audio.to_string())
        .set("ethStakingContractAddress", &contracts.staking.to_string())
        .set("ethDelegateManagerContractAddress", &contracts.delegate_manager.to_string())
        .set("ethStaleRefreshBatchSize", "-3")
        .set("ethStaleRefreshIntervalSecs", "often");
    let sweep = ["sweep", "--once", "--eth-chain-id", "31337"];
    let run = tokio::task::block_in_place(|| env.run(&sweep));
    assert_eq!(run.code(), 0, "{run:?}");
    assert_eq!(place.stored().await.len(), 50);
    env.set("ethStaleRefreshBatchSize", "7");
    place.db.execute("UPDATE eth_wallet_balances SET updated_at = 'epoch'").await;
    let run = tokio::task::block_in_place(|| env.run(&sweep));
    assert_eq!(run.code(), 0, "{run:?}");
    assert_eq!(place.stored().await.len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_node_or_with_one_of_another_chain_it_says_what_to_do() {
    let place = Place::new(0).await;
    let env = TestEnv::new();
    let run = tokio::task::block_in_place(|| env.run(&["sweep", "--once", "--db", place.db.url()]));
    assert_eq!(run.code(), 2, "{run:?}");
    assert!(run.stderr().contains("--eth-http"), "{run:?}");
    let url = place.anvil.url();
    let args = ["sweep", "--once", "--db", place.db.url(), "--eth-http", &url];
    let run = tokio::task::block_in_place(|| env.run(&args));
    assert_eq!(run.code(), 2, "{run:?}");
    assert!(run.stderr().contains("serves chain 31337, expected 1"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_sweeps_again_and_again_whatever_the_node_does_until_it_is_interrupted() {
    let place = Place::new(4).await;
    place.add((0..4).map(wallet)).await;
    place.proxy.first(2, "eth_call", Verdict::error(-32_000, "header not found"));
    let mut args = vec!["sweep".to_owned(), "--db".to_owned(), place.db.url().to_owned()];
    args.extend(place.anvil.options(Some(&place.proxy.url())));
    args.extend(["--interval", "1", "--batch", "3"].map(str::to_owned));
    let env = TestEnv::new();
    let mut child = env.command(&args).stdout(std::process::Stdio::null()).spawn().unwrap();
    while place.stored().await.len() < 4 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let pid = child.id().to_string();
    let interrupt = std::process::Command::new("kill").args(["-INT", &pid]).status();
    assert!(interrupt.unwrap().success());
    let status = tokio::task::block_in_place(|| child.wait()).unwrap();
    assert_eq!(status.code(), Some(130));
    assert_eq!(place.leases().await, 0);
}
