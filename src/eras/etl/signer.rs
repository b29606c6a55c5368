//! Who may act for a user (frame.md 5, users.md 0.4).

use std::sync::Arc;

use super::{Call, Halt, Handled, Scope, Wants, reject};
use crate::{
    model::tables::{
        AppVersion, AppVersionBy, GrantVersion, GrantVersionBy, PastUser, PastUserBy, User, UserBy,
    },
    rules::unicode::go_lower,
};

/// Checks that the call's signer may act for `user_id`: the user's own wallet, or an app or manager
/// with a grant.
///
/// # Errors
/// Rejects otherwise. An id outside of the column's range is one more user that does not exist: the
/// reference swallows the error of this look-up.
pub fn authorize(call: &Call<'_>, user_id: i64, scope: &mut Scope<'_>) -> Handled {
    let wallet = current_user(user_id, scope)?.and_then(|user| user.wallet.clone());
    let Some(wallet) = wallet.filter(|wallet| !wallet.is_empty()) else {
        return Err(reject("user_not_found"));
    };
    let signer = call.signer();
    if go_lower(&wallet) == signer {
        return Ok(());
    }
    let grants = scope.find::<GrantVersion>(GrantVersionBy::Pair, (signer.as_str(), user_id))?;
    let Some(grant) = grants.into_iter().rfind(|grant| grant.is_current) else {
        return Err(reject("signer_not_granted"));
    };
    if grant.is_revoked == Some(true) {
        return Err(reject("signer_grant_revoked"));
    }
    let is_app = is_live_app(&signer, scope)?;
    if !is_app && !is_live_manager(&signer, scope)? {
        return Err(reject("signer_grantee_gone"));
    }
    if !is_app && grant.is_approved != Some(true) {
        return Err(reject("signer_grant_not_approved"));
    }
    Ok(())
}

/// Names what [`authorize`] reads for the acting user.
pub fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    wants_for(call, call.tx.user_id, wants);
}

/// Names what [`authorize`] reads for a user: grants only where the signer is somebody else.
pub fn wants_for(call: &Call<'_>, user_id: i64, wants: &mut Wants<'_>) {
    let signer = call.signer();
    let user = wants.look::<User>(user_id).row();
    let wallet = user.as_ref().and_then(|user| user.wallet.as_deref());
    if user.is_none() || wallet.is_some_and(|wallet| go_lower(wallet) == signer) {
        return;
    }
    wants.rows::<GrantVersion>(GrantVersionBy::Pair, (signer.as_str(), user_id));
    wants.rows::<AppVersion>(AppVersionBy::Address, signer.as_str());
    wants.rows::<User>(UserBy::WalletLc, signer);
}

/// The current row of a user; none for ids that the column cannot hold.
///
/// # Errors
/// Only [`Halt::Missing`].
pub fn current_user(user_id: i64, scope: &mut Scope<'_>) -> Result<Option<Arc<User>>, Halt> {
    if i32::try_from(user_id).is_err() { Ok(None) } else { scope.get::<User>(user_id) }
}

/// Whether an address is that of an app with an undeleted version, current or not.
///
/// # Errors
/// Only [`Halt::Missing`].
pub fn is_live_app(address: &str, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    let versions = scope.find::<AppVersion>(AppVersionBy::Address, address)?;
    Ok(versions.iter().any(|version| version.is_delete == Some(false)))
}

/// The users with exactly this wallet, which must be lower-case: rows in another case never match.
///
/// # Errors
/// Only [`Halt::Missing`].
pub fn users_of_wallet(wallet: &str, scope: &mut Scope<'_>) -> Result<Vec<Arc<User>>, Halt> {
    let mut users = scope.find::<User>(UserBy::WalletLc, wallet)?;
    users.retain(|user| user.wallet.as_deref() == Some(wallet));
    Ok(users)
}

/// Whether any row of `users`, current or not, has exactly this wallet, which must be lower-case.
///
/// # Errors
/// Only [`Halt::Missing`].
pub fn is_user_wallet(wallet: &str, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    if !users_of_wallet(wallet, scope)?.is_empty() {
        return Ok(true);
    }
    let past = scope.find::<PastUser>(PastUserBy::WalletLc, wallet)?;
    Ok(past.iter().any(|user| user.wallet.as_deref() == Some(wallet)))
}

/// Names what [`is_user_wallet`] reads.
pub fn wants_user_wallet(wallet: &str, wants: &mut Wants<'_>) {
    wants.rows::<User>(UserBy::WalletLc, wallet);
    wants.rows::<PastUser>(PastUserBy::WalletLc, wallet);
}

fn is_live_manager(wallet: &str, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    let users = users_of_wallet(wallet, scope)?;
    Ok(users.iter().any(|user| user.is_deactivated == Some(false)))
}
