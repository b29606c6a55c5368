//! (`AssociatedWallet`, Create) and (`DashboardWalletUser`, Create) of a genesis (frame.md 7.2,
//! users.md 2 and 3): whoever signed a wallet over did so long ago, and the proof is not kept.

use crate::eras::etl::{Call, Handled, Scope, associated_wallet, dashboard_wallet};

/// Links a wallet to the user without its signature.
///
/// # Errors
/// Rejects signers who may not act for the user, and what is no wallet; a hard error where the
/// database does not take the row.
pub(super) fn link(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let (wallet, chain) = associated_wallet::checked_link(call, scope)?;
    associated_wallet::link(call, &wallet, chain, is_delete(call), scope)
}

/// Assigns a wallet of the dashboard to the user without a signature.
///
/// # Errors
/// Rejects unknown users, other signers and assigned wallets; a hard error where the database does
/// not take the row.
pub(super) fn assign(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let (wallet, _) = dashboard_wallet::checked_wallet(call, scope)?;
    dashboard_wallet::assign(call, wallet, is_delete(call), scope)
}

fn is_delete(call: &Call<'_>) -> bool {
    call.meta.bool("is_delete").unwrap_or(false)
}
