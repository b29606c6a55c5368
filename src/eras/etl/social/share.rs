//! Share (social.md 3.4): one row a transaction.

use super::item::{self, Kind};
use crate::{
    eras::etl::{Call, Handled, Scope, Wants, ensure, reject, signer},
    model::tables::ShareVersion,
};

/// Shares an item. The same transaction again changes nothing.
///
/// Parity: an album is no playlist here, and a hard error where the column has no such label.
///
/// # Errors
/// Rejects an item without a type, and one that is not there.
pub(super) fn share(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    signer::authorize(call, call.tx.user_id, scope)?;
    let share_type = share_type(call).ok_or_else(|| reject("share_type_unknown"))?;
    let exists = item::exists(kind(share_type), call.tx.entity_id, scope)?;
    ensure(exists, "share_item_not_found")?;
    scope.insert_new(ShareVersion {
        blockhash: None,
        blocknumber: Some(scope.block.number),
        user_id: call.tx.user_id,
        share_item_id: call.tx.entity_id,
        share_type: share_type.to_owned(),
        created_at: call.now,
        txhash: call.tx.hash.clone(),
        slot: None,
    })?;
    Ok(())
}

/// Names what [`share`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    let Some(share_type) = share_type(call) else { return };
    let id = call.tx.entity_id;
    item::exists_wants(kind(share_type), id, wants);
    let parts = [call.tx.user_id.into(), share_type.into(), id.into(), (&call.tx.hash).into()];
    wants.row::<ShareVersion>(crate::model::key::Key::from_parts(parts));
}

/// The type in the entity type, else in the metadata. There is no look-up.
fn share_type(call: &Call<'_>) -> Option<&'static str> {
    item::word(&call.tx.entity_type).or_else(|| item::word(call.meta.text("type")))
}

fn kind(share_type: &str) -> Kind {
    if share_type == "track" { Kind::Track } else { Kind::Playlist }
}
