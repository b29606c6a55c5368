//! (Grant, Create).

use crate::{
    eras::discovery::{
        Call, Handled, Scope, ensure, reject,
        signer::{app_of, authorize, grant_of, user_by_wallet},
    },
    model::tables::{DeveloperApp, DeveloperAppBy, Grant, GrantBy, User, UserBy},
};

/// Grants an app, or offers a manager, the right to act for the user (handlers-a 5).
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let grantee = super::grantee_address(call)?;
    if let Some(address) = &grantee {
        scope.want_by::<DeveloperApp>(DeveloperAppBy::AddressLc, address);
        scope.want_by::<User>(UserBy::WalletLc, address);
        scope.want_by::<Grant>(GrantBy::GranteeLc, (address, tx.user_id));
    }
    super::acting_user(tx, scope)?;
    let address = grantee.ok_or_else(|| reject("grantee_missing"))?;
    let app = app_of(&address, scope)?;
    let manager = user_by_wallet(&address, scope)?;
    ensure(app.is_some() || manager.is_some(), "grantee_unknown")?;
    ensure(app.is_none_or(|app| app.is_delete != Some(true)), "grantee_app_deleted")?;
    ensure(
        manager.as_ref().is_none_or(|user| user.is_deactivated != Some(true)),
        "grantee_deactivated",
    )?;
    let existing = grant_of(&address, tx.user_id, scope)?;
    ensure(existing.as_ref().is_none_or(|grant| grant.is_revoked == Some(true)), "grant_exists")?;
    authorize(tx, scope)?;
    let grant = Grant {
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        grantee_address: address,
        user_id: tx.user_id,
        is_revoked: Some(false),
        is_current: true,
        // A manager has to agree; an app is approved by being granted.
        is_approved: if manager.is_some() { None } else { Some(true) },
        updated_at: scope.block.time,
        created_at: scope.block.time,
        txhash: tx.hash.clone(),
    };
    scope.replace(existing.as_deref(), grant)
}
