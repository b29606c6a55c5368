//! Wallets that users proved to own (handlers-a 2).
//!
//! The reference writes these rows at once and looks only at the rows of before the block, so two
//! users may claim one wallet in a block, and a claim cannot be taken back in its own block.
//!
//! Production keeps Ethereum's wallets in lower case since May 2026, by a trigger. On a database that
//! has it they are keyed and looked up so.

use std::{borrow::Cow, sync::Arc};

use super::{Call, Handled, HandlerError, Scope, ensure, poison, reject, signer::authorize, skip};
use crate::{
    model::{
        Json,
        table::Record,
        tables::{AssociatedWallet, AssociatedWalletBy},
    },
    rules::signatures,
};

/// (`AssociatedWallet`, Create): takes the wallet over from other users.
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    want_claims(call, scope);
    authorize(tx, scope)?;
    let data = call.data().ok_or_else(|| skip("metadata_missing"))?;
    let claim = Claim::of(data);
    let signature = data.get("signature").and_then(Json::as_str);
    let is_accepted = |text: &str| scope.env.accepted_wallet_signatures.iter().any(|s| s == text);
    ensure(
        signature.is_some_and(is_accepted) || claim.is_signed(tx.user_id, signature),
        "wallet_signature_invalid",
    )?;
    let (wallet, chain) = claim.columns(scope)?;
    let mut is_owner = false;
    for row in claims_before_block(&wallet, scope)? {
        if row.chain != chain {
            continue;
        }
        if row.user_id == tx.user_id {
            is_owner = true;
        } else {
            scope.remove::<AssociatedWallet>(row.key())?;
        }
    }
    if is_owner {
        return Ok(());
    }
    let row = AssociatedWallet {
        user_id: tx.user_id,
        wallet: wallet.into_owned(),
        blockhash: scope.block.hash.clone(),
        blocknumber: scope.block.number,
        is_current: true,
        is_delete: false,
        chain: chain.to_owned(),
        created_at: None,
        updated_at: None,
    };
    if scope.stored::<AssociatedWallet>(row.key())?.is_some() {
        return Err(poison("wallet_claimed_twice_in_block"));
    }
    scope.insert(row)
}

/// (`AssociatedWallet`, Delete): gives the user's wallet up. No signature is needed.
pub fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    want_claims(call, scope);
    authorize(tx, scope)?;
    let claim = Claim::of(call.data().ok_or_else(|| skip("metadata_missing"))?);
    let (Some(wallet), Some(chain)) = (claim.wallet, claim.chain) else {
        return Err(reject("wallet_not_found"));
    };
    let rows = claims_before_block(&as_stored(wallet, Some(chain), scope), scope)?;
    let own = rows.iter().find(|row| row.chain == chain && row.user_id == tx.user_id);
    let own = own.ok_or_else(|| reject("wallet_not_found"))?;
    scope.remove::<AssociatedWallet>(own.key())
}

/// Wallet and chain as the metadata names them.
struct Claim<'a> {
    wallet: Option<&'a str>,
    chain: Option<&'a str>,
}

impl<'a> Claim<'a> {
    fn of(data: &'a crate::model::json::Object) -> Self {
        let text = |key: &str| data.get(key).and_then(Json::as_str);
        Self { wallet: text("wallet_address"), chain: text("chain") }
    }

    /// Whether the wallet signed `AudiusUserID:<id>`. Addresses compare with their case.
    fn is_signed(&self, user_id: i64, signature: Option<&str>) -> bool {
        let (Some(wallet), Some(signature)) = (self.wallet, signature) else { return false };
        let message = format!("AudiusUserID:{user_id}");
        match self.chain {
            Some("eth") => signatures::recover_personal_sign(&message, signature)
                .is_some_and(|signer| signer.checksummed() == wallet),
            Some("sol") => signatures::verify_solana(wallet, message.as_bytes(), signature),
            _ => false,
        }
    }

    /// Both as columns, which do not take NULL.
    fn columns(&self, scope: &Scope<'_>) -> Result<(Cow<'a, str>, &'a str), HandlerError> {
        match (self.wallet, self.chain) {
            (Some(wallet), Some(chain)) => Ok((as_stored(wallet, self.chain, scope), chain)),
            _ => Err(poison("wallet_null")),
        }
    }
}

fn want_claims(call: &Call<'_>, scope: &mut Scope<'_>) {
    let Some(Claim { wallet: Some(wallet), chain }) = call.data().map(Claim::of) else { return };
    let wallet = as_stored(wallet, chain, scope);
    scope.want_by::<AssociatedWallet>(AssociatedWalletBy::Wallet, wallet.as_ref());
}

