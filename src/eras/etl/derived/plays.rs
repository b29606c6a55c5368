//! `handle_play` (triggers.md 4.10): listen counts and their milestones, and in how many hours and to
//! how many tracks a user listened.

use std::collections::HashMap;

use super::{
    Halt, Handled, Scope,
    milestones::{self, Counted},
    note::Stamp,
};
use crate::{
    eras::{
        Derive,
        etl::{Wants, int4},
    },
    model::{
        PlayRow, Timestamp,
        block::Play,
        tables::{
            AggregateMonthlyPlays, AggregatePlays, DistinctPlayHours, DistinctPlayTracks,
            PlayedTrack, Track,
        },
    },
    rules::dates::{hour_of, month_of},
};

/// Counts the plays of one transaction, which the reference inserts with one statement: `rows` of
/// `plays`, each with its play among `plays`, the plays of the transaction.
///
/// # Errors
/// A hard error where the trigger raises one.
pub(in crate::eras::etl) fn inserted(
    plays: &[Play],
    rows: &[PlayRow],
    scope: &mut Scope<'_>,
) -> Handled {
    if scope.settings.derive == Derive::Elsewhere {
        return Ok(());
    }
    // Every row of the statement is there before the first trigger runs.
    let mut together: HashMap<(i64, i64), u32> = HashMap::new();
    for row in rows {
        if let Some(user) = row.user {
            *together.entry((user, row.track)).or_default() += 1;
        }
    }
    for row in rows {
        let Some(play) = plays.get(row.play) else { continue };
        count(play, row, scope)?;
        if let Some(user) = row.user {
            count_hour(user, play.played_at, scope)?;
            let is_alone = together.get(&(user, row.track)) == Some(&1);
            count_track(user, row.track, is_alone, play.played_at, scope)?;
        }
    }
    for (user_id, play_item_id) in together.into_keys() {
        if scope.get::<PlayedTrack>((user_id, play_item_id))?.is_none() {
            scope.derive(PlayedTrack { user_id, play_item_id })?;
        }
    }
    Ok(())
}

/// Names the rows that [`inserted`] reads.
pub(in crate::eras::etl) fn wants(plays: &[Play], rows: &[PlayRow], wants: &mut Wants<'_>) {
    for row in rows {
        let Some(play) = plays.get(row.play) else { continue };
        wants.row::<AggregatePlays>(row.track);
        let month = month_of(play.played_at);
        wants.row::<AggregateMonthlyPlays>((row.track, month, play.country.as_str()));
        if let Some(user) = row.user {
            wants.row::<DistinctPlayHours>(user);
            wants.row::<DistinctPlayTracks>(user);
            wants.row::<PlayedTrack>((user, row.track));
        }
    }
}

fn count(play: &Play, row: &PlayRow, scope: &mut Scope<'_>) -> Handled {
    let month = month_of(play.played_at);
    let monthly_key = (row.track, month, play.country.as_str());
    let monthly = scope.get::<AggregateMonthlyPlays>(monthly_key)?.map_or(0, |row| row.count);
    let count = scope.get::<AggregatePlays>(row.track)?.map_or(Some(0), |row| row.count);
    let count = count.map(|count| count + 1);
    // The trigger reads the new count into an `integer`.
    if let Some(count) = count {
        int4(count)?;
    }
    scope.derive(AggregatePlays { play_item_id: row.track, count })?;
    scope.derive(AggregateMonthlyPlays {
        play_item_id: row.track,
        timestamp: month,
        count: monthly + 1,
        country: play.country.clone(),
    })?;
    let counted = Counted { name: "LISTEN_COUNT", item: row.track, count, is_album: None };
    let Some(threshold) = counted.threshold() else { return Ok(()) };
    let stamp = Stamp { blocknumber: None, slot: Some(row.slot), timestamp: play.played_at };
    match scope.get::<Track>(row.track)? {
        Some(track) => counted.reach(threshold, track.owner_id, stamp, scope),
        None => milestones::reach(counted.name, row.track, threshold, stamp, scope),
    }
}

fn count_hour(user_id: i64, at: Timestamp, scope: &mut Scope<'_>) -> Handled {
    let Some(row) = scope.get::<DistinctPlayHours>(user_id)? else {
        let updated_at = hour_of(at);
        return scope.derive(DistinctPlayHours { user_id, hours_with_play: 1, updated_at });
    };
    if hour_of(at) <= hour_of(row.updated_at) {
        return Ok(());
    }
    let hours_with_play = row.hours_with_play + 1;
    scope.derive(DistinctPlayHours { user_id, hours_with_play, updated_at: at })
}

/// Counts a track that was not played before. Parity: of two first plays in one transaction each sees
/// the other, and neither counts; the very first play of a user counts whatever came before.
fn count_track(
    user_id: i64,
    track: i64,
    is_alone: bool,
    updated_at: Timestamp,
    scope: &mut Scope<'_>,
) -> Result<(), Halt> {
    let track_count = match scope.get::<DistinctPlayTracks>(user_id)? {
        None => 1,
        Some(row) => {
            let is_new = is_alone && scope.get::<PlayedTrack>((user_id, track))?.is_none();
            row.track_count + i64::from(is_new)
        }
    };
    scope.derive(DistinctPlayTracks { user_id, track_count, updated_at })
}
