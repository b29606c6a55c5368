//! Refused values, lost connections, a second writer.

use std::time::Duration;

use audius_etl::{
    db::load::Loader,
    model::{TxBody, tables::TableId, value::Value},
    store::{Change, LoadRequest},
    writer::{ChainStatus, Error, ErrorKind, PostgresConfig, PostgresSink, Run, Sink},
};

use super::{Desk, call, open, play, row, time, tx, user};
use crate::support::relay::Relay;

#[tokio::test]
async fn nul_is_removed_from_the_one_table_that_has_it_deep_inside_json_too() {
    let mut desk = Desk::new().await;
    let txs = vec![
        tx("A", 0, call("A", "{\"a\":\"x\0y\"}")),
        tx("B", 1, TxBody::Plays(vec![play("1\0", "7")])),
    ];
    let mut block = desk.block(&[user(1, "0xa", 1)], txs);
    let nested =
        audius_etl::model::Json::parse("{\"k\\u0000\":[{\"deep\":\"a\\u0000b\"}]}").unwrap();
    block.provenance.revert = Some(nested);
    let written = desk.write(vec![block]).await.unwrap();
    // The play's user is the address of its transaction, too.
    assert_eq!((written.sanitized_values, written.retries), (4, 4));
    assert_eq!(desk.db.texts("SELECT metadata FROM etl_manage_entities").await, ["{\"a\":\"xy\"}"]);
    assert_eq!(desk.db.texts("SELECT user_id FROM etl_plays").await, ["1"]);
    let reverted = desk.db.texts("SELECT prev_records::text FROM revert_blocks").await;
    assert_eq!(reverted, ["{\"k\": [{\"deep\": \"ab\"}]}"]);
    let next = desk.block(&[], vec![tx("C", 0, call("C", "\0"))]);
    let written = desk.write(vec![next]).await.unwrap();
    assert_eq!((written.sanitized_values, written.retries), (1, 0), "known to need it by now");
}

#[tokio::test]
async fn a_row_with_nul_in_a_key_is_replaced_under_its_cleaned_key() {
    let mut desk = Desk::new().await;
    let wallet = |block: i64, deleted: bool| {
        let columns = [
            ("user_id", Value::Int(1)),
            ("wallet", Value::Text("0x\0a".into())),
            ("chain", Value::Text("eth".into())),
            ("blockhash", Value::Text(String::new())),
            ("blocknumber", Value::Int(block)),
            ("is_current", Value::Bool(true)),
            ("is_delete", Value::Bool(deleted)),
        ];
        (TableId::AssociatedWallets, row(TableId::AssociatedWallets, &columns))
    };
    for number in 1..=2 {
        let block = desk.block(&[wallet(number, number == 2)], Vec::new());
        desk.write(vec![block]).await.unwrap();
    }
    let rows = desk.db.texts("SELECT wallet || is_delete FROM associated_wallets").await;
    assert_eq!(rows, ["0xatrue"]);
}

#[tokio::test]
async fn a_hash_that_is_indexed_already_keeps_its_first_row_even_if_nobody_said_so() {
    let mut desk = Desk::new().await;
    let first = desk.block(&[], vec![tx("A", 0, TxBody::Unset)]);
    desk.write(vec![first]).await.unwrap();
    let txs = ["B", "A", "B"].map(|hash| tx(hash, 5, TxBody::Recorded("reward")));
    let second = desk.block(&[], txs.to_vec());
    desk.write(vec![second]).await.unwrap();
    let rows = desk.db.texts("SELECT tx_hash || tx_type FROM etl_transactions ORDER BY 1").await;
    assert_eq!(rows, ["Aunset", "Breward"]);
}

