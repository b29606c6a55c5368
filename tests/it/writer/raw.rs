//! Raw rows, progress, plays and rollups.

use std::sync::Arc;

use audius_etl::{
    model::{
        Recorded, Timestamp, TxBody,
        block::{Member, RollupCounts, SlaRollup, ValidatorDeregistration, ValidatorMisbehavior},
    },
    writer::{Run, Sink as _},
};

use super::{Desk, call, list_plays, play, tx, written};

#[tokio::test]
async fn every_transaction_gets_a_type_and_its_address_and_a_repeated_hash_one_row() {
    let mut desk = Desk::new().await;
    let node =
        |address: &str| ValidatorMisbehavior { comet_address: address.into(), pub_key: vec![1] };
    let txs = vec![
        tx("A", 0, call("A", "{}")),
        tx("B", 1, TxBody::Plays(vec![play("0xuser", "7")])),
        tx("C", 2, TxBody::ValidatorMisbehavior(node("CC"))),
        tx("D", 3, TxBody::Recorded("release")),
        tx("E", 4, TxBody::Unknown(Member::Tag(1013))),
        tx("F", 5, TxBody::Unset),
        tx("A", 6, call("A", "")),
    ];
    let mut block = desk.block(&[], txs);
    block.duplicates = vec![6];
    desk.write(vec![block]).await.unwrap();
    let rows = desk
        .db
        .texts(
            "SELECT concat_ws(' ', tx_hash, tx_index, tx_type, coalesce(address, '-'))
             FROM etl_transactions ORDER BY tx_index",
        )
        .await;
    assert_eq!(
        rows,
        [
            "A 0 manage_entity 0xSigner",
            "B 1 play 0xuser",
            "C 2 validator_misbehavior_deregistration CC",
            "D 3 release -",
            "E 4 unknown_1013 -",
            "F 5 unset -"
        ]
    );
    let calls =
        desk.db.texts("SELECT coalesce(metadata, 'NULL') FROM etl_manage_entities ORDER BY id");
    assert_eq!(calls.await, ["{}", "NULL"]);
    let reports =
        desk.db.texts("SELECT comet_address FROM etl_validator_misbehavior_deregistrations").await;
    assert_eq!(reports, ["CC"]);
}

#[tokio::test]
async fn plays_are_written_as_they_are_listed() {
    let mut desk = Desk::new().await;
    let plays = vec![play("12", "7"), play("0xwallet", "8"), play("3", "not listed")];
    let mut first = desk.block(&[], vec![tx("A", 0, TxBody::Plays(plays.clone()))]);
    list_plays(&mut first, 41);
    first.provenance.plays.pop();
    first.provenance.plays_slot = Some(41);
    first.provenance.plays_left_out = 1;
    let second = desk.block(&[], vec![tx("B", 0, TxBody::Plays(plays))]);
    let written = desk.write(vec![first, second]).await.unwrap();
    let rows = desk
        .db
        .texts(
            "SELECT concat_ws(' ', coalesce(user_id::text, '-'), play_item_id, source, slot,
                              signature, city, updated_at) FROM plays ORDER BY id",
        )
        .await;
    assert_eq!(
        rows,
        [
            "12 7 relay 41 sig Köln 2025-06-15 15:06:41.123456",
            "- 8 relay 41 sig Köln 2025-06-15 15:06:41.123456"
        ],
        "only what is listed goes into `plays`"
    );
    assert_eq!(written.plays_left_out, 1);
    assert_eq!(desk.db.number("SELECT count(*) FROM etl_plays").await, 6);
    let slots = desk.db.texts(
        "SELECT coalesce(plays_slot::text, 'NULL') FROM core_indexed_blocks ORDER BY height",
    );
    assert_eq!(slots.await, ["41", "NULL"]);
}

