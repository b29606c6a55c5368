//! `handle_comment` (triggers.md 4.4): the comment counter of a track.

use std::sync::Arc;

use super::{
    Handled, Scope,
    counters::{add_to_track, difference},
    swallowing,
    tally::comment_counts,
};
use crate::model::tables::{AggregateTrack, Comment};

/// Counts a comment, and keeps a new one for what is told at the block's end.
pub(super) fn fired(old: Option<&Comment>, new: &Arc<Comment>, scope: &mut Scope<'_>) -> Handled {
    if old.is_none() {
        scope.defer(Arc::clone(new));
    }
    if new.entity_type != "Track" {
        return Ok(());
    }
    let step = difference(old.is_some_and(comment_counts), comment_counts(new));
    swallowing(scope, |scope| {
        // Only a new comment makes the counters.
        if old.is_none() || scope.get::<AggregateTrack>(new.entity_id)?.is_some() {
            add_to_track(new.entity_id, |row| &mut row.comment_count, step, scope)?;
        }
        Ok(())
    })
}
