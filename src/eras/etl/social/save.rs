//! Save and Unsave (social.md 3.3). Own content may be saved.

use super::{
    endorsement::{self, Endorsement},
    item::{self, Kind},
};
use crate::{
    eras::etl::{Call, Halt, Handled, Scope, Wants, signer},
    model::tables::Save,
};

impl Endorsement for Save {
    const TYPE_UNKNOWN: &'static str = "save_type_unknown";
    const ITEM_NOT_FOUND: &'static str = "save_item_not_found";
    const EXISTS: &'static str = "save_exists";
    const NOT_ACTIVE: &'static str = "save_not_active";

    fn new(call: &Call<'_>, kind: Kind, is_delete: bool, scope: &Scope<'_>) -> Self {
        Self {
            blockhash: None,
            blocknumber: Some(scope.block.number),
            user_id: call.tx.user_id,
            save_item_id: call.tx.entity_id,
            save_type: kind.label().to_owned(),
            is_current: true,
            is_delete,
            created_at: call.now,
            txhash: call.tx.hash.clone(),
            slot: None,
            // Parity: an undo overwrites it, too.
            is_save_of_repost: Some(call.meta.bool("is_save_of_repost").unwrap_or(false)),
        }
    }

    fn over(self, old: &Self) -> Self {
        Self { blockhash: old.blockhash.clone(), slot: old.slot, ..self }
    }

    fn is_delete(&self) -> bool {
        self.is_delete
    }
}

/// Saves an item.
///
/// # Errors
/// See [`check`].
pub(super) fn save(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let kind = check(call, scope)?;
    store(call, kind, false, scope)
}

/// Ends a save.
///
/// Parity: the check takes the entity type before the metadata's, the write the other way round.
/// Where they differ the save stays active, and a deleted row of the other type is added.
///
/// # Errors
/// Rejects a save that is not active, or an item without a type.
pub(super) fn unsave(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    signer::authorize(call, call.tx.user_id, scope)?;
    let kind = item::kind_by_entity(call, scope)?;
    let checked = endorsement::check_active::<Save>(call, kind, scope)?;
    let written = item::kind(call, scope)?.unwrap_or(checked);
    store(call, written, true, scope)
}

/// Checks that a user may save the item of a call, and returns its type.
///
/// # Errors
/// Rejects an item without a type, one that is not there, and one that is saved already.
pub fn check(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Kind, Halt> {
    endorsement::check::<Save>(call, scope)
}

/// Writes the save of a call, or its end.
///
/// # Errors
/// Only [`Halt::Missing`] after [`check`].
pub fn store(call: &Call<'_>, kind: Kind, is_delete: bool, scope: &mut Scope<'_>) -> Handled {
    endorsement::store::<Save>(call, kind, is_delete, scope)
}

/// Names what the handlers of this file read.
pub fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    endorsement::wants::<Save>(call, wants);
}
