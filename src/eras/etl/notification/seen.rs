//! (Notification, View) and (Notification, `ViewPlaylist`).

use crate::{
    eras::etl::{
        Call, Handled, Scope, Wants, ensure, int4,
        signer::{self, authorize},
    },
    model::tables::{NotificationSeen, Playlist, PlaylistView, User},
};

/// Notes that the user looked at the notifications (users.md 7.2).
///
/// # Errors
/// Rejects in the order of the page; a hard error for ids outside of their columns.
pub fn view(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    check_user(call, scope)?;
    let row = NotificationSeen {
        user_id: call.tx.user_id,
        seen_at: call.now,
        blocknumber: Some(scope.block.number),
        blockhash: None,
        txhash: call.tx.hash.clone(),
    };
    scope.insert_new(row).map(drop)
}

/// Notes that the user looked at a playlist, deleted and private ones included (users.md 7.3).
///
/// Parity: what was noted before stays current.
///
/// # Errors
/// See [`view`].
pub fn view_playlist(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    check_user(call, scope)?;
    let playlist_id = int4(call.tx.entity_id)?;
    ensure(scope.get::<Playlist>(playlist_id)?.is_some(), "playlist_not_found")?;
    let row = PlaylistView {
        user_id: call.tx.user_id,
        playlist_id,
        seen_at: call.now,
        is_current: true,
        blocknumber: Some(scope.block.number),
        blockhash: None,
        txhash: call.tx.hash.clone(),
    };
    scope.insert_new(row).map(drop)
}

/// Names what [`view`] reads.
pub fn view_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.row::<NotificationSeen>((call.tx.user_id, call.now));
}

/// Names what [`view_playlist`] reads.
pub fn view_playlist_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.row::<Playlist>(call.tx.entity_id);
    wants.row::<PlaylistView>((call.tx.user_id, call.tx.entity_id, call.now));
}

fn check_user(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let user = scope.get::<User>(int4(call.tx.user_id)?)?;
    ensure(user.is_some(), "user_not_found")?;
    authorize(call, call.tx.user_id, scope)
}
