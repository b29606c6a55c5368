//! Finds the handler of a call, runs it on a savepoint, and says what became of the call
//! (frame.md 1.4).

use super::{Call, Halt, Scope, entry::Entry, hooks};
use crate::{
    eras::{Outcome, Reason},
    ledger,
    model::{Block, EntityTx, Recorded},
};

/// Applies one call with the handler of its pair, if it has one. Returns the outcome, and how the
/// transaction is recorded where that is not in full.
pub(super) fn dispatch(
    block: &Block,
    call: &Call<'_>,
    entry: Option<&Entry>,
    scope: &mut Scope<'_>,
) -> (Outcome, Option<Recorded>) {
    if let Err(reason) = audit(call.tx) {
        return (Outcome::Failed(reason), Some(Recorded::Blank));
    }
    let savepoint = scope.savepoint();
    let result = ledger::note_signer(block, &call.tx.signer, scope.store())
        .map_err(Halt::from)
        .and_then(|()| run(call, entry, scope));
    match result {
        Ok(outcome) => (outcome, None),
        Err(Halt::Missing) => (Outcome::Missing, None),
        Err(Halt::Reject(reason)) => (Outcome::Rejected(reason), None),
        Err(Halt::Error(reason)) => {
            scope.roll_back(savepoint);
            (Outcome::Failed(reason), Some(Recorded::WithoutDetails))
        }
        Err(Halt::Vanish { reason, as_reject }) => {
            scope.roll_back(savepoint);
            let outcome =
                if as_reject { Outcome::Rejected(reason) } else { Outcome::Failed(reason) };
            (outcome, Some(Recorded::Nothing))
        }
    }
}

fn run(call: &Call<'_>, entry: Option<&Entry>, scope: &mut Scope<'_>) -> Result<Outcome, Halt> {
    let Some(entry) = entry else { return Ok(Outcome::Unrouted) };
    (entry.handler)(call, scope)?;
    hooks::after(call, scope)?;
    Ok(Outcome::Applied)
}

/// Whether the rows that record the call can be written: no text holds U+0000.
fn audit(tx: &EntityTx) -> Result<(), Reason> {
    let texts = [&tx.entity_type, &tx.action, &tx.metadata, &tx.signature, &tx.signer, &tx.nonce];
    if texts.iter().any(|text| text.contains('\0')) {
        return Err(Reason::of("audit_nul"));
    }
    Ok(())
}
