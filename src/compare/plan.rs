//! What to compare of each table: the two catalogs side by side. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::catalog::{Catalog, CatalogColumn, CatalogTable};
use super::form::{Class, Form};
use super::known::Known;
use super::session::Session;
use super::spec::{self, Position, TableSpec};
use super::sql::identifier;
use super::{Error, Side, names, nature, sight};
use crate::model::tables::TableId;

/// Something that the schema of one side lacks or has otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The table.
    pub table: String,
    /// The column, unless the whole table is meant.
    pub column: Option<String>,
    /// What is the matter, in words.
    pub problem: String,
    /// Whether a verdict of equality cannot be given because of it. Columns that only one side has
    /// beyond those that handlers fill are mentioned, no more.
    pub serious: bool,
}

/// A table that is not compared, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The table.
    pub table: String,
    /// Why.
    pub reason: String,
}

/// A column of both sides.
#[derive(Clone, Debug)]
pub(crate) struct ColumnPlan {
    pub(crate) name: String,
    pub(crate) form: Form,
    pub(crate) etl: Class,
    pub(crate) prod: Class,
}

impl ColumnPlan {
    pub(crate) const fn class(&self, side: Side) -> &Class {
        match side {
            Side::Etl => &self.etl,
            Side::Prod => &self.prod,
        }
    }

    /// The column of the table aliased `t`.
    pub(crate) fn reference(&self) -> String {
        format!("t.{}", identifier(&self.name))
    }
}

/// How two tables are compared.
#[derive(Clone, Debug)]
pub(crate) struct TablePlan {
    pub(crate) name: String,
    /// The first `keys` columns are the natural key.
    pub(crate) columns: Vec<ColumnPlan>,
    pub(crate) keys: usize,
    /// Columns that either side has and that are not compared.
    pub(crate) further: Vec<(String, Class)>,
    pub(crate) position: Position,
    pub(crate) current_only: bool,
    /// Condition on the rows that are compared.
    pub(crate) only: Option<String>,
    pub(crate) etl: Placement,
    pub(crate) prod: Placement,
}

/// What is known of a table on one side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement {
    pub(crate) rows: u64,
    pub(crate) pages: Option<u64>,
    /// An index starts with the first column of the key.
    pub(crate) indexed: bool,
}

impl TablePlan {
    /// Refuses the table if the role does not see all of it.
    pub(crate) fn check_sight(&self, side: Side, catalog: &Catalog) -> Result<(), Error> {
        let columns: Vec<_> = self.columns.iter().map(|column| column.name.as_str()).collect();
        sight::check(side, catalog, &self.name, &columns)
    }

    pub(crate) const fn placement(&self, side: Side) -> &Placement {
        match side {
            Side::Etl => &self.etl,
            Side::Prod => &self.prod,
        }
    }

    pub(crate) fn key(&self) -> &[ColumnPlan] {
        &self.columns[..self.keys]
    }

    /// Leaves out what each kind of indexer writes of its own: slots of plays, and slots and parents
    /// of indexed blocks.
    pub(crate) fn forget_slots(&mut self) {
        let is_indexed = self.name == "core_indexed_blocks";
        let keys = self.keys;
        let mut index = 0;
        self.columns.retain(|column| {
            let is_key = index < keys;
            index += 1;
            let is_own = column.form == Form::Slot || (is_indexed && column.name == "parenthash");
            is_key || !is_own
        });
    }

    /// Estimated rows of the larger side.
    pub(crate) fn rows(&self) -> u64 {
        self.etl.rows.max(self.prod.rows)
    }
}

/// All tables.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) tables: Vec<TablePlan>,
    pub(crate) drift: Vec<Drift>,
    pub(crate) skipped: Vec<Skipped>,
}

impl Plan {
    /// Refuses tables of which the role does not see all.
    pub(crate) fn check_sight(&self, side: Side, catalog: &Catalog) -> Result<(), Error> {
        self.tables.iter().try_for_each(|table| table.check_sight(side, catalog))
    }

    /// Leaves out the plays that production, which is `prod`, does not keep.
    pub(crate) async fn date_plays(&mut self, prod: &mut Session) -> Result<(), Error> {
        if let Some(plays) = self.tables.iter_mut().find(|table| table.name == "plays") {
            plays.only = nature::kept_plays(prod).await?.or(plays.only.take());
        }
        Ok(())
    }
}

