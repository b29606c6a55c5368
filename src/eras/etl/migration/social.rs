//! Follow, Save, Repost and Subscribe of a genesis (social.md 7): checked as in live traffic, but an
//! ended one may be written as such.

use crate::eras::etl::{Call, Handled, Scope, social};

/// Writes a follow, without the subscription that a live one brings along.
///
/// # Errors
/// See [`social::check_follow`].
pub(super) fn follow(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    social::check_follow(call, scope)?;
    social::store_follow(call, is_delete(call), scope)
}

/// Writes a save.
///
/// # Errors
/// See [`social::check_save`].
pub(super) fn save(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let kind = social::check_save(call, scope)?;
    social::store_save(call, kind, is_delete(call), scope)
}

/// Writes a repost.
///
/// # Errors
/// See [`social::check_repost`].
pub(super) fn repost(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let kind = social::check_repost(call, scope)?;
    social::store_repost(call, kind, is_delete(call), scope)
}

/// Writes a subscription to a user or an event.
///
/// # Errors
/// See [`social::check_subscription`].
pub(super) fn subscribe(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    social::check_subscription(call, scope)?;
    social::store_subscription(call, is_delete(call), scope)
}

fn is_delete(call: &Call<'_>) -> bool {
    call.meta.bool("is_delete").unwrap_or(false)
}
