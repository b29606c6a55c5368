//! (Comment, Mute), (Track, Mute) and their Unmute: whether a user hears of comments on a track, or
//! of what happens to a comment (handlers-b 7, handlers-c 3.8).

use super::{Call, Handled, Scope};
use crate::model::tables::CommentNotificationSetting;

/// Mutes the notifications about a track or comment.
///
/// # Errors
/// Poison for ids out of the columns' range.
pub(super) fn mute(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    set(call, scope, true)
}

/// Takes [`mute`] back.
///
/// # Errors
/// See [`mute`].
pub(super) fn unmute(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    set(call, scope, false)
}

/// Parity: nothing is checked, neither signer nor user nor what is muted, and a row that exists is
/// replaced together with its `created_at`.
fn set(call: &Call<'_>, scope: &mut Scope<'_>, is_muted: bool) -> Handled {
    let tx = call.tx;
    scope.put(CommentNotificationSetting {
        user_id: tx.user_id,
        entity_id: tx.entity_id,
        entity_type: tx.entity_type.clone(),
        is_muted: Some(is_muted),
        created_at: scope.block.time,
        updated_at: scope.block.time,
    })
}
