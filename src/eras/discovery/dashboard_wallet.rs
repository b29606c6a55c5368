//! Protocol dashboard wallets linked to users (handlers-a 3).

use std::sync::Arc;

use super::{Call, Handled, HandlerError, Scope, ensure, proof, reject, skip};
use crate::{
    model::{
        EntityTx, Json,
        json::Object,
        tables::{DashboardWalletUser, DashboardWalletUserBy, User},
    },
    rules::hashid,
};

/// How far the time in a signed message may be from now, in seconds.
const SIGNATURE_WINDOW: u64 = 300;

/// (`DashboardWalletUser`, Create): links a wallet, with the signature of the side that does not
/// sign the transaction.
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let link = Link::open(call, scope)?;
    let metadata = metadata(call)?;
    let wallet_signature = get(metadata, "wallet_signature");
    let user_signature = get(metadata, "user_signature");
    ensure(link.by_user() || link.by_wallet(), "signer_unrelated")?;
    ensure(
        wallet_signature.is_some_and(Json::truthy) || user_signature.is_some_and(Json::truthy),
        "signature_missing",
    )?;
    ensure(
        link.existing.as_ref().is_none_or(|row| row.is_delete != Some(false)),
        "wallet_already_linked",
    )?;
    if link.by_user() {
        check_wallet_signature(wallet_signature, &link, tx, scope)?;
    } else {
        check_user_signature(user_signature, &link, scope)?;
    }
    let row = DashboardWalletUser {
        wallet: link.wallet,
        user_id: tx.user_id,
        is_delete: None,
        updated_at: scope.block.time,
        created_at: scope.block.time,
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        txhash: tx.hash.clone(),
    };
    scope.replace(link.existing.as_deref(), row)
}

/// (`DashboardWalletUser`, Delete): unlinks a wallet, again and again; either side may.
pub fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let link = Link::open(call, scope)?;
    let row = link.existing.clone().ok_or_else(|| reject("wallet_not_linked"))?;
    ensure(link.by_user() || link.by_wallet(), "signer_unrelated")?;
    ensure(!link.by_user() || row.user_id == tx.user_id, "wallet_of_another_user")?;
    scope.put(DashboardWalletUser {
        is_delete: Some(true),
        updated_at: scope.block.time,
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        txhash: tx.hash.clone(),
        ..(*row).clone()
    })
}

/// The two sides of a call and the row there is.
struct Link {
    wallet: String,
    user: Arc<User>,
    signer: String,
    existing: Option<Arc<DashboardWalletUser>>,
}

impl Link {
    fn open(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Self, HandlerError> {
        let tx = call.tx;
        let wallet = match get(metadata(call)?, "wallet") {
            Some(Json::Str(wallet)) if !wallet.is_empty() => wallet.to_lowercase(),
            _ => return Err(reject("wallet_missing")),
        };
        scope.want_by::<DashboardWalletUser>(DashboardWalletUserBy::WalletLc, &wallet);
        ensure(tx.user_id != 0, "user_id_missing")?;
        let user = scope.view::<User>(tx.user_id)?.ok_or_else(|| reject("user_not_found"))?;
        let existing =
            scope.view_by::<DashboardWalletUser>(DashboardWalletUserBy::WalletLc, &wallet)?.pop();
        Ok(Self { wallet, user, signer: call.signer(), existing })
    }

    fn user_wallet(&self) -> Option<String> {
        self.user.wallet.as_ref().map(|wallet| wallet.to_lowercase())
    }

    fn by_user(&self) -> bool {
        self.user_wallet().is_some_and(|wallet| wallet == self.signer)
    }

    fn by_wallet(&self) -> bool {
        self.wallet == self.signer
    }
}

/// The metadata object, or nothing where the text is empty.
fn metadata<'a>(call: &Call<'a>) -> Result<Option<&'a Json>, HandlerError> {
    match &call.tx.json {
        None => Ok(None),
        Some(Ok(json @ Json::Object(_))) => Ok(Some(json)),
        Some(_) => Err(reject("metadata_unreadable")),
    }
}

fn get<'a>(metadata: Option<&'a Json>, key: &str) -> Option<&'a Json> {
    metadata?.get(key)
}

fn signature_object(signature: Option<&Json>) -> Result<&Object, HandlerError> {
    signature.and_then(Json::as_object).ok_or_else(|| reject("signature_not_object"))
}

/// The wallet's consent to being linked to the user, who signs the transaction.
fn check_wallet_signature(
    signature: Option<&Json>,
    link: &Link,
    tx: &EntityTx,
    scope: &Scope<'_>,
) -> Handled {
    let signature = signature_object(signature)?;
    let message = proof::message(signature)?;
    let tokens = proof::tokens(message);
    let names_user = if message.starts_with("Connecting Audius user id") {
        tokens.len() == 7 && {
            let id = tokens[tokens.len() - 3];
            id == tx.user_id.to_string() || hashid::decode(id) == Some(tx.user_id)
        }
    } else if message.starts_with("Connecting Audius user @") {
        tokens.len() == 6 && {
            let handle = link.user.handle.as_deref().ok_or_else(|| skip("user_without_handle"))?;
            tokens[3].to_lowercase() == format!("@{}", handle.to_lowercase())
        }
    } else {
        false
    };
    ensure(names_user, "signature_message")?;
    ensure(tokens[tokens.len() - 2] == "at", "signature_message")?;
    check_time(&tokens, scope)?;
    ensure(proof::recover(signature).as_deref() == Some(&link.wallet), "signature_invalid")
}

/// The user's consent to being linked to the wallet, which signs the transaction.
fn check_user_signature(signature: Option<&Json>, link: &Link, scope: &Scope<'_>) -> Handled {
    let signature = signature_object(signature)?;
    let message = proof::message(signature)?;
    ensure(
        message.starts_with("Connecting Audius protocol dashboard wallet "),
        "signature_message",
    )?;
    let tokens = proof::tokens(message);
    ensure(tokens[tokens.len() - 3].to_lowercase() == link.wallet, "signature_message")?;
    check_time(&tokens, scope)?;
    let signed_by = proof::recover(signature);
    ensure(signed_by.is_some() && signed_by == link.user_wallet(), "signature_invalid")
}

fn check_time(tokens: &[&str], scope: &Scope<'_>) -> Handled {
    let time = tokens.last().copied().unwrap_or_default();
    ensure(proof::is_recent(time, SIGNATURE_WINDOW, scope)?, "signature_stale")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        eras::discovery::sandbox::{Sandbox, code, row, user},
        model::{Timestamp, tables::TableId, value::Value},
    };

    #[test]
    fn a_wallet_can_be_unlinked_again() {
        let linked = row(
            TableId::DashboardWalletUsers,
            &[
                ("wallet", Value::Text("0xabc".to_owned())),
                ("user_id", Value::Int(1)),
                ("is_delete", Value::Bool(true)),
                ("created_at", Value::Time(Timestamp::default())),
                ("updated_at", Value::Time(Timestamp::default())),
                ("txhash", Value::Text(String::new())),
            ],
        );
        let mut chain = Sandbox::new([user(1), linked]);
        let call = (1, "Delete", "DashboardWalletUser", 0, r#"{"wallet":"0xabc"}"#);
        assert_eq!(code(&chain.call(call)), "applied");
        assert_eq!(chain.rows::<DashboardWalletUser>()[0].txhash, "1/0");
    }
}
