//! The file of a snapshot: which checksums of which segments it keeps, and how its tables are read
//! again in another database.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Error;
use super::catalog::Catalog;
use super::form::{Class, Form};
use super::plan::{ColumnPlan, Drift, Placement, TablePlan};
use super::query::Hash;
use super::scan::{Segment, Segments};
use super::spec::{self, Position};
use super::window::OwnWindow;

/// Version of the file; another one is refused. Version 1 hashed the bytes of texts in whatever
/// encoding its database had.
pub(super) const VERSION: u32 = 2;

/// The file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub(super) version: u32,
    pub(super) url: String,
    pub(super) server: String,
    /// When the server began, and in which snapshot; tables have later ones.
    pub(super) moment: String,
    /// Database, to tell whether it is compared with itself.
    pub(super) identity: String,
    pub(super) hash: Hash,
    pub(super) probe: Vec<String>,
    pub(super) window: Option<OwnWindow>,
    pub(super) tables: Vec<TableSnapshot>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TableSnapshot {
    pub(super) name: String,
    pub(super) columns: Vec<ColumnSnapshot>,
    pub(super) keys: usize,
    pub(super) current_only: bool,
    #[serde(default)]
    pub(super) only: Option<String>,
    pub(super) dated: bool,
    pub(super) bounds: Vec<String>,
    /// Number, rows and both sums of every segment that has rows.
    pub(super) segments: Vec<(i64, u64, [i128; 2])>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ColumnSnapshot {
    pub(super) name: String,
    pub(super) class: Class,
    pub(super) form: Form,
}

/// Reads a file of checksums.
pub(super) fn read(path: &Path) -> Result<Snapshot, Error> {
    let name = || path.display().to_string();
    let file =
        File::open(path).map_err(|source| Error::Io { doing: "read", path: name(), source })?;
    let wrong = |problem| Error::File { path: name(), problem };
    let snapshot: Snapshot =
        serde_json::from_reader(BufReader::new(file)).map_err(|error| wrong(error.to_string()))?;
    if snapshot.version != VERSION {
        let problem = format!("is a snapshot of version {}, not {VERSION}", snapshot.version);
        return Err(wrong(problem));
    }
    Ok(snapshot)
}

impl TableSnapshot {
    pub(super) fn new(plan: &TablePlan, bounds: Vec<String>, segments: &Segments) -> Self {
        let columns = plan.columns.iter().map(|column| ColumnSnapshot {
            name: column.name.clone(),
            class: column.etl.clone(),
            form: column.form,
        });
        let filled = segments.numbers().map(|number| (number, segments.get(number)));
        Self {
            name: plan.name.clone(),
            columns: columns.collect(),
            keys: plan.keys,
            current_only: plan.current_only,
            only: plan.only.clone(),
            dated: plan.position.column().is_some(),
            bounds,
            segments: filled
                .filter(|(_, segment)| segment.rows > 0)
                .map(|(number, segment)| (number, segment.rows, segment.sums()))
                .collect(),
        }
    }

    pub(super) fn segments(&self) -> Segments {
        let mut segments = Segments::new(self.bounds.len());
        for (number, rows, [one, other]) in &self.segments {
            segments.set(*number, Segment::new(*rows, *one, *other));
        }
        segments
    }

    /// How the table is read again in a database with this catalog; what keeps it from that.
    pub(super) fn plan(&self, catalog: &Catalog) -> Result<TablePlan, Drift> {
        let drift = |column: Option<&str>, problem: &str| Drift {
            table: self.name.clone(),
            column: column.map(str::to_owned),
            problem: problem.to_owned(),
            serious: true,
        };
        let Some(table) = catalog.tables.get(&self.name) else {
            return Err(drift(None, "in the snapshot but not in the database"));
        };
        let mut columns = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let Some(found) = table.columns.get(&column.name) else {
                return Err(drift(Some(&column.name), "in the snapshot but not in the database"));
            };
            if !found.class.reads_like(&column.class) {
                let problem = format!("{} is another type than the snapshot's", found.type_name);
                return Err(drift(Some(&column.name), &problem));
            }
            let form = match column.form {
                // What the class has on its own may have changed from integer to numeric.
                Form::Plain | Form::Number => {
                    Form::of(&found.class, &found.class).unwrap_or(column.form)
                }
                form => form,
            };
            columns.push(ColumnPlan {
                name: column.name.clone(),
                form,
                etl: found.class.clone(),
                prod: column.class.clone(),
            });
        }
        let spec = spec::tables().iter().find(|spec| spec.name == self.name);
        let position = spec.map_or(Position::Total, |spec| spec.position);
        let placement = Placement { rows: table.rows, pages: table.pages, indexed: false };
        Ok(TablePlan {
            name: self.name.clone(),
            columns,
            keys: self.keys,
            further: Vec::new(),
            position: if self.dated || position.column().is_none() {
                position
            } else {
                Position::Total
            },
            current_only: self.current_only,
            only: self.only.clone(),
            etl: placement,
            prod: placement,
        })
    }
}
