//! Grants: the right of an app or a manager to act for a user (handlers-a 5).

mod answer;
mod create;
mod revoke;

use std::sync::Arc;

pub use answer::{approve, reject};
pub use create::create;
pub use revoke::revoke;

use super::{Call, HandlerError, Scope, reject as refuse};
use crate::model::{
    EntityTx, Json,
    tables::{Grant, User},
};

/// The metadata of a grant call: the object, or nothing where the text is empty.
fn metadata<'a>(call: &Call<'a>) -> Result<Option<&'a Json>, HandlerError> {
    match &call.tx.json {
        None => Ok(None),
        Some(Ok(json @ Json::Object(_))) => Ok(Some(json)),
        Some(_) => Err(refuse("metadata_unreadable")),
    }
}

/// `grantee_address`, lower-cased; `None` where it is falsy.
fn grantee_address(call: &Call<'_>) -> Result<Option<String>, HandlerError> {
    let Some(address) = metadata(call)?.and_then(|json| json.get("grantee_address")) else {
        return Ok(None);
    };
    match address {
        Json::Str(text) if !text.is_empty() => Ok(Some(text.to_lowercase())),
        address if address.truthy() => Err(refuse("metadata_unreadable")),
        _ => Ok(None),
    }
}

/// The acting user, who must exist and have a wallet.
fn acting_user(tx: &EntityTx, scope: &mut Scope<'_>) -> Result<Arc<User>, HandlerError> {
    if tx.user_id == 0 {
        return Err(refuse("user_id_missing"));
    }
    let user = scope.view::<User>(tx.user_id)?.ok_or_else(|| refuse("user_not_found"))?;
    if user.wallet.as_ref().is_none_or(String::is_empty) {
        return Err(refuse("user_without_wallet"));
    }
    Ok(user)
}

/// A copy of a grant as a later call writes it.
fn copy(grant: &Grant, tx: &EntityTx, scope: &Scope<'_>) -> Grant {
    Grant {
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        is_current: true,
        updated_at: scope.block.time,
        txhash: tx.hash.clone(),
        ..grant.clone()
    }
}

#[cfg(test)]
mod tests;
