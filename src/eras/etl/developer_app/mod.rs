//! Developer apps (users.md 4).
//!
//! An app has a version for each change. It exists as long as one of them, current or not, is not
//! deleted; since versions are never deleted afterwards, an app that was deleted here still exists.

mod create;
mod delete;
mod redirect_uris;
mod update;

pub use create::{create, create_wants, insert};
pub use delete::delete;
pub use update::{update, update_wants};

use std::sync::Arc;

use super::{
    Call, Halt, Handled, Metadata, Scope, Wants, ensure,
    entry::{Entry, entry},
    limits::at_most,
    signer, sql_text,
};
use crate::{
    model::tables::{AppVersion, AppVersionBy},
    rules::{fqdn::is_ascii_fqdn, unicode::go_lower},
};

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[
    entry("DeveloperApp", "Create", create_wants, create),
    entry("DeveloperApp", "Delete", versions_wants, delete),
    entry("DeveloperApp", "Update", update_wants, update),
];

/// Longest name in code points.
const NAME: usize = 50;
/// Longest description in code points.
const DESCRIPTION: usize = 160;

/// Names what all handlers read: the signer's authority, and the versions of the app.
fn versions_wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    wants.rows::<AppVersion>(AppVersionBy::Address, go_lower(call.meta.text("address")));
}

/// What Create and Update check before the signer.
fn check_texts(meta: &Metadata<'_>) -> Handled {
    ensure(!meta.is_none(), "metadata_missing")?;
    ensure(!meta.text("name").is_empty(), "app_name_missing")?;
    at_most(meta.text("name"), NAME, "app_name_too_long")?;
    at_most(meta.text("description"), DESCRIPTION, "app_description_too_long")
}

/// The address that the metadata names.
fn address(meta: &Metadata<'_>) -> Result<String, Halt> {
    let address = go_lower(meta.text("address"));
    ensure(!address.is_empty(), "app_address_missing")?;
    Ok(address)
}

/// The picture of the metadata, where it is a URL.
fn image_url(meta: &Metadata<'_>) -> Option<String> {
    meta.filled("image_url").filter(|url| is_ascii_fqdn(url)).map(str::to_owned)
}

/// The versions of an app of the acting user's.
fn own_versions(
    call: &Call<'_>,
    address: &str,
    scope: &mut Scope<'_>,
) -> Result<Vec<Arc<AppVersion>>, Halt> {
    let versions = scope.find::<AppVersion>(AppVersionBy::Address, sql_text(address)?)?;
    let live = versions.iter().find(|version| version.is_delete == Some(false));
    ensure(live.is_some(), "app_not_found")?;
    ensure(live.is_some_and(|app| app.user_id == Some(call.tx.user_id)), "app_of_other")?;
    Ok(versions)
}

/// Makes the current versions past ones, and adds the version that `fill` makes of what the oldest
/// one passes on.
fn replace(
    call: &Call<'_>,
    versions: &[Arc<AppVersion>],
    fill: impl FnOnce(AppVersion) -> AppVersion,
    scope: &mut Scope<'_>,
) -> Handled {
    let Some(oldest) = versions.iter().min_by_key(|version| version.created_at) else {
        return Ok(());
    };
    for version in versions.iter().filter(|version| version.is_current) {
        scope.update(version, AppVersion { is_current: false, ..AppVersion::clone(version) })?;
    }
    scope.insert(fill(AppVersion {
        address: oldest.address.clone(),
        blockhash: None,
        blocknumber: Some(scope.block.number),
        user_id: Some(call.tx.user_id),
        name: String::new(),
        is_personal_access: oldest.is_personal_access,
        is_delete: Some(false),
        created_at: oldest.created_at,
        txhash: call.tx.hash.clone(),
        is_current: true,
        updated_at: call.now,
        description: None,
        image_url: None,
    }))
}

#[cfg(test)]
mod tests;
