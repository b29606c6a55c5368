//! `handle_share` (triggers.md 4.4): counters only.

use std::sync::Arc;

use super::{
    Handled, Scope,
    counters::{self, add_to_playlist, add_to_track, add_to_user},
    swallowing,
};
use crate::model::tables::{Playlist, ShareVersion};

/// Counts a share; each row counts, several of one user too.
pub(super) fn fired(
    old: Option<&ShareVersion>,
    new: &Arc<ShareVersion>,
    scope: &mut Scope<'_>,
) -> Handled {
    if old.is_some() {
        return Ok(());
    }
    swallowing(scope, |scope| {
        // Shares are not among what is counted when a row is made.
        counters::user(new.user_id, scope)?;
        if new.share_type == "track" {
            counters::track(new.share_item_id, scope)?;
            add_to_track(new.share_item_id, |row| &mut row.share_count, 1, scope)?;
            add_to_user(new.user_id, |row| &mut row.track_share_count, 1, scope)?;
        } else {
            if let Some(playlist) = scope.get::<Playlist>(new.share_item_id)? {
                counters::playlist(playlist.playlist_id, playlist.is_album, scope)?;
            }
            add_to_playlist(new.share_item_id, |row| &mut row.share_count, 1, scope)?;
        }
        Ok(())
    })
}
