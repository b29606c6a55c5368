//! Values of every type and table survive being written and loaded; changes of a run are merged.

use audius_etl::{
    db::load::Loader,
    model::{
        Json, Timestamp,
        key::Key,
        table::{Column, Row, Versions},
        tables::TableId,
        value::{ColumnType, Value, ValueRef},
    },
    store::LoadRequest,
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{Desk, key, user};

fn text() -> impl Strategy<Value = String> {
    "[^\\x00]{0,12}"
}

fn json() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i64>().prop_map(Json::Int),
        text().prop_map(Json::Str),
        prop::collection::vec(any::<i32>().prop_map(Json::from), 0..3).prop_map(Json::from),
        (text(), -1e9..1e9).prop_map(|(key, value)| Json::object([(key, Json::Float(value))])),
    ]
}

fn value(column: &Column) -> BoxedStrategy<Value> {
    let micros = -62_135_596_800_000_000_i64..253_402_300_800_000_000;
    match column.ty {
        // The only foreign key of a row.
        _ if column.name == "blocknumber" => Just(Value::Int(1)).boxed(),
        // A check constraint allows country codes only.
        _ if column.name == "territory_codes" => {
            let codes = prop::collection::vec("[A-Z]{2}", 1..4);
            codes.prop_map(Value::Texts).boxed()
        }
        ColumnType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        ColumnType::Int4 => any::<i32>().prop_map(|value| Value::Int(value.into())).boxed(),
        ColumnType::Int8 => any::<i64>().prop_map(Value::Int).boxed(),
        ColumnType::Float8 => (-1e300..1e300).prop_map(Value::Float).boxed(),
        ColumnType::Text => text().prop_map(Value::Text).boxed(),
        ColumnType::Bytes => {
            prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Bytes).boxed()
        }
        ColumnType::Enum(_, labels) => {
            prop::sample::select(labels).prop_map(|label| Value::Text(label.into())).boxed()
        }
        ColumnType::Timestamp | ColumnType::TimestampTz => {
            micros.prop_map(|at| Value::Time(Timestamp::from_micros(at))).boxed()
        }
        ColumnType::Date => (-700_000_i64..2_900_000)
            .prop_map(|day| Value::Time(Timestamp::from_seconds(day * 86_400)))
            .boxed(),
        ColumnType::Jsonb => json().prop_map(|json| Value::Json(json.into())).boxed(),
        ColumnType::Int4Array => prop::collection::vec(any::<i32>(), 0..4)
            .prop_map(|values| Value::Ints(values.into_iter().map(i64::from).collect()))
            .boxed(),
        ColumnType::TextArray => prop::collection::vec(text(), 0..4).prop_map(Value::Texts).boxed(),
    }
}

/// A random row; columns that may be NULL are so every third time, and always those of production that
/// are `absent` from the schema.
fn random_row(
    table: TableId,
    nullable: &[String],
    absent: &[&str],
    runner: &mut TestRunner,
) -> Row {
    let def = table.def();
    let values = def.columns.iter().map(|column| {
        let null = nullable.contains(&format!("{}.{}", def.name, column.name))
            && (0..3_u8).new_tree(runner).unwrap().current() == 0;
        if absent.contains(&column.name) {
            return Value::Null;
        }
        if column.name == "is_current" {
            return Value::Bool(def.versions != Versions::Past);
        }
        if null { Value::Null } else { value(column).new_tree(runner).unwrap().current() }
    });
    let values: Vec<_> = values.collect();
    let row = (def.decode)(values.clone()).unwrap_or_else(|_| {
        // The definition is stricter than the schema.
        let full = values.iter().zip(def.columns).map(|(value, column)| match value {
            Value::Null => self::value(column).new_tree(runner).unwrap().current(),
            other => other.clone(),
        });
        (def.decode)(full.collect()).unwrap()
    });
    row.with_defaults().unwrap_or(row)
}

