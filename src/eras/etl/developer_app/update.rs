//! (`DeveloperApp`, Update).

use super::{
    address, check_texts, image_url, own_versions, redirect_uris, replace, versions_wants,
};
use crate::{
    eras::etl::{Call, Handled, Scope, Wants, signer::authorize},
    model::tables::AppVersion,
};

/// Replaces all that an app says of itself: what is not sent is gone (users.md 4.2).
///
/// # Errors
/// Rejects in the order of the page; a hard error where a column does not take its value.
pub fn update(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let meta = &call.meta;
    check_texts(meta)?;
    authorize(call, call.tx.user_id, scope)?;
    let address = address(meta)?;
    let versions = own_versions(call, &address, scope)?;
    let fill = |version| AppVersion {
        name: meta.text("name").to_owned(),
        description: meta.filled("description").map(str::to_owned),
        image_url: image_url(meta),
        ..version
    };
    replace(call, &versions, fill, scope)?;
    match redirect_uris::sent(meta) {
        Some(uris) => redirect_uris::replace(&address, &uris, scope),
        None => Ok(()),
    }
}

/// Names what [`update`] reads.
pub fn update_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    versions_wants(call, wants);
    redirect_uris::wants(call, wants);
}