/// What the user chose to compare.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    /// Names of tables; empty for all.
    pub(crate) tables: Vec<String>,
    /// Names of columns, `column` or `table.column`; empty for all. Keys are always compared.
    pub(crate) columns: Vec<String>,
}

impl Choice {
    fn table(&self, name: &str) -> bool {
        self.tables.is_empty() || self.tables.iter().any(|table| table == name)
    }

    fn column(&self, table: &str, column: &str) -> bool {
        self.columns.is_empty() || self.names(table, column)
    }

    /// Whether the user named the column, alone or with its table.
    fn names(&self, table: &str, column: &str) -> bool {
        self.columns.iter().any(|chosen| match chosen.split_once('.') {
            Some((of, name)) => of == table && name == column,
            None => chosen == column,
        })
    }

    /// Refuses columns that no chosen table has, on either side.
    pub(crate) fn check(&self, etl: &Catalog, prod: &Catalog) -> Result<(), Error> {
        let columns = |table: &str| {
            let sides = [etl.tables.get(table), prod.tables.get(table)];
            sides.into_iter().flatten().flat_map(|found| found.columns.keys()).map(String::as_str)
        };
        for given in &self.columns {
            let (of, name) =
                given.split_once('.').map_or((None, given.as_str()), |(of, name)| (Some(of), name));
            let tables = spec::tables().iter().map(|spec| spec.name);
            let tables: Vec<_> = tables
                .filter(|table| self.table(table) && of.is_none_or(|of| of == *table))
                .collect();
            if tables.iter().any(|table| columns(table).any(|column| column == name)) {
                continue;
            }
            let hint = names::hint(name, tables.iter().flat_map(|table| columns(table)));
            return Err(Error::Usage(format!("there is no column `{given}` to compare{hint}")));
        }
        Ok(())
    }
}

/// Lays the two catalogs side by side.
pub(crate) fn plan(etl: &Catalog, prod: &Catalog, choice: &Choice, known: &Known) -> Plan {
    let mut plan = Plan::default();
    for spec in spec::tables().iter().filter(|spec| choice.table(spec.name)) {
        let shaped = if prod.is_production { nature::of(spec) } else { Ok(spec.clone()) };
        let spec = match shaped {
            Ok(spec) => spec,
            Err(reason) => {
                let (table, reason) = (spec.name.to_owned(), reason.to_owned());
                plan.skipped.push(Skipped { table, reason });
                continue;
            }
        };
        let spec = &spec;
        let named = !choice.tables.is_empty();
        match (etl.tables.get(spec.name), prod.tables.get(spec.name)) {
            (Some(one), Some(other)) => table(&mut plan, spec, one, other, choice, known),
            (None, None) if named => {
                let problem = "in neither database".to_owned();
                plan.drift.push(whole_table(spec.name, problem, true));
            }
            (None, None) => {}
            (one, _) => {
                let (with, without) =
                    if one.is_some() { (Side::Etl, Side::Prod) } else { (Side::Prod, Side::Etl) };
                let problem = format!("in {with} but not in {without}");
                if spec.optional && !named {
                    plan.skipped.push(Skipped { table: spec.name.to_owned(), reason: problem });
                } else {
                    let serious = !known.allows_absence(spec.name, None);
                    plan.drift.push(whole_table(spec.name, problem, serious));
                }
            }
        }
    }
    plan
}

fn whole_table(table: &str, problem: String, serious: bool) -> Drift {
    Drift { table: table.to_owned(), column: None, problem, serious }
}

