//! Tracks: uploads, edits, deletions, downloads, comment settings (tracks.md).

mod authorities;
mod collaborators;
mod contest;
mod create;
mod delete;
mod download;
mod fields;
mod gates;
mod price;
mod relations;
mod routes;
#[cfg(test)]
mod tests;
mod update;

use std::sync::Arc;

pub use create::{Carried, check_new, check_owner, store, store_wants};

use super::{
    Call, Halt, Scope, comment,
    entry::{Entry, entry},
    error, int4, reject,
};
use crate::model::tables::Track;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[
    entry("Track", "Create", create::wants, create::create),
    entry("Track", "Update", update::wants, update::update),
    entry("Track", "Delete", delete::wants, delete::delete),
    entry("Track", "Download", download::wants, download::download),
    entry("Track", "Mute", comment::mute_wants, comment::mute),
    entry("Track", "Unmute", comment::mute_wants, comment::unmute),
];

/// The track of an Update or Delete (tracks.md 3.1).
///
/// Parity: columns that the reference reads into plain values must not be NULL; a track of unknown
/// duration can be neither changed nor deleted (tracks.md 3.4).
///
/// # Errors
/// Rejects a track that is not there, is deleted, or is somebody else's; a hard error where it cannot
/// be read.
fn owned(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Arc<Track>, Halt> {
    let track = scope.get::<Track>(int4(call.tx.entity_id)?)?;
    let track = track.ok_or_else(|| reject("track_not_found"))?;
    if track.is_delete {
        return Err(reject("track_deleted"));
    }
    let flags = [
        track.is_stream_gated,
        track.is_download_gated,
        track.is_custom_bpm,
        track.is_custom_musical_key,
        track.comments_disabled,
        track.no_ai_use,
    ];
    if track.duration.is_none() || flags.contains(&None) {
        return Err(error("track_column_null"));
    }
    if track.owner_id != call.tx.user_id {
        return Err(reject("track_not_owned"));
    }
    Ok(track)
}
