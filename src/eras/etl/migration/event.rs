//! (Event, Create) of a genesis (social.md 7).

use crate::eras::etl::{Call, Handled, Scope, event};

/// Writes an event, also one that is over, beside another contest, or on a remix: the source is the
/// record of what happened.
///
/// # Errors
/// See [`event::shape`].
pub(super) fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let end = event::shape(call, scope)?;
    event::insert(call, end, scope)
}
