//! (`DeveloperApp`, Delete).

use super::{address, own_versions, replace};
use crate::{
    eras::etl::{Call, Handled, Scope, signer::authorize},
    model::tables::AppVersion,
};

/// Adds a deleted version without a name. Parity: the ones before it are not deleted, so the app still
/// signs for its grants, cannot be created again, and comes back with an Update (users.md 4.3).
///
/// # Errors
/// Rejects in the order of the page; a hard error where a column does not take its value.
pub fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    authorize(call, call.tx.user_id, scope)?;
    let address = address(&call.meta)?;
    let versions = own_versions(call, &address, scope)?;
    replace(call, &versions, |version| AppVersion { is_delete: Some(true), ..version }, scope)
}
