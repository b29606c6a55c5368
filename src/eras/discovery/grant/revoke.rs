//! (Grant, Delete).

use crate::{
    eras::discovery::{
        Call, Handled, HandlerError, Scope, ensure, reject,
        signer::{authorize, authorize_for, grant_of, user_by_wallet},
    },
    model::tables::{Grant, GrantBy, User, UserBy},
};

/// Revokes a grant; the grantor or the grantee may (handlers-a 5).
pub fn revoke(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let grantee = super::grantee_address(call)?;
    if let Some(address) = &grantee {
        scope.want_by::<User>(UserBy::WalletLc, address);
        scope.want_by::<Grant>(GrantBy::GranteeLc, (address, tx.user_id));
    }
    super::acting_user(tx, scope)?;
    let address = grantee.ok_or_else(|| reject("grantee_missing"))?;
    let grant = grant_of(&address, tx.user_id, scope)?.ok_or_else(|| reject("grant_not_found"))?;
    ensure(grant.is_revoked != Some(true), "grant_already_revoked")?;
    let by_grantee = match user_by_wallet(&address, scope)? {
        Some(manager) => match authorize_for(tx, manager.user_id, scope) {
            Ok(_) => true,
            Err(HandlerError::Missing) => return Err(HandlerError::Missing),
            Err(_) => false,
        },
        None => false,
    };
    if !by_grantee {
        authorize(tx, scope)?;
    }
    let revoked = Grant { is_revoked: Some(true), ..super::copy(&grant, tx, scope) };
    scope.put(revoked)
}
