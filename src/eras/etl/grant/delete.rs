//! (Grant, Delete).

use super::{grantee, replace};
use crate::{
    eras::etl::{
        Call, Halt, Handled, Scope, Wants, ensure, int4,
        signer::{self, authorize, users_of_wallet},
        sql_text,
    },
    model::tables::{GrantVersion, GrantVersionBy, User, UserBy},
};

/// Revokes a grant, for the user who gave it or for the one who has it (users.md 5.2).
///
/// # Errors
/// Rejects in the order of the page; a hard error where a column does not take its value.
pub fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let grantee = grantee(call);
    ensure(!grantee.is_empty(), "grantee_missing")?;
    let key = (sql_text(&grantee)?, int4(call.tx.user_id)?);
    let versions = scope.find::<GrantVersion>(GrantVersionBy::Pair, key)?;
    let is_active = |version: &GrantVersion| version.is_current && version.is_revoked != Some(true);
    ensure(versions.iter().any(|version| is_active(version)), "grant_not_found")?;
    let is_allowed =
        may_act(call, call.tx.user_id, scope)? || is_of_grantee(call, &grantee, scope)?;
    ensure(is_allowed, "signer_not_authorized")?;
    replace(call, &versions, |version| GrantVersion { is_revoked: Some(true), ..version }, scope)
}

/// Names what [`delete`] reads.
pub fn delete_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    let grantee = grantee(call);
    for user in wants.found::<User>(UserBy::WalletLc, grantee.as_str()) {
        signer::wants_for(call, user.user_id, wants);
    }
    wants.rows::<GrantVersion>(GrantVersionBy::Pair, (grantee, call.tx.user_id));
}

/// Whether the signer may act for the active user with the grantee's wallet.
fn is_of_grantee(call: &Call<'_>, grantee: &str, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    let users = users_of_wallet(grantee, scope)?;
    match users.iter().find(|user| user.is_deactivated == Some(false)) {
        Some(user) => may_act(call, user.user_id, scope),
        None => Ok(false),
    }
}

fn may_act(call: &Call<'_>, user_id: i64, scope: &mut Scope<'_>) -> Result<bool, Halt> {
    match authorize(call, user_id, scope) {
        Ok(()) => Ok(true),
        Err(Halt::Reject(_)) => Ok(false),
        Err(other) => Err(other),
    }
}
