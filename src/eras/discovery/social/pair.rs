//! The row of a follow or a subscription that a call is about.

use std::sync::Arc;

use crate::{
    eras::discovery::Scope,
    model::{EntityTx, table::Record},
};

/// Of the rows of a pair, the one that a call replaces.
///
/// Parity: rows from before the block are known under the type `User` only, so a call with another
/// type adds a row beside them. Of several such rows the newest counts. Calls of one block that
/// name one pair under different types are taken for the same; the reference tells them apart.
pub(super) fn known<R: Record>(
    rows: Vec<Arc<R>>,
    tx: &EntityTx,
    scope: &Scope<'_>,
    number: impl Fn(&R) -> Option<i64>,
) -> Option<Arc<R>> {
    let of_block = |row: &R| scope.at_block_start::<R>(row.key()).is_none();
    rows.into_iter()
        .filter(|row| tx.entity_type == "User" || of_block(row))
        .max_by_key(|row| (of_block(row), number(row)))
}
