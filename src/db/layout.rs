//! The tables as they are in this database: which columns exist, and how their values travel.
//!
//! Taken from the catalog, which is read once at the start. A missing column is a schema error before
//! anything is written, unless a database may lack it; extra columns are none of our business.

use super::{
    Error, SchemaProblem,
    catalog::{Catalog, Table, is_optional},
    codec::Wire,
};
use crate::model::{tables::TableId, value::ColumnType};

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
    /// The database has it. One that it lacks reads as NULL and is not written.
    pub(crate) is_present: bool,
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

impl TableLayout {
    /// The columns that the database has.
    pub(crate) fn present(&self) -> impl Iterator<Item = &ColumnLayout> {
        self.columns.iter().filter(|column| column.is_present)
    }
}

/// The store's tables as the database has them, in the order of [`TableId::ALL`].
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    tables: Vec<TableLayout>,
}

impl Layout {
    /// The columns of every table of the store.
    ///
    /// # Errors
    /// A table or column that is missing, or of a type that its values cannot be stored in.
    pub(crate) fn of(catalog: &Catalog) -> Result<Self, Error> {
        let table = |id: &TableId| {
            let def = id.def();
            let columns = def.columns.iter().map(|column| (column.name, column.ty));
            table_layout(catalog, def.name, columns)
        };
        let tables = TableId::ALL.iter().map(table).collect::<Result<_, _>>()?;
        Ok(Self { tables })
    }

    pub(crate) fn table(&self, id: TableId) -> &TableLayout {
        &self.tables[id as usize]
    }

    /// The tables, in the order of [`TableId::ALL`].
    pub(crate) fn tables(&self) -> &[TableLayout] {
        &self.tables
    }
}

/// The columns of an append-only table.
///
/// # Errors
/// See [`Layout::of`].
pub(crate) fn raw_layout(catalog: &Catalog, table: &RawTable) -> Result<TableLayout, Error> {
    table_layout(catalog, table.name, table.columns.iter().copied())
}

fn table_layout(
    catalog: &Catalog,
    name: &'static str,
    wanted: impl Iterator<Item = (&'static str, ColumnType)> + Clone,
) -> Result<TableLayout, Error> {
    let found = catalog.table(name).ok_or(SchemaProblem::MissingTable { table: name })?;
    let is_missing =
        |column: &&str| !found.columns.contains_key(*column) && !is_optional(name, column);
    let missing: Vec<_> = wanted.clone().map(|(column, _)| column).filter(is_missing).collect();
    if !missing.is_empty() {
        return Err(SchemaProblem::MissingColumns { table: name, columns: missing }.into());
    }
    let columns = wanted.map(|(column, ty)| column_layout(name, found, column, ty));
    Ok(TableLayout { name, columns: columns.collect::<Result<_, _>>()? })
}

fn column_layout(
    table: &'static str,
    found: &Table,
    name: &'static str,
    ty: ColumnType,
) -> Result<ColumnLayout, Error> {
    let Some(column) = found.columns.get(name) else {
        return Ok(ColumnLayout {
            name,
            is_present: false,
            wire: Wire::native(ty),
            enum_type: None,
        });
    };
    let is_enum = column.labels.is_some();
    let wire = Wire::of(column.type_oid, is_enum).filter(|wire| wire.fits(ty));
    let Some(wire) = wire else {
        let found = column.type_name.clone();
        return Err(
            SchemaProblem::ColumnType { table, column: name, found, expected: ty.sql() }.into()
        );
    };
    let enum_type = is_enum.then(|| column.type_name.clone());
    Ok(ColumnLayout { name, is_present: true, wire, enum_type })
}

/// Every table of `layouts` once, with the columns that any of them names.
pub(crate) fn used<'a>(
    layouts: impl IntoIterator<Item = &'a TableLayout>,
) -> Vec<(&'static str, Vec<&'static str>)> {
    let mut used: Vec<(&'static str, Vec<&'static str>)> = Vec::new();
    for layout in layouts {
        let names = layout.present().map(|column| column.name);
        match used.iter_mut().find(|(table, _)| *table == layout.name) {
            Some((_, known)) => {
                for name in names {
                    if !known.contains(&name) {
                        known.push(name);
                    }
                }
            }
            None => used.push((layout.name, names.collect())),
        }
    }
    used
}
