//! Decides, statement by statement, what a database needs of the migrations.
//!
//! What is not there is made. What this program made it may change. To what others made it only
//! ever adds: columns and labels that are missing, and indexes that its own lookups need, which are
//! built without blocking writers, outside of a transaction.

use std::collections::BTreeSet;

use super::found::{Found, FoundIndex, OWN_PREFIX};
use super::statement::{self, Column, Does, Index, Item};
use super::{Migration, text};
use crate::db::error::SchemaProblem;

/// Columns of ours that production has dropped, or never had. They don't come back to tables of
/// somebody else.
const DROPPED: &[(&str, &str)] =
    &[("blocks", "is_current"), ("artist_coins", "dbc_pool"), ("artist_coins", "website")];

/// What one migration does to a database.
#[derive(Clone, Debug, Default)]
pub(super) struct Planned {
    /// What runs in its transaction.
    pub(super) statements: Vec<Statement>,
    /// What is built once it is applied.
    pub(super) indexes: Vec<Build>,
    /// It found objects of somebody else's.
    pub(super) adopted: bool,
}

/// A statement that is to run.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) sql: String,
    /// Line of the file that it comes from.
    pub(super) line: usize,
    /// A type or function, which is made only if another statement needs it.
    helper: Option<String>,
}

/// An index on a table that somebody else may be using.
#[derive(Clone, Debug)]
pub(super) struct Build {
    pub(super) name: String,
    pub(super) table: String,
    /// One of that name is there, left half built.
    pub(super) is_broken: bool,
    definition: String,
}

impl Build {
    /// The statements that build it, each outside of a transaction.
    pub(super) fn sql(&self) -> Vec<String> {
        let Self { name, definition, .. } = self;
        let drop = self.is_broken.then(|| format!("DROP INDEX CONCURRENTLY {name}"));
        let create = format!("CREATE INDEX CONCURRENTLY {name} {definition}");
        drop.into_iter().chain([create]).collect()
    }
}

/// Plans `migrations`, one after the other, for the database as it was found. Those of a version in `applied` get indexes
/// only: they may be missing or broken at any time.
pub(super) fn plan(
    migrations: &[Migration],
    applied: &BTreeSet<i32>,
    mut found: Found,
) -> Result<Vec<Planned>, SchemaProblem> {
    let mut plans = Vec::new();
    let mut dropped = BTreeSet::new();
    for migration in migrations {
        let is_applied = applied.contains(&migration.version);
        let mut planner =
            Planner { found: &mut found, planned: Planned::default(), is_applied, dropped };
        for source in statement::statements(migration.up) {
            planner.add(&source)?;
        }
        dropped = planner.dropped;
        plans.push(planner.planned);
    }
    // A later migration takes some of the indexes away again.
    for planned in &mut plans {
        planned.indexes.retain(|index| !dropped.contains(&index.name));
    }
    keep_needed_helpers(&mut plans);
    Ok(plans)
}

/// Drops types and functions that nothing else refers to: what they were for is there already, with
/// other types.
fn keep_needed_helpers(plans: &mut [Planned]) {
    let all: Vec<Statement> =
        plans.iter().flat_map(|planned| planned.statements.iter().cloned()).collect();
    let is_needed = |name: &str| {
        let mut others = all.iter().filter(|other| other.helper.as_deref() != Some(name));
        others.any(|other| text::mentions(&other.sql, name))
    };
    for planned in plans {
        planned.statements.retain(|statement| statement.helper.as_deref().is_none_or(is_needed));
    }
}

struct Planner<'a> {
    found: &'a mut Found,
    planned: Planned,
    is_applied: bool,
    /// Indexes that migrations take away.
    dropped: BTreeSet<String>,
}