/// The wallet as the database keeps it.
fn as_stored<'a>(wallet: &'a str, chain: Option<&str>, scope: &Scope<'_>) -> Cow<'a, str> {
    if scope.env.lowers_eth_wallets && chain == Some("eth") {
        Cow::Owned(wallet.to_lowercase())
    } else {
        Cow::Borrowed(wallet)
    }
}

/// All claims of a wallet at block start, also those given up since.
fn claims_before_block(
    wallet: &str,
    scope: &mut Scope<'_>,
) -> Result<Vec<Arc<AssociatedWallet>>, HandlerError> {
    scope.before_block_by::<AssociatedWallet>(AssociatedWalletBy::Wallet, wallet)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::hex;
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;
    use crate::eras::discovery::sandbox::{Sandbox, code, user};

    fn claim(user_id: i64) -> (String, String) {
        let key = SigningKey::from_bytes(&[7; 32]);
        let wallet = bs58::encode(key.verifying_key().as_bytes()).into_string();
        let signature = key.sign(format!("AudiusUserID:{user_id}").as_bytes());
        let signature = hex::encode(signature.to_bytes());
        let create = format!(
            r#"{{"cid":"","data":{{"chain":"sol","wallet_address":"{wallet}",
            "signature":"{signature}"}}}}"#
        );
        let delete =
            format!(r#"{{"cid":"","data":{{"chain":"sol","wallet_address":"{wallet}"}}}}"#);
        (create, delete)
    }

    fn owners(chain: &Sandbox) -> Vec<i64> {
        chain.rows::<AssociatedWallet>().iter().map(|row| row.user_id).collect()
    }

    #[test]
    fn a_claim_takes_a_wallet_from_those_who_had_it_before_the_block() {
        let mut chain = Sandbox::new([user(1), user(2), user(3)]);
        let create = |user_id: i64| claim(user_id).0;
        let (first, second, third) = (create(1), create(2), create(3));
        let wallet = "AssociatedWallet";
        assert_eq!(code(&chain.call((2, "Create", wallet, 0, &first))), "wallet_signature_invalid");
        assert_eq!(code(&chain.call((1, "Create", wallet, 0, &first))), "applied");
        chain.block(&[(2, "Create", wallet, 0, &second), (3, "Create", wallet, 0, &third)]);
        assert_eq!(owners(&chain), [2, 3]);
        assert_eq!(code(&chain.call((2, "Create", wallet, 0, &second))), "applied");
        assert_eq!(owners(&chain), [2]);
    }

    #[test]
    fn a_claim_cannot_be_given_up_in_its_own_block() {
        let mut chain = Sandbox::new([user(1)]);
        let (create, delete) = claim(1);
        let wallet = "AssociatedWallet";
        let calls = [(1, "Create", wallet, 0, create.as_str()), (1, "Delete", wallet, 0, &delete)];
        let outcomes = chain.block(&calls);
        assert_eq!(outcomes.iter().map(code).collect::<Vec<_>>(), ["applied", "wallet_not_found"]);
        assert_eq!(code(&chain.call((1, "Delete", wallet, 0, &delete))), "applied");
        assert!(owners(&chain).is_empty());
        assert_eq!(code(&chain.call((1, "Create", wallet, 0, ""))), "prefetch_no_metadata");
    }

    #[test]
    fn wallets_are_in_lower_case_where_the_database_keeps_them_so() {
        let data =
            r#"{"cid":"","data":{"chain":"eth","wallet_address":"0xAbC1","signature":"accepted"}}"#;
        let (wallet, upper) = ("AssociatedWallet", data.replace("0xAbC1", "0xABC1"));
        for (mut chain, stored, other) in [
            (Sandbox::new([user(1), user(2)]), "0xAbC1", "wallet_not_found"),
            (Sandbox::new([user(1), user(2)]).lowering(), "0xabc1", "applied"),
        ] {
            assert_eq!(code(&chain.call((1, "Create", wallet, 0, data))), "applied");
            assert_eq!(chain.rows::<AssociatedWallet>()[0].wallet, stored);
            assert_eq!(code(&chain.call((1, "Delete", wallet, 0, &upper))), other);
            assert_eq!(code(&chain.call((1, "Create", wallet, 0, data))), "applied");
            assert_eq!(code(&chain.call((2, "Create", wallet, 0, data))), "applied");
            assert_eq!(owners(&chain), [2]);
        }
    }
}
