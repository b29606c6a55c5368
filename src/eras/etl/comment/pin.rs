//! (Comment, Pin) and (Comment, Unpin) (social.md 4.5).

use std::sync::Arc;

use crate::{
    eras::etl::{Call, Halt, Handled, Scope, Wants, ensure, int4, reject, signer},
    model::tables::{Comment, Track},
};

/// Pins a comment to a track, in the place of another one.
///
/// Parity: the comment need not be one on the track, and may be deleted.
///
/// # Errors
/// Rejects unknown comments and tracks, tracks of others, and the comment that is pinned already.
pub fn pin(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let track = own_track(call, scope)?;
    let comment_id = call.tx.entity_id;
    ensure(track.pinned_comment_id != Some(comment_id), "comment_pinned")?;
    set_pinned(&track, Some(comment_id), call, scope)
}

/// Unpins a comment from a track.
///
/// # Errors
/// As [`pin`], and where another comment is pinned, or none.
pub fn unpin(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let track = own_track(call, scope)?;
    ensure(track.pinned_comment_id == Some(call.tx.entity_id), "comment_not_pinned")?;
    set_pinned(&track, None, call, scope)
}

/// Names what [`pin`] and [`unpin`] read.
pub fn pin_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.row::<Comment>(call.tx.entity_id);
    if let Some(track_id) = call.meta.int("entity_id") {
        wants.row::<Track>(track_id);
    }
}

/// The acting user's track that the metadata names. Parity: an error of this look-up is swallowed, so an
/// id that the column cannot hold names no track.
fn own_track(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Arc<Track>, Halt> {
    signer::authorize(call, call.tx.user_id, scope)?;
    let comment = scope.get::<Comment>(int4(call.tx.entity_id)?)?;
    ensure(comment.is_some(), "comment_not_found")?;
    let track_id = call.meta.int("entity_id").ok_or_else(|| reject("entity_id_missing"))?;
    ensure(i32::try_from(track_id).is_ok(), "track_not_found")?;
    let track = scope.get::<Track>(track_id)?.ok_or_else(|| reject("track_not_found"))?;
    ensure(track.owner_id == call.tx.user_id, "track_of_other")?;
    Ok(track)
}

fn set_pinned(
    track: &Arc<Track>,
    pinned_comment_id: Option<i64>,
    call: &Call<'_>,
    scope: &mut Scope<'_>,
) -> Handled {
    let new = Track { pinned_comment_id, updated_at: call.now, ..(**track).clone() };
    scope.update(track, new)
}
