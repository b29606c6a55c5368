//! A user's track counters and dominant genre (triggers.md 4.5 step 1, production.md 4.2).
//!
//! The trigger counts all of an owner's tracks at each statement, and so does the job for the genre.
//! Here a counter moves by what a track changes, and the tracks are counted anew only where the genre
//! cannot be told without them: most artists have one that more than half of their tracks share.

use super::{
    Handled, Scope,
    counters::{add, difference, user},
    tally::{TrackCounts, recounted},
};
use crate::model::tables::{AggregateUser, Track};

/// Brings the owner's counters in step with a track that was written; makes them if they are missing.
/// A track never changes its owner.
pub(super) fn track_written(old: Option<&Track>, new: &Track, scope: &mut Scope<'_>) -> Handled {
    let before = old.map(TrackCounts::of).unwrap_or_default();
    let after = TrackCounts::of(new);
    user(new.owner_id, scope)?;
    let Some(row) = scope.get::<AggregateUser>(new.owner_id)? else { return Ok(()) };
    // Tracks that stood under the owner's number before the owner did are in no total until now.
    if row.total_track_count == Some(0) {
        let counted = recounted((*row).clone(), scope)?;
        return scope.derive(counted);
    }
    if before.total == after.total && before.listed_as() == after.listed_as() {
        return Ok(());
    }
    let mut counters = (*row).clone();
    add(&mut counters.total_track_count, difference(before.total, after.total));
    match shifted(&row, before.listed_as(), after.listed_as()) {
        Some((genre, count)) => {
            add(&mut counters.track_count, difference(before.listed, after.listed));
            counters.dominant_genre = genre.map(str::to_owned);
            counters.dominant_genre_count = count;
        }
        None => counters = recounted(counters, scope)?,
    }
    scope.derive(counters)
}

/// Whether [`track_written`] will probably count all tracks of the owner for a change from one genre,
/// if it counted, to another, if it counts.
pub(super) fn needs_all(
    row: &AggregateUser,
    removed: Option<Option<&str>>,
    added: Option<Option<&str>>,
) -> bool {
    row.total_track_count == Some(0) || removed != added && shifted(row, removed, added).is_none()
}

/// The dominant genre and its number of tracks once one track no longer counts and another does, if
/// the counters alone tell.
fn shifted<'a>(
    row: &'a AggregateUser,
    removed: Option<Option<&'a str>>,
    added: Option<Option<&'a str>>,
) -> Option<(Option<&'a str>, Option<i64>)> {
    let genre = row.dominant_genre.as_deref();
    if removed == added {
        return Some((genre, row.dominant_genre_count));
    }
    let all = row.track_count? + difference(removed.is_some(), added.is_some());
    // Zero is what a row has that the job has not seen yet.
    let Some(count) = row.dominant_genre_count.filter(|count| *count != 0) else {
        let first = added.filter(|_| row.dominant_genre_count.is_none() && all == 1)?;
        return removed.is_none().then_some((first, Some(1)));
    };
    let count = count + difference(removed == Some(genre), added == Some(genre));
    if all == 0 {
        return Some((None, None));
    }
    let stays = removed != Some(genre) && added.is_none_or(|added| added == genre);
    (stays || count > all - count).then_some((genre, Some(count)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{table::downcast, tables::TableId, value::Value};

    const GENRES: [Option<&str>; 4] = [None, Some("Ambient"), Some("House"), Some("Techno")];

    fn counted(songs: &[Option<Option<&'static str>>]) -> HashMap<Option<&'static str>, i64> {
        let mut genres = HashMap::new();
        for genre in songs.iter().flatten() {
            *genres.entry(*genre).or_insert(0) += 1;
        }
        genres
    }

    proptest! {
        #[test]
        fn a_genre_that_is_told_without_the_tracks_is_the_dominant_one(
            steps in prop::collection::vec((0..6_usize, prop::option::of(0..4_usize)), 0..60)
        ) {
            let mut songs: [Option<Option<&'static str>>; 6] = [None; 6];
            let columns = [("user_id", Value::Int(1)), ("track_count", Value::Int(0))];
                let row = crate::eras::etl::sandbox::row(TableId::AggregateUsers, &columns);
                let mut row = (*downcast::<AggregateUser>(&row).unwrap()).clone();
            for (song, genre) in steps {
                let new = genre.map(|genre| GENRES[genre]);
                let old = std::mem::replace(&mut songs[song], new);
                let genres = counted(&songs);
                let top = genres.values().max().copied();
                let told = shifted(&row, old, new).map(|(genre, count)| {
                    (genre.map(str::to_owned), count)
                });
                let (genre, count) = match told {
                    Some(told) => told,
                    None => {
                        let first = GENRES.iter().find(|genre| genres.get(*genre).copied() == top);
                        (first.copied().flatten().map(str::to_owned), top)
                    }
                };
                prop_assert_eq!(count, top);
                if count.is_some() {
                    prop_assert_eq!(genres.get(&genre.as_deref()).copied(), top);
                }
                row.dominant_genre = genre;
                row.dominant_genre_count = count;
                row.track_count = i64::try_from(songs.iter().flatten().count()).ok();
            }
        }
    }
}
