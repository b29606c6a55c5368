//! What somebody changed while we run: found when a statement fails, told instead of its error.

use super::{Catalog, Column};
use crate::db::error::SchemaProblem;

impl Catalog {
    /// The first thing about the tables that are read and written, each given with its columns,
    /// that is different from `before` in a way that statements made for `before` cannot cope with.
    pub(crate) fn drift(
        &self,
        before: &Self,
        used: impl IntoIterator<Item = (&'static str, Vec<&'static str>)>,
    ) -> Option<SchemaProblem> {
        used.into_iter().find_map(|(table, columns)| {
            let Some(now) = self.table(table) else {
                return Some(SchemaProblem::MissingTable { table });
            };
            let was = before.table(table)?;
            let changed = columns.iter().find_map(|name| {
                let was = was.columns.get(*name)?;
                match now.columns.get(*name) {
                    None => Some(SchemaProblem::MissingColumns { table, columns: vec![name] }),
                    Some(now) => changed(table, name, was, now),
                }
            });
            changed.or_else(|| self.demanded(table, &columns))
        })
    }

    /// A column of the table that is not among `written` and that no row goes without.
    pub(crate) fn demanded(&self, table: &'static str, written: &[&str]) -> Option<SchemaProblem> {
        let mut demanded: Vec<&String> = self
            .table(table)?
            .columns
            .iter()
            .filter(|(name, column)| column.is_demanded() && !written.contains(&name.as_str()))
            .map(|(name, _)| name)
            .collect();
        demanded.sort();
        let column = (*demanded.first()?).clone();
        Some(SchemaProblem::Demanded { table, column })
    }
}

fn changed(
    table: &'static str,
    column: &'static str,
    was: &Column,
    now: &Column,
) -> Option<SchemaProblem> {
    if was.type_oid != now.type_oid {
        let (was, now) = (was.type_name.clone(), now.type_name.clone());
        return Some(SchemaProblem::TypeChanged { table, column, was, now });
    }
    let is_tighter = now.not_null && !was.not_null;
    is_tighter.then_some(SchemaProblem::NoLongerNull { table, column })
}