#[tokio::test]
async fn blocks_are_chained_and_only_the_last_is_current() {
    let mut desk = Desk::new().await;
    let blocks: Vec<_> = (0..3).map(|_| desk.block(&[], Vec::new())).collect();
    let mut blocks = blocks.into_iter();
    desk.write(vec![blocks.next().unwrap()]).await.unwrap();
    let mut empty = blocks.next().unwrap();
    empty.checkpoint.em_block = None;
    desk.write(vec![empty, blocks.next().unwrap()]).await.unwrap();
    let rows = desk
        .db
        .texts(
            "SELECT concat_ws(' ', number, right(blockhash, 1), coalesce(right(parenthash, 1), '-'),
                              is_current) FROM blocks ORDER BY number",
        )
        .await;
    assert_eq!(rows, ["1 1 - f", "3 3 1 t"]);
    let rows = desk
        .db
        .texts(
            "SELECT concat_ws(' ', height, coalesce(right(parenthash, 1), '-'),
                              coalesce(em_block::text, '-')) FROM core_indexed_blocks ORDER BY height",
        )
        .await;
    assert_eq!(rows, ["1 - 1", "2 1 -", "3 2 3"]);
    let checkpoints = desk.db.texts("SELECT id::text FROM audius_etl_checkpoints ORDER BY 1").await;
    assert_eq!(checkpoints, ["3"], "without history only the last checkpoint is of use");
}

#[tokio::test]
async fn an_era_without_marks_leaves_the_current_block_alone_and_adopts_rows() {
    let mut desk = Desk::new().await;
    let first = desk.block(&[], Vec::new());
    let mut plain: Vec<_> = (0..3).map(|_| desk.block(&[], Vec::new())).collect();
    plain.iter_mut().for_each(|block| block.provenance.marks_current = false);
    desk.db
        .execute(&format!("INSERT INTO blocks (blockhash, number) VALUES ('{:064x}', 77)", 3))
        .await;
    let adopted = &mut plain[1];
    adopted.provenance.is_adopted = true;
    adopted.checkpoint.em_block = Some(77);
    plain[2].checkpoint.em_block = Some(78);
    let history = |blocks| Arc::new(Run { blocks, keep_history: true, ..Run::default() });
    desk.sink.write(history(vec![first])).await.unwrap();
    desk.sink.write(history(plain)).await.unwrap();
    let rows = "SELECT concat_ws(' ', number, right(blockhash, 1),                 coalesce(right(parenthash, 1), '-'), coalesce(is_current::text, '-'))                 FROM blocks ORDER BY number";
    assert_eq!(desk.db.texts(rows).await, ["1 1 - true", "2 2 1 -", "77 3 - -", "78 4 3 -"]);
    desk.sink.rollback(1).await.unwrap();
    assert_eq!(desk.db.texts(rows).await, ["1 1 - true", "77 3 - -"], "what was there stays");
}

