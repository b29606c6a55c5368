//! Going back to an earlier checkpoint.

use std::sync::Arc;

use audius_etl::{
    model::{Json, TxBody, tables::TableId, value::Value},
    writer::{Error, Run, Sink, WrittenBlock},
};

use super::{Desk, call, list_plays, play, row, time, tx, user};

fn with_history(blocks: Vec<WrittenBlock>, safe: Option<i64>) -> Arc<Run> {
    Arc::new(Run { blocks, keep_history: true, safe_height: safe, ..Run::default() })
}

/// A row of `playlists` with a JSON column.
fn playlist(id: i64, block: i64, contents: &str) -> (TableId, audius_etl::model::table::Row) {
    let columns = [
        ("playlist_id", Value::Int(id)),
        ("playlist_owner_id", Value::Int(1)),
        ("is_current", Value::Bool(true)),
        ("is_delete", Value::Bool(false)),
        ("is_album", Value::Bool(false)),
        ("is_private", Value::Bool(false)),
        ("playlist_contents", Value::Json(Json::parse(contents).unwrap().into())),
        ("blocknumber", Value::Int(block)),
        ("txhash", Value::Text(format!("0x{block}"))),
        ("created_at", Value::Time(time(block))),
        ("updated_at", Value::Time(time(block))),
    ];
    (TableId::Playlists, row(TableId::Playlists, &columns))
}

/// A past row of `user_events`; every other one is the same.
fn past_event(height: i64) -> (TableId, audius_etl::model::table::Row) {
    let columns = [
        ("user_id", Value::Int(1)),
        ("is_current", Value::Bool(false)),
        ("referrer", if height % 2 == 0 { Value::Null } else { Value::Int(7) }),
        ("is_mobile_user", Value::Bool(true)),
        ("blocknumber", Value::Int(1)),
    ];
    (TableId::PastUserEvents, row(TableId::PastUserEvents, &columns))
}

/// The block at the desk's next number, with a bit of everything.
fn next(desk: &mut Desk) -> WrittenBlock {
    let id = desk.next;
    let height = i64::try_from(id).unwrap();
    let mut rows = vec![user(height % 3, &format!("0x{height}"), height)];
    let contents = if id.is_multiple_of(2) { "null" } else { "{\"track_ids\":[1,2.50,\"ü\"]}" };
    rows.push(playlist(height % 4, height, contents));
    let txs = vec![
        tx(&format!("{id}/0"), 0, call("x", "{}")),
        tx(&format!("{id}/1"), 1, TxBody::Plays(vec![play("1", "2")])),
    ];
    desk.add(past_event(height));
    let mut block = if id.is_multiple_of(5) {
        desk.removal(&[user((height + 1) % 3, "", 0)])
    } else {
        desk.block(&rows, txs)
    };
    if !block.block.txs.is_empty() {
        // As in an era that shares out slots, or as in one that takes the height.
        let slot = if id < 7 { 100 + height } else { height };
        block.provenance.plays_slot = Some(if id < 7 { slot } else { 0 });
        list_plays(&mut block, slot);
    }
    block.provenance.skipped = vec![format!("skipped {id}")];
    block.provenance.revert = Some(Json::object([("n", Json::Int(height))]));
    block
}

#[tokio::test]
async fn going_back_restores_every_table_and_going_on_gives_the_same_again() {
    let mut desk = Desk::new().await;
    let mut dumps = vec![desk.dump().await];
    let mut blocks = Vec::new();
    for _ in 1..=12 {
        let block = next(&mut desk);
        blocks.push(block.clone());
        desk.sink.write(with_history(vec![block], None)).await.unwrap();
        dumps.push(desk.dump().await);
    }
    for (target, last) in [(9_u64, 12_usize), (9, 9), (4, 9), (1, 4)] {
        let checkpoint = desk.sink.rollback(target).await.unwrap();
        assert_eq!((checkpoint.id, checkpoint.height), (target, i64::try_from(target).unwrap()));
        assert_eq!(checkpoint.block_time, time(checkpoint.height));
        let target = usize::try_from(target).unwrap();
        assert_eq!(desk.dump().await, dumps[target], "from {last} back to {target}");
    }
    // The store stands at block 12, but the blocks carry all that the writer needs.
    for (index, block) in blocks.iter().enumerate().skip(1) {
        desk.sink.write(with_history(vec![block.clone()], None)).await.unwrap();
        assert_eq!(desk.dump().await, dumps[index + 1], "again to {}", index + 1);
    }
}

