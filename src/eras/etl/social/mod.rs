//! Follows, saves, reposts, subscriptions, shares (social.md).

use super::registry::Entry;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[];
