//! Finds the handler of a call, runs it and says what became of the call.

use super::{Call, HandlerError, Outcome, Scope, prefetch, registry};
use crate::{model::EntityTx, store::Mark};

/// Applies one call.
pub fn dispatch(tx: &EntityTx, scope: &mut Scope<'_>) -> Outcome {
    let mark = scope.mark();
    let result = run(tx, scope);
    match result {
        Ok(outcome) => outcome,
        Err(HandlerError::Missing) => Outcome::Missing,
        Err(HandlerError::Reject(reason)) => {
            undo_failed(mark, scope);
            Outcome::Rejected(reason)
        }
        Err(HandlerError::Skip(reason)) => {
            undo_failed(mark, scope);
            Outcome::Skipped(reason)
        }
        Err(HandlerError::Poison(reason)) => {
            scope.rollback(mark);
            Outcome::Poisoned(reason)
        }
    }
}

fn undo_failed(mark: Mark, scope: &mut Scope<'_>) {
    if !scope.env.rules.failed_calls_leave_rows {
        scope.rollback(mark);
    }
}

fn run(tx: &EntityTx, scope: &mut Scope<'_>) -> Result<Outcome, HandlerError> {
    prefetch::check_raw(tx)?;
    let call = Call::new(tx)?;
    prefetch::check_envelope(&call, scope.unfetched)?;
    let Some(entry) = registry::find(tx, &scope.env.rules) else { return Ok(Outcome::Unrouted) };
    (entry.handler)(&call, scope)?;
    Ok(Outcome::Applied)
}
