//! The PostgreSQL side: databases made from a template, seeding, reading all rows back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row as _};

use crate::diff::normalise::Marks;
use crate::diff::value::{Number, Value};
use crate::diff::{Row, Tables};

/// What kind of values a column holds, as far as reading it back differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Bool,
    Integer,
    Float,
    Timestamp,
    Bytes,
    Json,
    Array,
    Text,
}

#[derive(Clone, Debug)]
struct Column {
    name: String,
    form: Form,
}

/// The tables of the migrated schema.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    tables: BTreeMap<String, Vec<Column>>,
    /// Sequences that fill a column: sequence, table, column.
    sequences: Vec<(String, String, String)>,
}

/// A server on which databases may be created.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    options: PgConnectOptions,
    url: String,
    /// Start of the names of the databases this run makes.
    prefix: String,
    /// How many names were given out.
    named: Arc<AtomicUsize>,
}

impl Server {
    /// The server that `url` (of any database on it) names.
    pub(crate) fn new(url: &str) -> Result<Self> {
        let options: PgConnectOptions = url.parse().context("database URL")?;
        let prefix = format!("parity_{}_", std::process::id());
        Ok(Self { options, url: url.to_owned(), prefix, named: Arc::default() })
    }

    /// The URL of the server's database `name`.
    pub(crate) fn url_of(&self, name: &str) -> Result<String> {
        let (base, query) = match self.url.split_once('?') {
            Some((base, query)) => (base, format!("?{query}")),
            None => (self.url.as_str(), String::new()),
        };
        let scheme_end = base.find("://").context("database URL without scheme")? + 3;
        let host_end = base[scheme_end..].find('/').map_or(base.len(), |at| scheme_end + at);
        Ok(format!("{}/{name}{query}", &base[..host_end]))
    }

    /// A new name for this run's database of `name`; PostgreSQL cuts names to 63 bytes, so a number
    /// tells apart what the cut would make equal.
    pub(crate) fn name_of(&self, name: &str) -> String {
        let serial = self.named.fetch_add(1, Ordering::Relaxed);
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        format!("{}{serial}_{}", self.prefix, name.chars().map(plain).collect::<String>())
            .chars()
            .take(63)
            .collect()
    }

    /// Makes the database `name`, a copy of `template` if given.
    pub(crate) async fn create(&self, name: &str, template: Option<&str>) -> Result<()> {
        let copy = template.map(|t| format!(" TEMPLATE \"{t}\"")).unwrap_or_default();
        self.admin(format!("CREATE DATABASE \"{name}\"{copy}")).await
    }

