//! (`DeveloperApp`, Create).

use super::{address, check_texts, image_url, redirect_uris, versions_wants};
use crate::{
    eras::etl::{
        Call, Handled, Scope, Wants, ensure,
        signer::{authorize, is_live_app, is_user_wallet, wants_user_wallet},
        sql_text,
    },
    model::tables::AppVersion,
    rules::unicode::go_lower,
};

/// Registers an app under the address that the metadata names; nothing proves it (users.md 4.1).
///
/// # Errors
/// Rejects in the order of the page; a hard error where a column does not take its value.
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    check_texts(&call.meta)?;
    authorize(call, call.tx.user_id, scope)?;
    let address = address(&call.meta)?;
    ensure(!is_live_app(sql_text(&address)?, scope)?, "app_exists")?;
    ensure(!is_user_wallet(&address, scope)?, "app_is_user_wallet")?;
    insert(call, &address, false, scope)
}

/// Names what [`create`] reads.
pub fn create_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    versions_wants(call, wants);
    wants_user_wallet(&go_lower(call.meta.text("address")), wants);
    redirect_uris::wants(call, wants);
}

/// Inserts the app that the call describes. Parity: an older current version stays current.
///
/// # Errors
/// A hard error where a column does not take its value, and for a second version of one transaction.
pub fn insert(call: &Call<'_>, address: &str, is_delete: bool, scope: &mut Scope<'_>) -> Handled {
    let meta = &call.meta;
    scope.insert(AppVersion {
        address: address.to_owned(),
        blockhash: None,
        blocknumber: Some(scope.block.number),
        user_id: Some(call.tx.user_id),
        name: meta.text("name").to_owned(),
        is_personal_access: Some(meta.bool("is_personal_access").unwrap_or(false)),
        is_delete: Some(is_delete),
        created_at: call.now,
        txhash: call.tx.hash.clone(),
        is_current: true,
        updated_at: call.now,
        description: meta.filled("description").map(str::to_owned),
        image_url: image_url(meta),
    })?;
    match redirect_uris::sent(meta) {
        Some(uris) if !uris.is_empty() => redirect_uris::replace(address, &uris, scope),
        _ => Ok(()),
    }
}
