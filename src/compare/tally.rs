//! Which columns differ how often, with a few examples of each: what a person looks at first.

use serde::{Deserialize, Serialize};

use super::{Difference, FieldDifference, Kind};

/// Examples that are kept of a column, and of rows on one side only.
const EXAMPLES: usize = 3;

/// Characters of a value that an example keeps.
const VALUE_CHARS: usize = 400;

/// Where a row was last changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Number of the block, or height where the table has that, in the numbers of its database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<i64>,
    /// Height on the chain, where it could be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<i64>,
    /// Transaction that the row names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx: Option<String>,
}

/// A row that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Columns and values of the key.
    pub key: Vec<(String, Option<String>)>,
    /// Etl's value, cut around the first difference; of a row on one side only nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etl: Option<String>,
    /// Prod's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prod: Option<String>,
    /// Where etl's row was last changed.
    pub etl_at: Place,
    /// Where prod's row was last changed.
    pub prod_at: Place,
}

/// How often a column differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnTally {
    /// The column.
    pub column: String,
    /// Rows in which it differs and nobody knew.
    pub rows: u64,
    /// Rows in which it differs as known.
    #[serde(default)]
    pub known: u64,
    /// Rows among those nobody knew of in which etl has NULL.
    #[serde(default)]
    pub null_in_etl: u64,
    /// Rows among those nobody knew of in which prod has NULL.
    #[serde(default)]
    pub null_in_prod: u64,
    /// A few rows that nobody knew of.
    pub examples: Vec<Example>,
}

/// The differences of a table by column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// The columns that differ, the one that does most often first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnTally>,
    /// A few rows that only etl has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only_in_etl: Vec<Example>,
    /// A few rows that only prod has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only_in_prod: Vec<Example>,
}

impl Tally {
    /// Counts a difference.
    pub(crate) fn note(&mut self, difference: &Difference) {
        let one_sided = match difference.kind {
            Kind::Different | Kind::Segment => None,
            Kind::MissingInProd => Some(&mut self.only_in_etl),
            Kind::MissingInEtl => Some(&mut self.only_in_prod),
        };
        if let Some(examples) = one_sided {
            if examples.len() < EXAMPLES && !difference.is_known() {
                examples.push(example(difference, None));
            }
            return;
        }
        for field in &difference.fields {
            let tally = self.column(&field.column);
            if field.known.is_some() {
                tally.known += 1;
                continue;
            }
            tally.rows += 1;
            tally.null_in_etl += u64::from(field.etl.is_none());
            tally.null_in_prod += u64::from(field.prod.is_none());
            if tally.examples.len() < EXAMPLES {
                tally.examples.push(example(difference, Some(field)));
            }
        }
        let frequent = |tally: &ColumnTally| std::cmp::Reverse((tally.rows, tally.known));
        if !self.columns.is_sorted_by_key(frequent) {
            self.columns.sort_by_key(frequent);
        }
    }

    /// Adds what another part of the table shows.
    pub(crate) fn add(&mut self, other: &Self) {
        for theirs in &other.columns {
            let mine = self.column(&theirs.column);
            mine.rows += theirs.rows;
            mine.known += theirs.known;
            mine.null_in_etl += theirs.null_in_etl;
            mine.null_in_prod += theirs.null_in_prod;
            fill(&mut mine.examples, &theirs.examples);
        }
        self.columns.sort_by_key(|tally| std::cmp::Reverse((tally.rows, tally.known)));
        fill(&mut self.only_in_etl, &other.only_in_etl);
        fill(&mut self.only_in_prod, &other.only_in_prod);
    }

    fn column(&mut self, name: &str) -> &mut ColumnTally {
        let at = self.columns.iter().position(|tally| tally.column == name).unwrap_or_else(|| {
            self.columns.push(ColumnTally { column: name.to_owned(), ..ColumnTally::default() });
            self.columns.len() - 1
        });
        &mut self.columns[at]
    }

    /// Every example, to be completed.
    pub(crate) fn examples_mut(&mut self) -> impl Iterator<Item = &mut Example> {
        let columns = self.columns.iter_mut().flat_map(|tally| &mut tally.examples);
        columns.chain(&mut self.only_in_etl).chain(&mut self.only_in_prod)
    }
}

