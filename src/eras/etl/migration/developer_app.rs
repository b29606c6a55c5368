//! (`DeveloperApp`, Create) of a genesis (frame.md 7.2, users.md 4).

use crate::{
    eras::etl::{Call, Handled, Scope, developer_app},
    rules::unicode::go_lower,
};

/// Writes an app as it is sent. Parity: nothing is checked, neither the signer nor that there is a
/// name or an address.
///
/// # Errors
/// A hard error where a column does not take its value, and for a second version of one transaction.
pub(super) fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let is_delete = call.meta.bool("is_delete").unwrap_or(false);
    let address = go_lower(call.meta.text("address"));
    developer_app::insert(call, &address, is_delete, scope)
}
