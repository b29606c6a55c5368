//! (`DeveloperApp`, Delete).

use super::AppMetadata;
use crate::{
    eras::discovery::{Call, Handled, Scope},
    model::tables::{DeveloperApp, DeveloperAppBy},
};

/// Marks an app as deleted; its grants stay but no longer count (handlers-a 4).
pub fn delete(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let address = AppMetadata::of(call)?.address()?;
    if let Some(address) = &address {
        scope.want_by::<DeveloperApp>(DeveloperAppBy::AddressLc, address);
    }
    super::check_user(tx, scope)?;
    let app = super::own_app(address.as_deref(), tx, scope)?;
    let deleted = DeveloperApp { is_delete: Some(true), ..super::copy(&app, tx, scope) };
    scope.put(deleted)
}
