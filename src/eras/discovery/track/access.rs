//! Who may remix a gated track (handlers-b 2.4).

use crate::{
    eras::discovery::{Handled, HandlerError, Scope, query, reject},
    model::{
        Json, Timestamp,
        tables::{AggregateUserTip, Follow, FollowBy, Track, UsdcPurchase, UsdcPurchaseBy},
    },
};

/// Asks for the rows that [`check_remix_parents`] reads first.
pub(super) fn preload(parents: &[i64], scope: &mut Scope<'_>) {
    for parent in parents {
        scope.want::<Track>(*parent);
    }
}

/// Rejects a remix when the user has no stream access to one of its parents. Parents are looked up
/// as a query does: one made earlier in the block is unknown and therefore allowed.
///
/// # Errors
/// See above; poison where a stored condition breaks the reference's query.
pub(super) fn check_remix_parents(user_id: i64, parents: &[i64], scope: &mut Scope<'_>) -> Handled {
    for parent in parents {
        let Some(track) = scope.stored::<Track>(*parent)?.filter(|track| !track.is_delete) else {
            continue;
        };
        if track.owner_id != user_id && !has_stream_access(user_id, &track, scope)? {
            return Err(reject("remix_parent_gated"));
        }
    }
    Ok(())
}

fn has_stream_access(
    user_id: i64,
    track: &Track,
    scope: &mut Scope<'_>,
) -> Result<bool, HandlerError> {
    let conditions = track.stream_conditions.as_deref().filter(|conditions| conditions.truthy());
    let Some(conditions) = conditions.and_then(Json::as_object) else { return Ok(true) };
    for (name, value) in conditions {
        let passes = match name {
            "usdc_purchase" => return has_purchased(user_id, track, scope),
            "follow_user_id" => follows(user_id, value, scope)?,
            "tip_user_id" => has_tipped(user_id, value, scope)?,
            _ => false,
        };
        if !passes {
            // The content may have been for sale before.
            return has_purchased(user_id, track, scope);
        }
    }
    Ok(true)
}

fn follows(user_id: i64, followee: &Json, scope: &mut Scope<'_>) -> Result<bool, HandlerError> {
    let Some(followee) = query::integer(followee)? else { return Ok(false) };
    let follows = scope.stored_by::<Follow>(FollowBy::Pair, (user_id, followee))?;
    Ok(follows.iter().any(|follow| follow.is_current && !follow.is_delete))
}

fn has_tipped(user_id: i64, receiver: &Json, scope: &mut Scope<'_>) -> Result<bool, HandlerError> {
    let Some(receiver) = query::integer(receiver)? else { return Ok(false) };
    let tip = scope.stored::<AggregateUserTip>((user_id, receiver))?;
    Ok(tip.is_some_and(|tip| tip.amount >= 0))
}

/// Whether the user bought the track, an album it is in, or an album before the track left it.
fn has_purchased(user_id: i64, track: &Track, scope: &mut Scope<'_>) -> Result<bool, HandlerError> {
    let purchases = scope.stored_by::<UsdcPurchase>(UsdcPurchaseBy::Buyer, user_id)?;
    let albums = track.playlists_containing_track.as_deref().unwrap_or_default();
    let left = track.playlists_previously_containing_track.as_deref();
    Ok(purchases.iter().any(|purchase| match purchase.content_type.as_str() {
        "track" => purchase.content_id == track.track_id,
        "album" => {
            let left_at = left
                .and_then(|left| left.get(&purchase.content_id.to_string()))
                .and_then(|entry| entry.get("time"))
                .and_then(Json::as_int)
                .map(Timestamp::from_seconds);
            albums.contains(&purchase.content_id)
                || left_at.is_some_and(|left_at| purchase.created_at <= left_at)
        }
        _ => false,
    }))
}
