//! Following a real Ethereum node: whatever happens on the way, after quiet every balance is what a
//! direct read says at the checkpoint's block.

mod beside;
mod events;
mod faults;
mod kill;
mod registry;
mod reorgs;
mod shapes;
mod tracking;

use std::collections::BTreeMap;
use std::time::Duration;

use alloy::primitives::{Address, B256, U256};
use audius_etl::db::load::Loader;
use audius_etl::eth::{Balance, BlockRef, EthConfig, Provider};
use audius_etl::follow::{End, Error, FollowConfig, FollowStatus, Follower, Wallets};
use audius_etl::store::Effects;
use audius_etl::writer::{
    self, Lane, PostgresConfig, PostgresSink, Triggers, WriterConfig, WriterHandle,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::anvil::{Anvil, Mocks, holder};
use crate::support::db::TestDb;
use crate::support::fault_proxy::FaultProxy;

/// Longer than anything takes when all is well.
const LONG: Duration = Duration::from_secs(120);

/// The first synthetic holder, for `churn`.
const BASE: Address = alloy::primitives::address!("a000000000000000000000000000000000000000");

/// A node, a database with users whose wallets are holders, and how to follow.
pub(crate) struct Desk {
    pub(crate) anvil: Anvil,
    pub(crate) db: TestDb,
    pub(crate) config: FollowConfig,
    /// Who derives rows where the database has triggers for it.
    pub(crate) triggers: Option<Triggers>,
}

impl Desk {
    /// `holders` users, each with the wallet of the holder of the same number.
    pub(crate) async fn new(holders: u64) -> Self {
        let desk = Self::on(TestDb::new().await).await;
        desk.add_users(0, holders).await;
        desk
    }

    /// The same on a database of any shape, without users.
    pub(crate) async fn on(db: TestDb) -> Self {
        Self {
            anvil: Anvil::start().await,
            db,
            triggers: None,
            config: FollowConfig {
                poll: Duration::from_millis(40),
                patience: Duration::from_millis(400),
                ..FollowConfig::default()
            },
        }
    }

    /// Users `from..to`, as a block of the core chain would bring them.
    pub(crate) async fn add_users(&self, from: u64, to: u64) {
        self.db
            .execute(&format!(
                "INSERT INTO blocks (blockhash, number)
                     SELECT 'b' || n, n
                     FROM (SELECT coalesce(max(number), 0) + 1 AS n FROM blocks) b;
                 INSERT INTO users (user_id, is_current, blocknumber, wallet)
                     SELECT 1000 + n, true, (SELECT max(number) FROM blocks),
                         '0xa' || lpad(to_hex(n), 39, '0')
                     FROM generate_series({from}, {to} - 1) n"
            ))
            .await;
    }

    /// `transfers` transfers among the first `holders` holders, in one block not yet mined.
    pub(crate) async fn churn(&self, holders: u64, transfers: u64, seed: u64) {
        let call = Mocks::churnCall {
            base: alloy::primitives::U160::from_be_bytes(BASE.into_array()),
            holders: U256::from(holders),
            n: U256::from(transfers),
            seed: U256::from(seed),
            v: U256::from(3),
        };
        self.anvil.send(self.anvil.contracts.audio, &call).await;
    }

    /// Mines `blocks` blocks with `transfers` transfers each.
    pub(crate) async fn mine_churn(&self, blocks: u64, holders: u64, transfers: u64, seed: u64) {
        for block in 0..blocks {
            self.churn(holders, transfers, seed * 1_000_003 + block).await;
            self.anvil.mine(1).await;
        }
    }

    /// Starts following, straight.
    pub(crate) async fn follow(&self) -> Following {
        self.follow_with(self.anvil.config(None)).await
    }

    /// Starts following through a proxy, its websocket included.
    pub(crate) async fn follow_through(&self, proxy: &FaultProxy) -> Following {
        let mut config = self.anvil.config(Some(&proxy.url()));
        config.ws = Some(proxy.ws_url());
        config.head_timeout = Duration::from_millis(500);
        config.deadline = Duration::from_millis(1_500);
        self.follow_with(config).await
    }

    async fn follow_with(&self, mut eth: EthConfig) -> Following {
        eth.retry.first = Duration::from_millis(10);
        eth.retry.soon = Duration::from_millis(50);
        eth.retry.late = Duration::from_millis(50);
        eth.retry.limit = 4;
        let database = self.db.database();
        let sink = PostgresSink::open(PostgresConfig {
            triggers: self.triggers,
            ..PostgresConfig::new(database.clone())
        })
        .await
        .unwrap();
        let loader = Loader::open(database).await.unwrap();
        let start = loader.start_state().await.unwrap();
        loader.close().await;
        let config = WriterConfig { committed: start.checkpoint, ..WriterConfig::default() };
        let handle = writer::spawn(sink, config, |_| {});
        let provider = Provider::connect(eth).await.unwrap();
        let wallets = Wallets::open(database).await.unwrap();
        let lane = handle.on(Lane::Ethereum);
        let follower =
            Follower::new(provider, wallets, lane, self.config.clone(), Effects::default());
        let status = follower.status();
        let cancel = CancellationToken::new();
        let token = cancel.clone();
        // As in the program, where it is part of the main task.
        let runtime = tokio::runtime::Handle::current();
        let task = tokio::task::spawn_blocking(move || {
            runtime.block_on(follower.run(start.ethereum, token))
        });
        Following { cancel, task, status, handle }
    }

    /// Follows to the head once.
    pub(crate) async fn catch_up(&self) {
        let following = self.follow().await;
        self.settle(&following).await;
        following.stop().await;
    }

    /// Waits until the head is processed and no wallet is waiting to be read.
    pub(crate) async fn settle(&self, following: &Following) {
        let settled = async {
            loop {
                let head = self.anvil.head().await;
                let hash = self.anvil.hash_at(head).await;
                let at_head =
                    following.status.borrow().processed == Some(BlockRef { number: head, hash });
                assert!(!following.task.is_finished(), "following has ended");
                // What was processed shows on the list only once it is written.
                following.handle.on(Lane::Ethereum).flush().await.unwrap();
                let waiting = self.waiting().await + self.unseen().await;
                if at_head && waiting == 0 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
        };
        if tokio::time::timeout(LONG, settled).await.is_err() {
            let waiting = self
                .db
                .texts("SELECT r::text FROM audius_etl_eth_retries r ORDER BY 1 LIMIT 5")
                .await;
            panic!("no quiet: {:?}, waiting {waiting:?}", following.status.borrow());
        }
    }

    /// Wallets on the list.
    pub(crate) async fn waiting(&self) -> i64 {
        self.db.number("SELECT count(*) FROM audius_etl_eth_retries").await
    }

    /// Users whose wallet has no balance.
    async fn unseen(&self) -> i64 {
        let unseen = "SELECT count(*) FROM users u WHERE NOT EXISTS (
            SELECT FROM eth_wallet_balances b WHERE b.wallet = lower(u.wallet))";
        self.db.number(unseen).await
    }

    /// Number and hash of the checkpoint.
    pub(crate) async fn checkpoint(&self) -> BlockRef {
        let text = self
            .db
            .texts(
                "SELECT height || ' ' || block_hash FROM audius_etl_checkpoints
                 WHERE chain = 'eip155:31337' ORDER BY id DESC LIMIT 1",
            )
            .await;
        let (number, hash) = text[0].split_once(' ').unwrap();
        BlockRef { number: number.parse().unwrap(), hash: hash.parse::<B256>().unwrap() }
    }

    /// Balances as they are stored.
    pub(crate) async fn stored(&self) -> BTreeMap<Address, U256> {
        let rows = self.db.texts("SELECT wallet || ' ' || balance FROM eth_wallet_balances").await;
        rows.iter()
            .map(|row| {
                let (wallet, balance) = row.split_once(' ').unwrap();
                (wallet.parse().unwrap(), balance.parse().unwrap())
            })
            .collect()
    }

    /// The invariant: the checkpoint is part of the chain, every tracked wallet has the balance that
    /// a direct read gives there, and the totals of users add up.
    pub(crate) async fn assert_right(&self) {
        let at = self.checkpoint().await;
        assert_eq!(at.hash, self.anvil.hash_at(at.number).await, "the checkpoint is gone");
        let stored = self.stored().await;
        let wallets: Vec<Address> = stored.keys().copied().collect();
        let read = self.anvil.provider().await.balances(&wallets, at).await.unwrap();
        for (wallet, read) in wallets.iter().zip(read) {
            let Balance::Known(wei) = read else { panic!("{wallet}: {read:?}") };
            assert_eq!(stored[wallet].to_string(), wei.to_string(), "{wallet} at {at}");
        }
        assert_eq!(self.unseen().await, 0, "users without a balance");
        let wrong = "SELECT count(*) FROM users u JOIN eth_wallet_balances b ON b.wallet = u.wallet
            LEFT JOIN eth_user_balances t USING (user_id)
            WHERE t.balance IS DISTINCT FROM b.balance AND NOT EXISTS (
                SELECT FROM associated_wallets a WHERE a.user_id = u.user_id)";
        assert_eq!(self.db.number(wrong).await, 0, "users whose total is not their balance");
        let reference = self
            .db
            .number("SELECT last_block FROM eth_indexer_checkpoints WHERE name = 'audio_transfers'")
            .await;
        assert_eq!(reference, i64::try_from(at.number).unwrap());
    }

    /// Settles, stops, and checks the invariant at the head.
    pub(crate) async fn finish(&self, following: Following) {
        self.settle(&following).await;
        following.stop().await;
        let head = self.anvil.head().await;
        assert_eq!(self.checkpoint().await.number, head);
        self.assert_right().await;
    }

    /// Highest event block of a holder's wallet.
    pub(crate) async fn event_block(&self, number: u64) -> i64 {
        let wallet = crate::support::anvil::wallet(number);
        self.db
            .number(&format!(
                "SELECT coalesce((SELECT blocknumber FROM eth_wallet_balances
                                  WHERE wallet = '{wallet}'), -1)"
            ))
            .await
    }
}

/// A follower at work.
pub(crate) struct Following {
    cancel: CancellationToken,
    task: JoinHandle<Result<End, Error>>,
    status: watch::Receiver<FollowStatus>,
    handle: WriterHandle,
}

impl Following {
    /// Asks for an end and waits for it.
    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        let ended = self.task.await.unwrap();
        assert_eq!(ended.unwrap(), End::Interrupted);
        self.handle.shutdown().await.unwrap();
    }

    pub(crate) fn status(&self) -> FollowStatus {
        *self.status.borrow()
    }
}

/// Tokens of a holder, as a number.
pub(crate) async fn balance(desk: &Desk, number: u64) -> u64 {
    desk.stored().await[&holder(number)].to()
}
