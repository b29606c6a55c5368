//! Who may act for a user (handlers-a 0.6).

use std::sync::Arc;

use super::{HandlerError, Scope, reject};
use crate::model::{
    EntityTx,
    table::Record,
    tables::{DeveloperApp, DeveloperAppBy, Grant, GrantBy, User, UserBy},
};

/// The acting user, provided that the call's signer may act for them.
///
/// # Errors
/// Rejects when the user does not exist or the signer has no right to act for them.
pub fn authorize(tx: &EntityTx, scope: &mut Scope<'_>) -> Result<Arc<User>, HandlerError> {
    authorize_for(tx, tx.user_id, scope)
}

/// As [`authorize`], for another user than the acting one.
///
/// # Errors
/// See [`authorize`].
pub fn authorize_for(
    tx: &EntityTx,
    user_id: i64,
    scope: &mut Scope<'_>,
) -> Result<Arc<User>, HandlerError> {
    let user = acting_user(tx, user_id, scope)?.ok_or_else(|| reject("user_not_found"))?;
    let signer = tx.signer.to_lowercase();
    if user.wallet.as_ref().is_some_and(|wallet| wallet.to_lowercase() == signer) {
        return Ok(user);
    }
    let grant = grant_of(&signer, user_id, scope)?
        .filter(|grant| !scope.unfetched.grant || is_pending(grant.as_ref(), scope))
        .ok_or_else(|| reject("signer_not_granted"))?;
    let live_app = app_of(&signer, scope)?.is_some_and(|app| !app.is_delete.unwrap_or(false));
    // Wallets of users are looked up in the database only: a manager who signed up earlier in the
    // same block is unknown.
    let live_manager = user_by_wallet(&signer, scope)?
        .is_some_and(|manager| !manager.is_deactivated.unwrap_or(false));
    if !live_app && !live_manager {
        return Err(reject("signer_grantee_gone"));
    }
    if grant.is_revoked.unwrap_or(false) {
        return Err(reject("signer_grant_revoked"));
    }
    if !live_app && grant.is_approved != Some(true) {
        return Err(reject("signer_grant_not_approved"));
    }
    Ok(user)
}

/// The user in the block view; only one written earlier in the block where the pre-fetch of the
/// call was cut short (handlers-c 1.6).
fn acting_user(
    tx: &EntityTx,
    user_id: i64,
    scope: &mut Scope<'_>,
) -> Result<Option<Arc<User>>, HandlerError> {
    let user = scope.view::<User>(user_id)?;
    let hidden = scope.unfetched.user && user_id == tx.user_id;
    Ok(user.filter(|user| !hidden || is_pending(user.as_ref(), scope)))
}

fn is_pending<R: Record>(row: &R, scope: &Scope<'_>) -> bool {
    scope.pending::<R>(row.key()).is_some()
}

/// The current grant of a grantor to a lower-cased grantee address, in the block view.
///
/// # Errors
/// Only [`HandlerError::Missing`].
pub fn grant_of(
    grantee: &str,
    grantor: i64,
    scope: &mut Scope<'_>,
) -> Result<Option<Arc<Grant>>, HandlerError> {
    Ok(scope.view_by::<Grant>(GrantBy::GranteeLc, (grantee, grantor))?.pop())
}

/// The developer app at a lower-cased address, in the block view; deleted ones too.
///
/// # Errors
/// Only [`HandlerError::Missing`].
pub fn app_of(
    address: &str,
    scope: &mut Scope<'_>,
) -> Result<Option<Arc<DeveloperApp>>, HandlerError> {
    Ok(scope.view_by::<DeveloperApp>(DeveloperAppBy::AddressLc, address)?.pop())
}

/// The user who owned a lower-cased wallet at block start.
///
/// # Errors
/// Only [`HandlerError::Missing`].
pub fn user_by_wallet(
    wallet: &str,
    scope: &mut Scope<'_>,
) -> Result<Option<Arc<User>>, HandlerError> {
    Ok(scope.stored_by::<User>(UserBy::WalletLc, wallet)?.pop())
}

/// Lets only the configured verifier pass.
///
/// # Errors
/// Rejects every other signer, and everybody while no verifier is configured.
pub fn authorize_verifier(tx: &EntityTx, scope: &Scope<'_>) -> Result<(), HandlerError> {
    let verifier = scope.env.verifier_address.to_lowercase();
    if verifier.is_empty() || verifier != tx.signer.to_lowercase() {
        return Err(reject("signer_not_verifier"));
    }
    Ok(())
}
