//! `handle_user` (triggers.md 4.4).

use std::sync::Arc;

use super::{Handled, Scope, counters};
use crate::model::tables::User;

/// Makes the counters of a new user.
pub(super) fn fired(old: Option<&User>, new: &Arc<User>, scope: &mut Scope<'_>) -> Handled {
    if old.is_none() {
        counters::user(new.user_id, scope)?;
    }
    Ok(())
}
