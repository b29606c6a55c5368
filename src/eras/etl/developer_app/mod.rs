//! Developer apps, a row a version, and their redirect addresses (users.md 4).

use super::registry::Entry;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[];
