//! Encrypted e-mail addresses and the keys to them (users.md 6).

use super::registry::Entry;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[];
