//! (Grant, Create).

use super::grantee;
use crate::{
    eras::etl::{
        Call, Handled, Scope, Wants, ensure, int4,
        signer::{self, authorize, is_live_app, is_user_wallet, wants_user_wallet},
        sql_text,
    },
    model::tables::{AppVersion, AppVersionBy, GrantVersion, GrantVersionBy},
};

/// Lets an app, or the user with a wallet, act for the user; the latter has to approve it
/// (users.md 5.1).
///
/// # Errors
/// Rejects in the order of the page; a hard error where a column does not take its value.
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let user_id = call.tx.user_id;
    authorize(call, user_id, scope)?;
    let grantee = grantee(call);
    ensure(!grantee.is_empty(), "grantee_missing")?;
    let is_app = is_live_app(sql_text(&grantee)?, scope)?;
    ensure(is_app || is_user_wallet(&grantee, scope)?, "grantee_unknown")?;
    let key = (grantee.as_str(), int4(user_id)?);
    let versions = scope.find::<GrantVersion>(GrantVersionBy::Pair, key)?;
    let is_active = |version: &GrantVersion| version.is_current && version.is_revoked != Some(true);
    ensure(!versions.iter().any(|version| is_active(version)), "grant_exists")?;
    insert(call, grantee, false, is_app.then_some(true), scope)
}

/// Names what [`create`] reads.
pub fn create_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    let grantee = grantee(call);
    wants_user_wallet(&grantee, wants);
    wants.rows::<AppVersion>(AppVersionBy::Address, grantee.as_str());
    wants.rows::<GrantVersion>(GrantVersionBy::Pair, (grantee, call.tx.user_id));
}

/// Inserts a grant of the user's. Parity: a revoked one that is current stays current beside it.
///
/// # Errors
/// A hard error where a column does not take its value, and for a second version of one transaction.
pub fn insert(
    call: &Call<'_>,
    grantee_address: String,
    is_revoked: bool,
    is_approved: Option<bool>,
    scope: &mut Scope<'_>,
) -> Handled {
    scope.insert(GrantVersion {
        blockhash: None,
        blocknumber: Some(scope.block.number),
        grantee_address,
        user_id: call.tx.user_id,
        is_revoked: Some(is_revoked),
        is_current: true,
        is_approved,
        updated_at: call.now,
        created_at: call.now,
        txhash: call.tx.hash.clone(),
    })
}
