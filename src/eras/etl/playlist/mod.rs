//! Playlists and albums, their contents and routes (social.md).

use super::registry::Entry;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[];
