//! `handle_track` (triggers.md 4.5).

use std::sync::Arc;

use super::{
    Handled, Scope, contests, counters, genres,
    note::{Note, Stamp},
    subscribers, swallowing,
};
use crate::{
    eras::etl::error,
    model::{Json, tables::Track},
    rules::remix::cast_parent,
};

/// Counts a track, and tells of one that became public.
pub(super) fn fired(old: Option<&Track>, new: &Arc<Track>, scope: &mut Scope<'_>) -> Handled {
    counters::track(new.track_id, scope)?;
    genres::track_written(old, new, scope)?;
    let stamp = Stamp::of(new.blocknumber, new.updated_at);
    if is_public(new) && !old.is_some_and(is_public) {
        if new.is_playlist_upload == Some(false) {
            swallowing(scope, |scope| tell_subscribers(new, stamp, scope))?;
        }
        if let Some(remix_of) = new.remix_of.as_deref() {
            let parent = || cast_parent(remix_of).map_err(|_| error("uncastable_parent"));
            swallowing(scope, |scope| tell_of_remix(new, parent()?, stamp, scope))?;
            swallowing(scope, |scope| match parent()? {
                Some(parent) => contests::entered(new, parent, stamp, scope),
                None => Ok(()),
            })?;
        }
    }
    // Parity: nothing but the listing is looked at; a deleted track tells, too.
    if old.is_some_and(|old| old.is_unlisted == Some(true)) && new.is_unlisted == Some(false) {
        swallowing(scope, |scope| contests::track_listed(new, stamp, scope))?;
    }
    Ok(())
}

/// Whether everybody sees the track.
pub(super) fn is_public(track: &Track) -> bool {
    track.is_unlisted == Some(false)
        && track.is_available == Some(true)
        && !track.is_delete
        && track.stem_of.is_none()
        && track.access_authorities.is_none()
}

/// The group of the notifications of a user's new tracks.
pub(super) fn create_group(owner: i64) -> String {
    format!("create:track:user_id:{owner}")
}

fn tell_subscribers(new: &Track, stamp: Stamp, scope: &mut Scope<'_>) -> Handled {
    let place = (create_group(new.owner_id), new.track_id.to_string());
    let data = Json::object([("track_id", Json::Int(new.track_id))]);
    subscribers::tell(new.owner_id, place, data, stamp, scope)
}

/// Tells the owner of the original, also where that is the one who made the remix.
fn tell_of_remix(new: &Track, parent: Option<i64>, stamp: Stamp, scope: &mut Scope<'_>) -> Handled {
    let Some(parent) = parent else { return Ok(()) };
    let Some(original) = scope.get::<Track>(parent)? else { return Ok(()) };
    Note {
        kind: "remix",
        group_id: remix_group(new.track_id, parent),
        specifier: new.owner_id.to_string(),
        user_ids: vec![original.owner_id],
        data: Json::object([
            ("track_id", Json::Int(new.track_id)),
            ("parent_track_id", Json::Int(parent)),
        ]),
    }
    .write(stamp, scope)
}

/// The group of the notification of a remix.
pub(super) fn remix_group(track_id: i64, parent: i64) -> String {
    format!("remix:track:{track_id}:parent_track:{parent}")
}
