//! Rows in tables that others write to as well: what they put there stays.

use audius_etl::{
    db::migrate::Migrator,
    model::tables::TableId,
    store::{Change, Layer},
};

use super::{Desk, key, user};
use crate::support::db::TestDb;

const PRODUCTION_2026: &str = include_str!("../../../fixtures/schema/production-2026.sql");

/// A copy of production that is migrated.
async fn copy_of_production() -> TestDb {
    let db = TestDb::empty().await;
    db.execute(PRODUCTION_2026).await;
    let mut connection = db.connect().await;
    Migrator::default().up(&mut connection).await.unwrap();
    db
}

#[tokio::test]
async fn what_a_job_changed_since_a_row_was_loaded_survives() {
    let mut desk = Desk::on(copy_of_production().await).await;
    let mut block = desk.block(&[user(1, "0xa", 1), user(2, "0xb", 1)], Vec::new());
    block.provenance.marks_current = false;
    desk.write(vec![block]).await.unwrap();
    desk.db
        .execute(
            "UPDATE users SET is_available = false, is_deactivated = true, last_active_at = now()
             WHERE user_id = 1",
        )
        .await;

    let mut block = desk.block(&[user(1, "0xc", 2)], Vec::new());
    block.provenance.marks_current = false;
    desk.write(vec![block]).await.unwrap();
    let rows = desk
        .db
        .texts(
            "SELECT concat_ws(' ', user_id, wallet, blocknumber, is_available, is_deactivated,
                              last_active_at IS NOT NULL) FROM users ORDER BY user_id",
        )
        .await;
    assert_eq!(rows, ["1 0xc 2 f t t", "2 0xb 1 t f f"]);
}

#[tokio::test]
async fn many_rows_change_together_and_some_of_them_go() {
    let mut desk = Desk::on(copy_of_production().await).await;
    let users: Vec<_> = (1..40).map(|id| user(id, "0xa", 1)).collect();
    let block = desk.block(&users, Vec::new());
    desk.write(vec![block]).await.unwrap();
    let users: Vec<_> = (1..39).map(|id| user(id, "0xb", 2)).collect();
    for (table, row) in &users {
        desk.store.write(*table, Layer::View, key(row), Some(row.clone())).unwrap();
    }
    let block = desk.removal(&[user(39, "", 0)]);
    let removed = |change: &&Change| change.table == TableId::Users && change.after.is_none();
    assert_eq!(block.changes.iter().filter(removed).count(), 1);
    desk.write(vec![block]).await.unwrap();
    let count = "SELECT count(*) FROM users WHERE wallet = '0xb' AND blocknumber = 2";
    assert_eq!(desk.db.number(count).await, 38);
    assert_eq!(desk.db.number("SELECT count(*) FROM users").await, 38);
}
