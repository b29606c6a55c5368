//! `playlist_tracks`, and through it the membership columns of tracks (social.md 2.5).

use rustc_hash::FxHashSet;

use super::member_index as index;
use crate::{
    eras::etl::{Call, Handled, Scope, Wants},
    model::tables::{PlaylistTrack, PlaylistTrackBy, Track},
};

/// Brings the members of the call's playlist in line with the `tracks` that it has now.
///
/// Parity: tracks learn of changes only. One that is created after its playlist never learns of it
/// (no self-healing).
///
/// The times have a zone, so they are points in time where those of tracks are wall clocks.
///
/// # Errors
/// A hard error for an id that the column cannot hold.
pub(super) fn update(
    call: &Call<'_>,
    tracks: impl Iterator<Item = i64> + Clone,
    scope: &mut Scope<'_>,
) -> Handled {
    let playlist_id = call.tx.entity_id;
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    // What is left of the sent ones after the stored ones are done with is new.
    let mut sent: FxHashSet<i64> = tracks.clone().collect();
    for row in scope.find::<PlaylistTrack>(PlaylistTrackBy::Playlist, playlist_id)? {
        let is_removed = !sent.remove(&row.track_id);
        if is_removed != row.is_removed {
            let delta = if is_removed { &mut removed } else { &mut added };
            delta.push(row.track_id);
            let new = PlaylistTrack { is_removed, updated_at: call.instant, ..(*row).clone() };
            scope.update(&row, new)?;
        }
    }
    for track_id in tracks {
        if sent.remove(&track_id) {
            scope.insert_new(PlaylistTrack {
                playlist_id,
                track_id,
                is_removed: false,
                created_at: call.instant,
                updated_at: call.instant,
            })?;
            added.push(track_id);
        }
    }
    for track_id in added {
        index::join(playlist_id, track_id, call.now, scope)?;
    }
    for track_id in removed {
        index::leave(playlist_id, track_id, call.now, call.instant, scope)?;
    }
    Ok(())
}

/// Names what [`update`] reads: the stored members, and the tracks that come and go.
pub(super) fn wants(playlist_id: i64, tracks: impl Iterator<Item = i64>, wants: &mut Wants<'_>) {
    let stored = wants.found::<PlaylistTrack>(PlaylistTrackBy::Playlist, playlist_id);
    let mut sent: FxHashSet<i64> = tracks.collect();
    for row in stored {
        if sent.remove(&row.track_id) == row.is_removed {
            wants.row::<Track>(row.track_id);
        }
    }
    for track_id in sent {
        wants.row::<PlaylistTrack>((playlist_id, track_id));
        wants.row::<Track>(track_id);
    }
}
