//! Storing rows in tables that others use as well: `INSERT` for new rows, `UPDATE` of the columns that
//! changed for those that are there, so that what others have put into a row stays, and what their
//! triggers see is what happened.
//!
//! Where triggers derive rows from what is written, a block is stored statement by statement, as the
//! reference did; elsewhere a run is, each row once.

use std::{fmt::Write as _, sync::Arc};

use super::{
    Error,
    merge::MergedRow,
    prepare::{EntityPlan, Plan, Prepared, Section, Send, Settings, Spare, delete_section},
    rows::Rows,
    triggered::{Staging, stage},
};
use crate::{
    db::layout::{ColumnLayout, TableLayout},
    model::{
        table::{AnyRow, Row},
        tables::TableId,
        value::ValueRef,
    },
    store::Statement,
};

/// Rows that go one statement each at most, where they could go together.
const FEW: usize = 16;

/// What is done to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verb {
    Insert,
    Delete,
    /// Sets these columns of the definition of the row after it.
    Update(Vec<usize>),
}

/// Rows of one table to which the same is done.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// The definition that they are found by; of new rows, theirs.
    id: TableId,
    /// The definition of the row afterwards.
    to: TableId,
    verb: Verb,
    rows: Vec<(Option<&'a Row>, Option<&'a Row>)>,
}

impl<'a> Group<'a> {
    /// `None` where nothing is to be done.
    fn of(before: Option<&'a Row>, after: Option<&'a Row>) -> Option<Self> {
        let id = before.or(after)?.table();
        let to = after.map_or(id, |row| row.table());
        let verb = match (before, after) {
            (None, _) => Verb::Insert,
            (_, None) => Verb::Delete,
            (Some(before), Some(after)) => Verb::Update(changed(before.as_ref(), after.as_ref())),
        };
        Some(Self { id, to, verb, rows: vec![(before, after)] })
    }

    /// Takes up the rows of `next` if the same is done to them.
    fn take_up(&mut self, next: &mut Self) -> bool {
        let same = (self.id, self.to) == (next.id, next.to) && self.verb == next.verb;
        if same {
            self.rows.append(&mut next.rows);
        }
        same
    }

    /// The table, for its deferred triggers: only new rows have any.
    pub(super) fn inserts_into(&self) -> Option<&'static str> {
        (self.verb == Verb::Insert).then(|| self.to.def().name)
    }
}

/// The columns of `after` in which it differs from `before`.
fn changed(before: &dyn AnyRow, after: &dyn AnyRow) -> Vec<usize> {
    let (from, to) = (before.table().def(), after.table().def());
    let differs = |index: &usize| {
        let was =
            if from.id == to.id { Some(*index) } else { from.column(to.columns[*index].name) };
        was.is_none_or(|was| !before.value(was).is_same(after.value(*index)))
    };
    (0..to.columns.len()).filter(differs).collect()
}

/// Part of a block that triggers see.
#[derive(Debug)]
pub(super) enum Step<'a> {
    Rows(Group<'a>),
    /// The plays of the transaction at a position.
    Plays(usize),
}

/// A block's statements in order. Neighbours that send the same text go together; new rows only where
/// no trigger of their table could tell.
pub(super) fn steps<'a>(statements: &'a [Statement], plan: &Plan) -> Vec<Step<'a>> {
    let mut steps: Vec<Step<'a>> = Vec::new();
    for statement in statements {
        let (before, after) = match statement {
            Statement::Plays { tx } => {
                steps.push(Step::Plays(*tx));
                continue;
            }
            Statement::Row { before, after } => (before.as_ref(), after.as_ref()),
        };
        let Some(mut group) = Group::of(before, after) else { continue };
        let together =
            |table| group.verb != Verb::Insert || !plan.catalog().has_row_triggers(table);
        let joins = together(group.to.def().name);
        if let Some(Step::Rows(last)) = steps.last_mut()
            && joins
            && last.take_up(&mut group)
        {
            continue;
        }
        steps.push(Step::Rows(group));
    }
    steps
}

/// The merged changes of a table: rows that go, rows that change, then new rows.
pub(super) fn groups<'a>(rows: &[MergedRow<'a>]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for row in rows {
        let Some(mut group) = Group::of(row.before, row.after) else { continue };
        if !groups.iter_mut().any(|known| known.take_up(&mut group)) {
            groups.push(group);
        }
    }
    groups.sort_by_key(|group| match group.verb {
        Verb::Delete => 0,
        Verb::Update(_) => 1,
        Verb::Insert => 2,
    });
    // What ends as it began.
    groups.retain(|group| group.verb != Verb::Update(Vec::new()));
    groups
}

