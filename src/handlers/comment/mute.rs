//! (Comment, Mute) and (Comment, Unmute) (handlers-c 3.8): notifications about a comment.

use crate::{
    handlers::{Call, Handled, Scope},
    model::tables::CommentNotificationSetting,
};

/// Mutes the notifications about a comment.
///
/// # Errors
/// Poison for ids out of the columns' range.
pub fn mute(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    set(call, scope, true)
}

/// Takes [`mute`] back.
///
/// # Errors
/// See [`mute`].
pub fn unmute(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    set(call, scope, false)
}

/// Parity: nothing is checked, neither signer nor user nor comment, and a row that exists is
/// replaced together with its `created_at`.
fn set(call: &Call<'_>, scope: &mut Scope<'_>, is_muted: bool) -> Handled {
    scope.put(CommentNotificationSetting {
        user_id: call.tx.user_id,
        entity_id: call.tx.entity_id,
        entity_type: call.tx.entity_type.clone(),
        is_muted: Some(is_muted),
        created_at: scope.block.time,
        updated_at: scope.block.time,
    })
}