fn table(
    plan: &mut Plan,
    spec: &TableSpec,
    etl: &CatalogTable,
    prod: &CatalogTable,
    choice: &Choice,
    known: &Known,
) {
    let mut columns = Vec::new();
    let mut drift = |column: &str, problem: String, serious| {
        let serious = serious && !known.allows_absence(spec.name, Some(column));
        let (table, column) = (spec.name.to_owned(), Some(column.to_owned()));
        plan.drift.push(Drift { table, column, problem, serious });
    };
    let is_key = |name: &str| spec.key.contains(&name);
    let written = written_columns(spec);
    let names: BTreeSet<&String> = etl.columns.keys().chain(prod.columns.keys()).collect();
    let others = names.into_iter().map(String::as_str).filter(|name| !is_key(name));
    for name in spec.key.iter().copied().chain(others) {
        let chosen = is_key(name)
            || (choice.column(spec.name, name)
                && !spec.ignored.contains(&name)
                && !known.skips(spec.name, name));
        if !chosen {
            continue;
        }
        match (etl.columns.get(name), prod.columns.get(name)) {
            (Some(one), Some(other)) if !is_key(name) && (one.own || other.own) => {}
            (Some(one), Some(other)) => match form(spec, name, one, other) {
                Some(form) => columns.push(ColumnPlan {
                    name: name.to_owned(),
                    form,
                    etl: one.class.clone(),
                    prod: other.class.clone(),
                }),
                None => {
                    let (one, other) = (&one.type_name, &other.type_name);
                    drift(name, format!("{one} in etl, {other} in prod"), true);
                }
            },
            (Some(column), None) if !column.own => {
                let serious = written.contains(&name) || choice.names(spec.name, name);
                drift(name, "in etl but not in prod".to_owned(), serious);
            }
            (None, Some(column)) if !column.own => {
                let serious = written.contains(&name) || choice.names(spec.name, name);
                drift(name, "in prod but not in etl".to_owned(), serious);
            }
            (None, None) => drift(name, "in neither database".to_owned(), true),
            _ => {}
        }
    }
    let keys = columns.iter().take_while(|column| is_key(&column.name)).count();
    if keys < spec.key.len() {
        let reason = "its key columns are not comparable".to_owned();
        plan.skipped.push(Skipped { table: spec.name.to_owned(), reason });
        return;
    }
    let chosen = |name: &str| choice.column(spec.name, name);
    if !columns.iter().any(|column| chosen(&column.name)) {
        let reason = "has none of the columns that --columns names".to_owned();
        plan.skipped.push(Skipped { table: spec.name.to_owned(), reason });
        return;
    }
    let has = |name: &str| etl.columns.contains_key(name) && prod.columns.contains_key(name);
    let sides = etl.columns.iter().chain(&prod.columns);
    let mut further: Vec<_> = sides
        .filter(|(name, _)| columns.iter().all(|column| column.name != **name))
        .map(|(name, column)| (name.clone(), column.class.clone()))
        .collect();
    further.sort_by(|one, other| one.0.cmp(&other.0));
    further.dedup_by(|one, other| one.0 == other.0);
    plan.tables.push(TablePlan {
        name: spec.name.to_owned(),
        columns,
        further,
        keys,
        position: match spec.position.column() {
            Some(column) if !has(column) => Position::Total,
            _ => spec.position,
        },
        current_only: spec.current_only && has("is_current"),
        only: spec.only.map(str::to_owned),
        etl: placement(spec, etl),
        prod: placement(spec, prod),
    });
}

fn placement(spec: &TableSpec, table: &CatalogTable) -> Placement {
    let indexed = spec.key.first().is_some_and(|first| table.indexed.iter().any(|c| c == first));
    Placement { rows: table.rows, pages: table.pages, indexed }
}

fn form(spec: &TableSpec, name: &str, etl: &CatalogColumn, prod: &CatalogColumn) -> Option<Form> {
    let form = Form::of(&etl.class, &prod.class)?;
    let whole = etl.class == Class::Integer && prod.class == Class::Integer;
    Some(match (name, spec.position) {
        ("wallet", _) if spec.folds_eth_wallets => Form::EthWallet,
        ("txhash" | "tx_hash", _) if etl.class == Class::Text => Form::TxHash,
        ("blocknumber" | "em_block", Position::Block(_) | Position::Height(_)) if whole => {
            Form::Block
        }
        (name, Position::Block(column)) if whole && name == column => Form::Block,
        ("plays_slot", _) if whole => Form::Slot,
        (name, Position::Slot(column)) if whole && name == column => Form::Slot,
        _ => form,
    })
}

/// Columns that we fill: their absence matters.
fn written_columns(spec: &TableSpec) -> Vec<&'static str> {
    let mut names = Vec::new();
    for column in TableId::of_name(spec.name).flat_map(|id| id.def().columns) {
        if !names.contains(&column.name) {
            names.push(column.name);
        }
    }
    names
}
