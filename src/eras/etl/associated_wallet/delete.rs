//! (`AssociatedWallet`, Delete).

use crate::{
    eras::etl::{Call, Handled, Scope, ensure, signer::authorize, sql_text},
    model::tables::{AssociatedWallet, AssociatedWalletBy, PastAssociatedWallet},
};

/// Gives a wallet of the user's up, on whichever chain (users.md 2.2).
///
/// # Errors
/// Rejects in the order of the page; a hard error where the database has no column for the time.
pub fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let user_id = call.tx.user_id;
    authorize(call, user_id, scope)?;
    let wallet = super::wallet(&call.meta);
    ensure(!wallet.is_empty(), "wallet_missing")?;
    let claims = scope.find::<AssociatedWallet>(AssociatedWalletBy::Wallet, sql_text(&wallet)?)?;
    let own = || claims.iter().filter(|claim| claim.user_id == user_id);
    ensure(own().any(|claim| !claim.is_delete), "wallet_not_found")?;
    for claim in own() {
        let past = AssociatedWallet {
            is_current: false,
            is_delete: true,
            updated_at: Some(call.now),
            ..AssociatedWallet::clone(claim)
        };
        scope.retire::<_, PastAssociatedWallet>(claim, past)?;
    }
    Ok(())
}
