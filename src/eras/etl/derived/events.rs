//! `handle_event` (triggers.md 4.7).

use std::sync::Arc;

use super::{
    Handled, Scope,
    contests::{is_contest, tell_of_start},
    note::Stamp,
    swallowing,
};
use crate::model::tables::{Event, Track};

/// Tells that a contest began, if its track is listed.
pub(super) fn fired(old: Option<&Event>, new: &Arc<Event>, scope: &mut Scope<'_>) -> Handled {
    if old.is_some() || !is_contest(new) {
        return Ok(());
    }
    swallowing(scope, |scope| {
        let Some(track_id) = new.entity_id else { return Ok(()) };
        let track = scope.get::<Track>(track_id)?;
        let Some(track) = track.filter(|track| track.is_unlisted == Some(false)) else {
            return Ok(());
        };
        tell_of_start(new, &track, Stamp::of(new.blocknumber, new.created_at), scope)
    })
}
