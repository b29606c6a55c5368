//! A run as the statements and bytes that make it durable. Pure: it may run on any thread.

use std::{fmt::Write as _, sync::Arc};

use rustc_hash::FxHashSet;

use super::{
    Error, Run, Triggers, WrittenBlock,
    in_place::{self, Step},
    insert::Target,
    merge::{MergedRow, merge},
    raw::{
        AFTER_ENTITIES, BEFORE_ENTITIES, ETL_BLOCKS, Fill, PLAYS, PROGRESS, RawContext, RawSource,
        current_block,
    },
    rows::Rows,
    transaction::RowCounts,
    triggered::{self, How, StagedPlan, Staging},
};
use crate::{
    db::{
        self, SchemaProblem,
        catalog::Catalog,
        codec::Encoder,
        layout::{Layout, TableLayout, raw_layout, used},
        param::ArrayParam,
    },
    model::{key::Key, table::TableDef, tables::TableId},
    store::Change,
};

/// Buffers above this size are given back to the allocator after a run.
const KEPT_BUFFER: usize = 256 << 10;

/// The statements for every table, as this database has them. Made once per process.
#[derive(Debug)]
pub(super) struct Plan {
    before: Vec<RawPlan>,
    entities: Vec<EntityPlan>,
    after: Vec<RawPlan>,
    manner: Manner,
    /// `blocks` tells the current block from the others.
    marks_current: bool,
    catalog: Arc<Catalog>,
}

#[derive(Debug)]
struct RawPlan {
    layout: TableLayout,
    target: Arc<Target>,
    fill: Fill,
}

/// How entity rows are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// The last version of every row of a run: old rows are deleted, new ones inserted.
    Replace,
    /// The same, in tables of somebody else: old rows are changed where they stand.
    InPlace,
    /// As the reference stored them: triggers derive rows from what is written.
    Statements,
}

#[derive(Debug)]
pub(super) struct EntityPlan {
    pub(super) layout: TableLayout,
    pub(super) target: Arc<Target>,
    delete: Arc<str>,
    /// Where triggers see what is written.
    staged: Option<StagedPlan>,
}

impl Plan {
    /// How every table that the writer writes is written in the database of `catalog`.
    ///
    /// # Errors
    /// A table that cannot be written: see [`Layout::of`], and columns that no row goes without.
    pub(super) fn of(catalog: Arc<Catalog>, triggers: Option<Triggers>) -> Result<Self, Error> {
        let layout = Layout::of(&catalog)?;
        let manner = match triggers {
            Some(Triggers::Database) => Manner::Statements,
            None if catalog.is_ours() => Manner::Replace,
            None | Some(Triggers::Ours) => Manner::InPlace,
        };
        let triggered = manner == Manner::Statements;
        let plan = |id: &TableId| entity_plan(*id, layout.table(*id), triggered);
        let plan = Self {
            before: raw_plans(&catalog, BEFORE_ENTITIES)?,
            entities: TableId::ALL.iter().map(plan).collect(),
            after: raw_plans(&catalog, AFTER_ENTITIES)?,
            manner,
            marks_current: catalog.has_column("blocks", "is_current"),
            catalog,
        };
        let mut used = plan.used().into_iter();
        match used.find_map(|(table, columns)| plan.catalog.demanded(table, &columns)) {
            Some(problem) => Err(db::Error::from(problem).into()),
            None => Ok(plan),
        }
    }

    /// Every table that is written, with its columns.
    fn used(&self) -> Vec<(&'static str, Vec<&'static str>)> {
        let raw = self.before.iter().chain(&self.after).map(|plan| &plan.layout);
        used(raw.chain(self.entities.iter().map(|plan| &plan.layout)))
    }

    /// What somebody has changed since the catalog was read, if that matters to the plan.
    pub(super) fn drift(&self, now: &Catalog) -> Option<SchemaProblem> {
        now.drift(&self.catalog, self.used())
    }

    /// How rows of a definition are stored.
    pub(super) fn entity(&self, id: TableId) -> &EntityPlan {
        &self.entities[id as usize]
    }

    /// The database that the plan is for.
    pub(super) const fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Every table that is written.
    pub(super) fn tables(&self) -> impl Iterator<Item = &'static str> {
        self.used().into_iter().map(|(table, _)| table)
    }
}