fn fill(mine: &mut Vec<Example>, theirs: &[Example]) {
    let room = EXAMPLES.saturating_sub(mine.len());
    mine.extend(theirs.iter().take(room).cloned());
}

fn example(difference: &Difference, field: Option<&FieldDifference>) -> Example {
    let [etl, prod] = field.map_or([None, None], |field| {
        around_difference([field.etl.as_deref(), field.prod.as_deref()], VALUE_CHARS)
    });
    let place = |block, tx: &Option<String>| Place { block, height: None, tx: tx.clone() };
    Example {
        key: difference.key.clone(),
        etl,
        prod,
        etl_at: place(difference.etl_block, &difference.etl_tx),
        prod_at: place(difference.prod_block, &difference.prod_tx),
    }
}

/// Both values cut to at most `most` characters, so that the first in which they differ shows. An
/// ellipsis stands for what is cut off.
pub fn around_difference(values: [Option<&str>; 2], most: usize) -> [Option<String>; 2] {
    let [etl, prod] = values.map(Option::unwrap_or_default);
    let same = etl.chars().zip(prod.chars()).take_while(|(one, other)| one == other).count();
    let start = if values.contains(&None) { 0 } else { same.saturating_sub(most / 3) };
    values.map(|value| {
        let value = value?;
        let count = value.chars().count();
        if count <= most && etl.chars().count() <= most && prod.chars().count() <= most {
            return Some(value.to_owned());
        }
        let cut: String = value.chars().skip(start).take(most).collect();
        let before = if start > 0 { "…" } else { "" };
        let after = if count > start + most { "…" } else { "" };
        Some(format!("{before}{cut}{after}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(column: &str, etl: Option<&str>, known: Option<usize>) -> Difference {
        Difference {
            table: "users".to_owned(),
            kind: Kind::Different,
            key: vec![("user_id".to_owned(), Some("1".to_owned()))],
            fields: vec![FieldDifference {
                column: column.to_owned(),
                etl: etl.map(str::to_owned),
                prod: Some("p".to_owned()),
                known,
            }],
            etl_block: Some(7),
            prod_block: None,
            etl_tx: Some("AB".to_owned()),
            prod_tx: None,
            known: None,
            etl_row: None,
            prod_row: None,
            identity: String::new(),
            first: None,
        }
    }

    #[test]
    fn the_most_frequent_column_comes_first_with_three_examples() {
        let mut tally = Tally::default();
        tally.note(&difference("name", Some("x"), None));
        for _ in 0..5 {
            tally.note(&difference("bio", None, None));
        }
        tally.note(&difference("bio", None, Some(0)));
        let rows: Vec<_> =
            tally.columns.iter().map(|c| (c.column.as_str(), c.rows, c.known)).collect();
        assert_eq!(rows, [("bio", 5, 1), ("name", 1, 0)]);
        assert_eq!((tally.columns[0].examples.len(), tally.columns[0].null_in_etl), (3, 5));
        assert_eq!(tally.columns[0].examples[0].etl_at.tx.as_deref(), Some("AB"));
        let mut whole = Tally::default();
        whole.add(&tally);
        whole.add(&tally);
        assert_eq!((whole.columns[0].rows, whole.columns[0].examples.len()), (10, 3));
    }

    #[test]
    fn values_that_differ_late_are_cut_where_they_differ() {
        let long = "lorem ipsum ".repeat(60);
        let (one, other) = (format!("{long}x"), format!("{long}y and more"));
        let [etl, prod] = around_difference([Some(&one), Some(&other)], 60);
        let (etl, prod) = (etl.unwrap(), prod.unwrap());
        assert!(
            etl.starts_with('…') && etl.ends_with('x') && prod.contains("y and more"),
            "{etl} {prod}"
        );
        assert!(etl.chars().count() <= 62);
        let [etl, prod] = around_difference([Some("a"), None], 60);
        assert_eq!((etl.as_deref(), prod), (Some("a"), None));
    }
}