impl Planner<'_> {
    fn add(&mut self, source: &statement::Source<'_>) -> Result<(), SchemaProblem> {
        let &statement::Source { sql, line, .. } = source;
        match &source.does {
            Does::Index(index) => self.index(sql, line, index),
            Does::DropIndex { name } => self.drop_index(sql, line, name),
            _ if self.is_applied => {}
            Does::Type { name, labels } => self.ty(sql, line, name, labels),
            Does::Table { name, items } if self.found.tables.contains_key(name) => {
                self.complete(line, name, items)?;
            }
            Does::Table { name, items } => self.table(sql, line, name, items),
            Does::Column { table, column } => {
                if self.found.is_theirs(table) {
                    self.planned.adopted = true;
                }
                self.column(line, table, column)?;
            }
            Does::Function { name } => {
                if self.found.functions.insert(name.clone()) {
                    self.helper(sql, line, name);
                }
            }
            Does::Trigger { name, table } => {
                if self.may_change(table)
                    && self.found.triggers.insert(format!("{name} on {table}"))
                {
                    self.run(sql.to_owned(), line);
                }
            }
            Does::View { name } => self.view(sql, line, name),
            Does::Ours { table } => {
                if self.may_change(table) {
                    self.run(sql.to_owned(), line);
                }
            }
            Does::Other => self.run(sql.to_owned(), line),
        }
        Ok(())
    }

    fn run(&mut self, sql: String, line: usize) {
        self.planned.statements.push(Statement { sql, line, helper: None });
    }

    fn helper(&mut self, sql: &str, line: usize, name: &str) {
        let helper = Some(name.to_owned());
        self.planned.statements.push(Statement { sql: sql.to_owned(), line, helper });
    }

    /// Whether the table is ours to change; notes that it is not.
    fn may_change(&mut self, table: &str) -> bool {
        let is_ours = self.found.is_ours(table);
        self.planned.adopted |= !is_ours;
        is_ours
    }

    fn ty(&mut self, sql: &str, line: usize, name: &str, labels: &[String]) {
        let Some(known) = self.found.types.get_mut(name) else {
            self.found.types.insert(name.to_owned(), labels.to_vec());
            return self.helper(sql, line, name);
        };
        let missing: Vec<String> =
            labels.iter().filter(|label| !known.contains(label)).cloned().collect();
        known.extend(missing.iter().cloned());
        self.planned.adopted = true;
        for label in missing {
            let label = label.replace('\'', "''");
            self.run(format!("ALTER TYPE {name} ADD VALUE IF NOT EXISTS '{label}'"), line);
        }
    }

    fn table(&mut self, sql: &str, line: usize, name: &str, items: &[Item]) {
        let theirs = |item: &Item| match item {
            Item::Constraint { refers_to: Some(other), .. } => self.found.is_theirs(other),
            _ => false,
        };
        // A key that refers to a table of somebody else would hang a trigger on it.
        let sql = if items.iter().any(theirs) {
            let kept = items.iter().filter(|item| !theirs(item)).map(Item::text);
            let kept: Vec<String> = kept.collect();
            format!("CREATE TABLE IF NOT EXISTS {name} (\n    {}\n)", kept.join(",\n    "))
        } else {
            sql.to_owned()
        };
        let columns = items.iter().filter_map(|item| match item {
            Item::Column(column) => Some(column.name.clone()),
            Item::Constraint { .. } => None,
        });
        self.found.tables.insert(name.to_owned(), columns.collect());
        self.found.made.insert(name.to_owned());
        self.run(sql, line);
    }

    /// Adds the columns that a table lacks. Those by which a database numbers rows are its own
    /// matter.
    fn complete(&mut self, line: usize, name: &str, items: &[Item]) -> Result<(), SchemaProblem> {
        self.planned.adopted |= !self.found.is_ours(name);
        for item in items {
            if let Item::Column(column) = item
                && !column.is_serial()
            {
                self.column(line, name, column)?;
            }
        }
        Ok(())
    }

    fn column(&mut self, line: usize, table: &str, column: &Column) -> Result<(), SchemaProblem> {
        let Column { name, definition } = column;
        let stays_away = DROPPED.contains(&(table, name)) && !self.found.is_ours(table);
        if self.found.has_column(table, name) || stays_away {
            return Ok(());
        }
        if !column.is_addable() {
            let (table, column) = (table.to_owned(), name.clone());
            return Err(SchemaProblem::NotAddable {
                table,
                column,
                definition: definition.clone(),
            });
        }
        self.found.tables.entry(table.to_owned()).or_default().insert(name.clone());
        self.found.made.insert(format!("{name} on {table}"));
        let sql = format!("ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {name} {definition}");
        self.run(sql, line);
        Ok(())
    }

    /// Views over large tables of somebody else would be computed for a long time, and whoever reads
    /// them has them already.
    fn view(&mut self, sql: &str, line: usize, name: &str) {
        let tables = self.found.tables.keys().filter(|table| text::mentions(sql, table));
        let over_theirs = tables.clone().any(|table| !self.found.is_ours(table));
        self.planned.adopted |= over_theirs;
        if !over_theirs && self.found.views.insert(name.to_owned()) {
            self.found.tables.insert(name.to_owned(), BTreeSet::new());
            self.found.made.insert(name.to_owned());
            self.run(sql.to_owned(), line);
        }
    }

    fn index(&mut self, sql: &str, line: usize, index: &Index) {
        let Index { name, table, unique, .. } = index;
        self.dropped.remove(name);
        let known = self.found.indexes.get(name);
        let is_broken = known.is_some_and(|known| !known.is_valid);
        if known.is_some() && !is_broken {
            return;
        }
        let keys = index.plain_keys();
        let is_own = name.starts_with(OWN_PREFIX) && !unique;
        if is_own && keys.as_ref().is_some_and(|keys| self.found.is_served(name, table, keys)) {
            return;
        }
        let is_ours = self.found.is_ours(table);
        if !is_ours && (!is_own || !self.found.tables.contains_key(table)) {
            self.planned.adopted |= !self.is_applied && self.found.tables.contains_key(table);
            return;
        }
        if is_ours && !is_broken && !self.is_applied {
            self.run(sql.to_owned(), line);
        } else if is_own {
            self.planned.adopted |= !is_ours;
            self.planned.indexes.push(Build {
                name: name.clone(),
                table: table.clone(),
                is_broken,
                definition: format!("ON {table} {}", index.rest),
            });
        } else {
            return;
        }
        let found = FoundIndex { table: table.clone(), is_valid: true, plain_keys: keys };
        self.found.indexes.insert(name.clone(), found);
    }

    fn drop_index(&mut self, sql: &str, line: usize, name: &str) {
        self.dropped.insert(name.to_owned());
        if self.is_applied {
            return;
        }
        if let Some(index) = self.found.indexes.remove(name)
            && self.found.is_ours(&index.table)
        {
            self.run(sql.to_owned(), line);
        }
    }
}
