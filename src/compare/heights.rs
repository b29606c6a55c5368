//! The heights of the blocks that examples name by the number that their database gave them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::session::Server;
use super::spec::{self, Position};
use super::tally::{Example, Place};
use super::{Error, Side, TableResult};

/// Milliseconds that looking up heights may take: reports do without rather than wait.
const TIMEOUT: u32 = 20_000;

/// Completes the places of all examples, as far as the databases tell.
pub(crate) async fn complete(etl: &Arc<Server>, prod: &Arc<Server>, tables: &mut [TableResult]) {
    let numbers = |side: Side, tables: &mut [TableResult]| {
        let mut numbers = BTreeSet::new();
        each_place(tables, side, |position, place| match position {
            Position::Height(_) => place.height = place.block,
            Position::Block(_) => numbers.extend(place.block),
            _ => {}
        });
        numbers
    };
    for (side, server) in [(Side::Etl, etl), (Side::Prod, prod)] {
        let wanted = numbers(side, tables);
        if wanted.is_empty() {
            continue;
        }
        // A report without heights is better than none.
        let heights = read(server, &wanted).await.unwrap_or_default();
        each_place(tables, side, |position, place| {
            if matches!(position, Position::Block(_)) {
                place.height = place.block.and_then(|block| heights.get(&block).copied());
            }
        });
    }
}

fn each_place(tables: &mut [TableResult], side: Side, mut found: impl FnMut(Position, &mut Place)) {
    for table in tables {
        let spec = spec::tables().iter().find(|spec| spec.name == table.table);
        let Some(position) = spec.map(|spec| spec.position) else { continue };
        let place = |example: &mut Example| match side {
            Side::Etl => found(position, &mut example.etl_at),
            Side::Prod => found(position, &mut example.prod_at),
        };
        table.tally.examples_mut().for_each(place);
    }
}

/// The heights by number, without those that the database does not tell in time.
async fn read(server: &Arc<Server>, numbers: &BTreeSet<i64>) -> Result<BTreeMap<i64, i64>, Error> {
    let mut session = server.session().await?;
    session.begin().await?;
    session.limit_statements(TIMEOUT).await?;
    let list: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    let sql = format!(
        "SELECT b.em_block::text, b.height::text FROM core_indexed_blocks AS b \
         WHERE b.em_block IN ({})",
        list.join(", ")
    );
    let rows = session.texts("looking up heights", &sql).await?;
    session.finish().await?;
    let pair = |row: Vec<Option<String>>| {
        let mut numbers = row.into_iter().map(|text| text?.parse::<i64>().ok());
        Some((numbers.next()??, numbers.next()??))
    };
    Ok(rows.into_iter().filter_map(pair).collect())
}