fn raw_plans(catalog: &Catalog, sources: &[RawSource]) -> Result<Vec<RawPlan>, Error> {
    let plan = |source: &RawSource| {
        let layout = raw_layout(catalog, &source.table)?;
        let target = Arc::new(Target::of(layout.name, &layout));
        Ok(RawPlan { layout, target, fill: source.fill })
    };
    sources.iter().map(plan).collect()
}

fn entity_plan(id: TableId, layout: &TableLayout, triggered: bool) -> EntityPlan {
    EntityPlan {
        staged: triggered.then(|| StagedPlan::new(id, layout)),
        target: Arc::new(Target::of(layout.name, layout)),
        delete: delete_statement(id, layout),
        layout: layout.clone(),
    }
}

impl EntityPlan {
    /// The statement that removes the rows of `keys`, with its parameters.
    fn deletion<'a>(
        &self,
        def: &TableDef,
        keys: impl Iterator<Item = &'a Key>,
        sanitize: bool,
    ) -> Result<(Arc<str>, Vec<ArrayParam>), Error> {
        let columns = def.key.iter().map(|column| self.layout.columns[*column].wire);
        let mut arrays: Vec<_> =
            columns.map(|wire| ArrayParam::new(wire, 1).sanitizing(sanitize)).collect();
        for key in keys {
            for (array, (part, column)) in arrays.iter_mut().zip(key.parts().iter().zip(&def.key)) {
                let column = self.layout.columns[*column].name;
                array.push(part).map_err(|misfit| Error::Encode {
                    table: def.name,
                    column,
                    problem: misfit.0,
                })?;
            }
        }
        Ok((Arc::clone(&self.delete), arrays))
    }
}

/// A section that removes the rows of `keys`.
pub(super) fn delete_section<'a>(
    plan: &EntityPlan,
    id: TableId,
    keys: impl Iterator<Item = &'a Key>,
    sanitize: bool,
) -> Result<Section, Error> {
    let delete = Some(plan.deletion(id.def(), keys, sanitize)?);
    let (table, send) = (plan.layout.name, Send::Insert(Arc::clone(&plan.target)));
    Ok(Section { table, delete, send, data: Encoder::default(), rows: 0 })
}

/// Removes the rows of given keys, one array per key column.
fn delete_statement(id: TableId, layout: &TableLayout) -> Arc<str> {
    let def = id.def();
    let (mut arrays, mut names, mut condition) = (String::new(), String::new(), String::new());
    for (index, column) in def.key.iter().map(|column| &layout.columns[*column]).enumerate() {
        let (comma, and) = if index == 0 { ("", "") } else { (", ", " AND ") };
        let _ = write!(arrays, "{comma}${}::{}", index + 1, ArrayParam::sql(column.wire));
        let _ = write!(names, "{comma}k{index}");
        let cast = column.enum_type.as_ref().map(|name| format!("::{name}")).unwrap_or_default();
        let _ = write!(condition, "{and}t.\"{}\" = k.k{index}{cast}", column.name);
    }
    let versions = def.versions.condition().map(|sql| format!(" AND {sql}")).unwrap_or_default();
    format!(
        "DELETE FROM {} AS t USING unnest({arrays}) AS k({names}) WHERE {condition}{versions}",
        def.name
    )
    .into()
}

/// One table's part of a transaction: delete, then copy.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) table: &'static str,
    pub(super) delete: Option<(Arc<str>, Vec<ArrayParam>)>,
    pub(super) send: Send,
    /// The rows in the format of a binary copy.
    pub(super) data: Encoder,
    pub(super) rows: u64,
}

/// How the rows of a section reach their table.
#[derive(Debug)]
pub(super) enum Send {
    /// They are inserted.
    Insert(Arc<Target>),
    /// They go into a temporary table first.
    Staged(Arc<Target>, Staging),
    /// A statement is run for each, with its fields as parameters.
    Each { sql: Arc<str>, fields: usize },
    /// There are none, only this to run.
    Script(Arc<str>),
}

/// A run, ready to be sent any number of times.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    pub(super) sections: Vec<Section>,
    /// Values that were cleaned.
    pub(super) sanitized: u64,
    /// A block of the run becomes the current one.
    pub(super) moves_current: bool,
}

