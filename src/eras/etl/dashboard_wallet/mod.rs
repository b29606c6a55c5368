//! Wallets of the protocol dashboard and the users that they belong to (users.md 3).
//!
//! The reference's key is the wallet; ours has the user, too, so what takes a wallet to another user
//! moves the row.

mod create;
mod delete;

pub use create::{assign, checked_wallet, create, create_wants};
pub use delete::delete;

use std::sync::Arc;

use super::{
    Call, Halt, Scope, ensure,
    entry::{Entry, entry},
};
use crate::{
    model::tables::{DashboardWalletUser, DashboardWalletUserBy, User},
    rules::unicode::go_lower,
};

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[
    entry("DashboardWalletUser", "Create", create_wants, create),
    entry("DashboardWalletUser", "Delete", create_wants, delete),
];

/// The wallet that the metadata names.
fn wallet(call: &Call<'_>) -> Result<String, Halt> {
    let wallet = go_lower(call.meta.text("wallet"));
    ensure(!wallet.is_empty(), "wallet_missing")?;
    Ok(wallet)
}

/// The rows of a wallet; none where it is no text for the server, whose error is swallowed.
fn rows_of(wallet: &str, scope: &mut Scope<'_>) -> Result<Vec<Arc<DashboardWalletUser>>, Halt> {
    let mut rows = scope.find::<DashboardWalletUser>(DashboardWalletUserBy::WalletLc, wallet)?;
    rows.retain(|row| row.wallet == wallet);
    Ok(rows)
}

/// The user's wallet, lower-cased.
fn wallet_of(user: &User) -> String {
    user.wallet.as_deref().map(go_lower).unwrap_or_default()
}

#[cfg(test)]
mod tests;
