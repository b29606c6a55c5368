//! Tracks, playlists and contests.

use super::note;
use crate::{
    eras::etl::{
        Call, Wants,
        derived::{contests, genres, playlists, recount, subscribers, tracks},
    },
    model::{
        Json,
        tables::{
            AggregatePlaylist, AggregateTrack, AggregateUser, Comment, CommentBy, CurrentFollow,
            CurrentFollowBy, CurrentSubscription, CurrentSubscriptionBy, Event, EventBy,
            Notification, NotificationBy, PlaylistTrack, PlaylistTrackBy, Repost, RepostBy, Save,
            SaveBy, Track, TrackBy,
        },
    },
    rules::remix::cast_parent,
};

/// The counters of a new track and its owner, and who is told.
pub(super) fn track_created(call: &Call<'_>, wants: &mut Wants<'_>) {
    let (owner, track_id) = (call.tx.user_id, call.tx.entity_id);
    wants.row::<AggregateTrack>(track_id);
    wants.rows::<Comment>(CommentBy::Entity, ("Track", track_id));
    wants.rows::<Repost>(RepostBy::Item, ("track", track_id));
    wants.rows::<Save>(SaveBy::Item, ("track", track_id));
    counters(owner, None, Some(call.meta.filled("genre")), wants);
    if call.meta.bool("is_unlisted") != Some(true) {
        let remix_of = call.meta.value("remix_of");
        published(owner, track_id, remix_of, call, wants);
    }
}

/// The counters of a changed track and its owner, and who is told where it is published.
pub(super) fn track_changed(call: &Call<'_>, wants: &mut Wants<'_>) {
    let track_id = call.tx.entity_id;
    wants.row::<AggregateTrack>(track_id);
    let Some(track) = wants.look::<Track>(track_id).row() else { return };
    let is_listed = track.is_unlisted == Some(false) && !track.is_delete;
    let before = is_listed.then_some(track.genre.as_deref());
    let unlisted = call.meta.bool("is_unlisted").or(track.is_unlisted);
    let genre = call.meta.filled("genre").or(track.genre.as_deref());
    let stays = call.tx.action == "Update" && unlisted == Some(false);
    counters(track.owner_id, before, stays.then_some(genre), wants);
    if !stays {
        return;
    }
    if !tracks::is_public(&track) {
        let remix_of = call.meta.value("remix_of").or(track.remix_of.as_deref());
        published(track.owner_id, track_id, remix_of, call, wants);
    }
    if track.is_unlisted == Some(true) {
        for event in wants.found::<Event>(EventBy::Entity, track_id) {
            if contests::is_open(&event, call.now) {
                began(event.user_id, event.event_id, track_id, wants);
            }
        }
    }
}

/// The counters of an owner one of whose tracks no longer counts, and another does.
fn counters(
    owner: i64,
    removed: Option<Option<&str>>,
    added: Option<Option<&str>>,
    wants: &mut Wants<'_>,
) {
    let row = wants.look::<AggregateUser>(owner).row();
    if row.is_none_or(|row| genres::needs_all(&row, removed, added)) {
        wants.rows::<Track>(TrackBy::Owner, owner);
    }
}

/// Who is told of a track that everybody sees from now on.
fn published(
    owner: i64,
    track_id: i64,
    remix_of: Option<&Json>,
    call: &Call<'_>,
    wants: &mut Wants<'_>,
) {
    subscribed(owner, &tracks::create_group(owner), track_id, wants);
    let Some(Ok(Some(parent))) = remix_of.map(cast_parent) else { return };
    wants.row::<Track>(parent);
    note(&tracks::remix_group(track_id, parent), owner, wants);
    let events = wants.found::<Event>(EventBy::Entity, parent);
    let open = events.iter().find(|event| contests::is_open(event, call.now));
    let Some(event) = open else { return };
    wants.rows::<Track>(TrackBy::FirstParent, parent);
    wants.rows::<Track>(TrackBy::UnusualParent, 1);
    of_event(event.event_id, wants);
    let group = contests::entry_group(event.event_id, track_id);
    wants.rows::<Notification>(NotificationBy::Group, group);
}

