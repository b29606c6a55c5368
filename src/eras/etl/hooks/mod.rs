//! What the process around the indexer does after a call (frame.md 4).

use super::{Call, Handled, Scope, Wants};
use crate::model::{PlayRow, block::Play};

/// Runs after a handler that succeeded, on the savepoint of its call.
///
/// # Errors
/// [`super::Halt::Vanish`] where the server refuses a row: the reference swallows the error, and the
/// whole call is lost with the aborted transaction.
pub(super) fn after(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let _ = (call, scope);
    Ok(())
}

/// Names the rows that the hooks of a call read.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    let _ = (call, wants);
}

/// Adds the plays of one transaction to `plays` (frame.md 4.1).
///
/// # Errors
/// [`super::Halt::Error`] where the reference fails on the row of `etl_plays`, [`super::Halt::Vanish`] where its
/// transaction is aborted later: nothing of the plays stays.
pub(super) fn plays(
    position: usize,
    plays: &[Play],
    scope: &mut Scope<'_>,
    rows: &mut Vec<PlayRow>,
) -> Handled {
    let _ = (position, plays, scope, rows);
    Ok(())
}
