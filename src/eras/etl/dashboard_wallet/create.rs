//! (`DashboardWalletUser`, Create).

use super::{rows_of, wallet, wallet_of};
use crate::{
    eras::etl::{
        Call, Halt, Handled, Scope, Wants, after_swallowed_error, ensure, int4, proof::Proof,
        reject,
    },
    model::{
        table::Record as _,
        tables::{DashboardWalletUser, DashboardWalletUserBy, User},
    },
    rules::unicode::go_lower,
};

/// Assigns a wallet to the user, with the signature of either (users.md 3.1).
///
/// # Errors
/// Rejects in the order of the page; a hard error where the database does not take the row.
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let (wallet, user_wallet) = checked_wallet(call, scope)?;
    let signed = check_proofs(call, &wallet, &user_wallet);
    // The look-up of such a wallet has failed before.
    if wallet.contains('\0') {
        after_swallowed_error(signed)?;
    } else {
        signed?;
    }
    assign(call, wallet, false, scope)
}

/// Names what [`create`] and the Delete of a wallet read.
pub fn create_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    wants.row::<User>(call.tx.user_id);
    let wallet = go_lower(call.meta.text("wallet"));
    wants.rows::<DashboardWalletUser>(DashboardWalletUserBy::WalletLc, wallet);
}

/// The wallet of a call that its owner or the user made, which is not assigned to anybody; and the
/// wallet of the user. No grants count here.
///
/// # Errors
/// Rejects in the order of the page.
pub fn checked_wallet(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<(String, String), Halt> {
    let wallet = wallet(call)?;
    let user = scope.get::<User>(int4(call.tx.user_id)?)?;
    let user_wallet = wallet_of(&*user.ok_or_else(|| reject("user_not_found"))?);
    let signer = call.signer();
    ensure(signer == user_wallet || signer == wallet, "signer_is_neither")?;
    let rows = rows_of(&wallet, scope)?;
    ensure(rows.iter().all(|row| row.is_delete == Some(true)), "wallet_assigned")?;
    Ok((wallet, user_wallet))
}

/// Each signature that is there must hold, and one must be.
fn check_proofs(call: &Call<'_>, wallet: &str, user_wallet: &str) -> Handled {
    let of_wallet = Proof::of(&call.meta, "wallet_signature");
    let of_user = Proof::of(&call.meta, "user_signature");
    ensure(of_wallet.is_some() || of_user.is_some(), "signature_missing")?;
    ensure(of_wallet.is_none_or(|proof| proof.is_of_eth(wallet)), "wallet_signature_invalid")?;
    ensure(of_user.is_none_or(|proof| proof.is_of_eth(user_wallet)), "user_signature_invalid")
}

/// Assigns the wallet to the user; the row that it has changes hands.
///
/// # Errors
/// A hard error where the database does not take the row.
pub fn assign(call: &Call<'_>, wallet: String, is_delete: bool, scope: &mut Scope<'_>) -> Handled {
    let row = DashboardWalletUser {
        user_id: call.tx.user_id,
        is_delete: Some(is_delete),
        updated_at: call.now,
        created_at: call.now,
        blockhash: None,
        blocknumber: Some(scope.block.number),
        txhash: call.tx.hash.clone(),
        wallet,
    };
    // A database of ours may hold several, of before this wing.
    let rows = rows_of(&row.wallet, scope)?;
    let own = rows.iter().find(|old| old.user_id == row.user_id).or_else(|| rows.first());
    let Some(old) = own else { return scope.insert(row) };
    let row =
        DashboardWalletUser { created_at: old.created_at, blockhash: old.blockhash.clone(), ..row };
    if old.user_id == row.user_id {
        return scope.update(old, row);
    }
    scope.delete::<DashboardWalletUser>(old.key())?;
    scope.insert(row)
}
