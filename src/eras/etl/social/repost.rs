//! Repost and Unrepost (social.md 3.3). Own content may be reposted.

use super::{
    endorsement::{self, Endorsement},
    item::{self, Kind},
};
use crate::{
    eras::etl::{Call, Halt, Handled, Scope, Wants, signer},
    model::tables::Repost,
};

impl Endorsement for Repost {
    const TYPE_UNKNOWN: &'static str = "repost_type_unknown";
    const ITEM_NOT_FOUND: &'static str = "repost_item_not_found";
    const EXISTS: &'static str = "repost_exists";
    const NOT_ACTIVE: &'static str = "repost_not_active";

    fn new(call: &Call<'_>, kind: Kind, is_delete: bool, scope: &Scope<'_>) -> Self {
        Self {
            blockhash: None,
            blocknumber: Some(scope.block.number),
            user_id: call.tx.user_id,
            repost_item_id: call.tx.entity_id,
            repost_type: kind.label().to_owned(),
            is_current: true,
            is_delete,
            created_at: call.now,
            txhash: call.tx.hash.clone(),
            slot: None,
            // Parity: an undo overwrites it, too.
            is_repost_of_repost: Some(call.meta.bool("is_repost_of_repost").unwrap_or(false)),
        }
    }

    fn over(self, old: &Self) -> Self {
        Self { blockhash: old.blockhash.clone(), slot: old.slot, ..self }
    }

    fn is_delete(&self) -> bool {
        self.is_delete
    }
}

/// Reposts an item.
///
/// # Errors
/// See [`check`].
pub(super) fn repost(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let kind = check(call, scope)?;
    store(call, kind, false, scope)
}

/// Ends a repost.
///
/// # Errors
/// Rejects a repost that is not active, or an item without a type.
pub(super) fn unrepost(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    signer::authorize(call, call.tx.user_id, scope)?;
    let kind = item::kind(call, scope)?;
    let kind = endorsement::check_active::<Repost>(call, kind, scope)?;
    store(call, kind, true, scope)
}

/// Checks that a user may repost the item of a call, and returns its type.
///
/// # Errors
/// Rejects an item without a type, one that is not there, and one that is reposted already.
pub fn check(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Kind, Halt> {
    endorsement::check::<Repost>(call, scope)
}

/// Writes the repost of a call, or its end.
///
/// # Errors
/// Only [`Halt::Missing`] after [`check`].
pub fn store(call: &Call<'_>, kind: Kind, is_delete: bool, scope: &mut Scope<'_>) -> Handled {
    endorsement::store::<Repost>(call, kind, is_delete, scope)
}

/// Names what the handlers of this file read.
pub fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    endorsement::wants::<Repost>(call, wants);
}
