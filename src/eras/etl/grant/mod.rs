//! Grants to apps and managers, a row a version (users.md 5).

use super::registry::Entry;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[];
