//! What it means that the rows of one key are not the same on both sides. Pure.

use serde::{Deserialize, Serialize};

use super::known::{Known, Rule};
use super::plan::TablePlan;
use super::window::Span;

/// A row in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FullRow {
    /// Normal forms, in the order of the plan's columns.
    pub(crate) values: Vec<Option<String>>,
    /// Where on the chain the row was last changed, in the numbers of its database.
    pub(crate) position: Option<i64>,
    /// Whether the row lies in the window.
    pub(crate) inside: bool,
}

/// A column whose values differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldDifference {
    /// The column.
    pub column: String,
    /// Normal form of etl's value; `None` is NULL.
    pub etl: Option<String>,
    /// Normal form of prod's value.
    pub prod: Option<String>,
    /// Index of the known difference that explains it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<usize>,
}

/// In what way a row differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Both sides have it, with other values.
    Different,
    /// Only etl has it.
    MissingInProd,
    /// Only prod has it.
    MissingInEtl,
    /// Not a row but a segment of them, of which only checksums are known.
    Segment,
}

impl Kind {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Different => "different",
            Self::MissingInProd => "missing in prod",
            Self::MissingInEtl => "missing in etl",
            Self::Segment => "segment",
        }
    }
}

/// A row that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The table.
    pub table: String,
    /// In what way.
    pub kind: Kind,
    /// Columns and values of the key.
    pub key: Vec<(String, Option<String>)>,
    /// The fields that differ; none where the row is on one side only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldDifference>,
    /// Where on the chain etl's row was last changed, in etl's numbers.
    pub etl_block: Option<i64>,
    /// Where on the chain prod's row was last changed, in prod's numbers.
    pub prod_block: Option<i64>,
    /// Transaction that etl's row names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etl_tx: Option<String>,
    /// Transaction that prod's row names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prod_tx: Option<String>,
    /// Index of the known difference that explains a row on one side only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<usize>,
    /// Etl's row, for conditions on it.
    #[serde(skip)]
    pub(crate) etl_row: Option<Vec<Option<String>>>,
    /// Prod's row, for conditions on it.
    #[serde(skip)]
    pub(crate) prod_row: Option<Vec<Option<String>>>,
    /// Identity of the row, to read it again.
    #[serde(rename = "row")]
    pub(crate) identity: String,
    /// First column of the key, to find it again.
    #[serde(rename = "first")]
    pub(crate) first: Option<String>,
}

impl Difference {
    /// Whether known differences explain all of it.
    pub fn is_known(&self) -> bool {
        match self.kind {
            Kind::Segment => false,
            Kind::Different => self.fields.iter().all(|field| field.known.is_some()),
            Kind::MissingInProd | Kind::MissingInEtl => self.known.is_some(),
        }
    }
}

/// The judgement on the rows of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// Rows that are the same after all, counted once.
    pub(crate) equal: u64,
    /// Rows that one side changed after the window.
    pub(crate) ahead: u64,
    pub(crate) differences: Vec<Difference>,
}

/// Everything that judging the rows of a table needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judge<'a> {
    pub(crate) plan: &'a TablePlan,
    pub(crate) known: &'a Known,
    /// Limits of the window in the numbers of etl and prod.
    pub(crate) etl_limits: Option<Span>,
    pub(crate) prod_limits: Option<Span>,
}

impl Judge<'_> {
    /// Judges the rows that share one identity.
    pub(crate) fn judge(
        &self,
        identity: &str,
        first: Option<&str>,
        mut etl: Vec<FullRow>,
        mut prod: Vec<FullRow>,
    ) -> Judgement {
        let mut judgement = Judgement::default();
        etl.retain(|row| {
            let same = prod.iter().position(|other| other.values == row.values);
            let Some(same) = same else { return true };
            let other = prod.swap_remove(same);
            judgement.equal += u64::from(row.inside || other.inside);
            false
        });
        // Rows in the window first, so that they find partners before others do.
        for rows in [&mut etl, &mut prod] {
            rows.sort_by(|one, other| {
                other.inside.cmp(&one.inside).then_with(|| one.values.cmp(&other.values))
            });
        }
        let (mut etl, mut prod) = (etl.into_iter(), prod.into_iter());
        loop {
            let (mine, theirs) = (etl.next(), prod.next());
            let inside = |row: &Option<FullRow>| row.as_ref().is_some_and(|row| row.inside);
            if mine.is_none() && theirs.is_none() {
                return judgement;
            }
            if !inside(&mine) && !inside(&theirs) {
                continue;
            }
            if is_ahead(mine.as_ref(), self.etl_limits)
                || is_ahead(theirs.as_ref(), self.prod_limits)
            {
                judgement.ahead += 1;
                continue;
            }
            judgement.differences.push(self.difference(identity, first, mine, theirs));
        }
    }

    fn difference(
        &self,
        identity: &str,
        first: Option<&str>,
        etl: Option<FullRow>,
        prod: Option<FullRow>,
    ) -> Difference {
        let table = &self.plan.name;
        let (kind, missing) = match (&etl, &prod) {
            (Some(_), Some(_)) => (Kind::Different, None),
            (Some(_), None) => (Kind::MissingInProd, Some(Rule::MissingInProd)),
            (None, _) => (Kind::MissingInEtl, Some(Rule::MissingInEtl)),
        };
        let position = |row: &Option<FullRow>| row.as_ref().and_then(|row| row.position);
        let (etl_block, prod_block) = (position(&etl), position(&prod));
        let fields = match (&etl, &prod) {
            (Some(etl), Some(prod)) => self.fields(etl, prod),
            _ => Vec::new(),
        };
        let tx = |row: &Option<FullRow>| self.transaction(row.as_ref()?);
        let (etl_tx, prod_tx) = (tx(&etl), tx(&prod));
        let values = |row: &Option<FullRow>| row.as_ref().map(|row| row.values.clone());
        let (etl_row, prod_row) = (values(&etl), values(&prod));
        let row = etl.or(prod);
        let values = row.into_iter().flat_map(|row| row.values);
        let key = self.plan.key().iter().map(|column| column.name.clone()).zip(values).collect();
        Difference {
            table: table.clone(),
            kind,
            key,
            fields,
            etl_block,
            prod_block,
            etl_tx,
            prod_tx,
            known: missing.and_then(|rule| self.known.row(table, rule)),
            etl_row,
            prod_row,
            identity: identity.to_owned(),
            first: first.map(str::to_owned),
        }
    }

    fn transaction(&self, row: &FullRow) -> Option<String> {
        let mut columns = self.plan.columns.iter().zip(&row.values);
        let is_hash = |name: &str| matches!(name, "txhash" | "tx_hash");
        columns.find(|(column, _)| is_hash(&column.name))?.1.clone()
    }

    fn fields(&self, etl: &FullRow, prod: &FullRow) -> Vec<FieldDifference> {
        let pairs = etl.values.iter().zip(&prod.values);
        let columns = self.plan.columns.iter().zip(pairs);
        columns
            .filter(|(_, (etl, prod))| etl != prod)
            .map(|(column, (etl, prod))| FieldDifference {
                column: column.name.clone(),
                etl: etl.clone(),
                prod: prod.clone(),
                known: self.known.field(
                    &self.plan.name,
                    &column.name,
                    etl.as_deref(),
                    prod.as_deref(),
                ),
            })
            .collect()
    }
}

fn is_ahead(row: Option<&FullRow>, limits: Option<Span>) -> bool {
    let position = row.and_then(|row| row.position);
    position.zip(limits).is_some_and(|(position, limits)| position > limits.last)
}