impl Prepared {
    /// Rows by table, tables in the order of writing.
    pub(super) fn row_counts(&self) -> RowCounts {
        let mut counts = RowCounts::new();
        for section in self.sections.iter().filter(|section| section.rows > 0) {
            match counts.iter_mut().find(|(table, _)| *table == section.table) {
                Some((_, rows)) => *rows += section.rows,
                None => counts.push((section.table, section.rows)),
            }
        }
        counts
    }
}

/// What preparing depends on besides the run.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) raw: RawContext,
    /// Tables whose texts are to be cleaned of U+0000.
    pub(super) sanitize: FxHashSet<&'static str>,
}

/// Encoders of earlier runs, with their buffers.
#[derive(Debug, Default)]
pub(super) struct Spare(Vec<Encoder>);

impl Spare {
    pub(super) fn take(&mut self, sanitize: bool) -> Encoder {
        let mut encoder = self.0.pop().unwrap_or_default();
        encoder.reset(sanitize);
        encoder
    }

    /// Keeps the buffers of a run that is done with.
    pub(super) fn give_back(&mut self, prepared: Prepared) {
        let buffers = prepared.sections.into_iter().map(|section| section.data);
        self.0.extend(buffers.filter(|encoder| encoder.capacity() <= KEPT_BUFFER));
    }
}

/// Encodes a run. Tables without rows have no section.
pub(super) fn prepare(
    plan: &Plan,
    run: &Run,
    settings: &Settings,
    spare: &mut Spare,
) -> Result<Prepared, Error> {
    let mut prepared = Prepared::default();
    for raw in &plan.before {
        add_raw(&mut prepared, raw, run, settings, spare)?;
    }
    let changes = run.blocks.iter().flat_map(|block| &block.changes);
    match plan.manner {
        Manner::Statements => {
            for block in &run.blocks {
                add_block(&mut prepared, plan, block, settings, spare)?;
            }
        }
        Manner::InPlace => add_in_place(&mut prepared, plan, changes, settings, spare)?,
        Manner::Replace => {
            for (id, rows) in merge(changes) {
                add_entity(&mut prepared, plan, (id, How::Replace), &rows, settings, spare)?;
            }
        }
    }
    let is_due =
        |raw: &&RawPlan| plan.manner != Manner::Statements || !BY_BLOCK.contains(&raw.layout.name);
    for raw in plan.after.iter().filter(is_due) {
        add_raw(&mut prepared, raw, run, settings, spare)?;
    }
    prepared.sanitized = prepared.sections.iter().map(|section| section.data.sanitized).sum();
    prepared.moves_current = plan.marks_current && current_block(run).is_some();
    Ok(prepared)
}

/// Raw tables that triggers read or are on: written with each block.
const BY_BLOCK: [&str; 2] = [ETL_BLOCKS, PLAYS];

fn add_in_place<'a>(
    prepared: &mut Prepared,
    plan: &Plan,
    changes: impl Iterator<Item = &'a Change>,
    settings: &Settings,
    spare: &mut Spare,
) -> Result<(), Error> {
    for (_, rows) in merge(changes) {
        for group in in_place::groups(&rows) {
            in_place::add(prepared, plan, &group, false, settings, spare)?;
        }
    }
    Ok(())
}

/// Adds what triggers look at, of one block.
fn add_block(
    prepared: &mut Prepared,
    plan: &Plan,
    block: &WrittenBlock,
    settings: &Settings,
    spare: &mut Spare,
) -> Result<(), Error> {
    let add_raws = |prepared: &mut Prepared, table, run: &Run, spare: &mut Spare| {
        let mut raws = plan.after.iter().filter(|raw| raw.layout.name == table);
        raws.try_for_each(|raw| add_raw(prepared, raw, run, settings, spare))
    };
    let run = triggered::plays_of(block, None);
    add_raws(prepared, ETL_BLOCKS, &run, spare)?;
    let Some(statements) = &block.statements else {
        add_raws(prepared, PLAYS, &run, spare)?;
        for group in triggered::groups(&block.changes) {
            add_entity(prepared, plan, (group.table, group.how), &group.rows, settings, spare)?;
        }
        return Ok(());
    };
    let mut deferred: Vec<&str> = Vec::new();
    for step in in_place::steps(statements, plan) {
        match step {
            Step::Plays(tx) => {
                add_raws(prepared, PLAYS, &triggered::plays_of(block, Some(tx)), spare)?;
            }
            Step::Rows(group) => {
                in_place::add(prepared, plan, &group, true, settings, spare)?;
                deferred.extend(
                    group.inserts_into().into_iter().flat_map(|table| plan.catalog.deferred(table)),
                );
            }
        }
    }
    prepared.sections.extend(settle(deferred));
    Ok(())
}

