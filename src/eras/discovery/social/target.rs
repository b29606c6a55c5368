//! What a social action is aimed at, and who may not aim (handlers-c 2.3).

use crate::{
    eras::discovery::{Handled, HandlerError, Scope, ensure, reject, signer::authorize, skip},
    model::{
        EntityTx,
        tables::{Comment, EncryptedEmail, Event, Playlist, Track, User},
    },
};

/// Checks a call that ties users to one another: follows and subscriptions.
///
/// # Errors
/// Rejects signers without a right, unknown entities, and the actor's own id of whatever type.
pub(super) fn check_tie(tx: &EntityTx, scope: &mut Scope<'_>) -> Handled {
    find(tx, scope)?;
    ensure(tx.user_id != tx.entity_id, "self_action")
}

/// Checks a call about content: saves, reposts and shares.
///
/// # Errors
/// Rejects signers without a right, unknown entities and the actor's own content; skips entities
/// that have no owner.
pub(super) fn check_content(tx: &EntityTx, scope: &mut Scope<'_>) -> Handled {
    let owner = find(tx, scope)?.ok_or_else(|| skip("entity_without_owner"))?;
    ensure(tx.user_id != owner, "own_content")
}

/// The owner of the entity, if its type has one. Deleted, private and unavailable entities count.
fn find(tx: &EntityTx, scope: &mut Scope<'_>) -> Result<Option<i64>, HandlerError> {
    let id = tx.entity_id;
    match tx.entity_type.as_str() {
        "Comment" => scope.want::<Comment>(id),
        "Event" => scope.want::<Event>(id),
        _ => {}
    }
    authorize(tx, scope)?;
    let found = match tx.entity_type.as_str() {
        "User" => scope.view::<User>(id)?.map(|_| None),
        "Track" => scope.view::<Track>(id)?.map(|track| Some(track.owner_id)),
        "Playlist" => scope.view::<Playlist>(id)?.map(|playlist| Some(playlist.playlist_owner_id)),
        "Comment" => scope.view::<Comment>(id)?.map(|_| None),
        "Event" => scope.view::<Event>(id)?.map(|_| None),
        // Known by the user whose address it is.
        "EncryptedEmail" => scope.view::<EncryptedEmail>(id)?.map(|_| None),
        _ => None,
    };
    found.ok_or_else(|| reject("entity_not_found"))
}
