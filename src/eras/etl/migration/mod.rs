//! `ManageEntityMigration`: calls of the genesis of the new chain, with handlers of their own where the
//! checks of live traffic make no sense (frame.md 7).

use super::registry::Entry;

/// Handlers that stand in for those of live traffic.
pub const HANDLERS: &[Entry] = &[];
