//! The tables as they are in this database: which columns exist, and how their values travel.
//!
//! Read once at the start. A missing column is a schema error before anything is written; extra
//! columns are none of our business.

use rustc_hash::FxHashMap;
use sqlx::{Row, postgres::PgConnection};

use super::{Error, SchemaProblem, codec::Wire};
use crate::model::{table::TableDef, tables::TableId, value::ColumnType};

/// A table that is only appended to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawTable {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [(&'static str, ColumnType)],
}

/// A column as the database has it.
#[derive(Clone, Debug)]
pub(crate) struct ColumnLayout {
    pub(crate) name: &'static str,
    pub(crate) wire: Wire,
    /// The type's name when it is an enum: texts need a cast to it.
    pub(crate) enum_type: Option<String>,
}

/// A table as the database has it; columns in the order of the definition.
#[derive(Clone, Debug)]
pub(crate) struct TableLayout {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<ColumnLayout>,
}

/// The store's tables as the database has them, in the order of [`TableId::ALL`].
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    tables: Vec<TableLayout>,
}

impl Layout {
    /// Reads the columns of every table of the store.
    pub(crate) async fn read(connection: &mut PgConnection) -> Result<Self, Error> {
        let wanted: Vec<_> = TableId::ALL.iter().map(|id| columns_of(id.def())).collect();
        let tables = read_tables(connection, &wanted).await?;
        Ok(Self { tables })
    }

    pub(crate) fn table(&self, id: TableId) -> &TableLayout {
        &self.tables[id as usize]
    }
}

/// Reads the columns of append-only tables.
pub(crate) async fn read_raw(
    connection: &mut PgConnection,
    tables: &[RawTable],
) -> Result<Vec<TableLayout>, Error> {
    let wanted: Vec<_> = tables.iter().map(|table| (table.name, table.columns.to_vec())).collect();
    read_tables(connection, &wanted).await
}

type Wanted = (&'static str, Vec<(&'static str, ColumnType)>);

fn columns_of(def: &TableDef) -> Wanted {
    (def.name, def.columns.iter().map(|column| (column.name, column.ty)).collect())
}

/// A column of the catalog.
struct Found {
    oid: u32,
    is_enum: bool,
    type_name: String,
}

async fn read_tables(
    connection: &mut PgConnection,
    wanted: &[Wanted],
) -> Result<Vec<TableLayout>, Error> {
    let names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
    let rows = sqlx::query(
        "SELECT n.name, a.attname::text, coalesce(b.oid, t.oid) AS type_oid, \
                coalesce(b.typtype, t.typtype) = 'e' AS is_enum, \
                format_type(a.atttypid, NULL) AS type_name \
         FROM unnest($1::text[]) AS n(name) \
         JOIN pg_attribute a ON a.attrelid = to_regclass(n.name) AND a.attnum > 0 \
             AND NOT a.attisdropped \
         JOIN pg_type t ON t.oid = a.atttypid \
         LEFT JOIN pg_type b ON b.oid = t.typbasetype AND t.typtype = 'd'",
    )
    .bind(names)
    .fetch_all(connection)
    .await
    .map_err(Error::query("reading the columns of the tables"))?;
    let mut tables: FxHashMap<String, FxHashMap<String, Found>> = FxHashMap::default();
    for row in rows {
        let (table, column, found) = found(&row).map_err(Error::query("reading the catalog"))?;
        tables.entry(table).or_default().insert(column, found);
    }
    wanted
        .iter()
        .map(|(name, columns)| {
            let found = tables.get(*name).ok_or(SchemaProblem::MissingTable { table: name })?;
            Ok(TableLayout { name, columns: match_columns(name, columns, found)? })
        })
        .collect()
}

fn found(row: &sqlx::postgres::PgRow) -> Result<(String, String, Found), sqlx::Error> {
    let oid: sqlx::postgres::types::Oid = row.try_get("type_oid")?;
    let found = Found {
        oid: oid.0,
        is_enum: row.try_get("is_enum")?,
        type_name: row.try_get("type_name")?,
    };
    Ok((row.try_get("name")?, row.try_get("attname")?, found))
}

fn match_columns(
    table: &'static str,
    wanted: &[(&'static str, ColumnType)],
    found: &FxHashMap<String, Found>,
) -> Result<Vec<ColumnLayout>, Error> {
    let missing: Vec<_> =
        wanted.iter().map(|(name, _)| *name).filter(|name| !found.contains_key(*name)).collect();
    if !missing.is_empty() {
        return Err(SchemaProblem::MissingColumns { table, columns: missing }.into());
    }
    wanted
        .iter()
        .map(|(name, ty)| {
            let column = &found[*name];
            let wire = Wire::of(column.oid, column.is_enum).filter(|wire| wire.fits(*ty));
            let Some(wire) = wire else {
                return Err(Error::from(SchemaProblem::ColumnType {
                    table,
                    column: name,
                    found: column.type_name.clone(),
                    expected: ty.sql(),
                }));
            };
            let enum_type = column.is_enum.then(|| column.type_name.clone());
            Ok(ColumnLayout { name, wire, enum_type })
        })
        .collect()
}
