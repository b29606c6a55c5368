//! Loading by key and by lookup, and where a run begins.

use audius_etl::{
    db::{ErrorKind, load::Loader},
    model::{
        Json, Timestamp,
        key::{Key, KeyPart},
        table::LookupPart,
        tables::{TableId, TrackBy, UserBy},
        value::{ColumnType, Value},
    },
    store::LoadRequest,
    writer::{ChainStatus, Run, Sink},
};

use super::{CHAIN, Desk, call, row, time, tx, user, values::random_rows};

async fn loaded(
    loader: &Loader,
    table: TableId,
    lookup: Option<usize>,
    keys: Vec<Key>,
) -> Vec<Key> {
    let request = LoadRequest { table, lookup, keys };
    let mut found = Vec::new();
    for (_, rows) in loader.load(vec![request]).await.unwrap() {
        found.extend(rows.iter().map(super::key));
    }
    found.sort();
    found
}

#[tokio::test]
async fn lookups_find_rows_by_column_lower_case_and_derived_value() {
    let mut desk = Desk::new().await;
    let remix = |id: i64, parent: &str| {
        let remix_of = Json::parse(&format!("{{\"tracks\":[{{\"parent_track_id\":{parent}}}]}}"));
        let columns = [
            ("track_id", Value::Int(id)),
            ("owner_id", Value::Int(1)),
            ("is_current", Value::Bool(true)),
            ("is_delete", Value::Bool(false)),
            ("is_unlisted", Value::Bool(false)),
            ("txhash", Value::Text(String::new())),
            ("created_at", Value::Time(time(1))),
            ("updated_at", Value::Time(time(1))),
            ("remix_of", Value::Json(remix_of.unwrap().into())),
        ];
        (TableId::Tracks, row(TableId::Tracks, &columns))
    };
    let rows =
        [user(1, "0xAb", 1), user(2, "0xaB", 1), remix(1, "7"), remix(2, "\"7\""), remix(3, "8")];
    let block = desk.block(&rows, Vec::new());
    desk.write(vec![block]).await.unwrap();
    let loader = Loader::open(desk.db.database()).await.unwrap();
    let by_wallet = Some(UserBy::WalletLc as usize);
    let found =
        loaded(&loader, TableId::Users, by_wallet, vec!["0xab".into(), "0xAb".into()]).await;
    assert_eq!(found, [Key::from(1), Key::from(2)]);
    let by_handle = Some(UserBy::HandleLc as usize);
    assert_eq!(
        loaded(&loader, TableId::Users, by_handle, vec!["handle2".into()]).await,
        [Key::from(2)]
    );
    let by_parent = Some(TrackBy::FirstParent as usize);
    assert_eq!(
        loaded(&loader, TableId::Tracks, by_parent, vec![Key::from(7)]).await,
        [Key::from(1)]
    );
}

#[tokio::test]
async fn keys_that_no_row_can_have_match_nothing() {
    let mut desk = Desk::new().await;
    let block = desk.block(&[user(1, "0xa", 1)], Vec::new());
    desk.write(vec![block]).await.unwrap();
    let loader = Loader::open(desk.db.database()).await.unwrap();
    let keys = vec![Key::from(1), Key::from(i64::MAX), Key::from(-1)];
    assert_eq!(loaded(&loader, TableId::Users, None, keys).await, [Key::from(1)]);
    let with_nul = vec!["0x\0a".into(), "\0".into()];
    let by_wallet = Some(UserBy::WalletLc as usize);
    assert!(loaded(&loader, TableId::Users, by_wallet, with_nul).await.is_empty());
    let no_label = vec![Key::from((1, "w", "no such chain"))];
    assert!(loaded(&loader, TableId::AssociatedWallets, None, no_label).await.is_empty());
}

#[tokio::test]
async fn very_many_keys_are_loaded_in_parts_that_cover_them_all() {
    let mut desk = Desk::new().await;
    let block =
        desk.block(&[user(1, "a", 1), user(14_999, "b", 1), user(25_000, "c", 1)], Vec::new());
    desk.write(vec![block]).await.unwrap();
    let loader = Loader::open(desk.db.database()).await.unwrap();
    let keys = (1..=25_000).map(Key::from).collect();
    let request = LoadRequest { table: TableId::Users, lookup: None, keys };
    let answers = loader.load(vec![request]).await.unwrap();
    assert_eq!(answers.iter().map(|(part, _)| part.keys.len()).sum::<usize>(), 25_000);
    assert_eq!(answers.iter().map(|(_, rows)| rows.len()).sum::<usize>(), 3);
}

