//! Wallets of the protocol dashboard linked to a user (users.md 3).

use super::registry::Entry;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[];
