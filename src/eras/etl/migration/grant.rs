//! (Grant, Create) of a genesis (frame.md 7.2, users.md 5).

use crate::{
    eras::etl::{Call, Handled, Scope, Wants, grant, signer::is_live_app, sql_text},
    model::tables::{AppVersion, AppVersionBy, GrantVersion},
    rules::unicode::go_lower,
};

/// Writes a grant as it is sent. Parity: nothing is checked, not even the signer.
///
/// # Errors
/// A hard error where a column does not take its value, and for a second version of one transaction.
pub(super) fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let grantee = go_lower(call.meta.text("grantee_address"));
    let is_revoked = call.meta.bool("is_revoked").unwrap_or(false);
    let is_approved = match call.meta.bool("is_approved") {
        None => is_live_app(sql_text(&grantee)?, scope)?.then_some(true),
        sent => sent,
    };
    grant::insert(call, grantee, is_revoked, is_approved, scope)
}

/// Names what [`create`] reads.
pub(super) fn create_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    let grantee = go_lower(call.meta.text("grantee_address"));
    wants.rows::<AppVersion>(AppVersionBy::Address, grantee.as_str());
    wants.row::<GrantVersion>((grantee, call.tx.user_id, call.tx.hash.as_str()));
}