#[tokio::test]
async fn a_missing_column_is_a_schema_error_that_names_it_and_extra_ones_are_ignored() {
    let desk = Desk::new().await;
    desk.db.execute("ALTER TABLE users ADD COLUMN of_a_fork integer").await;
    drop(Loader::open(desk.db.database()).await.unwrap());
    desk.db.execute("ALTER TABLE users DROP COLUMN donation CASCADE").await;
    let error = Loader::open(desk.db.database()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert!(error.to_string().contains("table users lacks donation"), "{error}");
    desk.db.execute("ALTER TABLE users ADD COLUMN donation numeric").await;
    let error = Loader::open(desk.db.database()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("users.donation is numeric, but text is needed; change it"), "{text}");
}

#[tokio::test]
async fn a_start_reads_the_checkpoint_the_numbers_and_the_known_hashes() {
    let mut desk = Desk::new().await;
    let loader = Loader::open(desk.db.database()).await.unwrap();
    let empty = loader.start_state().await.unwrap();
    assert!(empty.is_empty && empty.checkpoint == 0 && empty.position(CHAIN).is_none());
    let txs = vec![tx("AA", 0, call("AA", "")), tx("BB", 1, call("BB", ""))];
    let blocks = vec![desk.block(&[], txs), desk.block(&[], Vec::new())];
    let status = ChainStatus {
        chain: CHAIN.into(),
        head_height: Some(99),
        head_time: Some(time(99)),
        ready_at: Some(Timestamp::from_micros(1_750_000_000_000_001)),
    };
    let run = Run { blocks, status: Some(status), transactions: 2, ..Run::default() };
    desk.sink.write(run.into()).await.unwrap();
    let start = loader.start_state().await.unwrap();
    assert_eq!((start.checkpoint, start.block_number, start.plays_slot), (2, 2, 0));
    let position = start.position(CHAIN).unwrap();
    assert_eq!((position.height, position.block_time), (2, Some(time(2))));
    assert_eq!(start.indexed[0].height, 2);
    assert_eq!(start.chains[0].head_time, Some(time(99)));
    assert_eq!(start.chains[0].events_processed, 2);
    assert_eq!(start.chains[0].ready_at, Some(Timestamp::from_micros(1_750_000_000_000_001)));
    let known = loader.known_hashes(&["BB", "CC", "\0"]).await.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), ["BB"]);
    assert_eq!(loader.block_hash(CHAIN, 1).await.unwrap(), Some(format!("{:064x}", 1)));
    assert_eq!(loader.checkpoint_at(CHAIN, 2).await.unwrap(), Some(2));
}

/// A key that fits the columns or lookup, whatever it finds.
fn any_key(types: impl Iterator<Item = ColumnType>) -> Key {
    Key::from_parts(types.map(|ty| match ty {
        ColumnType::Text | ColumnType::Enum(..) => KeyPart::from("x"),
        _ => KeyPart::Int(1),
    }))
}

#[tokio::test]
async fn every_key_and_every_lookup_is_served_by_an_index() {
    const ROWS: usize = 40;
    let mut desk = Desk::new().await;
    let rows = random_rows(&desk, ROWS).await;
    let block = desk.block(&rows, Vec::new());
    desk.write(vec![block]).await.unwrap();
    let mut without = Vec::new();
    for table in TableId::ALL {
        let def = table.def();
        let by_key = any_key(def.key.iter().map(|column| def.columns[*column].ty));
        let lookups = def.lookups.iter().enumerate().map(|(index, lookup)| {
            let types = lookup.parts.iter().map(|(part, column)| match part {
                LookupPart::Derived { ty, .. } => *ty,
                LookupPart::Column(_) | LookupPart::Lower(_) => def.columns[*column].ty,
            });
            (Some(index), lookup.name, any_key(types))
        });
        for (lookup, name, key) in std::iter::once((None, "key", by_key)).chain(lookups) {
            let rows_read = format!(
                "SELECT (seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i
                                         WHERE i.relid = t.relid))::bigint
                 FROM pg_stat_user_tables t WHERE relname = '{}'",
                def.name
            );
            let before = desk.db.number(&rows_read).await;
            let loader = Loader::open(desk.db.database()).await.unwrap();
            loaded(&loader, *table, lookup, vec![key]).await;
            // A session reports what it did when it ends.
            loader.close().await;
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
            let read = desk.db.number(&rows_read).await - before;
            if read > 4 {
                without.push(format!("{} by {name}: {read} of {ROWS} rows read", def.name));
            }
        }
    }
    assert_eq!(without, Vec::<String>::new());
}