/// Random rows of every table.
pub(super) async fn random_rows(desk: &Desk, of_each: usize) -> Vec<(TableId, Row)> {
    // Random texts are none of the three that it allows.
    let check = "ALTER TABLE track_collaborators DROP CONSTRAINT track_collaborators_status_check";
    desk.db.execute(check).await;
    let nullable = desk
        .db
        .texts(
            "SELECT table_name || '.' || column_name FROM information_schema.columns
             WHERE table_schema = 'public' AND is_nullable = 'YES'",
        )
        .await;
    let present = desk
        .db
        .texts(
            "SELECT table_name || '.' || column_name FROM information_schema.columns
             WHERE table_schema = 'public'",
        )
        .await;
    let demanded = desk
        .db
        .texts(
            "SELECT table_name || '.' || column_name FROM information_schema.columns
             WHERE table_schema = 'public' AND is_nullable = 'NO' AND column_default IS NULL
                 AND is_identity = 'NO'",
        )
        .await;
    // Some records have too little of a row to be more than read.
    let is_whole = |table: &&TableId| {
        let def = table.def();
        let prefix = format!("{}.", def.name);
        let mut columns = demanded.iter().filter_map(|column| column.strip_prefix(&prefix));
        columns.all(|name| def.columns.iter().any(|column| column.name == name))
    };
    let mut runner = TestRunner::deterministic();
    let tables =
        TableId::ALL.iter().filter(is_whole).flat_map(|table| std::iter::repeat_n(*table, of_each));
    tables
        .map(|table| {
            let def = table.def();
            let names = def.columns.iter().map(|column| column.name);
            let absent: Vec<&str> =
                names.filter(|name| !present.contains(&format!("{}.{name}", def.name))).collect();
            (table, random_row(table, &nullable, &absent, &mut runner))
        })
        .collect()
}

fn texts(row: &Row) -> Vec<String> {
    let def = row.table().def();
    (0..def.columns.len())
        .map(|column| match row.value(column) {
            ValueRef::Json(json) => format!("{}: {json:?}", def.columns[column].name),
            other => format!("{}: {other:?}", def.columns[column].name),
        })
        .collect()
}

#[tokio::test]
async fn rows_of_every_table_are_loaded_as_they_were_written() {
    let mut desk = Desk::new().await;
    let rows = random_rows(&desk, 6).await;
    let block = desk.block(&rows, Vec::new());
    let expected: Vec<Row> =
        block.changes.iter().map(|change| change.after.clone().unwrap()).collect();
    desk.write(vec![block]).await.unwrap();
    let loader = Loader::open(desk.db.database()).await.unwrap();
    let requests = TableId::ALL.iter().map(|table| LoadRequest {
        table: *table,
        lookup: None,
        keys: expected.iter().filter(|row| row.table() == *table).map(key).collect(),
    });
    let mut loaded: Vec<Row> = Vec::new();
    for (_, rows) in loader.load(requests.collect()).await.unwrap() {
        loaded.extend(rows);
    }
    assert_eq!(loaded.len(), expected.len());
    for expected in &expected {
        let same_key = |row: &&Row| row.table() == expected.table() && key(row) == key(expected);
        let found = loaded.iter().find(same_key);
        assert_eq!(found.map(texts), Some(texts(expected)), "{}", expected.table().def().name);
    }
}

#[tokio::test]
async fn a_run_keeps_the_latest_version_of_a_row_and_replaces_the_stored_one() {
    let mut desk = Desk::new().await;
    let first = desk.block(&[user(1, "0xa", 1), user(2, "0xb", 1)], Vec::new());
    desk.write(vec![first]).await.unwrap();
    let blocks = vec![
        desk.block(&[user(1, "0xc", 2), user(3, "0xd", 2)], Vec::new()),
        desk.block(&[user(1, "0xe", 3)], Vec::new()),
        desk.removal(&[user(2, "", 0), user(3, "", 0)]),
    ];
    let written = desk.write(blocks).await.unwrap();
    assert_eq!(
        desk.db.texts("SELECT user_id || wallet FROM users ORDER BY 1").await,
        ["10xe"],
        "one row per key, removed ones gone, whether they were stored or not"
    );
    assert!(written.rows.contains(&("users", 1)), "{:?}", written.rows);
}

#[tokio::test]
async fn rows_that_are_not_current_are_left_alone() {
    let mut desk = Desk::new().await;
    let first = desk.block(&[user(1, "0xa", 1)], Vec::new());
    desk.write(vec![first]).await.unwrap();
    desk.db
        .execute(
            "INSERT INTO users (user_id, is_current, wallet, txhash, created_at, updated_at)
             VALUES (1, false, 'old', '', now(), now())",
        )
        .await;
    let second = desk.block(&[user(1, "0xb", 2)], Vec::new());
    desk.write(vec![second]).await.unwrap();
    assert_eq!(desk.db.texts("SELECT wallet FROM users ORDER BY 1").await, ["0xb", "old"]);
    let loader = Loader::open(desk.db.database()).await.unwrap();
    let request = LoadRequest { table: TableId::Users, lookup: None, keys: vec![Key::from(1)] };
    assert_eq!(loader.load(vec![request]).await.unwrap()[0].1.len(), 1);
}
