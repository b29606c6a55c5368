//! Social actions (handlers-c 2): matched by action, whatever the entity type.
//!
//! Nothing here asks whether the entity type fits the action: a track can be followed and an event
//! subscribed to. A call that finds things as it wants them passes without effect (handlers-c 2.4).
//! What exists is what the block view knows under the type; types that are never
//! loaded, such as `Album` or a lower-case `track`, have no entities.

mod follow;
mod pair;
mod repost;
mod save;
mod share;
mod subscribe;
mod target;

pub use follow::{follow, unfollow};
pub use repost::{repost, unrepost};
pub use save::{save, unsave};
pub use share::share;
pub use subscribe::{subscribe, unsubscribe};

use super::{HandlerError, Scope, skip, track::remix_of_is_clause};
use crate::model::{EntityTx, Json};

/// Whether the raw metadata has a truthy `key` at its top level; anything unreadable counts as not
/// (handlers-c 2.6).
pub(in crate::eras::discovery) fn has_flag(tx: &EntityTx, key: &str) -> bool {
    let Some(Ok(json)) = &tx.json else { return false };
    json.get(key).is_some_and(Json::truthy)
}

/// Where the reference looks for a cosign after a save or repost, which fails on a track whose
/// `remix_of` was refused earlier in the block (corrections 1).
fn check_cosign(tx: &EntityTx, scope: &mut Scope<'_>) -> Result<(), HandlerError> {
    if tx.entity_type == "Track" && remix_of_is_clause(scope, tx.entity_id)? {
        return Err(skip("remix_of_is_clause"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
