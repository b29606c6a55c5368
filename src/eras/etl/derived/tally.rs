//! What rows count for, and a user's tracks counted (triggers.md 4.5 step 1, production.md 4.2).

use std::{
    cmp::Reverse,
    collections::{HashMap, hash_map::Entry},
};

use super::{Halt, Scope};
use crate::model::{
    Timestamp,
    tables::{AggregateUser, Comment, Playlist, Track, TrackBy},
};

/// Whether a comment is in the counter. Parity: NULL is neither undeleted nor visible.
pub(super) fn comment_counts(comment: &Comment) -> bool {
    comment.is_delete == Some(false) && comment.is_visible == Some(true)
}

/// Whether everybody sees the playlist.
pub(super) const fn is_public(playlist: &Playlist) -> bool {
    playlist.is_current && !playlist.is_private && !playlist.is_delete
}

/// What a track counts for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TrackCounts<'a> {
    /// In `total_track_count`, the trigger's.
    pub(super) total: bool,
    /// In `track_count` and for a genre, the job's. Parity: access authorities are not asked for.
    pub(super) listed: bool,
    pub(super) genre: Option<&'a str>,
}

impl<'a> TrackCounts<'a> {
    pub(super) fn of(track: &'a Track) -> Self {
        let counts = track.is_current
            && !track.is_delete
            && track.is_available == Some(true)
            && track.stem_of.is_none();
        Self {
            total: counts && track.access_authorities.is_none(),
            listed: counts && track.is_unlisted == Some(false),
            genre: track.genre.as_deref(),
        }
    }

    /// Its genre, if it counts for one.
    pub(super) const fn listed_as(&self) -> Option<Option<&'a str>> {
        if self.listed { Some(self.genre) } else { None }
    }
}

/// The counters with the user's tracks counted.
///
/// # Errors
/// Only [`Halt::Missing`].
pub(super) fn recounted(
    mut counters: AggregateUser,
    scope: &mut Scope<'_>,
) -> Result<AggregateUser, Halt> {
    let tracks = scope.find::<Track>(TrackBy::Owner, counters.user_id)?;
    let (mut total, mut listed) = (0, 0);
    let mut genres: HashMap<Option<&str>, (i64, Timestamp)> = HashMap::new();
    for track in &tracks {
        let counts = TrackCounts::of(track);
        total += i64::from(counts.total);
        listed += i64::from(counts.listed);
        if counts.listed {
            match genres.entry(counts.genre) {
                Entry::Vacant(place) => drop(place.insert((1, track.created_at))),
                Entry::Occupied(mut place) => {
                    let (count, latest) = place.get_mut();
                    *count += 1;
                    *latest = track.created_at.max(*latest);
                }
            }
        }
    }
    // Of genres with as many tracks the one with the latest; beyond that the job takes any.
    let dominant = genres.into_iter().max_by_key(|(genre, rank)| (*rank, Reverse(*genre)));
    counters.total_track_count = Some(total);
    counters.track_count = Some(listed);
    counters.dominant_genre_count = dominant.map(|(_, (count, _))| count);
    counters.dominant_genre = dominant.and_then(|(genre, _)| genre).map(str::to_owned);
    Ok(counters)
}