#[tokio::test]
async fn transactions_are_shown_as_far_as_they_are_recorded() {
    let mut desk = Desk::new().await;
    let bodies = [
        call("A", "{}"),
        call("B", "{}"),
        call("C", "{}"),
        TxBody::Plays(vec![play("1", "7")]),
        rollup(0, 1, 1),
    ];
    let txs = bodies.into_iter().zip(0..).map(|(body, index)| {
        let hash = ["A", "B", "C", "D", "E"][usize::try_from(index).unwrap()];
        tx(hash, index, body)
    });
    let mut block = desk.block(&[], txs.collect());
    block.provenance.exceptions = vec![
        (0, Recorded::WithoutDetails),
        (1, Recorded::Blank),
        (2, Recorded::Nothing),
        (3, Recorded::Blank),
        (4, Recorded::WithoutDetails),
    ];
    // What was not recorded at all is none of the hashes that are known.
    let again = desk.block(&[], vec![tx("C", 0, call("C", "{}"))]);
    desk.write(vec![block, again]).await.unwrap();
    let rows = desk.db.texts(
        "SELECT concat_ws(' ', tx_hash, block_height, quote_literal(tx_type),
                          coalesce(address, '-')) FROM etl_transactions ORDER BY tx_hash",
    );
    assert_eq!(
        rows.await,
        [
            "A 1 'manage_entity' 0xSigner",
            "B 1 '' -",
            "C 2 'manage_entity' 0xSigner",
            "D 1 '' -",
            "E 1 'sla_rollup' -"
        ]
    );
    let calls = desk.db.texts("SELECT tx_hash || block_height FROM etl_manage_entities").await;
    assert_eq!(calls, ["C2"]);
    for table in ["etl_plays", "etl_sla_rollups", "etl_sla_node_reports"] {
        assert_eq!(desk.db.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
}

#[tokio::test]
async fn skipped_and_replaced_rows_are_recorded_with_the_block() {
    let mut desk = Desk::new().await;
    let mut block = desk.block(&[], Vec::new());
    block.provenance.skipped = vec!["X".into(), "Y".into()];
    block.provenance.revert =
        Some(audius_etl::model::Json::object([("users", 1)].map(|(k, v)| (k, v.into()))));
    desk.write(vec![block]).await.unwrap();
    let rows = desk.db.texts(
        "SELECT concat_ws(' ', blocknumber, txhash, level, created_at) FROM skipped_transactions
         ORDER BY id",
    );
    assert_eq!(
        rows.await,
        ["1 X node 2025-06-15 15:06:41.123456", "1 Y node 2025-06-15 15:06:41.123456"]
    );
    let reverted = desk.db.texts("SELECT blocknumber || prev_records::text FROM revert_blocks");
    assert_eq!(reverted.await, ["1{\"users\": 1}"]);
}

fn rollup(start: i64, end: i64, second: i64) -> TxBody {
    TxBody::SlaRollup(SlaRollup {
        timestamp: Timestamp::from_seconds(1_750_000_000 + second),
        block_start: start,
        block_end: end,
        reports: vec![("A\0A".into(), 3), ("BB".into(), 4)],
    })
}

/// Writes a chain with rollups, cut into runs of the given lengths.
async fn rollups_of(runs: &[usize]) -> Vec<String> {
    let mut desk = Desk::new().await;
    let mut blocks = Vec::new();
    for height in 1..=12 {
        let mut txs: Vec<_> =
            (0..height % 4).map(|n| tx(&format!("{height}/{n}"), 0, TxBody::Unset)).collect();
        if height % 5 == 0 {
            txs.push(tx(
                &format!("rollup {height}"),
                9,
                rollup(height - 5, height - 1, height * 10),
            ));
        }
        let rollup = txs.len().checked_sub(1).filter(|_| height % 5 == 0);
        let mut block = written(u64::try_from(height).unwrap(), txs, Vec::new());
        block.rollups = rollup
            .map(|tx| RollupCounts { tx, challenges: vec![(5, 2), (1, 0)] })
            .into_iter()
            .collect();
        blocks.push(block);
    }
    let mut blocks = blocks.into_iter();
    for length in runs {
        let run: Vec<_> = blocks.by_ref().take(*length).collect();
        desk.write(run).await.unwrap();
    }
    let mut rows = desk
        .db
        .texts(
            "SELECT concat_ws(' ', block_start, block_end, block_height, validator_count,
                              block_quota, bps, tps, tx_hash, created_at)
             FROM etl_sla_rollups ORDER BY id",
        )
        .await;
    rows.extend(
        desk.db
            .texts(
                "SELECT concat_ws(' ', r.block_height, n.address, num_blocks_proposed,
                                  challenges_received, challenges_failed)
                 FROM etl_sla_node_reports n JOIN etl_sla_rollups r ON r.id = sla_rollup_id
                 ORDER BY n.id",
            )
            .await,
    );
    rows
}

#[tokio::test]
async fn rollups_do_not_depend_on_how_blocks_are_batched() {
    let whole = rollups_of(&[12]).await;
    assert_eq!(
        whole,
        [
            // 6 transactions in blocks 0 to 4; no earlier rollup, so 2 s a block are assumed.
            "0 4 5 2 2 0.5 0.75 rollup 5 2025-06-15 15:07:30",
            // 8 in blocks 5 to 9 (one is the first rollup); 50 s after the first.
            "5 9 10 2 2 0.08 0.16 rollup 10 2025-06-15 15:08:20",
            "5 AA 3 5 2",
            "5 BB 4 1 0",
            "10 AA 3 5 2",
            "10 BB 4 1 0"
        ]
    );
    assert_eq!(rollups_of(&[1; 12]).await, whole);
    assert_eq!(rollups_of(&[4, 1, 7]).await, whole);
}

#[tokio::test]
async fn registrations_keep_their_keys_even_when_they_are_empty() {
    let mut desk = Desk::new().await;
    let leave = ValidatorDeregistration { comet_address: "AA".into(), pub_key: Vec::new() };
    let block = desk.block(&[], vec![tx("A", 0, TxBody::ValidatorDeregistration(leave))]);
    desk.write(vec![block]).await.unwrap();
    let rows = desk
        .db
        .texts("SELECT comet_address || length(comet_pubkey) FROM etl_validator_deregistrations");
    assert_eq!(rows.await, ["AA0"]);
}
