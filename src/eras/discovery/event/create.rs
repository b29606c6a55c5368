//! (Event, Create) (handlers-c 4.1).

use std::sync::Arc;

use super::{CONTEST, end_date};
use crate::{
    eras::discovery::{
        Call, Handled, HandlerError, Scope, ensure, poison, query::dict_key, reject,
        signer::authorize, skip, track::remix_of_is_clause,
    },
    model::{
        Json,
        tables::{Event, EventBy, Track},
    },
    rules::columns,
};

/// Adds an event.
///
/// Parity: the offset of the end date counts when it is checked but not when it is stored; an
/// absent end date passes, and `event_data` is a JSON `null` when absent.
///
/// # Errors
/// Rejects what the reference validates; poison for types, dates and ids that the columns refuse.
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    scope.want::<Event>(tx.entity_id);
    if let Some(id) = dict_key(call.sent("entity_id")) {
        scope.want::<Track>(id);
        scope.want_by::<Event>(EventBy::Entity, id);
    }
    authorize(tx, scope)?;
    ensure(scope.view::<Event>(tx.entity_id)?.is_none(), "event_exists")?;
    ensure(call.data().is_some(), "metadata_empty")?;
    let end = end_date::instant(call.sent("end_date"))?;
    ensure(end.is_none_or(|end| end >= scope.block.time), "end_date_past")?;
    let track = track(call, scope)?;
    if call.sent("event_type").as_str() == Some(CONTEST) {
        check_contest(call, track.as_deref(), scope)?;
    }
    let event = event(call, scope)?;
    scope.put(event)
}

/// The track that the event is about, which must be the actor's.
fn track(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Option<Arc<Track>>, HandlerError> {
    let entity_type = call.sent("entity_type");
    let on_track = entity_type.as_str() == Some("track");
    ensure(on_track || !entity_type.truthy(), "entity_type_not_track")?;
    if !on_track {
        return Ok(None);
    }
    let entity_id = call.sent("entity_id");
    let track = match dict_key(entity_id) {
        Some(id) => scope.view::<Track>(id)?,
        None => None,
    };
    let Some(track) = track else {
        // Parity: the check that the track exists passes over a falsy id.
        let missing = if entity_id.truthy() { reject } else { skip };
        return Err(missing("track_not_found"));
    };
    ensure(track.owner_id == call.tx.user_id, "track_of_other")?;
    Ok(Some(track))
}

/// One running contest a track, and none for remixes.
///
/// Parity: running contests are looked for in the database only.
fn check_contest(call: &Call<'_>, track: Option<&Track>, scope: &mut Scope<'_>) -> Handled {
    let track = track.filter(|_| call.sent("entity_id").truthy());
    let track = track.ok_or_else(|| reject("contest_without_track"))?;
    let events = scope.stored_by::<Event>(EventBy::Entity, track.track_id)?;
    let is_running = |event: &Event| {
        event.event_type == CONTEST
            && event.is_deleted == Some(false)
            && event.end_date.is_some_and(|end| end > scope.block.time)
    };
    ensure(!events.iter().any(|event| is_running(event)), "contest_running")?;
    if remix_of_is_clause(scope, track.track_id)? {
        return Err(skip("remix_of_is_clause"));
    }
    ensure(!track.remix_of.as_deref().is_some_and(Json::truthy), "contest_on_remix")
}

fn event(call: &Call<'_>, scope: &Scope<'_>) -> Result<Event, HandlerError> {
    let label = |key| match call.sent(key) {
        Json::Null => Ok(None),
        Json::Str(label) => Ok(Some(label.clone())),
        _ => Err(poison("label_not_text")),
    };
    Ok(Event {
        event_id: call.tx.entity_id,
        event_type: label("event_type")?.ok_or_else(|| poison("event_type_null"))?,
        user_id: call.tx.user_id,
        entity_type: label("entity_type")?,
        entity_id: columns::int4(call.sent("entity_id"))?,
        end_date: columns::timestamp(call.sent("end_date"))?,
        is_deleted: Some(false),
        event_data: Some(Arc::new(call.sent("event_data").clone())),
        created_at: scope.block.time,
        updated_at: scope.block.time,
        txhash: call.tx.hash.clone(),
        blockhash: scope.block.hash.clone(),
        blocknumber: Some(scope.block.number),
    })
}
