//! Remix contests: who is told that one began, of an entry, and of what the host posts.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Halt, Handled, Scope,
    comment_notices::{is_answer, is_shown},
    fans::followers,
    note::{Circular, Note, Stamp},
    subscribers,
};
use crate::{
    eras::etl::error,
    model::{
        Json, Timestamp,
        tables::{Comment, Event, EventBy, Save, SaveBy, Track, TrackBy},
    },
    rules::remix::cast_parent,
};

/// Entries at which the host is told.
const ENTRY_MILESTONES: [i64; 3] = [1, 10, 50];

/// Whether an event is a contest that was not deleted.
pub(super) fn is_contest(event: &Event) -> bool {
    event.event_type == "remix_contest" && event.is_deleted == Some(false)
}

/// Whether an event is a contest that takes entries. Parity: the trigger asks the database's clock,
/// which a run that follows the chain later does not have; block time stands for it.
pub(super) fn is_open(event: &Event, now: Timestamp) -> bool {
    is_contest(event) && event.end_date.is_none_or(|end| end > now)
}

/// The open contests about a track.
fn open_contests(track_id: i64, scope: &mut Scope<'_>) -> Result<Vec<Arc<Event>>, Halt> {
    let mut events = scope.find::<Event>(EventBy::Entity, track_id)?;
    events.retain(|event| is_open(event, scope.block.time));
    Ok(events)
}

/// Tells the host's followers, the track's savers and the event's subscribers that a contest began.
pub(super) fn tell_of_start(
    event: &Event,
    track: &Track,
    stamp: Stamp,
    scope: &mut Scope<'_>,
) -> Handled {
    let (host, track_id) = (event.user_id, track.track_id);
    let savers = scope.find::<Save>(SaveBy::Item, ("track", track_id))?;
    let mut receivers: BTreeSet<i64> = followers(host, scope)?.into_iter().collect();
    receivers.extend(savers.iter().filter(|save| !save.is_delete).map(|save| save.user_id));
    receivers.extend(subscribers::of_event(event.event_id, scope)?);
    Circular {
        kind: "fan_remix_contest_started",
        group_id: start_group(track_id, host),
        data: Json::object([
            ("entity_user_id", Json::Int(track.owner_id)),
            ("entity_id", Json::Int(track_id)),
        ]),
    }
    .send(receivers, stamp, scope)
}

/// The group of the notifications of a contest's start.
pub(super) fn start_group(track_id: i64, host: i64) -> String {
    format!("fan_remix_contest_started:{track_id}:user:{host}")
}

/// Tells of the open contests about a track that became listed (triggers.md 4.5 step 5).
pub(super) fn track_listed(track: &Track, stamp: Stamp, scope: &mut Scope<'_>) -> Handled {
    for event in open_contests(track.track_id, scope)? {
        tell_of_start(&event, track, stamp, scope)?;
    }
    Ok(())
}

/// Counts an entry to a contest about `parent`, and tells of it (triggers.md 4.5 step 4).
///
/// # Errors
/// Where the first parent of any track is no integer: then nothing of this is told.
pub(super) fn entered(entry: &Track, parent: i64, stamp: Stamp, scope: &mut Scope<'_>) -> Handled {
    let Some(event) = open_contests(parent, scope)?.into_iter().next() else { return Ok(()) };
    let entries = entries(parent, event.created_at, scope)?;
    if ENTRY_MILESTONES.contains(&entries) {
        Note {
            kind: "artist_remix_contest_submissions",
            group_id: format!("artist_remix_contest_submissions:{}:{entries}", event.event_id),
            specifier: format!("{entries}:{}", event.event_id),
            user_ids: vec![event.user_id],
            data: Json::object([
                ("event_id", Json::Int(event.event_id)),
                ("milestone", Json::Int(entries)),
                ("entity_id", Json::Int(parent)),
            ]),
        }
        .write(stamp, scope)?;
    }
    tell_of_entry(&event, entry, parent, stamp, scope)
}

/// Undeleted tracks whose first parent is `parent` and that are not older than `since`.
fn entries(parent: i64, since: Timestamp, scope: &mut Scope<'_>) -> Result<i64, Halt> {
    let counts = |track: &Track| !track.is_delete && track.created_at >= since;
    let mut count = 0;
    for track in scope.find::<Track>(TrackBy::UnusualParent, 1)? {
        let Some(remix_of) = track.remix_of.as_deref().filter(|_| !track.is_delete) else {
            continue;
        };
        let first = cast_parent(remix_of).map_err(|_| error("uncastable_parent"))?;
        // Numbers are found by the other lookup.
        let is_text = crate::model::tables::first_parent(remix_of).is_none();
        count += i64::from(is_text && first == Some(parent) && counts(&track));
    }
    let tracks = scope.find::<Track>(TrackBy::FirstParent, parent)?;
    let plain = tracks.iter().filter(|track| counts(track)).count();
    Ok(count + i64::try_from(plain).unwrap_or(i64::MAX))
}

fn tell_of_entry(
    event: &Event,
    entry: &Track,
    parent: i64,
    stamp: Stamp,
    scope: &mut Scope<'_>,
) -> Handled {
    let (host, submitter) = (event.user_id, entry.owner_id);
    let mut receivers: BTreeSet<i64> =
        subscribers::of_event(event.event_id, scope)?.into_iter().collect();
    receivers.insert(host);
    receivers.remove(&submitter);
    Circular {
        kind: "fan_remix_contest_submission",
        group_id: entry_group(event.event_id, entry.track_id),
        data: Json::object([
            ("event_id", Json::Int(event.event_id)),
            ("entity_id", Json::Int(parent)),
            ("entity_user_id", Json::Int(host)),
            ("submission_track_id", Json::Int(entry.track_id)),
            ("submitter_user_id", Json::Int(submitter)),
        ]),
    }
    .send(receivers, stamp, scope)
}

/// The group of the notifications of an entry.
pub(super) fn entry_group(event_id: i64, track_id: i64) -> String {
    format!("fan_remix_contest_submission:{event_id}:submission:{track_id}")
}

/// `handle_comment_remix_contest_update` (triggers.md 4.8): tells a contest's subscribers of what
/// its host posts on it.
pub(super) fn host_posted(comment: &Comment, scope: &mut Scope<'_>) -> Handled {
    if comment.entity_type != "Event" || !is_shown(comment) || is_answer(comment, scope)? {
        return Ok(());
    }
    let event = scope.get::<Event>(comment.entity_id)?;
    let host = comment.user_id;
    let Some(event) = event.filter(|event| is_contest(event) && event.user_id == host) else {
        return Ok(());
    };
    let receivers = subscribers::of_event(event.event_id, scope)?;
    Circular {
        kind: "remix_contest_update",
        group_id: post_group(comment.comment_id, event.event_id),
        data: Json::object([
            ("event_id", Json::Int(event.event_id)),
            ("entity_id", event.entity_id.map_or(Json::Null, Json::Int)),
            ("entity_user_id", Json::Int(host)),
            ("comment_id", Json::Int(comment.comment_id)),
        ]),
    }
    .send(
        receivers.into_iter().filter(|receiver| *receiver != host),
        Stamp::of(comment.blocknumber, comment.created_at),
        scope,
    )
}

/// The group of the notifications of a host's post.
pub(super) fn post_group(comment_id: i64, event_id: i64) -> String {
    format!("remix_contest_update:{comment_id}:event:{event_id}")
}
