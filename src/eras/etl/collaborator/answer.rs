//! (`TrackCollaborator`, Approve) and (`TrackCollaborator`, Reject).

use std::sync::Arc;

use crate::{
    eras::etl::{Call, Halt, Handled, Scope, Wants, ensure, reject as rejected, signer},
    model::tables::TrackCollaborator,
};

/// Invited, and not answered yet.
const PENDING: &str = "pending";
/// Stands beside the owner.
const ACCEPTED: &str = "accepted";
/// Declined, or left.
const REJECTED: &str = "rejected";

/// Accepts an invitation. The track is not looked at.
///
/// # Errors
/// Rejects where there is none, or it was answered already.
pub(super) fn approve(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let old = invite(call, scope)?;
    ensure(old.status == PENDING, "collaborator_invite_not_pending")?;
    answer(&old, ACCEPTED, call, scope)
}

/// Declines an invitation, or leaves after it was accepted.
///
/// # Errors
/// Rejects where there is none, or it was declined already.
pub(super) fn reject(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let old = invite(call, scope)?;
    ensure(old.status == PENDING || old.status == ACCEPTED, "collaborator_credit_not_active")?;
    answer(&old, REJECTED, call, scope)
}

/// Names what both read.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.row::<TrackCollaborator>((call.tx.entity_id, call.tx.user_id));
}

/// The invitation of a call. Parity: an error of this look-up is swallowed, so a track id that the
/// column cannot hold is one more without an invitation.
fn invite(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Arc<TrackCollaborator>, Halt> {
    signer::authorize(call, call.tx.user_id, scope)?;
    let track_id = call.tx.entity_id;
    ensure(i32::try_from(track_id).is_ok(), "collaborator_invite_not_found")?;
    let row = scope.get::<TrackCollaborator>((track_id, call.tx.user_id))?;
    row.ok_or_else(|| rejected("collaborator_invite_not_found"))
}

fn answer(
    old: &Arc<TrackCollaborator>,
    status: &str,
    call: &Call<'_>,
    scope: &mut Scope<'_>,
) -> Handled {
    let status = status.to_owned();
    scope.update(old, TrackCollaborator { status, updated_at: call.now, ..(**old).clone() })
}
