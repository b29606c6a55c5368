//! (`User`, Update).

use super::profile;
use crate::{
    eras::etl::{
        Call, Halt, Handled, Metadata, Scope, Wants, ensure, go_int, int4,
        limits::{check_bio, check_name, checked_handle},
        reject,
        signer::{self, authorize, current_user},
    },
    model::{
        Json,
        tables::{Track, User, UserBy},
    },
    rules::unicode::go_lower,
};

/// Edits a profile in place (users.md 1.2).
///
/// Parity: without readable metadata it succeeds and looks at the artist pick again. A handle is
/// checked also where it is the stored one.
///
/// # Errors
/// Rejects in the order of the page; a hard error where a column does not take its value.
pub fn update(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let (user_id, meta) = (call.tx.user_id, &call.meta);
    check_bio(meta.text("bio"))?;
    check_name(meta.text("name"))?;
    let handle_lc = checked_handle(meta.text("handle"))?;
    authorize(call, user_id, scope)?;
    let old = current_user(user_id, scope)?.ok_or_else(|| reject("user_not_found"))?;
    if let Some(handle_lc) = handle_lc.filter(|handle| old.handle_lc.as_ref() != Some(handle)) {
        ensure(scope.find::<User>(UserBy::HandleLc, handle_lc)?.is_empty(), "handle_taken")?;
    }
    let artist_pick_track_id = artist_pick(&old, meta, scope)?;
    let flag = |key: &str, stored: Option<bool>| meta.bool(key).or(stored);
    let kept = User {
        blocknumber: Some(scope.block.number),
        updated_at: call.now,
        txhash: call.tx.hash.clone(),
        is_deactivated: flag("is_deactivated", old.is_deactivated),
        allow_ai_attribution: flag("allow_ai_attribution", old.allow_ai_attribution),
        artist_pick_track_id,
        ..(*old).clone()
    };
    scope.update(&old, profile::applied(kept, meta))
}

/// Names what [`update`] reads.
pub fn update_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    if let Some(handle) = call.meta.filled("handle") {
        wants.rows::<User>(UserBy::HandleLc, go_lower(handle));
    }
    let stored = || {
        let user = wants.look::<User>(call.tx.user_id).row();
        user.and_then(|user| user.artist_pick_track_id)
    };
    let pick = sent_pick(&call.meta).unwrap_or_else(stored);
    if let Some(pick) = pick {
        wants.row::<Track>(pick);
    }
}

/// The pick that the metadata asks for: none for `null` and 0. `None` where it does not ask, also
/// by a value of another type, such as a hash id.
fn sent_pick(meta: &Metadata<'_>) -> Option<Option<i64>> {
    match meta.get("artist_pick_track_id")? {
        Json::Null => Some(None),
        value => go_int(value).map(|pick| Some(pick).filter(|pick| *pick != 0)),
    }
}

/// The pick that results: the one asked for, else the stored one. Parity: it is dropped, and nothing
/// refused, unless it is a current and undeleted track of the user's.
fn artist_pick(
    user: &User,
    meta: &Metadata<'_>,
    scope: &mut Scope<'_>,
) -> Result<Option<i64>, Halt> {
    let Some(pick) = sent_pick(meta).unwrap_or(user.artist_pick_track_id) else {
        return Ok(None);
    };
    let track = scope.get::<Track>(int4(pick)?)?;
    let is_own = track.is_some_and(|track| track.owner_id == user.user_id && !track.is_delete);
    Ok(is_own.then_some(pick))
}
