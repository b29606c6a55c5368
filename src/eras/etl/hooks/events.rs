//! Who referred a user, and whether a mobile client was seen (frame.md 4.2).

use crate::{
    eras::etl::{Call, Handled, Scope, Wants, go_int},
    model::tables::{PastUserEvent, UserEvent},
};

/// What a call says of its user.
#[derive(Clone, Copy)]
struct News {
    is_mobile: bool,
    referrer: Option<i64>,
}

impl News {
    fn of(call: &Call<'_>) -> Option<Self> {
        let events = call.meta.get("events")?.as_object()?;
        let is_mobile = events.get("is_mobile_user").and_then(|value| value.as_bool());
        let referrer = events.get("referrer").and_then(go_int);
        let news = Self {
            is_mobile: is_mobile == Some(true),
            referrer: referrer.filter(|id| *id > 0 && *id != call.tx.entity_id),
        };
        (news.is_mobile || news.referrer.is_some()).then_some(news)
    }
}

/// Replaces the current row of a user where the call brings something new: a mobile client is never
/// forgotten, and a referrer never changed.
///
/// Parity: the user is the one that the entity id names.
///
/// # Errors
/// Only [`crate::eras::etl::Halt::Missing`].
pub(super) fn note(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let user_id = call.tx.entity_id;
    let Some(news) = News::of(call).filter(|_| i32::try_from(user_id).is_ok()) else {
        return Ok(());
    };
    let old = scope.get::<UserEvent>(user_id)?;
    let was_mobile = old.as_ref().and_then(|old| old.is_mobile_user) == Some(true);
    let is_mobile = was_mobile || news.is_mobile;
    let known = old.as_ref().and_then(|old| old.referrer);
    let referrer = known.or(news.referrer);
    let is_known = old.is_some() && is_mobile == was_mobile && referrer == known;
    // The driver refuses to send a referrer outside of the column's range.
    if is_known || referrer.is_some_and(|id| i32::try_from(id).is_err()) {
        return Ok(());
    }
    if let Some(old) = old {
        let past = UserEvent { is_current: false, ..UserEvent::clone(&old) };
        scope.retire::<_, PastUserEvent>(&old, past)?;
    }
    scope.insert(UserEvent {
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        is_current: true,
        user_id,
        referrer,
        is_mobile_user: Some(is_mobile),
        slot: None,
    })
}

/// Names what [`note`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    if News::of(call).is_some() {
        wants.row::<UserEvent>(call.tx.entity_id);
    }
}
