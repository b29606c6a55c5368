//! (`DashboardWalletUser`, Delete).

use super::{rows_of, wallet, wallet_of};
use crate::{
    eras::etl::{Call, Handled, Scope, after_swallowed_error, ensure, int4, reject},
    model::tables::{DashboardWalletUser, User},
};

/// Takes a wallet from its user (users.md 3.2).
///
/// # Errors
/// Rejects in the order of the page; a hard error where the database does not take the row.
pub fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let wallet = wallet(call)?;
    let user = scope.get::<User>(int4(call.tx.user_id)?)?;
    let user_wallet = wallet_of(&*user.ok_or_else(|| reject("user_not_found"))?);
    let rows = rows_of(&wallet, scope)?;
    let Some(row) = rows.iter().find(|row| row.is_delete != Some(true)).or_else(|| rows.first())
    else {
        let missing = Err(reject("wallet_not_found"));
        return if wallet.contains('\0') { after_swallowed_error(missing) } else { missing };
    };
    ensure(row.is_delete != Some(true), "wallet_deleted")?;
    let signer = call.signer();
    ensure(signer == user_wallet || signer == wallet, "signer_is_neither")?;
    let is_assigned = signer != user_wallet || row.user_id == call.tx.user_id;
    ensure(is_assigned, "wallet_of_other")?;
    for row in &rows {
        let new = DashboardWalletUser {
            is_delete: Some(true),
            updated_at: call.now,
            blocknumber: Some(scope.block.number),
            txhash: call.tx.hash.clone(),
            ..DashboardWalletUser::clone(row)
        };
        scope.update(row, new)?;
    }
    Ok(())
}