#[tokio::test]
async fn rows_of_others_that_hang_on_blocks_go_with_them_in_one_statement() {
    let mut desk = Desk::new().await;
    desk.db
        .execute(
            "CREATE TABLE theirs (
                 blocknumber int REFERENCES blocks (number) ON DELETE CASCADE);
             CREATE TABLE deletions ();
             CREATE FUNCTION count_deletions() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN INSERT INTO deletions DEFAULT VALUES; RETURN NULL; END';
             CREATE TRIGGER count AFTER DELETE ON theirs EXECUTE FUNCTION count_deletions()",
        )
        .await;
    for _ in 1..=12 {
        let block = next(&mut desk);
        desk.sink.write(with_history(vec![block], None)).await.unwrap();
    }
    desk.db.execute("INSERT INTO theirs SELECT number FROM blocks").await;
    desk.sink.rollback(2).await.unwrap();
    let left = desk.db.texts("SELECT blocknumber::text FROM theirs ORDER BY blocknumber").await;
    assert_eq!(left, ["1", "2"]);
    assert_eq!(desk.db.number("SELECT count(*) FROM deletions").await, 1);
}

#[tokio::test]
async fn a_key_that_forbids_is_obeyed() {
    let mut desk = Desk::new().await;
    desk.db.execute("CREATE TABLE theirs (blocknumber int REFERENCES blocks (number))").await;
    for _ in 1..=3 {
        let block = next(&mut desk);
        desk.sink.write(with_history(vec![block], None)).await.unwrap();
    }
    desk.db.execute("INSERT INTO theirs VALUES (3)").await;
    let error = desk.sink.rollback(2).await.unwrap_err();
    let told =
        std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let told: Vec<_> = told.map(ToString::to_string).collect();
    assert!(told.join(" ").contains("theirs_blocknumber_fkey"), "{told:?}");
}

#[tokio::test]
async fn a_run_of_several_blocks_can_be_taken_back_in_part() {
    let mut desk = Desk::new().await;
    let blocks: Vec<_> = (1..=8).map(|_| next(&mut desk)).collect();
    for block in &blocks[..5] {
        desk.sink.write(with_history(vec![block.clone()], None)).await.unwrap();
    }
    let at_five = desk.dump().await;
    desk.sink.rollback(2).await.unwrap();
    desk.sink.write(with_history(blocks[2..].to_vec(), None)).await.unwrap();
    desk.sink.rollback(5).await.unwrap();
    assert_eq!(desk.dump().await, at_five);
}

#[tokio::test]
async fn nothing_goes_back_behind_a_run_without_history() {
    let mut desk = Desk::new().await;
    let blocks: Vec<_> = (1..=6).map(|_| next(&mut desk)).collect();
    desk.sink.write(with_history(blocks[..2].to_vec(), None)).await.unwrap();
    let plain = Run { blocks: blocks[2..3].to_vec(), ..Run::default() };
    desk.sink.write(Arc::new(plain)).await.unwrap();
    desk.sink.write(with_history(blocks[3..].to_vec(), None)).await.unwrap();
    for id in [1, 2, 99] {
        let error = desk.sink.rollback(id).await.unwrap_err();
        assert!(matches!(error, Error::HistoryGone { oldest: Some(3), .. }), "{id}: {error:?}");
    }
    // The refusal has changed nothing, and the session is of further use.
    assert_eq!(desk.sink.rollback(3).await.unwrap().id, 3);
}

#[tokio::test]
async fn history_below_the_safe_checkpoint_is_pruned() {
    let mut desk = Desk::new().await;
    let blocks: Vec<_> = (1..=6).map(|_| next(&mut desk)).collect();
    desk.sink.write(with_history(blocks[..4].to_vec(), None)).await.unwrap();
    desk.sink.write(with_history(blocks[4..].to_vec(), Some(4))).await.unwrap();
    let kept =
        desk.db.texts("SELECT DISTINCT checkpoint_id::text FROM audius_etl_history ORDER BY 1");
    assert_eq!(kept.await, ["5", "6"]);
    let kept = desk.db.texts("SELECT id::text FROM audius_etl_checkpoints ORDER BY 1").await;
    assert_eq!(kept, ["4", "5", "6"]);
    assert!(matches!(desk.sink.rollback(3).await, Err(Error::HistoryGone { oldest: Some(4), .. })));
    assert_eq!(desk.sink.rollback(4).await.unwrap().id, 4);
}

#[tokio::test]
async fn pruning_that_fails_does_not_fail_the_write() {
    let mut desk = Desk::new().await;
    let blocks: Vec<_> = (1..=3).map(|_| next(&mut desk)).collect();
    desk.sink.write(with_history(blocks[..2].to_vec(), None)).await.unwrap();
    desk.db
        .execute(
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN RAISE EXCEPTION ''not today''; END';
             CREATE TRIGGER no BEFORE DELETE ON audius_etl_history
                 FOR EACH ROW EXECUTE FUNCTION no()",
        )
        .await;
    let written = desk.sink.write(with_history(blocks[2..].to_vec(), Some(1))).await.unwrap();
    assert_eq!(written.checkpoint.unwrap().id, 3);
    assert_eq!(desk.db.number("SELECT count(*) FROM etl_blocks").await, 3);
    let more = next(&mut desk);
    desk.sink.write(with_history(vec![more], None)).await.unwrap();
}
