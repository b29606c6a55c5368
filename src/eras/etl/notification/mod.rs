//! Announcements, and what a user has seen (users.md 7).

use super::registry::Entry;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[];
