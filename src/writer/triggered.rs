//! Storing rows in a database whose own triggers derive others from them, as a copy of production
//! has: block by block, in the reference's order, and in place what the reference changes in place.
//!
//! Where this program derives those rows itself, only the last version of a row matters, and a run
//! stores it once. Triggers see every insertion, so for them a run is stored as the reference would
//! have stored its blocks.

use std::{fmt::Write as _, sync::Arc};

use super::{Run, WrittenBlock, insert::Target, merge::MergedRow};
use crate::{
    db::layout::TableLayout,
    model::{Block, Provenance, tables::TableId},
    store::Change,
};

/// Statements around a copy into a temporary table.
#[derive(Clone, Debug)]
pub(super) struct Staging {
    /// Makes the table.
    pub(super) before: Arc<str>,
    /// Takes its rows over and drops it.
    pub(super) after: Arc<str>,
}

/// How a table takes rows that are not simply inserted.
#[derive(Clone, Debug)]
pub(super) struct StagedPlan {
    /// The temporary table.
    pub(super) target: Arc<Target>,
    pub(super) update: Staging,
    /// For tables that triggers insert into as well: what they have inserted stays.
    pub(super) insert_new: Option<Staging>,
}

impl StagedPlan {
    pub(super) fn new(id: TableId, layout: &TableLayout) -> Self {
        let def = id.def();
        let name = layout.name;
        let (target, before) = stage(layout);
        let mut columns = String::new();
        let mut set = String::new();
        let mut same_key = String::new();
        for (index, column) in layout.present().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let _ = write!(columns, "{comma}\"{}\"", column.name);
            let _ = write!(set, "{comma}\"{0}\" = s.\"{0}\"", column.name);
        }
        for (index, column) in def.key.iter().map(|key| &layout.columns[*key]).enumerate() {
            let and = if index == 0 { "" } else { " AND " };
            let _ = write!(same_key, "{and}t.\"{0}\" = s.\"{0}\"", column.name);
        }
        let versions =
            def.versions.condition().map(|sql| format!(" AND {sql}")).unwrap_or_default();
        let staging = |take_over: String| Staging {
            before: Arc::clone(&before),
            after: format!("{take_over}; DROP TABLE etl_staged").into(),
        };
        let insert_new = (id == TableId::Notifications).then(|| {
            staging(format!(
                "INSERT INTO {name} ({columns}) SELECT {columns} FROM etl_staged \
                 ON CONFLICT (group_id, specifier) DO NOTHING"
            ))
        });
        Self {
            target,
            update: staging(format!(
                "UPDATE {name} t SET {set} FROM etl_staged s WHERE {same_key}{versions}"
            )),
            insert_new,
        }
    }
}

/// A temporary table with the columns of `layout`, and the statement that makes it.
pub(super) fn stage(layout: &TableLayout) -> (Arc<Target>, Arc<str>) {
    let columns: Vec<_> = layout.present().map(|column| format!("\"{}\"", column.name)).collect();
    let before = format!(
        "CREATE TEMP TABLE etl_staged ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA",
        columns.join(", "),
        layout.name
    );
    (Arc::new(Target::of("etl_staged", layout)), before.into())
}

/// Changes of one table that are stored together.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) table: TableId,
    pub(super) rows: Vec<MergedRow<'a>>,
    pub(super) how: How,
}

/// How rows are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Old rows are deleted, new ones inserted.
    Replace,
    /// Rows are updated.
    Update,
}

/// A block's changes in the order in which the reference stores them, which is theirs.
pub(super) fn groups(changes: &[Change]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for change in changes {
        let in_place = !change.put && change.before.is_some() && change.after.is_some();
        let how = if in_place { How::Update } else { How::Replace };
        let row = MergedRow {
            key: &change.key,
            before: change.before.as_ref(),
            after: change.after.as_ref(),
        };
        match groups.last_mut() {
            Some(last) if last.table == change.table && last.how == how => last.rows.push(row),
            _ => groups.push(Group { table: change.table, rows: vec![row], how }),
        }
    }
    groups
}

/// The block without its changes, as a run of its own for its plays, or for those of the transaction
/// at a position.
pub(super) fn plays_of(block: &WrittenBlock, tx: Option<usize>) -> Run {
    let plays = block.provenance.plays.iter();
    let plays: Vec<_> = plays.filter(|play| tx.is_none_or(|tx| play.tx == tx)).copied().collect();
    let block = WrittenBlock {
        checkpoint: block.checkpoint.clone(),
        block: Arc::<Block>::clone(&block.block),
        provenance: Provenance { plays, ..Provenance::default() },
        changes: Vec::new(),
        statements: None,
        duplicates: Vec::new(),
        rollups: Vec::new(),
    };
    Run { blocks: vec![block], ..Run::default() }
}
