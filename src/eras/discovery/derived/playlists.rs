//! `handle_playlist` and `handle_playlist_track`: the owner's counters, and who is told.

use std::collections::BTreeSet;

use super::{
    Handled, Note, Scope, Stamp,
    counters::{add, change_user, playlist},
    tracks::tell_subscribers,
};
use crate::model::{
    Json, Timestamp,
    json::python_str,
    tables::{AggregateUser, Playlist, PlaylistTrack, Track, UsdcPurchase, UsdcPurchaseBy},
};

pub(super) fn inserted(
    row: &Playlist,
    before: Option<&Playlist>,
    scope: &mut Scope<'_>,
) -> Handled {
    playlist(scope, row.playlist_id, Some(row.is_album))?;
    count(row, before, scope)?;
    if row.is_private || row.is_delete {
        return Ok(());
    }
    let stamp = Stamp { blocknumber: row.blocknumber, slot: None, timestamp: row.updated_at };
    if row.created_at == row.updated_at || before.is_some_and(|old| old.is_private) {
        let group_id = format!("create:playlist_id:{}", row.playlist_id);
        let specifier = row.playlist_owner_id.to_string();
        tell_subscribers(row.playlist_owner_id, (group_id, specifier), stamp, scope, || {
            Json::object([
                ("playlist_id", Json::Int(row.playlist_id)),
                ("is_album", Json::Bool(row.is_album)),
            ])
        })?;
    }
    notify_track_owners(row, stamp, scope)
}

/// Moves the owner's playlist or album counter.
///
/// Parity: making a public playlist private, or deleting a private one, moves nothing, and
/// publishing wins over deleting (handlers-b 11).
fn count(row: &Playlist, before: Option<&Playlist>, scope: &mut Scope<'_>) -> Handled {
    let mut step = 0;
    if row.is_delete && before.is_some_and(|old| !old.is_delete && !old.is_private) {
        step = -1;
    }
    if !row.is_private && before.is_none_or(|old| old.is_private) {
        step = 1;
    }
    if step == 0 || scope.stored::<AggregateUser>(row.playlist_owner_id)?.is_none() {
        return Ok(());
    }
    change_user(scope, row.playlist_owner_id, |counters| {
        let counter =
            if row.is_album { &mut counters.album_count } else { &mut counters.playlist_count };
        add(counter, step);
    })
    .map(drop)
}

/// Tells the owners of tracks that this very block added.
///
/// Parity: an entry that the trigger's casts refuse undoes the notifications of all entries.
fn notify_track_owners(row: &Playlist, stamp: Stamp, scope: &mut Scope<'_>) -> Handled {
    let entries = row.playlist_contents.get("track_ids").and_then(Json::as_list);
    let Some(added) = entries.and_then(|entries| added_tracks(entries, row.updated_at)) else {
        return Ok(());
    };
    for track_id in added {
        let Some(track) = scope.stored::<Track>(track_id)? else { continue };
        if track.owner_id == row.playlist_owner_id {
            continue;
        }
        Note {
            kind: "track_added_to_playlist",
            group_id: format!(
                "track_added_to_playlist:playlist_id:{}:track_id:{track_id}",
                row.playlist_id
            ),
            specifier: track.owner_id.to_string(),
            user_ids: vec![track.owner_id],
            data: Json::object([
                ("track_id", Json::Int(track_id)),
                ("playlist_id", Json::Int(row.playlist_id)),
                ("playlist_owner_id", Json::Int(row.playlist_owner_id)),
            ]),
        }
        .write(stamp, scope)?;
    }
    Ok(())
}

/// Ids of the entries whose time is not before `since`; `None` where a cast of the trigger fails.
fn added_tracks(entries: &[Json], since: Timestamp) -> Option<Vec<i64>> {
    let mut added = Vec::new();
    for entry in entries {
        let Some(time) = entry.get("time").filter(|time| !time.is_null()) else { continue };
        // `::double precision::int` rounds ties to even.
        let time = python_str(time)?.trim().parse::<f64>().ok()?.round_ties_even();
        if !(f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&time) {
            return None;
        }
        if time < seconds(since) {
            continue;
        }
        let Some(track) = entry.get("track").filter(|track| !track.is_null()) else { continue };
        let id = python_str(track)?.trim().parse::<i32>().ok()?;
        added.push(i64::from(id));
    }
    Some(added)
}

#[expect(clippy::cast_precision_loss, reason = "seconds of this era are exact in a double")]
const fn seconds(time: Timestamp) -> f64 {
    time.seconds() as f64
}

/// `handle_playlist_track`: tells the buyers of an album that it has a new track.
pub(super) fn track_inserted(
    row: &PlaylistTrack,
    before: Option<&PlaylistTrack>,
    scope: &mut Scope<'_>,
) -> Handled {
    // Re-adding a removed track is an update.
    if before.is_some() {
        return Ok(());
    }
    let Some(album) = scope.stored::<Playlist>(row.playlist_id)? else { return Ok(()) };
    let gated = album.is_stream_gated.unwrap_or(false)
        && album
            .stream_conditions
            .as_deref()
            .is_some_and(|conditions| conditions.get("usdc_purchase").is_some());
    if !gated {
        return Ok(());
    }
    let purchases =
        scope.stored_by::<UsdcPurchase>(UsdcPurchaseBy::Content, ("album", row.playlist_id))?;
    let buyers: BTreeSet<i64> = purchases.iter().map(|bought| bought.buyer_user_id).collect();
    let stamp = Stamp { blocknumber: album.blocknumber, slot: None, timestamp: row.updated_at };
    for buyer in buyers {
        Note {
            kind: "track_added_to_purchased_album",
            group_id: format!(
                "track_added_to_purchased_album:playlist_id:{}:track_id:{}",
                row.playlist_id, row.track_id
            ),
            specifier: buyer.to_string(),
            user_ids: vec![buyer],
            data: Json::object([
                ("track_id", Json::Int(row.track_id)),
                ("playlist_id", Json::Int(row.playlist_id)),
                ("playlist_owner_id", Json::Int(album.playlist_owner_id)),
            ]),
        }
        .write(stamp, scope)?;
    }
    Ok(())
}
