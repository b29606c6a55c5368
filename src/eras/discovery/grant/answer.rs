//! (Grant, Approve) and (Grant, Reject): a manager's answer to the offer of a grant.

use std::sync::Arc;

use crate::{
    eras::discovery::{
        Call, Handled, HandlerError, Scope, ensure, reject as refuse,
        signer::{authorize, grant_of},
    },
    model::{
        Json,
        tables::{Grant, GrantBy},
    },
};

/// Accepts the grant of `grantor_user_id` to the acting user (handlers-a 5).
pub fn approve(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let grant = open_offer(call, scope)?;
    let approved = Grant { is_approved: Some(true), ..super::copy(&grant, call.tx, scope) };
    scope.put(approved)
}

/// Declines the grant of `grantor_user_id` to the acting user (handlers-a 5).
pub fn reject(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let grant = open_offer(call, scope)?;
    let declined = Grant {
        is_approved: Some(false),
        is_revoked: Some(true),
        ..super::copy(&grant, call.tx, scope)
    };
    scope.put(declined)
}

/// The grant that the acting user may answer: neither revoked nor approved yet.
fn open_offer(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Arc<Grant>, HandlerError> {
    let tx = call.tx;
    let metadata = super::metadata(call)?;
    // Text resolves as a key of no grant, as it is not a user id.
    let grantor = match metadata.and_then(|json| json.get("grantor_user_id")) {
        Some(Json::Int(id)) => Some(*id),
        Some(Json::Float(id)) => crate::rules::columns::whole(*id),
        _ => None,
    };
    let user = super::acting_user(tx, scope)?;
    let grantor = grantor.filter(|id| *id != 0).ok_or_else(|| refuse("grantor_missing"))?;
    let wallet = user.wallet.as_deref().unwrap_or_default().to_lowercase();
    scope.want_by::<Grant>(GrantBy::GranteeLc, (wallet.as_str(), grantor));
    let grant = grant_of(&wallet, grantor, scope)?.ok_or_else(|| refuse("grant_not_found"))?;
    ensure(grant.is_revoked != Some(true), "grant_revoked")?;
    authorize(tx, scope)?;
    ensure(grant.is_approved != Some(true), "grant_already_approved")?;
    Ok(grant)
}