    /// Drops the database `name`, whoever is connected to it.
    pub(crate) async fn drop(&self, name: &str) -> Result<()> {
        self.admin(format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await
    }

    async fn admin(&self, sql: String) -> Result<()> {
        let mut connection = self.options.connect().await.context("connect")?;
        connection.execute(AssertSqlSafe(sql.clone())).await.with_context(|| sql)?;
        Ok(connection.close().await?)
    }

    /// Connects to the database `name`.
    pub(crate) async fn connect(&self, name: &str) -> Result<PgConnection> {
        let options = self.options.clone().database(name).options([
            ("timezone", "UTC"),
            ("datestyle", "ISO, YMD"),
            ("bytea_output", "hex"),
            ("extra_float_digits", "1"),
        ]);
        options.connect().await.with_context(|| format!("connect to {name}"))
    }
}

const COLUMNS: &str = "\
    SELECT c.relname::text, a.attname::text, t.typname::text, t.typcategory::text \
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    JOIN pg_type t ON t.oid = a.atttypid \
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') \
    ORDER BY c.relname, a.attnum";

const SEQUENCES: &str = "\
    SELECT s.relname::text, c.relname::text, a.attname::text \
    FROM pg_class s JOIN pg_depend d ON d.objid = s.oid AND d.deptype IN ('a', 'i') \
    JOIN pg_class c ON c.oid = d.refobjid \
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid \
    WHERE s.relkind = 'S' AND s.relnamespace = 'public'::regnamespace";

impl Catalog {
    /// Reads which tables, columns and sequences the database has.
    pub(crate) async fn read(connection: &mut PgConnection) -> Result<Self> {
        let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
        for row in connection.fetch_all(COLUMNS).await? {
            let table: String = row.try_get(0)?;
            let (kind, category): (String, String) = (row.try_get(2)?, row.try_get(3)?);
            let form = match (kind.as_str(), category.as_str()) {
                ("bool", _) => Form::Bool,
                ("int2" | "int4" | "int8", _) => Form::Integer,
                ("float4" | "float8", _) => Form::Float,
                ("timestamp" | "timestamptz", _) => Form::Timestamp,
                ("bytea", _) => Form::Bytes,
                ("json" | "jsonb", _) => Form::Json,
                (_, "A") => Form::Array,
                _ => Form::Text,
            };
            tables.entry(table).or_default().push(Column { name: row.try_get(1)?, form });
        }
        let mut sequences = Vec::new();
        for row in connection.fetch_all(SEQUENCES).await? {
            sequences.push((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
        }
        Ok(Self { tables, sequences })
    }

    /// The names of all tables.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// What of `rows` the schema has room for.
    pub(crate) fn fitting(&self, mut rows: Tables) -> Tables {
        rows.retain(|table, _| self.has_table(table));
        for (table, rows) in &mut rows {
            let columns = &self.tables[table];
            for row in rows {
                row.retain(|name, _| columns.iter().any(|column| column.name == *name));
            }
        }
        rows
    }

    /// Whether there is a table of that name.
    pub(crate) fn has_table(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// Inserts `rows` with triggers and foreign keys off, then moves the sequences behind them.
    ///
    /// Tables the schema does not have are left out. A filled column that it does not have is an
    /// error.
    pub(crate) async fn seed(
        &self,
        connection: &mut PgConnection,
        rows: &Tables,
        json_nulls: &[Marks],
        sequences: &BTreeMap<String, i64>,
    ) -> Result<()> {
        connection.execute("SET session_replication_role = replica").await?;
        for (table, rows) in rows {
            if let Some(columns) = self.tables.get(table) {
                insert(connection, table, columns, rows)
                    .await
                    .with_context(|| format!("seed {table}"))?;
            }
        }
        for mark in json_nulls.iter().filter(|mark| self.has_table(&mark.table)) {
            let columns = mark.columns.iter().map(|column| format!("\"{column}\" = 'null'"));
            let keys =
                mark.key.iter().map(|(column, value)| format!("\"{column}\" = {}", literal(value)));
            let sql = format!(
                "UPDATE \"{}\" SET {} WHERE {}",
                mark.table,
                columns.collect::<Vec<_>>().join(", "),
                keys.collect::<Vec<_>>().join(" AND ")
            );
            connection.execute(AssertSqlSafe(sql)).await?;
        }
        connection.execute("SET session_replication_role = origin").await?;
        for (sequence, table, column) in &self.sequences {
            let recorded = sequences.get(sequence);
            if recorded.is_none() && !rows.contains_key(table) {
                continue;
            }
            let value = match recorded {
                Some(value) => value.to_string(),
                None => format!("(SELECT max(\"{column}\") FROM \"{table}\")"),
            };
            let sql = format!("SELECT setval('\"{sequence}\"', {value}) WHERE {value} IS NOT NULL");
            connection.execute(AssertSqlSafe(sql)).await?;
        }
        Ok(())
    }

    /// All rows of those of `tables` that exist.
    pub(crate) async fn dump(
        &self,
        connection: &mut PgConnection,
        tables: impl Iterator<Item = &str>,
    ) -> Result<Tables> {
        let mut dump = Tables::new();
        for table in tables {
            let Some(columns) = self.tables.get(table) else { continue };
            let rows = read_rows(connection, table, columns)
                .await
                .with_context(|| format!("read {table}"))?;
            dump.insert(table.to_owned(), rows);
        }
        Ok(dump)
    }
}

async fn insert(
    connection: &mut PgConnection,
    table: &str,
    columns: &[Column],
    rows: &[Row],
) -> Result<()> {
    let mut shapes: BTreeMap<Vec<&str>, Vec<Value>> = BTreeMap::new();
    for row in rows {
        let mut fitted = Row::new();
        for (name, value) in row {
            match columns.iter().find(|column| column.name == *name) {
                Some(column) => drop(fitted.insert(name.clone(), to_input(column.form, value))),
                None if *value == Value::Null => {}
                None => bail!("the schema has no column {table}.{name}"),
            }
        }
        let known = |name: &&String| fitted.contains_key(*name);
        let names = row.keys().filter(known).map(String::as_str).collect();
        shapes.entry(names).or_default().push(Value::Object(fitted));
    }
    for (names, rows) in shapes {
        let names = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "INSERT INTO \"{table}\" ({names}) \
             SELECT {names} FROM json_populate_recordset(NULL::\"{table}\", $1::json)"
        );
        let rows = Value::List(rows).to_string();
        sqlx::query(AssertSqlSafe(sql)).bind(rows).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The recorded value in the form that `json_populate_recordset` takes.
fn to_input(form: Form, value: &Value) -> Value {
    match (form, value) {
        (Form::Bytes, Value::Text(hex)) => Value::Text(format!("\\x{hex}")),
        _ => value.clone(),
    }
}

/// A recorded key value as an SQL literal of unknown type.
fn literal(value: &Value) -> String {
    let text = value.as_text().map_or_else(|| value.to_string(), str::to_owned);
    format!("'{}'", text.replace('\'', "''"))
}

async fn read_rows(
    connection: &mut PgConnection,
    table: &str,
    columns: &[Column],
) -> Result<Vec<Row>> {
    let list = columns.iter().map(|column| match column.form {
        Form::Array => format!("to_json(\"{}\")::text", column.name),
        _ => format!("\"{}\"::text", column.name),
    });
    let sql = format!("SELECT {} FROM \"{table}\"", list.collect::<Vec<_>>().join(", "));
    let mut rows = Vec::new();
    for found in connection.fetch_all(AssertSqlSafe(sql)).await? {
        let mut row = Row::new();
        for (at, column) in columns.iter().enumerate() {
            let value = match found.try_get::<Option<String>, _>(at)? {
                None => Value::Null,
                Some(text) => from_output(column.form, &text)
                    .with_context(|| format!("column {} is {text}", column.name))?,
            };
            row.insert(column.name.clone(), value);
        }
        rows.push(row);
    }
    Ok(rows)
}

/// PostgreSQL's text of a value in the recordings' form.
fn from_output(form: Form, text: &str) -> Result<Value> {
    Ok(match form {
        Form::Bool => Value::Bool(text == "true"),
        Form::Integer => Value::Number(Number::new(text)),
        Form::Float => match text {
            "NaN" => Value::from("nan"),
            "Infinity" => Value::from("inf"),
            "-Infinity" => Value::from("-inf"),
            _ => Value::Number(Number::new(text)),
        },
        Form::Timestamp => Value::Text(timestamp(text)),
        Form::Bytes => Value::from(text.trim_start_matches("\\x")),
        Form::Json => match Value::parse(text)? {
            Value::Null => Value::JsonNull,
            value => value,
        },
        Form::Array => Value::parse(text)?,
        Form::Text => Value::from(text),
    })
}

/// `2026-11-20 07:09:31.35[+00]` as `2026-11-20T07:09:31.350000Z`; an infinite one as it is.
fn timestamp(text: &str) -> String {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return text.to_owned();
    }
    if let Some(text) = text.strip_suffix(" BC") {
        return timestamp(text) + " BC";
    }
    let text = text.strip_suffix("+00").unwrap_or(text).replacen(' ', "T", 1);
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{fraction:0<6}Z"),
        None => format!("{text}Z"),
    }
}
