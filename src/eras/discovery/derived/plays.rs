//! `handle_play`: listen counts and their milestones.

use super::{
    Handled, HandlerError, Scope, Stamp,
    milestones::{ContentMilestone, reach},
};
use crate::{
    model::{
        block::Play,
        tables::{AggregateMonthlyPlays, AggregatePlays, Track},
    },
    rules::{dates::month_of, milestones::CONTENT},
};

/// Counts plays that share `slot`.
///
/// # Errors
/// Only [`HandlerError::Missing`]; every play is tried, so that one round loads all rows.
pub(in crate::eras::discovery) fn count<'p>(
    plays: impl Iterator<Item = &'p Play>,
    slot: Option<i64>,
    scope: &mut Scope<'_>,
) -> Handled {
    let mut missing = false;
    for play in plays {
        // A play without a track id is not in `plays` either.
        let Some(track_id) = play.track() else { continue };
        let counted = count_one(play, track_id, slot, scope);
        missing |= matches!(counted, Err(HandlerError::Missing));
    }
    if missing { Err(HandlerError::Missing) } else { Ok(()) }
}

fn count_one(play: &Play, track_id: i64, slot: Option<i64>, scope: &mut Scope<'_>) -> Handled {
    let month = month_of(play.played_at);
    let monthly_key = (track_id, month, play.country.as_str());
    scope.want::<AggregateMonthlyPlays>(monthly_key);
    let listens =
        scope.stored::<AggregatePlays>(track_id)?.and_then(|row| row.count).unwrap_or(0) + 1;
    let monthly = scope.stored::<AggregateMonthlyPlays>(monthly_key)?.map_or(0, |row| row.count);
    scope.insert(AggregatePlays { play_item_id: track_id, count: Some(listens) })?;
    scope.insert(AggregateMonthlyPlays {
        play_item_id: track_id,
        timestamp: month,
        count: monthly + 1,
        country: play.country.clone(),
    })?;
    if !CONTENT.contains(&listens) {
        return Ok(());
    }
    let stamp = Stamp { blocknumber: None, slot, timestamp: play.played_at };
    match scope.stored::<Track>(track_id)? {
        Some(track) => ContentMilestone {
            name: "LISTEN_COUNT",
            item: track_id,
            owner: Some(track.owner_id),
            count: listens,
            is_album: None,
        }
        .check(stamp, scope),
        None => reach(scope, "LISTEN_COUNT", track_id, listens, stamp),
    }
}
