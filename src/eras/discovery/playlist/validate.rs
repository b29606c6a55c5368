//! Checks that Create and Update of playlists share (handlers-b 9).

use std::sync::Arc;

use crate::{
    eras::discovery::{Call, HandlerError, Scope, ensure, reject, track::check_description},
    model::{EntityTx, json::Object, tables::Playlist},
    rules::{conditions, contents},
};

/// The checks of the sent metadata, and the metadata.
///
/// # Errors
/// Rejects and skips as the reference does, in its order.
pub(super) fn metadata<'a>(call: &'a Call<'_>) -> Result<&'a Object, HandlerError> {
    let data = call.data().filter(|data| !data.is_empty());
    let data = data.ok_or_else(|| reject("metadata_missing"))?;
    if let Some(description) = data.get("description").filter(|text| text.truthy()) {
        check_description(description)?;
    }
    sent_entries(data)?;
    conditions::check_playlist_access(data)?;
    Ok(data)
}

/// The entries of the sent contents; `None` when there are none to consider.
///
/// # Errors
/// Rejects contents without a list and with too many entries.
pub(super) fn sent_entries(data: &Object) -> Result<Option<Vec<&Object>>, HandlerError> {
    let sent = data.get("playlist_contents").filter(|sent| sent.truthy());
    Ok(sent.map(contents::entries).transpose()?)
}

/// The playlist that an Update or Delete is about; a deleted one counts.
///
/// # Errors
/// Rejects when it does not exist or belongs to another user.
pub(super) fn owned_playlist(
    tx: &EntityTx,
    scope: &mut Scope<'_>,
) -> Result<Arc<Playlist>, HandlerError> {
    let playlist = scope.view::<Playlist>(tx.entity_id)?;
    let playlist = playlist.ok_or_else(|| reject("playlist_not_found"))?;
    ensure(playlist.playlist_owner_id == tx.user_id, "playlist_of_another_user")?;
    Ok(playlist)
}
