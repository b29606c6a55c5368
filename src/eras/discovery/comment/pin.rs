//! (Comment, Pin) and (Comment, Unpin) (handlers-c 3.7).

use std::sync::Arc;

use super::draft;
use crate::{
    eras::discovery::{
        Call, Handled, HandlerError, Scope, ensure, query::dict_key, reject, signer::authorize,
        skip, track::copied,
    },
    model::tables::{Comment, Track},
};

/// Pins a comment to a track, in place of the one pinned before.
///
/// Parity: neither that the comment is alive nor that it belongs to the track is checked.
///
/// # Errors
/// Rejects unknown comments and tracks, tracks of others and a comment that is pinned already.
pub fn pin(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let (track, is_pinned) = check(call, scope)?;
    ensure(!is_pinned, "already_pinned")?;
    set(&track, Some(call.tx.entity_id), call, scope)
}

/// Takes the pin off.
///
/// # Errors
/// As [`pin`], and rejects a comment that is not pinned.
pub fn unpin(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let (track, is_pinned) = check(call, scope)?;
    ensure(is_pinned, "not_pinned")?;
    set(&track, None, call, scope)
}

/// The track that the metadata names, and whether the comment is pinned to it.
fn check(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<(Arc<Track>, bool), HandlerError> {
    let tx = call.tx;
    draft::want(call, scope);
    authorize(tx, scope)?;
    let comment = scope.view::<Comment>(tx.entity_id)?;
    ensure(comment.is_some(), "comment_not_found")?;
    if call.data().is_none() {
        return Err(skip("metadata_empty"));
    }
    let track = match dict_key(call.sent("entity_id")) {
        Some(id) => scope.view::<Track>(id)?,
        None => None,
    };
    let track = track.ok_or_else(|| reject("track_not_found"))?;
    ensure(track.owner_id == tx.user_id, "track_of_other")?;
    let is_pinned = track.pinned_comment_id == Some(tx.entity_id);
    Ok((track, is_pinned))
}

fn set(track: &Track, pinned: Option<i64>, call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let mut track = copied(track, call.tx, scope.block);
    track.pinned_comment_id = pinned;
    scope.put(track)
}