/// Adds a group. `one_by_one`: triggers see it.
pub(super) fn add(
    prepared: &mut Prepared,
    plan: &Plan,
    group: &Group<'_>,
    one_by_one: bool,
    settings: &Settings,
    spare: &mut Spare,
) -> Result<(), Error> {
    let entity = plan.entity(group.id);
    let table = group.id.def().name;
    let sanitize = settings.sanitize.contains(table);
    match &group.verb {
        Verb::Delete => {
            let keys: Vec<_> = group.rows.iter().filter_map(|(before, _)| *before).collect();
            let keys: Vec<_> = keys.iter().map(|row| group.id.def().key_of(row.as_ref())).collect();
            prepared.sections.push(delete_section(entity, group.id, keys.iter(), sanitize)?);
        }
        Verb::Insert => {
            let mut rows = Rows::new(&entity.layout, spare.take(sanitize));
            for row in group.rows.iter().filter_map(|(_, after)| *after) {
                rows.row();
                for column in 0..entity.layout.columns.len() {
                    rows.value(row.value(column));
                }
            }
            let (data, rows) = rows.finish()?;
            let send = insertion(entity, group, one_by_one);
            prepared.sections.push(Section { table, delete: None, send, data, rows });
        }
        Verb::Update(_) if one_by_one && group.id == TableId::AggregatePlays => {
            add_difference(prepared, entity, group, settings, spare)?;
        }
        Verb::Update(set) => {
            let update = Update::of(plan, group, set);
            let mut rows = Rows::new(&update.layout, spare.take(sanitize));
            for (before, after) in &group.rows {
                let (Some(before), Some(after)) = (before, after) else { continue };
                rows.row();
                for column in &update.set {
                    rows.value(after.value(*column));
                }
                for column in &group.id.def().key {
                    rows.value(before.value(*column));
                }
            }
            let (data, rows) = rows.finish()?;
            let many = !one_by_one && group.rows.len() > FEW;
            let send = if many { update.together() } else { update.each() };
            prepared.sections.push(Section { table, delete: None, send, data, rows });
        }
    }
    Ok(())
}

/// How new rows are sent. Others add rows to some tables, too: what they have put there stays.
fn insertion(entity: &EntityPlan, group: &Group<'_>, one_by_one: bool) -> Send {
    let on_conflict = match group.id {
        TableId::Notifications => "ON CONFLICT (group_id, specifier) DO NOTHING",
        TableId::UserPubkeys => "ON CONFLICT (user_id) DO NOTHING",
        // Triggers count plays here while a call adds to them.
        TableId::AggregatePlays if one_by_one => {
            "ON CONFLICT (play_item_id) DO UPDATE SET count = \
             least(9223372036854775807, greatest(-9223372036854775808, \
                   aggregate_plays.count::numeric + excluded.count))::bigint"
        }
        _ => return Send::Insert(Arc::clone(&entity.target)),
    };
    let fields = entity.layout.present().count();
    if group.rows.len() <= FEW || one_by_one {
        let sql = format!("{} {on_conflict}", entity.target.statement(1));
        return Send::Each { sql: sql.into(), fields };
    }
    let names = entity.target.name();
    let columns: Vec<_> =
        entity.layout.present().map(|column| format!("\"{}\"", column.name)).collect();
    let (target, before) = stage(&entity.layout);
    let after = format!(
        "INSERT INTO {names} SELECT {} FROM etl_staged {on_conflict}; DROP TABLE etl_staged",
        columns.join(", ")
    );
    Send::Staged(target, Staging { before, after: after.into() })
}

