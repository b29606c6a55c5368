//! (Event, Create) (social.md 5.1).

use std::sync::Arc;

use super::{CONTEST, end_date, live};
use crate::{
    eras::etl::{Call, Halt, Handled, Scope, Wants, ensure, error, int4, reject, signer},
    model::{
        Timestamp,
        tables::{Event, EventBy, Track},
    },
    rules::dates::{GoTime, Unstorable},
};

/// Writes an event that begins now.
///
/// # Errors
/// See [`shape`]; rejects also an end in the past, a second contest on an entity, and a contest on a
/// remix.
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let end = shape(call, scope)?;
    ensure(end.instant() >= call.now, "end_date_past")?;
    if call.meta.text("event_type") == CONTEST {
        check_opening(call.meta.int("entity_id").unwrap_or_default(), call.now, scope)?;
    }
    insert(call, end, scope)
}

/// Names what [`create`] reads.
pub fn create_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.row::<Event>(call.tx.entity_id);
    let Some(entity_id) = call.meta.int("entity_id") else { return };
    wants.row::<Track>(entity_id);
    if call.meta.text("event_type") == CONTEST {
        wants.rows::<Event>(EventBy::Entity, entity_id);
    }
}

/// Checks what holds for every event, migrated ones too. Returns its end.
///
/// Parity: `track` is the only entity type that is looked up, in exactly this form.
///
/// # Errors
/// Rejects ids that are taken, missing fields, ends in other forms, unknown tracks and those of
/// others, and contests about nothing.
pub fn shape<'c>(call: &'c Call<'_>, scope: &mut Scope<'_>) -> Result<GoTime<'c>, Halt> {
    // Whoever may act for a user finds a user there: the reference's own check of it never fails.
    signer::authorize(call, call.tx.user_id, scope)?;
    ensure(live(call.tx.entity_id, scope)?.is_none(), "event_exists")?;
    let event_type = call.meta.text("event_type");
    ensure(!event_type.is_empty(), "event_type_missing")?;
    let end = call.meta.text("end_date");
    ensure(!end.is_empty(), "end_date_missing")?;
    let end = end_date(end)?;
    let entity_type = call.meta.text("entity_type");
    let entity_id = call.meta.int("entity_id");
    if let Some(track_id) = entity_id.filter(|_| entity_type == "track") {
        let track = scope.get::<Track>(int4(track_id)?)?;
        let track = track.ok_or_else(|| reject("track_not_found"))?;
        ensure(track.owner_id == call.tx.user_id, "track_of_other")?;
    }
    let has_entity = entity_id.is_some() && !entity_type.is_empty();
    ensure(event_type != CONTEST || has_entity, "contest_without_entity")?;
    Ok(end)
}

/// An entity hosts one contest at a time, and a remix hosts none.
///
/// Parity: a track that remixes nothing, but says so with an empty list, counts as a remix.
fn check_opening(entity_id: i64, now: Timestamp, scope: &mut Scope<'_>) -> Handled {
    let entity_id = int4(entity_id)?;
    let events = scope.find::<Event>(EventBy::Entity, entity_id)?;
    let is_running = |event: &Arc<Event>| {
        event.event_type == CONTEST
            && event.is_deleted == Some(false)
            && event.end_date.is_some_and(|end| end > now)
    };
    ensure(!events.iter().any(is_running), "contest_running")?;
    let track = scope.get::<Track>(entity_id)?;
    let remix_of = track.as_ref().and_then(|track| track.remix_of.as_ref());
    ensure(remix_of.is_none_or(|remix_of| remix_of.is_null()), "contest_on_remix")
}

/// Writes an event that was checked, with the end that [`shape`] returned.
///
/// Parity: an id that a deleted event has is a duplicate key. What an event is about is `''` and 0
/// where nothing is sent; the enum of production does not take `''`.
///
/// # Errors
/// A hard error for what the database refuses.
pub fn insert(call: &Call<'_>, end: GoTime<'_>, scope: &mut Scope<'_>) -> Handled {
    scope.insert(Event {
        event_id: call.tx.entity_id,
        event_type: call.meta.text("event_type").to_owned(),
        user_id: call.tx.user_id,
        entity_type: Some(call.meta.text("entity_type").to_owned()),
        entity_id: Some(call.meta.int("entity_id").unwrap_or_default()),
        end_date: Some(stored(end)?),
        is_deleted: Some(false),
        event_data: data(call),
        created_at: call.now,
        updated_at: call.now,
        txhash: call.tx.hash.clone(),
        blockhash: scope.block.hash.clone(),
        blocknumber: Some(scope.block.number),
    })
}

/// The end of an event as its column holds it: the wall clock, whatever the offset.
///
/// # Errors
/// A hard error for texts that only Go takes for a time.
pub(super) fn stored(end: GoTime<'_>) -> Result<Timestamp, Halt> {
    end.stored().map_err(|why| {
        error(match why {
            Unstorable::Form => "end_date_form",
            Unstorable::Range => "end_date_out_of_range",
            Unstorable::Offset => "end_date_offset",
        })
    })
}

/// The data that a call sends, `null` included.
pub(super) fn data(call: &Call<'_>) -> Option<Arc<crate::model::Json>> {
    call.meta.get("event_data").map(|data| Arc::new(data.clone().go_encoded()))
}
