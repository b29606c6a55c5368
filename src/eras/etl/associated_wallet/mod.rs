//! Wallets that a user proved to own (users.md 2).

use super::registry::Entry;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[];
