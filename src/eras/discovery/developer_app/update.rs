//! (`DeveloperApp`, Update).

use super::AppMetadata;
use crate::{
    eras::discovery::{Call, Handled, Scope},
    model::tables::{DeveloperApp, DeveloperAppBy},
    rules::columns::without_nul,
};

/// Replaces name, description and image of an app (handlers-a 4).
pub fn update(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let metadata = AppMetadata::of(call)?;
    let address = metadata.address()?;
    let image_url = metadata.image_url()?;
    if let Some(address) = &address {
        scope.want_by::<DeveloperApp>(DeveloperAppBy::AddressLc, address);
    }
    super::check_user(tx, scope)?;
    let app = super::own_app(address.as_deref(), tx, scope)?;
    let name = metadata.name()?;
    let description = metadata.description()?;
    super::check_image_url(image_url)?;
    // Parity: what the metadata leaves out becomes NULL.
    let updated = DeveloperApp {
        name: without_nul(name),
        description: description.map(without_nul),
        image_url: image_url.map(without_nul),
        ..super::copy(&app, tx, scope)
    };
    scope.put(updated)
}
