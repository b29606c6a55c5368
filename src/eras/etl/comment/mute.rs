//! (Comment, Mute) and (Comment, Unmute), and the same of tracks: whether a user wants to hear of
//! comments there (social.md 4.6).

use crate::{
    eras::etl::{Call, Handled, Scope, Wants},
    model::tables::CommentNotificationSetting,
};

/// Turns the notifications of an entity off.
///
/// Parity: nothing is checked, not even who signs.
///
/// # Errors
/// A hard error for ids that the columns do not hold.
pub fn mute(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    set_muted(true, call, scope)
}

/// Turns the notifications of an entity on again.
///
/// # Errors
/// See [`mute`].
pub fn unmute(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    set_muted(false, call, scope)
}

/// Names what [`mute`] and [`unmute`] read.
pub fn mute_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    let tx = call.tx;
    wants.row::<CommentNotificationSetting>((tx.user_id, tx.entity_id, tx.entity_type.as_str()));
}

fn set_muted(is_muted: bool, call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let setting = CommentNotificationSetting {
        user_id: call.tx.user_id,
        entity_id: call.tx.entity_id,
        entity_type: call.tx.entity_type.clone(),
        is_muted: Some(is_muted),
        created_at: call.now,
        updated_at: call.now,
    };
    scope.upsert(setting, |old, new| CommentNotificationSetting {
        created_at: old.created_at,
        ..new
    })
}
