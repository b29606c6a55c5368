//! Who is told of what a user makes, or of what happens about an event.

use super::{
    Halt, Handled, Scope,
    note::{self, Note, Stamp},
};
use crate::model::{
    Json,
    tables::{CurrentSubscription, CurrentSubscriptionBy},
};

/// Subscriptions to a user.
pub(super) const USER: &str = "User";
/// Subscriptions to an event.
pub(super) const EVENT: &str = "Event";

/// Tells the active subscribers of a user, if there are any, what the user made. Who they are is
/// asked only if they were not told before: popular users have many.
pub(super) fn tell(
    user_id: i64,
    (group_id, specifier): (String, String),
    data: Json,
    stamp: Stamp,
    scope: &mut Scope<'_>,
) -> Handled {
    if note::exists(&group_id, &specifier, scope)? {
        return Ok(());
    }
    let key = (USER, user_id);
    let rows = scope.find::<CurrentSubscription>(CurrentSubscriptionBy::User, key)?;
    let active = rows.iter().filter(|row| !row.is_delete);
    let mut user_ids: Vec<i64> = active.map(|row| row.subscriber_id).collect();
    if user_ids.is_empty() {
        return Ok(());
    }
    user_ids.sort_unstable();
    Note { kind: "create", group_id, specifier, user_ids, data }.write(stamp, scope)
}

/// The active subscribers of an event.
pub(super) fn of_event(event_id: i64, scope: &mut Scope<'_>) -> Result<Vec<i64>, Halt> {
    let key = (EVENT, event_id);
    let rows = scope.find::<CurrentSubscription>(CurrentSubscriptionBy::Entity, key)?;
    let active = rows.iter().filter(|row| !row.is_delete);
    Ok(active.map(|row| row.subscriber_id).collect())
}
