//! Checks that several track actions share (handlers-b 7).

use std::sync::Arc;

use super::access;
use crate::{
    eras::discovery::{Call, Handled, HandlerError, Scope, ensure, query, reject, skip},
    model::{
        EntityTx, Json,
        json::Object,
        tables::{Track, User},
    },
    rules::{conditions, schema},
};

/// Longest description in Unicode code points, of tracks and playlists.
const MAX_DESCRIPTION: usize = 2500;

/// The handle of the acting user. Parity: as a query sees it, so a user made earlier in the block
/// has none.
///
/// # Errors
/// Rejects when there is no such user or the handle is empty.
pub(super) fn handle(tx: &EntityTx, scope: &mut Scope<'_>) -> Result<String, HandlerError> {
    let user = scope.stored::<User>(tx.user_id)?;
    user.and_then(|user| user.handle.clone())
        .filter(|handle| !handle.is_empty())
        .ok_or_else(|| reject("handle_not_found"))
}

/// The checks of the sent metadata that Create and Update have in common, and the metadata.
///
/// # Errors
/// Rejects and skips as the reference does, in its order.
pub(super) fn metadata<'a>(
    call: &'a Call<'_>,
    scope: &mut Scope<'_>,
) -> Result<&'a Object, HandlerError> {
    let data = call.data().filter(|data| !data.is_empty());
    let data = data.ok_or_else(|| reject("metadata_missing"))?;
    schema::check_genre(call.sent("genre"))?;
    if let Some(description) = data.get("description") {
        check_description(description)?;
    }
    let parents = remix_parents(data)?;
    access::check_remix_parents(call.tx.user_id, &parents, scope)?;
    conditions::check_track_access(data)?;
    Ok(data)
}

/// The parents that the sent `remix_of` names.
///
/// # Errors
/// Poison where the reference's query breaks.
pub(super) fn remix_parents(data: &Object) -> Result<Vec<i64>, HandlerError> {
    Ok(data.get("remix_of").map_or(Ok(Vec::new()), conditions::remix_parents)?)
}

/// The limit on the description of a track or playlist.
///
/// # Errors
/// Rejects a longer one, skips what has no length.
pub(in crate::eras::discovery) fn check_description(description: &Json) -> Handled {
    Ok(schema::check_length(description, MAX_DESCRIPTION, "description_too_long")?)
}

/// The track that an Update or Delete is about; a deleted one counts.
///
/// # Errors
/// Rejects when it does not exist or belongs to another user.
pub(super) fn owned_track(
    tx: &EntityTx,
    scope: &mut Scope<'_>,
) -> Result<Arc<Track>, HandlerError> {
    let track = scope.view::<Track>(tx.entity_id)?.ok_or_else(|| reject("track_not_found"))?;
    ensure(track.owner_id == tx.user_id, "track_of_another_user")?;
    Ok(track)
}

/// Checks the user to whom an AI track is attributed.
///
/// # Errors
/// Skips a user who is unknown, rejects one who does not allow it.
pub(super) fn check_ai_attribution(data: &Object, scope: &mut Scope<'_>) -> Handled {
    let id = data.get("ai_attribution_user_id").filter(|id| id.truthy());
    let Some(id) = id else { return Ok(()) };
    // Parity: the id is a key of a map, where a digit string finds nothing.
    let id = if id.as_str().is_some() { None } else { query::integer(id)? };
    let user = match id {
        Some(id) => scope.view::<User>(id)?,
        None => None,
    };
    let user = user.ok_or_else(|| skip("ai_attribution_user_unknown"))?;
    ensure(user.allow_ai_attribution.unwrap_or(false), "ai_attribution_not_allowed")
}

/// Only the app that delivered a DDEX track may change it, whatever the owner's wallet.
///
/// # Errors
/// Rejects another signer. Parity: the comparison minds case.
pub(in crate::eras::discovery) fn check_ddex_signer(
    tx: &EntityTx,
    ddex_app: Option<&str>,
) -> Handled {
    let app = ddex_app.filter(|app| !app.is_empty());
    ensure(app.is_none_or(|app| app == tx.signer), "ddex_signer_mismatch")
}
