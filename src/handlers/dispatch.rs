//! Finds the handler of a call, runs it and says what became of the call.

use super::{Call, HandlerError, Reason, Scope, registry};
use crate::model::EntityTx;

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The handler wrote what it had to.
    Applied,
    /// Validation refused it.
    Rejected(Reason),
    /// It failed; a `skipped_transactions` row is due.
    Skipped(Reason),
    /// It would have stalled the reference; counted as a reject, nothing of it stays.
    Poisoned(Reason),
    /// No handler exists for the pair; the reference ignores it silently.
    Unhandled,
    /// Rows were missing; the outcome counts for nothing.
    Missing,
}

/// Applies one call.
pub fn dispatch(tx: &EntityTx, scope: &mut Scope<'_>) -> Outcome {
    let mark = scope.mark();
    let result = Call::new(tx).and_then(|call| match registry::find(tx) {
        Some(entry) => {
            super::metadata::preload(&call, scope);
            (entry.handler)(&call, scope).map(|()| Outcome::Applied)
        }
        None => Ok(Outcome::Unhandled),
    });
    match result {
        Ok(outcome) => outcome,
        Err(HandlerError::Missing) => Outcome::Missing,
        Err(HandlerError::Reject(reason)) => Outcome::Rejected(reason),
        Err(HandlerError::Skip(reason)) => Outcome::Skipped(reason),
        Err(HandlerError::Poison(reason)) => {
            scope.rollback(mark);
            Outcome::Poisoned(reason)
        }
    }
}
