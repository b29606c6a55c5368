//! A pair and what is registered for it: the lines of each folder's list.

use super::{Call, Handled, Scope, Wants};

/// Applies one call to the store.
pub type Handler = fn(&Call<'_>, &mut Scope<'_>) -> Handled;

/// Names the rows that a handler reads.
pub type Foresight = fn(&Call<'_>, &mut Wants<'_>);

/// Matches every entity type, unknown and empty ones too.
pub const ANY: &str = "*";

/// One registered pair.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Entity type, exact, or [`ANY`].
    pub entity: &'static str,
    /// Action, exact.
    pub action: &'static str,
    /// The rows that it reads.
    pub wants: Foresight,
    /// The handler.
    pub handler: Handler,
}

/// A line of a folder's list.
pub const fn entry(
    entity: &'static str,
    action: &'static str,
    wants: Foresight,
    handler: Handler,
) -> Entry {
    Entry { entity, action, wants, handler }
}
