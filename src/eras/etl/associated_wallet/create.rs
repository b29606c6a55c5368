//! (`AssociatedWallet`, Create).

use std::borrow::Cow;

use crate::{
    eras::etl::{
        Call, Halt, Handled, Scope, Wants, ensure, error_with,
        proof::Proof,
        reject,
        signer::{self, authorize},
        sql_text,
    },
    model::{
        key::Key,
        table::Record as _,
        tables::{
            AssociatedWallet, AssociatedWalletBy, PastAssociatedWallet, PastAssociatedWalletBy,
            TableId,
        },
    },
};

/// A chain that wallets are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Ethereum.
    Eth,
    /// Solana.
    Sol,
}

impl Chain {
    const fn label(self) -> &'static str {
        match self {
            Self::Eth => "eth",
            Self::Sol => "sol",
        }
    }
}

/// Links a wallet that signed to the user, and takes it from others (users.md 2.1).
///
/// # Errors
/// Rejects in the order of the page; a hard error where the database does not take the row.
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let (wallet, chain) = checked_link(call, scope)?;
    let proof = Proof::of(&call.meta, "wallet_signature");
    let proof = proof.ok_or_else(|| reject("wallet_signature_missing"))?;
    let is_proven = match chain {
        Chain::Eth => proof.is_of_eth(&wallet),
        Chain::Sol => proof.is_of_sol(&wallet),
    };
    ensure(is_proven, "wallet_signature_invalid")?;
    link(call, &wallet, chain, false, scope)
}

/// Names what [`create`] and the Delete of a wallet read.
pub fn create_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.rows::<AssociatedWallet>(AssociatedWalletBy::Wallet, super::wallet(&call.meta).as_ref());
}

/// Wallet and chain of a call that the user's signer made.
///
/// # Errors
/// Rejects in the order of the page.
pub fn checked_link<'a>(
    call: &'a Call<'_>,
    scope: &mut Scope<'_>,
) -> Result<(Cow<'a, str>, Chain), Halt> {
    authorize(call, call.tx.user_id, scope)?;
    let wallet = super::wallet(&call.meta);
    ensure(!wallet.is_empty(), "wallet_missing")?;
    let chain = match call.meta.text("chain") {
        "" => return Err(reject("chain_missing")),
        "eth" => Chain::Eth,
        "sol" => Chain::Sol,
        _ => return Err(reject("chain_unknown")),
    };
    Ok((wallet, chain))
}

/// Makes the wallet the user's, whoever had it: other users' claims are deleted, an own one is
/// replaced.
///
/// # Errors
/// A hard error where the database does not take the row: it has no columns for the times, or its
/// unique key holds among past claims, too.
pub fn link(
    call: &Call<'_>,
    wallet: &str,
    chain: Chain,
    is_delete: bool,
    scope: &mut Scope<'_>,
) -> Handled {
    let user_id = call.tx.user_id;
    let label = chain.label();
    for claim in scope.find::<AssociatedWallet>(AssociatedWalletBy::Wallet, sql_text(wallet)?)? {
        if claim.chain == label {
            let is_delete = claim.is_delete || claim.user_id != user_id;
            let past = AssociatedWallet {
                is_current: false,
                is_delete,
                ..AssociatedWallet::clone(&claim)
            };
            scope.retire::<_, PastAssociatedWallet>(&claim, past)?;
        }
    }
    let claim = AssociatedWallet {
        user_id,
        wallet: wallet.to_owned(),
        blockhash: scope.block.hash.clone(),
        blocknumber: scope.block.number,
        is_current: true,
        is_delete,
        chain: label.to_owned(),
        created_at: Some(call.now),
        updated_at: Some(call.now),
    };
    check_unique(&claim.key(), scope)?;
    scope.insert(claim)
}

/// Where the unique key holds for all rows, a past claim stands in the way of a new one.
fn check_unique(key: &Key, scope: &mut Scope<'_>) -> Handled {
    let keys = &scope.settings.shape.table(TableId::AssociatedWallets).unique;
    if keys.iter().all(|key| key.current_only) {
        return Ok(());
    }
    let past = scope.find::<PastAssociatedWallet>(PastAssociatedWalletBy::Claim, key.clone())?;
    if past.is_empty() { Ok(()) } else { Err(error_with("duplicate_key", "associated_wallets")) }
}
