//! Tracks: uploads, edits, deletions, downloads, comment settings (tracks.md).

use super::registry::Entry;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[];
