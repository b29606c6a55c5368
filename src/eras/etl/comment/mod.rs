//! Comments, reactions, pins, reports, settings (social.md).

use super::registry::Entry;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[];
