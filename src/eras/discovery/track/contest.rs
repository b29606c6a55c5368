//! Notifications of a remix contest whose track goes public (handlers-b 7, Update).

use std::collections::BTreeSet;

use crate::{
    eras::discovery::{Handled, Scope, notify::notify},
    model::{
        Json,
        json::Object,
        tables::{Event, EventBy, Follow, FollowBy, Save, SaveBy, Track},
    },
};

/// Tells the host's followers and those who saved the track that the contest has started, when the
/// track was unlisted and the Update does not keep it so.
///
/// Parity: an Update that does not mention `is_unlisted` counts as publishing, and notifies.
///
/// # Errors
/// Only [`crate::eras::discovery::HandlerError::Missing`].
pub(super) fn announce(track: &Track, data: &Object, scope: &mut Scope<'_>) -> Handled {
    let stays_unlisted = data.get("is_unlisted").is_some_and(Json::truthy);
    if track.is_unlisted != Some(true) || stays_unlisted {
        return Ok(());
    }
    let events = scope.stored_by::<Event>(EventBy::Entity, track.track_id)?;
    let contest = events
        .iter()
        .find(|event| event.event_type == "remix_contest" && event.is_deleted == Some(false));
    let Some(contest) = contest else { return Ok(()) };
    let host = contest.user_id;
    scope.want_by::<Save>(SaveBy::Item, ("track", track.track_id));
    let follows = scope.stored_by::<Follow>(FollowBy::Followee, host)?;
    let saves = scope.stored_by::<Save>(SaveBy::Item, ("track", track.track_id))?;
    let followers = follows
        .iter()
        .filter(|follow| follow.is_current && !follow.is_delete)
        .map(|follow| follow.follower_user_id);
    let savers =
        saves.iter().filter(|save| save.is_current && !save.is_delete).map(|save| save.user_id);
    let receivers: BTreeSet<i64> = followers.chain(savers).collect();
    for receiver in receivers {
        notify(
            scope,
            "fan_remix_contest_started",
            format!("fan_remix_contest_started:{}:user:{host}", track.track_id),
            receiver.to_string(),
            vec![receiver],
            Json::object([
                ("entity_user_id", Json::Int(track.owner_id)),
                ("entity_id", Json::Int(track.track_id)),
            ]),
        )?;
    }
    Ok(())
}
