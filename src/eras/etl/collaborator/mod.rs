//! Collaborators of tracks: what the invited answer (tracks.md).

use super::registry::Entry;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[];
