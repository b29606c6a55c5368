//! Users: sign-up, profile, verification, mutes (users.md 1).

use super::registry::Entry;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[];
