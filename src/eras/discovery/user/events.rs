//! A user's referrer and mobile flag (handlers-a 1, "`UserEvent`").

use crate::{
    eras::discovery::{Handled, Scope, poison},
    model::{
        Json,
        tables::{User, UserEvent},
    },
};

/// Takes in the `events` of a user's metadata. A referrer stays for ever, and so does the mobile
/// flag; a row is written when there is none or something changed.
pub(super) fn apply(user: &User, events: &Json, scope: &mut Scope<'_>) -> Handled {
    let Json::Object(events) = events else { return Ok(()) };
    if scope.block.number == 0 {
        return Ok(());
    }
    let existing = scope.view::<UserEvent>(user.user_id)?;
    let old_referrer = existing.as_ref().and_then(|row| row.referrer);
    let old_mobile = existing.as_ref().is_some_and(|row| row.is_mobile_user == Some(true));
    let mut referrer = old_referrer;
    let mut is_mobile_user = old_mobile;
    for (event, value) in events {
        match (event, value) {
            ("referrer", Json::Int(id)) if referrer.is_none() && *id != user.user_id => {
                referrer = Some(*id);
            }
            // Parity: a boolean passes for an integer and fails in the database.
            ("referrer", Json::Bool(_) | Json::Big(_)) if referrer.is_none() => {
                return Err(poison("referrer_not_integer"));
            }
            ("is_mobile_user", Json::Bool(value)) if !is_mobile_user => is_mobile_user = *value,
            _ => {}
        }
    }
    if existing.is_some() && referrer == old_referrer && is_mobile_user == old_mobile {
        return Ok(());
    }
    scope.put(UserEvent {
        blockhash: user.blockhash.clone(),
        blocknumber: user.blocknumber,
        is_current: true,
        user_id: user.user_id,
        referrer,
        is_mobile_user: Some(is_mobile_user),
        slot: None,
    })
}