/// Has the deferred triggers of a block run, which wait for the end of the transaction otherwise.
fn settle(mut deferred: Vec<&str>) -> Option<Section> {
    deferred.sort_unstable();
    deferred.dedup();
    if deferred.is_empty() {
        return None;
    }
    let names: Vec<_> =
        deferred.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect();
    let sql =
        format!("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS {} DEFERRED", names.join(", "));
    Some(Section {
        table: "deferred triggers",
        delete: None,
        send: Send::Script(sql.into()),
        data: Encoder::default(),
        rows: 0,
    })
}

/// Encodes the raw rows of blocks that no index run brings: of `new` ones also that they are there.
pub(super) fn prepare_raw(
    plan: &Plan,
    new: &Run,
    all: &Run,
    settings: &Settings,
    spare: &mut Spare,
) -> Result<Prepared, Error> {
    let mut prepared = Prepared::default();
    for raw in &plan.before {
        add_raw(&mut prepared, raw, new, settings, spare)?;
    }
    for (id, rows) in merge(all.blocks.iter().flat_map(|block| &block.changes)) {
        add_entity(&mut prepared, plan, (id, How::Replace), &rows, settings, spare)?;
    }
    for raw in plan.after.iter().filter(|raw| !PROGRESS.contains(&raw.layout.name)) {
        add_raw(&mut prepared, raw, all, settings, spare)?;
    }
    Ok(prepared)
}

fn add_raw(
    prepared: &mut Prepared,
    plan: &RawPlan,
    run: &Run,
    settings: &Settings,
    spare: &mut Spare,
) -> Result<(), Error> {
    let table = plan.layout.name;
    let encoder = spare.take(settings.sanitize.contains(table));
    let mut rows = Rows::new(&plan.layout, encoder);
    (plan.fill)(run, &settings.raw, &mut rows);
    let (data, rows) = rows.finish()?;
    let send = Send::Insert(Arc::clone(&plan.target));
    let section = Section { table, delete: None, send, data, rows };
    if section.rows > 0 {
        prepared.sections.push(section);
    } else {
        spare.0.push(section.data);
    }
    Ok(())
}

fn add_entity(
    prepared: &mut Prepared,
    plan: &Plan,
    (id, how): (TableId, How),
    merged: &[MergedRow<'_>],
    settings: &Settings,
    spare: &mut Spare,
) -> Result<(), Error> {
    let def = id.def();
    let plan = &plan.entities[id as usize];
    let staged = plan.staged.as_ref().and_then(|staged| match how {
        How::Update => Some((&staged.target, &staged.update)),
        How::Replace => staged.insert_new.as_ref().map(|staging| (&staged.target, staging)),
    });
    let sanitize = settings.sanitize.contains(def.name);
    let existed = merged.iter().filter(|row| row.before.is_some() && how == How::Replace);
    let count = existed.clone().count();
    let delete = match count {
        0 => None,
        _ => Some(plan.deletion(def, existed.map(|row| row.key), sanitize)?),
    };
    let mut rows = Rows::new(&plan.layout, spare.take(sanitize));
    for row in merged.iter().filter_map(|row| row.after) {
        rows.row();
        for column in 0..plan.layout.columns.len() {
            rows.value(row.value(column));
        }
    }
    let (data, rows) = rows.finish()?;
    let send = match staged {
        Some((target, staging)) => Send::Staged(Arc::clone(target), staging.clone()),
        None => Send::Insert(Arc::clone(&plan.target)),
    };
    let section = Section { table: def.name, delete, send, data, rows };
    // A row that came and went within the run leaves nothing to do.
    if section.rows > 0 || section.delete.is_some() {
        prepared.sections.push(section);
    } else {
        spare.0.push(section.data);
    }
    Ok(())
}
