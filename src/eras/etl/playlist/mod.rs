//! Playlists and albums: their contents, members, prices and routes (social.md 2).

mod carried;
mod contents;
mod create;
mod delete;
mod fields;
mod member_index;
mod membership;
mod price;
mod removed;
mod routes;
#[cfg(test)]
mod tests;
mod update;

use std::sync::Arc;

pub use carried::{Carried, GivenRoute};
pub use create::{store, store_wants};
pub use removed::Removed;

use super::{
    Call, Halt, Scope, Wants,
    entry::{Entry, entry},
    int4, reject,
};
use crate::model::tables::{Playlist, PlaylistVersion, PlaylistVersionBy};

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[
    entry("Playlist", "Create", create::wants, create::create),
    entry("Playlist", "Update", update::wants, update::update),
    entry("Playlist", "Delete", delete::wants, delete::delete),
];

/// Whether a playlist has a row, current or not (social.md 1).
///
/// # Errors
/// A hard error for an id that the column cannot hold.
pub fn exists(playlist_id: i64, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    if scope.get::<Playlist>(int4(playlist_id)?)?.is_some() {
        return Ok(true);
    }
    let versions = scope.find::<PlaylistVersion>(PlaylistVersionBy::Playlist, playlist_id)?;
    Ok(!versions.is_empty())
}

/// Names what [`exists`] reads.
pub fn exists_wants(playlist_id: i64, wants: &mut Wants<'_>) {
    if wants.look::<Playlist>(playlist_id).row().is_none() {
        wants.rows::<PlaylistVersion>(PlaylistVersionBy::Playlist, playlist_id);
    }
}

/// The playlist of an Update or Delete (social.md 2.8).
///
/// # Errors
/// Rejects a playlist that is not there, is deleted, or is somebody else's.
fn owned(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Arc<Playlist>, Halt> {
    let playlist = scope.get::<Playlist>(int4(call.tx.entity_id)?)?;
    let playlist = playlist.ok_or_else(|| reject("playlist_not_found"))?;
    if playlist.is_delete {
        return Err(reject("playlist_deleted"));
    }
    if playlist.playlist_owner_id != call.tx.user_id {
        return Err(reject("playlist_not_owned"));
    }
    Ok(playlist)
}
