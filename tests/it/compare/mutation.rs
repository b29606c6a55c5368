//! Every kind of damage to every table is found and named exactly, and nothing else is reported.

use std::collections::{BTreeMap, BTreeSet};

use audius_etl::compare::spec::{self, TableSpec};
use audius_etl::compare::{Difference, Kind, Options, Verdict};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor, Row};

use super::{Pair, fill, prepared};

/// Numbers that look random and are the same for the same seed.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        // Splitmix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.below(from.len())) }
    }
}

/// A column that damage may be done to.
#[derive(Clone, Debug)]
pub(super) struct Column {
    name: String,
    ty: String,
    is_enum: bool,
    nullable: bool,
    indexed: bool,
}

/// What is expected of a row, by table and key: in what way it differs, and the columns.
pub(super) type Expected = BTreeMap<(String, String), (Kind, BTreeSet<String>)>;

pub(super) struct Damage<'a> {
    pub(super) connection: &'a mut PgConnection,
    pub(super) table: &'a TableSpec,
    pub(super) columns: Vec<Column>,
    /// Where the rows are that no damage was done to yet.
    pub(super) places: Vec<String>,
    pub(super) dice: &'a mut Dice,
    pub(super) expected: &'a mut Expected,
}

impl Damage<'_> {
    /// All kinds, each to rows of its own.
    pub(super) async fn everything(&mut self) {
        for ty in TYPES {
            self.change_a_field(ty).await;
        }
        self.delete_a_row().await;
        self.swap_null_and_empty().await;
        self.swap_two_values().await;
        self.spell_values_otherwise().await;
        self.add_a_row().await;
    }

    fn take_place(&mut self) -> String {
        let index = self.dice.below(self.places.len());
        self.places.swap_remove(index)
    }

    async fn key_at(&mut self, place: &str) -> String {
        let key: Vec<_> =
            self.table.key.iter().map(|column| format!("\"{column}\"::text")).collect();
        let sql = format!(
            "SELECT concat_ws('|', {}) FROM \"{}\" WHERE ctid = '{place}'::tid",
            key.join(", "),
            self.table.name
        );
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *self.connection).await.unwrap()
    }

    async fn expect(&mut self, place: &str, kind: Kind, columns: &[&str]) {
        let key = self.key_at(place).await;
        let columns = columns.iter().map(ToString::to_string).collect();
        let place = (self.table.name.to_owned(), key);
        assert!(self.expected.insert(place, (kind, columns)).is_none(), "damaged twice");
    }

    async fn set(&mut self, place: &str, column: &str, value: &str) {
        let sql = format!(
            "UPDATE \"{}\" SET \"{column}\" = {value} WHERE ctid = '{place}'::tid",
            self.table.name
        );
        let done = self.connection.execute(AssertSqlSafe(sql)).await.unwrap();
        assert_eq!(done.rows_affected(), 1);
    }

    async fn change_a_field(&mut self, ty: &str) {
        let of_type: Vec<_> =
            self.columns
                .iter()
                .filter(|column| {
                    if ty == "enum" { column.is_enum } else { column.ty == ty && !column.is_enum }
                })
                .cloned()
                .collect();
        let Some(column) = self.dice.pick(&of_type).cloned() else { return };
        let place = self.take_place();
        self.expect(&place, Kind::Different, &[&column.name]).await;
        let old = format!("\"{}\"", column.name);
        let new = match ty {
            "bool" => format!("NOT {old}"),
            "int2" | "int4" | "int8" => format!("{old} + 1"),
            "numeric" => format!("{old} + 0.000000000000000001"),
            "float4" => format!("{old} * 1.001"),
            // The smallest step there is.
            "float8" => format!("{old} + abs({old}) * 2.3e-16"),
            "text" | "varchar" => format!("coalesce({old}, '') || 'x'"),
            "bytea" => format!("{old} || '\\x00'::bytea"),
            "timestamp" | "timestamptz" => format!("{old} + interval '1 microsecond'"),
            "date" => format!("{old} + 1"),
            "json" | "jsonb" => match self.dice.below(3) {
                0 => format!("jsonb_set({old}, '{{in,b}}', '\"other\"')"),
                1 => format!("jsonb_set({old}, '{{list}}', '[2.0, 1, \"1.0\"]')"),
                _ => format!("{old} #- '{{in,a}}'"),
            },
            "_int4" | "_int8" | "_text" | "_varchar" => {
                format!("{old}[2:2] || {old}[1:1] || {old}[3:]")
            }
            "enum" => format!(
                "(SELECT label FROM unnest(enum_range(NULL::{0})) AS label \
                 WHERE label IS DISTINCT FROM {old} UNION ALL SELECT NULL::{0} LIMIT 1)",
                column.ty
            ),
            other => panic!("no damage for {other}"),
        };
        self.set(&place, &column.name, &new).await;
    }

    async fn delete_a_row(&mut self) {
        let place = self.take_place();
        self.expect(&place, Kind::MissingInEtl, &[]).await;
        let sql = format!("DELETE FROM \"{}\" WHERE ctid = '{place}'::tid", self.table.name);
        self.connection.execute(AssertSqlSafe(sql)).await.unwrap();
    }

    async fn add_a_row(&mut self) {
        let before = places(self.connection, self.table.name).await;
        let number = 5_000 + i64::try_from(self.dice.below(1_000)).unwrap();
        fill(self.connection, self.table, number, number).await;
        let after = places(self.connection, self.table.name).await;
        let new = after.iter().find(|place| !before.contains(place)).unwrap().clone();
        self.expect(&new, Kind::MissingInProd, &[]).await;
    }

    async fn swap_null_and_empty(&mut self) {
        let of_type: Vec<_> = self
            .columns
            .iter()
            .filter(|column| matches!(column.ty.as_str(), "text" | "varchar"))
            .filter(|column| column.nullable && !column.indexed)
            .map(|column| column.name.clone())
            .collect();
        let Some(column) = self.dice.pick(&of_type).cloned() else { return };
        for (from, to) in [("= ''", "NULL"), ("IS NULL", "''")] {
            let sql =
                format!("SELECT ctid::text FROM \"{}\" WHERE \"{column}\" {from}", self.table.name);
            let found: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_all(&mut *self.connection)
                .await
                .unwrap();
            let Some(index) = self.places.iter().position(|place| found.contains(place)) else {
                continue;
            };
            let place = self.places.swap_remove(index);
            self.expect(&place, Kind::Different, &[&column]).await;
            self.set(&place, &column, to).await;
        }
    }

    /// The values of one column of two rows change places: every sum over values stays the same.
    async fn swap_two_values(&mut self) {
        let of_type: Vec<_> = self
            .columns
            .iter()
            .filter(|column| matches!(column.ty.as_str(), "int4" | "int8" | "text" | "varchar"))
            .filter(|column| !column.indexed && !column.is_enum)
            .map(|column| column.name.clone())
            .collect();
        let Some(column) = self.dice.pick(&of_type).cloned() else { return };
        let (one, other) = (self.take_place(), self.take_place());
        let value = |place: &str| {
            let table = self.table.name;
            format!("(SELECT \"{column}\" FROM \"{table}\" WHERE ctid = '{place}'::tid)")
        };
        let distinct = format!("SELECT {} IS DISTINCT FROM {}", value(&one), value(&other));
        let distinct: bool = sqlx::query_scalar(AssertSqlSafe(distinct))
            .fetch_one(&mut *self.connection)
            .await
            .unwrap();
        if !distinct {
            return;
        }
        self.expect(&one, Kind::Different, &[&column]).await;
        self.expect(&other, Kind::Different, &[&column]).await;
        let sql = format!(
            "UPDATE \"{0}\" AS t SET \"{column}\" = o.\"{column}\" FROM \"{0}\" AS o \
             WHERE t.ctid IN ('{one}', '{other}') AND o.ctid IN ('{one}', '{other}') \
                AND t.ctid <> o.ctid",
            self.table.name
        );
        let done = self.connection.execute(AssertSqlSafe(sql)).await.unwrap();
        assert_eq!(done.rows_affected(), 2);
    }

    /// What is written otherwise but means the same is no difference.
    async fn spell_values_otherwise(&mut self) {
        let named = |wanted: &[&str]| {
            let mut columns = self.columns.iter();
            columns.find(|column| wanted.contains(&column.ty.as_str())).map(|c| c.name.clone())
        };
        let (json, number) = (named(&["jsonb"]), named(&["numeric"]));
        let hashes: Vec<_> = self
            .columns
            .iter()
            .map(|column| column.name.clone())
            .chain(self.table.key.iter().map(ToString::to_string))
            .filter(|name| matches!(name.as_str(), "txhash" | "tx_hash"))
            .collect();
        if let Some(json) = json {
            let place = self.take_place();
            let value =
                format!("(regexp_replace(\"{json}\"::text, '2\\.0', '2.00000') )::jsonb || '{{}}'");
            self.set(&place, &json, &value).await;
        }
        if let Some(number) = number {
            let place = self.take_place();
            self.set(&place, &number, &format!("\"{number}\" + 0.0000")).await;
        }
        for hash in hashes {
            let place = self.take_place();
            let value =
                format!("'0x' || encode(convert_to(nullif(\"{hash}\", ''), 'UTF8'), 'hex')");
            let value = format!("coalesce({value}, \"{hash}\")");
            self.set(&place, &hash, &value).await;
        }
    }
}

