//! `handle_user` (triggers.md 4.4).

use std::sync::Arc;

use super::{Handled, Scope, counters::new_user};
use crate::model::tables::{AggregateUser, User};

/// Makes the counters of a new user.
pub(super) fn fired(old: Option<&User>, new: &Arc<User>, scope: &mut Scope<'_>) -> Handled {
    if old.is_some() || scope.get::<AggregateUser>(new.user_id)?.is_some() {
        return Ok(());
    }
    scope.derive(new_user(new.user_id))
}
