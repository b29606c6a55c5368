//! (`EncryptedEmail`, `AddEmail`).

use super::grants;
use crate::{
    eras::etl::{Call, Handled, Known, Scope, Wants, ensure, int4},
    model::tables::{EmailAccess, EncryptedEmail},
};

/// Stores an address with its keys; for an owner who has one nothing happens (users.md 6.1).
///
/// # Errors
/// Rejects in the order of the page; a hard error where a column does not take its value.
pub fn add(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let owner = grants::owner(&call.meta)?;
    let address = call.meta.text("encrypted_email");
    ensure(!address.is_empty(), "encrypted_email_missing")?;
    let grants = grants::of(&call.meta)?;
    if scope.get::<EncryptedEmail>(int4(owner)?)?.is_some() {
        return Ok(());
    }
    let now = Some(scope.block.time);
    scope.insert(EncryptedEmail {
        email_owner_user_id: owner,
        encrypted_email: address.to_owned(),
        created_at: now,
        updated_at: now,
    })?;
    grants.into_iter().try_for_each(|grant| grant.insert(owner, scope))
}

/// Names what [`add`] reads.
pub fn add_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    let (Ok(owner), Ok(grants)) = (grants::owner(&call.meta), grants::of(&call.meta)) else {
        return;
    };
    if matches!(wants.look::<EncryptedEmail>(owner), Known::Row(_)) {
        return;
    }
    for grant in grants {
        wants.row::<EmailAccess>((owner, grant.receiver, grant.grantor));
    }
}