/// The types that some table has.
const TYPES: &[&str] = &[
    "bool",
    "int2",
    "int4",
    "int8",
    "numeric",
    "float4",
    "float8",
    "text",
    "varchar",
    "bytea",
    "timestamp",
    "timestamptz",
    "date",
    "json",
    "jsonb",
    "_int4",
    "_int8",
    "_text",
    "_varchar",
    "enum",
];

pub(super) async fn places(connection: &mut PgConnection, table: &str) -> Vec<String> {
    let sql = format!("SELECT ctid::text FROM \"{table}\" ORDER BY ctid");
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(connection).await.unwrap()
}

/// The columns of a table that are compared and no part of its key.
pub(super) async fn columns(connection: &mut PgConnection, table: &TableSpec) -> Vec<Column> {
    let rows = sqlx::query(
        "SELECT a.attname::text AS name, t.typname::text AS ty, t.typtype = 'e' AS is_enum,
            NOT a.attnotnull AS nullable,
            EXISTS (SELECT FROM pg_index x
                WHERE x.indrelid = a.attrelid AND a.attnum = ANY (x.indkey)) AS indexed
         FROM pg_attribute a
         JOIN pg_type t ON t.oid = a.atttypid
         LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attgenerated = '' AND a.attname <> 'is_current'
            AND coalesce(pg_get_expr(d.adbin, d.adrelid), '') NOT LIKE 'nextval(%'",
    )
    .bind(table.name)
    .fetch_all(connection)
    .await
    .unwrap();
    rows.iter()
        .map(|row| Column {
            name: row.get("name"),
            ty: row.get("ty"),
            is_enum: row.get("is_enum"),
            nullable: row.get("nullable"),
            indexed: row.get("indexed"),
        })
        .filter(|column| {
            let name = column.name.as_str();
            !table.key.contains(&name) && !table.ignored.contains(&name)
        })
        .collect()
}

