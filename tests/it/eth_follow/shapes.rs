//! The same balances on every shape of the database, whoever keeps the totals of users there, and
//! beside rows of production's own indexer.

use audius_etl::db::migrate::Migrator;
use audius_etl::eth::Provider;
use audius_etl::sweep::Sweeper;
use audius_etl::writer::Triggers;

use super::Desk;
use crate::support::anvil::{holder, wallet};
use crate::support::db::TestDb;

const PRODUCTION: &str = include_str!("../../../fixtures/schema/production-2026.sql");
const TRIGGERS: &str = include_str!("../triggers/production_2026.sql");
const GO_ETL: &str = include_str!("../../../fixtures/schema/go-etl-1.7.1.sql");

/// A database that somebody else made.
async fn adopted(parts: &[&str]) -> TestDb {
    let db = TestDb::empty().await;
    for part in parts {
        db.execute(part).await;
    }
    Migrator::default().up(&mut db.connect().await).await.unwrap();
    db
}

/// A wallet linked in block `number`, in the spelling in which it was sent.
async fn link(desk: &Desk, user: u64, linked: u64, number: u64, is_delete: bool) {
    let wallet = wallet(linked).to_uppercase().replace("0X", "0x");
    desk.db
        .execute(&format!(
            "INSERT INTO blocks (blockhash, number) VALUES ('l{number}', {number});
             UPDATE associated_wallets SET is_delete = {is_delete}, blocknumber = {number}
                 WHERE user_id = {user} AND lower(wallet) = lower('{wallet}');
             INSERT INTO associated_wallets
                 (user_id, wallet, blockhash, blocknumber, is_current, is_delete, chain)
             SELECT {user}, '{wallet}', 'l', {number}, true, {is_delete}, 'eth'
             WHERE NOT EXISTS (SELECT FROM associated_wallets
                 WHERE user_id = {user} AND lower(wallet) = lower('{wallet}'))"
        ))
        .await;
}

/// Hands the indexer of production over to the program and lets things happen; returns what is
/// stored in the end.
async fn rows(desk: Desk) -> Vec<String> {
    let anvil = &desk.anvil;
    desk.add_users(0, 3).await;
    link(&desk, 1001, 50, 100, false).await;
    // The user's own wallet too: it counts once.
    link(&desk, 1001, 1, 101, false).await;
    let known = anvil.head().await;
    desk.db
        .execute(&format!(
            "INSERT INTO eth_indexer_checkpoints (name, last_block)
                 VALUES ('audio_transfers', {known});
             INSERT INTO eth_wallet_balances (wallet, balance, blocknumber, updated_at)
                 VALUES ('{}', 5, 1, '2026-01-01'), ('{}', 7, NULL, '1970-01-01')",
            wallet(2),
            wallet(60)
        ))
        .await;
    for (number, amount) in [(0, 10), (1, 11), (50, 50)] {
        anvil.mint(holder(number), amount).await;
    }
    anvil.mine(1).await;
    let following = desk.follow().await;
    desk.settle(&following).await;
    // A user whose wallet is another's already, a new link, and one that is given up.
    desk.db
        .execute(&format!(
            "INSERT INTO blocks (blockhash, number) VALUES ('u', 102);
             INSERT INTO users (user_id, is_current, blocknumber, wallet)
                 VALUES (2001, true, 102, '{}')",
            wallet(50)
        ))
        .await;
    link(&desk, 1002, 70, 103, false).await;
    link(&desk, 1001, 50, 104, true).await;
    let seen = async {
        let total = "SELECT count(*) FROM eth_user_balances WHERE user_id = 2001";
        while desk.db.number(total).await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(super::LONG, seen).await.unwrap();
    desk.settle(&following).await;
    anvil.mint(holder(70), 700).await;
    anvil.mint(holder(50), 5).await;
    anvil.mine(1).await;
    desk.settle(&following).await;
    following.stop().await;
    // No event tells of this one, so only a sweep finds it.
    anvil.set_balance(holder(0), 1_000).await;
    anvil.mine(1).await;
    let provider = Provider::connect(anvil.config(None)).await.unwrap();
    let pool = desk.db.database().pool(2).await.unwrap();
    let sweeper = Sweeper::new(desk.db.database().clone(), pool, provider, "sweeper".to_owned());
    let swept = sweeper.batch(100).await.unwrap();
    assert_eq!((swept.stored, swept.failures()), (6, 0));
    desk.db
        .texts(
            "SELECT concat_ws(' ', wallet, balance, blocknumber) FROM eth_wallet_balances
             UNION ALL SELECT concat_ws(' ', user_id, balance) FROM eth_user_balances
             UNION ALL SELECT concat_ws(' ', name, last_block) FROM eth_indexer_checkpoints
             ORDER BY 1",
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_is_stored_on_every_shape_whoever_adds_up() {
    let ours = rows(Desk::on(TestDb::new().await).await).await;
    let totals: Vec<&str> = ours.iter().map(String::as_str).filter(|row| row.len() < 12).collect();
    assert_eq!(totals, ["1000 1000", "1001 11", "1002 700", "2001 55"]);
    for parts in [&[PRODUCTION, TRIGGERS][..], &[PRODUCTION], &[GO_ETL]] {
        assert_eq!(rows(Desk::on(adopted(parts).await).await).await, ours);
    }
    let mut silenced = Desk::on(adopted(&[PRODUCTION, TRIGGERS]).await).await;
    silenced.triggers = Some(Triggers::Ours);
    assert_eq!(rows(silenced).await, ours);
}
