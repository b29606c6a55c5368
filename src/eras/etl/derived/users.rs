//! `handle_user` (triggers.md 4.4).

use std::sync::Arc;

use super::{Handled, Scope, counters::new_user, genres};
use crate::model::tables::{AggregateUser, User};

/// Makes the counters of a new user. The trigger starts them at 0, and the job counts the tracks that
/// stand under the number already; only the trigger of a track counts those for `total_track_count`.
pub(super) fn fired(old: Option<&User>, new: &Arc<User>, scope: &mut Scope<'_>) -> Handled {
    if old.is_some() || scope.get::<AggregateUser>(new.user_id)?.is_some() {
        return Ok(());
    }
    let counted = genres::recounted(new_user(new.user_id), scope)?;
    scope.derive(AggregateUser { total_track_count: Some(0), ..counted })
}
