//! Users: sign-up, profile, verification and mutes (handlers-a 1).

mod create;
mod events;
mod identity;
mod mute;
mod payout;
mod profile;
mod update;
mod verify;

use std::sync::Arc;

pub use create::create;
pub use mute::{mute, unmute};
pub use update::update;
pub use verify::verify;

use super::Scope;
use crate::model::{EntityTx, Json, tables::User};

/// A copy of a user as a later call writes it.
fn copy(user: &User, tx: &EntityTx, scope: &Scope<'_>) -> User {
    User {
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        is_current: true,
        updated_at: scope.block.time,
        txhash: tx.hash.clone(),
        // Parity: copying sets the column explicitly, and an explicit NULL of a JSON column is
        // stored as JSON `null` (handlers-a 0.5 rule 3).
        playlist_library: user.playlist_library.clone().or_else(|| Some(Arc::new(Json::Null))),
        ..user.clone()
    }
}

#[cfg(test)]
mod tests;
