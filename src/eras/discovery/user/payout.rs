//! The history of payout wallets (handlers-a 1).

use crate::{
    eras::discovery::{Handled, Scope},
    model::{
        Json,
        tables::{UserPayoutWallet, UserPayoutWalletBy},
    },
    rules::columns,
};

/// Records a payout wallet, even none, unless it repeats the last one or that has the same time.
/// Written at once: it stays when the call fails later.
pub(super) fn record(user_id: i64, wallet: &Json, scope: &mut Scope<'_>) -> Handled {
    let wallet = columns::text(wallet)?;
    let last = scope.stored_last::<UserPayoutWallet>(UserPayoutWalletBy::User, user_id)?;
    let is_new = last.is_none_or(|last| {
        last.block_timestamp != scope.block.time && last.spl_usdc_payout_wallet != wallet
    });
    if !is_new {
        return Ok(());
    }
    scope.insert(UserPayoutWallet {
        user_id,
        spl_usdc_payout_wallet: wallet,
        blocknumber: scope.block.number,
        block_timestamp: scope.block.time,
        created_at: scope.block.time,
    })
}
