//! (Grant, Approve) and (Grant, Reject).

use std::sync::Arc;

use super::{grantee, replace};
use crate::{
    eras::etl::{
        Call, Halt, Handled, Scope, Wants, after_swallowed_error, ensure, reject as reject_for,
        signer::{self, authorize},
    },
    model::tables::{GrantVersion, GrantVersionBy},
};

/// Accepts a grant (users.md 5.3). Parity: nothing ties the grantee to the user of the call, so
/// anybody may accept any grant.
///
/// # Errors
/// Rejects in the order of the page; a hard error where a column does not take its value.
pub fn approve(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let versions = pending(call, scope)?;
    let fill =
        |version| GrantVersion { is_approved: Some(true), is_revoked: Some(false), ..version };
    replace(call, &versions, fill, scope)
}

/// Declines a grant.
///
/// # Errors
/// See [`approve`].
pub fn reject(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let versions = pending(call, scope)?;
    let fill =
        |version| GrantVersion { is_approved: Some(false), is_revoked: Some(true), ..version };
    replace(call, &versions, fill, scope)
}

/// Names what [`approve`] and [`reject`] read.
pub fn answer_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    if let Some(grantor) = call.meta.int("grantor_user_id") {
        wants.rows::<GrantVersion>(GrantVersionBy::Pair, (grantee(call), grantor));
    }
}

/// The versions of the grant that the metadata names, if it waits for an answer.
fn pending(call: &Call<'_>, scope: &mut Scope<'_>) -> Result<Vec<Arc<GrantVersion>>, Halt> {
    authorize(call, call.tx.user_id, scope)?;
    let grantee = grantee(call);
    ensure(!grantee.is_empty(), "grantee_missing")?;
    let grantor = call.meta.int("grantor_user_id").ok_or_else(|| reject_for("grantor_missing"))?;
    if grantee.contains('\0') {
        return after_swallowed_error(Err(reject_for("grant_not_found")));
    }
    // Nobody has an id that the column does not hold: the reference swallows the driver's error.
    let key = (grantee.as_str(), grantor);
    let versions = scope.find::<GrantVersion>(GrantVersionBy::Pair, key)?;
    let current = versions.iter().rfind(|version| version.is_current);
    let current = current.ok_or_else(|| reject_for("grant_not_found"))?;
    ensure(current.is_revoked != Some(true), "grant_revoked")?;
    ensure(current.is_approved != Some(true), "grant_approved")?;
    Ok(versions)
}