#[tokio::test]
async fn a_refused_row_names_table_and_height_and_leaves_nothing() {
    let mut desk = Desk::new().await;
    let first = desk.block(&[user(1, "0xa", 1)], Vec::new());
    desk.write(vec![first]).await.unwrap();
    let before = desk.dump().await;
    // There is no block 77 in `blocks`.
    let second = desk.block(&[user(2, "0xb", 77)], Vec::new());
    let error = desk.write(vec![second]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert_eq!(error.to_string(), "writing users failed in the run up to checkpoint 2, height 2");
    assert_eq!(desk.dump().await, before);
}

async fn backend_of_writer(desk: &Desk) -> i64 {
    let sql = "SELECT pid::bigint FROM pg_stat_activity
               WHERE datname = current_database() AND application_name LIKE 'audius-etl writer%'";
    desk.db.number(sql).await
}

async fn cut_connection(desk: &Desk) {
    let pid = backend_of_writer(desk).await;
    desk.db.execute(&format!("SELECT pg_terminate_backend({pid}, 5000)")).await;
}

#[tokio::test]
async fn a_lost_connection_is_made_again_and_the_run_written_once() {
    let mut desk = Desk::new().await;
    for number in 1..=3 {
        let block = desk
            .block(&[user(number, "0xa", number)], vec![tx(&number.to_string(), 0, TxBody::Unset)]);
        cut_connection(&desk).await;
        let written = desk.write(vec![block]).await.unwrap();
        assert!(written.retries > 0);
    }
    assert_eq!(desk.db.number("SELECT count(*) FROM users").await, 3);
    assert_eq!(desk.db.number("SELECT count(*) FROM etl_blocks").await, 3);
}

#[tokio::test]
async fn a_transaction_that_was_committed_before_the_connection_was_lost_is_not_repeated() {
    let mut desk = Desk::new().await;
    let first = desk.block(&[], Vec::new());
    desk.write(vec![first]).await.unwrap();
    // The commit went through, its answer did not: what the writer sees is the checkpoint.
    desk.db
        .execute(
            "INSERT INTO audius_etl_checkpoints VALUES (2, 'test-chain', 2, 'hash', now(), NULL)",
        )
        .await;
    cut_connection(&desk).await;
    let second = desk.block(&[], Vec::new());
    let written = desk.write(vec![second]).await.unwrap();
    assert_eq!(written.checkpoint.unwrap().id, 2);
    assert_eq!(desk.db.number("SELECT count(*) FROM etl_blocks").await, 1);
}

#[tokio::test]
async fn somebody_elses_progress_after_a_lost_connection_is_an_error() {
    let mut desk = Desk::new().await;
    let first = desk.block(&[], Vec::new());
    desk.write(vec![first]).await.unwrap();
    desk.db
        .execute(
            "INSERT INTO audius_etl_checkpoints VALUES (9, 'test-chain', 9, 'hash', now(), NULL)",
        )
        .await;
    cut_connection(&desk).await;
    let second = desk.block(&[], Vec::new());
    let error = desk.write(vec![second]).await.unwrap_err();
    assert!(matches!(error, Error::Diverged { expected: Some(1), found: Some(9) }), "{error:?}");
}

#[tokio::test]
async fn a_second_writer_is_told_who_holds_the_lock_or_waits_for_it() {
    let desk = Desk::new().await;
    let error = open(&desk.db).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    let Error::Locked { holder } = error else { panic!("{error}") };
    assert_eq!(i64::from(holder.pid.unwrap()), backend_of_writer(&desk).await);
    assert!(holder.application.contains(&std::process::id().to_string()), "{holder}");
    assert!(holder.since.ends_with('Z'), "{holder}");
    let patient =
        PostgresConfig { wait_lock: true, ..PostgresConfig::new(desk.db.database().clone()) };
    let waiting = tokio::spawn(PostgresSink::open(patient));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!waiting.is_finished());
    desk.sink.close().await;
    waiting.await.unwrap().unwrap().close().await;
}

#[tokio::test]
async fn the_status_of_a_chain_keeps_what_is_not_known_now() {
    let mut desk = Desk::new().await;
    let status = |head, ready| ChainStatus {
        chain: "c".into(),
        head_height: head,
        ready_at: ready,
        head_time: None,
    };
    for status in [status(Some(7), Some(time(1))), status(None, None)] {
        let run = Run { status: Some(status), ..Run::default() };
        assert_eq!(desk.sink.write(run.into()).await.unwrap().checkpoint, None);
    }
    let rows = desk.db.texts(
        "SELECT concat_ws(' ', head_height, ready_at AT TIME ZONE 'UTC') FROM audius_etl_chains",
    );
    assert_eq!(rows.await, ["7 2025-06-15 15:06:41.123456"]);
}

#[tokio::test]
async fn changes_without_a_row_before_or_after_leave_nothing() {
    let mut desk = Desk::new().await;
    let block = desk.removal(&[user(1, "", 0)]);
    let changes: &[Change] = &block.changes;
    assert!(changes.is_empty());
    desk.write(vec![block]).await.unwrap();
    assert_eq!(desk.db.number("SELECT count(*) FROM users").await, 0);
}

#[tokio::test]
async fn loading_goes_on_after_its_connections_are_cut() {
    let mut desk = Desk::new().await;
    let block = desk.block(&[user(1, "0xa", 1)], Vec::new());
    desk.write(vec![block]).await.unwrap();
    let loader = Loader::open(desk.db.database()).await.unwrap();
    let request = LoadRequest { table: TableId::Users, lookup: None, keys: vec![1.into()] };
    for _ in 0..2 {
        let answers = loader.load(vec![request.clone(); 3]).await.unwrap();
        assert!(answers.iter().all(|(_, rows)| rows.len() == 1));
        let cut = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = 'audius-etl'
                       AND pid <> pg_backend_pid()";
        assert!(desk.db.number(cut).await > 0);
    }
}

#[tokio::test]
async fn a_connection_that_goes_silent_is_replaced_and_the_run_written_once() {
    let mut desk = Desk::new().await;
    desk.sink.close().await;
    let relay = Relay::start(&desk.db).await;
    let database = relay.database().clone().with_patience(Duration::from_millis(200));
    desk.sink = PostgresSink::open(PostgresConfig::new(database.clone())).await.unwrap();
    let loader = Loader::open(&database).await.unwrap();
    let request = LoadRequest { table: TableId::Users, lookup: None, keys: vec![1.into()] };
    loader.load(vec![request.clone()]).await.unwrap();
    let block = desk.block(&[user(1, "0xa", 1)], vec![tx("A", 0, TxBody::Unset)]);
    relay.silence();
    let written = desk.write(vec![block]).await.unwrap();
    assert!(written.retries > 0);
    assert_eq!(desk.db.number("SELECT count(*) FROM users").await, 1);
    assert_eq!(desk.db.number("SELECT count(*) FROM etl_blocks").await, 1);

    // A statement that takes long is no silence.
    let mut other = desk.db.connect().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE users").execute(&mut other).await.unwrap();
    let next = desk.block(&[user(2, "0xb", 2)], vec![tx("B", 0, TxBody::Unset)]);
    let unlock = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    };
    let (written, ()) = tokio::join!(desk.write(vec![next]), unlock);
    assert_eq!(written.unwrap().retries, 0);

    let answers = loader.load(vec![request]).await.unwrap();
    assert_eq!(answers[0].1.len(), 1);
}