/// A count to which triggers add as well moves by what was added to it.
fn add_difference(
    prepared: &mut Prepared,
    entity: &EntityPlan,
    group: &Group<'_>,
    settings: &Settings,
    spare: &mut Spare,
) -> Result<(), Error> {
    let table = entity.layout.name;
    let mut rows = Rows::new(&entity.layout, spare.take(settings.sanitize.contains(table)));
    for (before, after) in &group.rows {
        let (Some(before), Some(after)) = (before, after) else { continue };
        rows.row();
        for (index, column) in entity.layout.columns.iter().enumerate() {
            match (column.name, before.value(index), after.value(index)) {
                ("count", ValueRef::Int(was), ValueRef::Int(is)) => {
                    rows.int(is.saturating_sub(was));
                }
                ("count", ..) => {
                    rows.int(0);
                }
                (_, key, _) => {
                    rows.value(key);
                }
            }
        }
    }
    let (data, rows) = rows.finish()?;
    let place = |name: &str| {
        entity.layout.present().position(|column| column.name == name).map_or(0, |at| at + 1)
    };
    let sql = format!(
        "UPDATE aggregate_plays SET count = least(9223372036854775807, \
         greatest(-9223372036854775808, count::numeric + ${}::bigint))::bigint \
         WHERE play_item_id = ${}",
        place("count"),
        place("play_item_id")
    );
    let send = Send::Each { sql: sql.into(), fields: entity.layout.present().count() };
    prepared.sections.push(Section { table, delete: None, send, data, rows });
    Ok(())
}

/// An `UPDATE` of certain columns, by the natural key.
struct Update {
    /// The columns that are set, of the definition of the row after it.
    set: Vec<usize>,
    /// These and those of the key, as their values are sent.
    layout: TableLayout,
    /// The condition besides the key.
    versions: String,
}

impl Update {
    fn of(plan: &Plan, group: &Group<'_>, set: &[usize]) -> Self {
        let (from, to) = (&plan.entity(group.id).layout, &plan.entity(group.to).layout);
        let def = group.id.def();
        let mut set: Vec<usize> =
            set.iter().copied().filter(|column| to.columns[*column].is_present).collect();
        if set.is_empty() {
            // A statement that changes nothing is one that triggers see all the same.
            set.extend(
                def.key.first().and_then(|key| group.to.def().column(from.columns[*key].name)),
            );
        }
        let columns = set.iter().map(|column| to.columns[*column].clone());
        let keys = def.key.iter().map(|column| from.columns[*column].clone());
        Self {
            layout: TableLayout { name: from.name, columns: columns.chain(keys).collect() },
            versions: def.versions.condition().map(|sql| format!(" AND {sql}")).unwrap_or_default(),
            set,
        }
    }

    fn split(&self) -> (&[ColumnLayout], &[ColumnLayout]) {
        self.layout.columns.split_at(self.set.len())
    }

    /// A statement for each row, with its values as parameters.
    fn each(&self) -> Send {
        let (set, keys) = self.split();
        let mut sql = format!("UPDATE {} AS t SET ", self.layout.name);
        let value = |at: usize, column: &ColumnLayout| {
            let kind = column.enum_type.as_ref();
            format!("${at}{}", kind.map(|kind| format!("::text::{kind}")).unwrap_or_default())
        };
        for (at, column) in set.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let _ = write!(sql, "{comma}\"{}\" = {}", column.name, value(at + 1, column));
        }
        for (at, column) in keys.iter().enumerate() {
            let and = if at == 0 { " WHERE " } else { " AND " };
            let value = value(set.len() + at + 1, column);
            let _ = write!(sql, "{and}t.\"{}\" = {value}", column.name);
        }
        sql.push_str(&self.versions);
        Send::Each { sql: sql.into(), fields: self.layout.columns.len() }
    }

    /// One statement for all rows, over a temporary table.
    fn together(&self) -> Send {
        let (set, keys) = self.split();
        let table = self.layout.name;
        let (mut columns, mut sets, mut condition) = (String::new(), String::new(), String::new());
        for (at, ColumnLayout { name, .. }) in set.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let _ = write!(columns, "{comma}\"{name}\" AS s{at}");
            let _ = write!(sets, "{comma}\"{name}\" = s.s{at}");
        }
        for (at, ColumnLayout { name, .. }) in keys.iter().enumerate() {
            let and = if at == 0 { "" } else { " AND " };
            let _ = write!(columns, ", \"{name}\" AS k{at}");
            let _ = write!(condition, "{and}t.\"{name}\" = s.k{at}");
        }
        let before = format!(
            "CREATE TEMP TABLE etl_staged ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA"
        );
        let after = format!(
            "UPDATE {table} AS t SET {sets} FROM etl_staged s WHERE {condition}{}; \
             DROP TABLE etl_staged",
            self.versions
        );
        let target = super::insert::Target::all("etl_staged");
        Send::Staged(Arc::new(target), Staging { before: before.into(), after: after.into() })
    }
}