/// A difference in the form in which it is expected.
pub(super) fn observed(difference: &Difference) -> ((String, String), (Kind, BTreeSet<String>)) {
    let key: Vec<_> = difference.key.iter().filter_map(|(_, value)| value.clone()).collect();
    let columns = difference.fields.iter().map(|field| field.column.clone()).collect();
    ((difference.table.clone(), key.join("|")), (difference.kind, columns))
}

/// Damages two tables per seed, compares, and restores them.
async fn every_damage_is_found(seeds: std::ops::Range<u64>) {
    let pair = Pair::new().await;
    let (report, differences) = pair.compare(pair.options()).await;
    assert_eq!(differences, []);
    assert_eq!(report.verdict, Verdict::Equal, "{:?}", report.drift);
    let mut connection = prepared(&pair.etl).await;
    let mut there = Vec::new();
    for table in spec::tables() {
        let sql = format!("SELECT to_regclass('{}') IS NOT NULL", table.name);
        if sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap() {
            there.push(table);
        }
    }
    for seed in seeds {
        let mut dice = Dice(seed);
        let first = usize::try_from(seed).unwrap() % there.len();
        let second = (first + 1 + dice.below(there.len() - 1)) % there.len();
        let mut expected = Expected::new();
        for table in [there[first], there[second]] {
            let backup = format!("CREATE TABLE kept_{0} AS SELECT * FROM \"{0}\"", table.name);
            connection.execute(AssertSqlSafe(backup)).await.unwrap();
            let columns = columns(&mut connection, table).await;
            let places = places(&mut connection, table.name).await;
            let mut damage = Damage {
                connection: &mut connection,
                table,
                columns,
                places,
                dice: &mut dice,
                expected: &mut expected,
            };
            damage.everything().await;
        }
        let options = Options {
            exact: seed % 5 == 4,
            md5: seed % 7 == 6,
            segment_rows: 1 + dice.below(50) as u64,
            jobs: 1 + dice.below(3),
            tables: if seed % 10 == 0 {
                Vec::new()
            } else {
                vec![there[first].name.to_owned(), there[second].name.to_owned()]
            },
            ..pair.options()
        };
        let (report, differences) = pair.compare(options).await;
        let found: Expected = differences.iter().map(observed).collect();
        assert_eq!(found.len(), differences.len(), "seed {seed}: a row is reported twice");
        assert_eq!(found, expected, "seed {seed}");
        assert_eq!(report.total().differences(), expected.len() as u64, "seed {seed}");
        for table in [there[first], there[second]] {
            let restore = format!(
                "DELETE FROM \"{0}\"; INSERT INTO \"{0}\" SELECT * FROM kept_{0}; \
                 DROP TABLE kept_{0}",
                table.name
            );
            connection.execute(AssertSqlSafe(restore)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn every_damage_is_found_and_nothing_else_seeds_0_to_49() {
    every_damage_is_found(0..50).await;
}

#[tokio::test]
async fn every_damage_is_found_and_nothing_else_seeds_50_to_99() {
    every_damage_is_found(50..100).await;
}

#[tokio::test]
async fn every_damage_is_found_and_nothing_else_seeds_100_to_149() {
    every_damage_is_found(100..150).await;
}

#[tokio::test]
async fn every_damage_is_found_and_nothing_else_seeds_150_to_199() {
    every_damage_is_found(150..200).await;
}
