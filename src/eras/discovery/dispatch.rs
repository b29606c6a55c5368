//! Finds the handler of a call, runs it and says what became of the call.

use super::{Call, HandlerError, Outcome, Scope, prefetch, registry};
use crate::model::EntityTx;

/// Applies one call. A refused or failed one keeps what it wrote before (handlers-a 0.8).
pub fn dispatch(tx: &EntityTx, scope: &mut Scope<'_>) -> Outcome {
    let mark = scope.mark();
    let result = run(tx, scope);
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

fn run(tx: &EntityTx, scope: &mut Scope<'_>) -> Result<Outcome, HandlerError> {
    prefetch::check_raw(tx)?;
    let call = Call::new(tx)?;
    prefetch::check_envelope(&call, scope.unfetched)?;
    let Some(entry) = registry::find(tx) else { return Ok(Outcome::Unrouted) };
    (entry.handler)(&call, scope)?;
    Ok(Outcome::Applied)
}
