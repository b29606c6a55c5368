//! The winners of a remix contest: who is told when they are first selected (handlers-c 4.2,
//! corrections 8).

use std::{collections::BTreeSet, sync::Arc};

use super::CONTEST;
use crate::{
    eras::discovery::{
        Handled, HandlerError, Scope,
        notify::add,
        query::{self, dict_key},
        skip,
    },
    model::{
        Json,
        tables::{Event, Notification, Track, TrackBy, User},
    },
};

/// What an Update says about the winners of a contest.
#[derive(Debug)]
pub(super) struct Winners<'a> {
    /// The new winners; `None` where the event is no contest or has no data to compare.
    new: Option<&'a Json>,
    is_first: bool,
}

impl<'a> Winners<'a> {
    /// Compares the sent data of an event with the old.
    ///
    /// # Errors
    /// Skips winners that have no length in Python, where the reference asks for it.
    pub(super) fn of(event: &Event, sent: Option<&'a Json>) -> Result<Self, HandlerError> {
        let old = event.event_data.as_deref().and_then(Json::as_object);
        let sent = sent.and_then(Json::as_object).filter(|data| !data.is_empty());
        let (Some(old), Some(sent), CONTEST) = (old, sent, event.event_type.as_str()) else {
            return Ok(Self { new: None, is_first: false });
        };
        let new = sent.get("winners");
        let had_none = is_empty(old.get("winners"))?;
        Ok(Self { new, is_first: had_none && !is_empty(new)? })
    }

    /// Whether winners are selected where there were none.
    pub(super) const fn are_first(&self) -> bool {
        self.is_first
    }

    /// Goes through the winners as the reference does, which looks each up after the event is
    /// changed.
    ///
    /// # Errors
    /// Skips winners that Python cannot iterate, poison for ids that a query fails on.
    pub(super) fn check(&self) -> Handled {
        match self.new {
            None => Ok(()),
            Some(Json::List(ids)) => ids.iter().try_for_each(check_id),
            Some(Json::Str(text)) => {
                text.chars().try_for_each(|c| check_id(&Json::Str(c.to_string())))
            }
            Some(Json::Object(object)) => {
                object.keys().try_for_each(|key| check_id(&Json::from(key)))
            }
            Some(_) => Err(skip("winners_not_iterable")),
        }
    }
}

fn check_id(id: &Json) -> Handled {
    query::integer(id).map(|_| ())
}

/// Whether `len(winners) == 0`; an absent list is empty.
fn is_empty(winners: Option<&Json>) -> Result<bool, HandlerError> {
    match winners {
        None => Ok(true),
        Some(Json::List(_) | Json::Str(_) | Json::Object(_)) => {
            Ok(!winners.is_some_and(Json::truthy))
        }
        Some(_) => Err(skip("winners_without_length")),
    }
}

/// Tells everybody who submitted a remix to a stored contest that its winners are selected.
///
/// # Errors
/// Only [`HandlerError::Missing`].
pub(super) fn announce(event_id: i64, scope: &mut Scope<'_>) -> Handled {
    let Some(contest) = scope.stored::<Event>(event_id)? else { return Ok(()) };
    let Some(track_id) = contest.entity_id else { return Ok(()) };
    if contest.event_type != CONTEST || contest.is_deleted != Some(false) {
        return Ok(());
    }
    let host = contest.user_id;
    scope.want::<User>(host);
    scope.want_by::<Track>(TrackBy::FirstParent, track_id);
    scope.want_by::<Track>(TrackBy::OddParents, 1);
    let track = scope.stored::<Track>(track_id)?;
    if !track.is_some_and(|track| !track.is_delete && track.is_unlisted == Some(false)) {
        return Ok(());
    }
    if scope.stored::<User>(host)?.is_none() {
        return Ok(());
    }
    let remixers: BTreeSet<i64> = remixes(track_id, scope)?
        .into_iter()
        .filter(|remix| !remix.is_delete && remix.created_at > contest.created_at)
        .map(|remix| remix.owner_id)
        .filter(|owner| *owner != host)
        .collect();
    let group = |remixer| format!("fan_remix_contest_winners_selected:{event_id}:user:{remixer}");
    for remixer in &remixers {
        scope.want::<Notification>((group(*remixer), host.to_string()));
    }
    for remixer in remixers {
        let data =
            Json::object([("entity_id", Json::Int(track_id)), ("entity_user_id", Json::Int(host))]);
        add(
            scope,
            Notification {
                specifier: host.to_string(),
                group_id: group(remixer),
                r#type: "fan_remix_contest_winners_selected".to_owned(),
                slot: None,
                blocknumber: None,
                timestamp: scope.block.time,
                data: Some(Arc::new(data)),
                user_ids: Some(vec![remixer]),
                type_v2: None,
            },
        )?;
    }
    Ok(())
}

/// The stored tracks that name `parent` anywhere in their `remix_of`.
fn remixes(parent: i64, scope: &mut Scope<'_>) -> Result<Vec<Arc<Track>>, HandlerError> {
    let mut tracks = scope.stored_by::<Track>(TrackBy::FirstParent, parent)?;
    tracks.extend(scope.stored_by::<Track>(TrackBy::OddParents, 1)?);
    tracks.retain(|track| track.remix_of.as_deref().is_some_and(|of| names_parent(of, parent)));
    Ok(tracks)
}

/// PostgreSQL's `remix_of @> {"tracks": [{"parent_track_id": parent}]}`.
fn names_parent(remix_of: &Json, parent: i64) -> bool {
    let tracks = remix_of.get("tracks").and_then(Json::as_list).unwrap_or_default();
    tracks.iter().any(|track| match track.get("parent_track_id") {
        Some(id @ (Json::Int(_) | Json::Float(_))) => dict_key(id) == Some(parent),
        _ => false,
    })
}