/// The notification to subscribers, and who they are where it is not there.
fn subscribed(user: i64, group_id: &str, specifier: i64, wants: &mut Wants<'_>) {
    note(group_id, specifier, wants);
    wants.rows::<CurrentSubscription>(CurrentSubscriptionBy::User, (subscribers::USER, user));
}

fn of_event(event_id: i64, wants: &mut Wants<'_>) {
    wants
        .rows::<CurrentSubscription>(CurrentSubscriptionBy::Entity, (subscribers::EVENT, event_id));
}

/// Who is told that a contest began.
fn began(host: i64, event_id: i64, track_id: i64, wants: &mut Wants<'_>) {
    wants.rows::<CurrentFollow>(CurrentFollowBy::Followee, host);
    wants.rows::<Save>(SaveBy::Item, ("track", track_id));
    of_event(event_id, wants);
    let group = contests::start_group(track_id, host);
    wants.rows::<Notification>(NotificationBy::Group, group);
}

/// Who is told of a new contest.
pub(super) fn event_created(call: &Call<'_>, wants: &mut Wants<'_>) {
    let Some(track_id) = call.meta.int("entity_id") else { return };
    if call.meta.text("event_type") == "remix_contest" {
        wants.row::<Track>(track_id);
        began(call.tx.user_id, call.tx.entity_id, track_id, wants);
    }
}

/// The notification of one who accepted, to whoever invited.
pub(super) fn collaborator_accepted(call: &Call<'_>, wants: &mut Wants<'_>) {
    wants.row::<Track>(call.tx.entity_id);
}

/// The counters of a new playlist, its owner and its tracks, and who is told.
pub(super) fn playlist_created(call: &Call<'_>, wants: &mut Wants<'_>) {
    let (owner, playlist_id) = (call.tx.user_id, call.tx.entity_id);
    wants.row::<AggregatePlaylist>(playlist_id);
    for kind in recount::LISTS {
        wants.rows::<Repost>(RepostBy::Item, (kind, playlist_id));
        wants.rows::<Save>(SaveBy::Item, (kind, playlist_id));
    }
    wants.row::<AggregateUser>(owner);
    let is_public = call.meta.bool("is_private") == Some(false);
    if is_public {
        subscribed(owner, &playlists::create_group(playlist_id), owner, wants);
    }
    for track_id in tracks_of(call) {
        let track = member(track_id, wants);
        if let Some(track_owner) = track.filter(|track_owner| is_public && *track_owner != owner) {
            note(&playlists::added_group(playlist_id, track_id), track_owner, wants);
        }
    }
}

/// The counters of a changed playlist's owner, and of the tracks that come and go.
pub(super) fn playlist_changed(call: &Call<'_>, wants: &mut Wants<'_>) {
    wants.row::<AggregateUser>(call.tx.user_id);
    if !call.meta.has("playlist_contents") {
        return;
    }
    let playlist_id = call.tx.entity_id;
    let stored = wants.found::<PlaylistTrack>(PlaylistTrackBy::Playlist, playlist_id);
    let mut sent: rustc_hash::FxHashSet<i64> = tracks_of(call).collect();
    let changed = stored.iter().filter(|row| sent.remove(&row.track_id) == row.is_removed);
    let changed: Vec<i64> = changed.map(|row| row.track_id).collect();
    for track_id in changed.into_iter().chain(sent) {
        member(track_id, wants);
    }
}

/// The counters of a track whose playlists change, and its owner, who is returned.
fn member(track_id: i64, wants: &mut Wants<'_>) -> Option<i64> {
    wants.row::<AggregateTrack>(track_id);
    let owner = wants.look::<Track>(track_id).row()?.owner_id;
    wants.row::<AggregateUser>(owner);
    Some(owner)
}

/// The tracks of the contents that a call sends, as far as they are numbers.
fn tracks_of<'a>(call: &'a Call<'_>) -> impl Iterator<Item = i64> + 'a {
    let contents = call.meta.value("playlist_contents");
    let list = contents.and_then(|contents| {
        contents.as_list().or_else(|| contents.get("track_ids").and_then(Json::as_list))
    });
    let number = |entry: &Json| {
        let id = entry.get("track_id").and_then(Json::as_int);
        id.or_else(|| entry.get("track").and_then(Json::as_int))
    };
    list.unwrap_or_default().iter().filter_map(number)
}
