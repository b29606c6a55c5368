//! A run as the statements and bytes that make it durable. Pure: it may run on any thread.

use std::{fmt::Write as _, sync::Arc};

use rustc_hash::FxHashSet;

use super::{
    Error, Run, WrittenBlock,
    insert::Target,
    merge::{MergedRow, merge},
    raw::{
        AFTER_ENTITIES, BEFORE_ENTITIES, Fill, PLAYS, PROGRESS, RawContext, RawSource,
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
        codec::{ArrayParam, Encoder},
        layout::{Layout, TableLayout, raw_layout, used},
    },
    model::tables::TableId,
};

/// Buffers above this size are given back to the allocator after a run.
const KEPT_BUFFER: usize = 256 << 10;

/// The statements for every table, as this database has them. Made once per process.
#[derive(Debug)]
pub(super) struct Plan {
    before: Vec<RawPlan>,
    entities: Vec<EntityPlan>,
    after: Vec<RawPlan>,
    /// The database's own triggers derive rows from what is written.
    triggered: bool,
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

#[derive(Debug)]
struct EntityPlan {
    layout: TableLayout,
    target: Arc<Target>,
    delete: Arc<str>,
    /// Where triggers see what is written.
    staged: Option<StagedPlan>,
}

impl Plan {
    /// How every table that the writer writes is written in the database of `catalog`.
    ///
    /// # Errors
    /// A table that cannot be written: see [`Layout::of`], and columns that no row goes without.
    pub(super) fn of(catalog: Arc<Catalog>) -> Result<Self, Error> {
        let layout = Layout::of(&catalog)?;
        let triggered = catalog.has_deriving_triggers();
        let plan = |id: &TableId| entity_plan(*id, layout.table(*id), triggered);
        let plan = Self {
            before: raw_plans(&catalog, BEFORE_ENTITIES)?,
            entities: TableId::ALL.iter().map(plan).collect(),
            after: raw_plans(&catalog, AFTER_ENTITIES)?,
            triggered,
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
    pub(super) target: Arc<Target>,
    /// The rows go into a temporary table first.
    pub(super) staging: Option<Staging>,
    /// The rows in the format of a binary copy.
    pub(super) data: Encoder,
    pub(super) rows: u64,
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
    fn take(&mut self, sanitize: bool) -> Encoder {
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
    if plan.triggered {
        for block in &run.blocks {
            add_block(&mut prepared, plan, block, settings, spare)?;
        }
    } else {
        for (id, rows) in merge(run.blocks.iter().flat_map(|block| &block.changes)) {
            add_entity(&mut prepared, plan, (id, How::Replace), &rows, settings, spare)?;
        }
    }
    for raw in plan.after.iter().filter(|raw| !(plan.triggered && raw.layout.name == PLAYS)) {
        add_raw(&mut prepared, raw, run, settings, spare)?;
    }
    prepared.sanitized = prepared.sections.iter().map(|section| section.data.sanitized).sum();
    prepared.moves_current = plan.marks_current && current_block(run).is_some();
    Ok(prepared)
}

/// Adds what triggers look at, of one block.
fn add_block(
    prepared: &mut Prepared,
    plan: &Plan,
    block: &WrittenBlock,
    settings: &Settings,
    spare: &mut Spare,
) -> Result<(), Error> {
    if let Some(plays) = triggered::plays_of(block) {
        let run = Run { blocks: vec![plays], ..Run::default() };
        for raw in plan.after.iter().filter(|raw| raw.layout.name == PLAYS) {
            add_raw(prepared, raw, &run, settings, spare)?;
        }
    }
    for group in triggered::groups(&block.changes) {
        add_entity(prepared, plan, (group.table, group.how), &group.rows, settings, spare)?;
    }
    Ok(())
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
    let target = Arc::clone(&plan.target);
    let section = Section { table, delete: None, target, staging: None, data, rows };
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
    let existed = merged.iter().filter(|row| row.existed && how == How::Replace);
    let count = existed.clone().count();
    let delete = if count == 0 {
        None
    } else {
        let columns = def.key.iter().map(|column| plan.layout.columns[*column].wire);
        let mut arrays: Vec<_> =
            columns.map(|wire| ArrayParam::new(wire, count).sanitizing(sanitize)).collect();
        for row in existed {
            for (array, (part, column)) in
                arrays.iter_mut().zip(row.key.parts().iter().zip(&def.key))
            {
                let column = plan.layout.columns[*column].name;
                array.push(part).map_err(|misfit| Error::Encode {
                    table: def.name,
                    column,
                    problem: misfit.0,
                })?;
            }
        }
        Some((Arc::clone(&plan.delete), arrays))
    };
    let mut rows = Rows::new(&plan.layout, spare.take(sanitize));
    for row in merged.iter().filter_map(|row| row.after) {
        rows.row();
        for column in 0..plan.layout.columns.len() {
            rows.value(row.value(column));
        }
    }
    let (data, rows) = rows.finish()?;
    let (target, staging) = match staged {
        Some((target, staging)) => (Arc::clone(target), Some(staging.clone())),
        None => (Arc::clone(&plan.target), None),
    };
    let section = Section { table: def.name, delete, target, staging, data, rows };
    // A row that came and went within the run leaves nothing to do.
    if section.rows > 0 || section.delete.is_some() {
        prepared.sections.push(section);
    } else {
        spare.0.push(section.data);
    }
    Ok(())
}
