//! SQL that the user wrote, tried before the work begins.

use std::collections::BTreeSet;

use super::known::Known;
use super::plan::{Plan, Skipped, TablePlan};
use super::query::{Hash, Query, Selection};
use super::session::Session;
use super::{Error, Side, explain};

/// Tries `--where` on one side. Tables that lack a column of it are left out, unless the user named
/// the tables.
pub(crate) async fn condition(
    plan: &mut Plan,
    condition: &str,
    named: bool,
    session: &mut Session,
) -> Result<(), Error> {
    let selection = Selection::default();
    let mut last = None;
    let mut fit = Vec::with_capacity(plan.tables.len());
    for table in std::mem::take(&mut plan.tables) {
        let sql = query(&table, session, &selection).trial(condition);
        let Some(objection) = session.objection(&sql).await? else {
            fit.push(table);
            continue;
        };
        let problem = format!("--where, table {}: {}", table.name, objection.message);
        if named || !objection.is_absence() {
            return Err(Error::Usage(problem));
        }
        let reason = format!("the condition does not fit it: {}", objection.message);
        plan.skipped.push(Skipped { table: table.name, reason });
        last = Some(problem);
    }
    plan.tables = fit;
    match last {
        Some(problem) if plan.tables.is_empty() => Err(Error::Usage(problem)),
        _ => Ok(()),
    }
}

/// Tries the conditions of known differences where they are asked. Returns entry and table where one
/// names what is not there, or is about production and the reference is not; of the user's own file that is an error, unless the entry is about all
/// tables.
pub(crate) async fn known(
    plan: &Plan,
    known: &Known,
    is_production: bool,
    etl: &mut Session,
    prod: &mut Session,
) -> Result<BTreeSet<(usize, String)>, Error> {
    let selection = Selection::default();
    let mut inapplicable = BTreeSet::new();
    for table in &plan.tables {
        for (index, entry, condition) in known.conditional(&table.name) {
            if entry.production && !is_production {
                inapplicable.insert((index, table.name.clone()));
                continue;
            }
            let asked = match entry.ask {
                Side::Etl => &mut *etl,
                Side::Prod => &mut *prod,
            };
            let query = query(table, asked, &selection);
            let Some(objection) = explain::objection(asked, &query, condition).await? else {
                continue;
            };
            if objection.is_absence() && (entry.is_ours || entry.table == "*") {
                inapplicable.insert((index, table.name.clone()));
                continue;
            }
            return Err(Error::Usage(format!(
                "the condition of known difference {}, table {}: {}",
                entry.title(),
                table.name,
                objection.message
            )));
        }
    }
    Ok(inapplicable)
}

fn query<'a>(table: &'a TablePlan, session: &Session, selection: &'a Selection) -> Query<'a> {
    let side = session.server().side;
    Query { plan: table, side, window: None, selection, hash: Hash::Builtin }
}
