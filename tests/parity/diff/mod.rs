//! Comparison of recorded rows with rows read from a database.
//!
//! Knows nothing of files, processes or PostgreSQL: both sides come as [`Tables`]. The order of work
//! is parse ([`value`]), make the sides comparable ([`normalise`]), compare ([`compare`]).

pub(crate) mod compare;
pub(crate) mod normalise;
pub(crate) mod rules;
pub(crate) mod value;

use std::collections::BTreeMap;

use value::Value;

/// One row: column name to value.
pub(crate) type Row = BTreeMap<String, Value>;

/// Rows by table name; the order of rows means nothing.
pub(crate) type Tables = BTreeMap<String, Vec<Row>>;
