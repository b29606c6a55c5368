//! (`DeveloperApp`, Create).

use super::AppMetadata;
use crate::{
    eras::discovery::{
        Call, Handled, HandlerError, Scope, ensure, proof, reject,
        signer::{app_of, user_by_wallet},
    },
    model::{
        EntityTx, Json,
        json::Object,
        tables::{DeveloperApp, DeveloperAppBy, User, UserBy},
    },
    rules::columns::without_nul,
};

/// Apps a user may have at a time.
const APP_LIMIT: usize = 5;
/// How far the time in an app's signed message may be from now, in seconds.
const SIGNATURE_WINDOW: u64 = 6 * 60 * 60;

/// Registers an app under the address that signed for it (handlers-a 4).
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    let metadata = AppMetadata::of(call)?;
    let image_url = metadata.image_url()?;
    scope.want_by::<DeveloperApp>(DeveloperAppBy::User, tx.user_id);
    super::check_user(tx, scope)?;
    let address = app_address(metadata, scope)?;
    scope.want_by::<DeveloperApp>(DeveloperAppBy::AddressLc, &address);
    scope.want_by::<User>(UserBy::WalletLc, &address);
    ensure(app_of(&address, scope)?.is_none(), "app_exists")?;
    ensure(user_by_wallet(&address, scope)?.is_none(), "app_is_user_wallet")?;
    let name = metadata.name()?;
    let is_personal_access = match metadata.get("is_personal_access") {
        None => false,
        Some(Json::Bool(value)) => *value,
        Some(_) => return Err(reject("app_personal_access_invalid")),
    };
    let description = metadata.description()?;
    super::check_image_url(image_url)?;
    check_app_count(&address, tx, scope)?;
    scope.put(DeveloperApp {
        address,
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        user_id: Some(tx.user_id),
        name: without_nul(name),
        is_personal_access: Some(is_personal_access),
        is_delete: None,
        created_at: scope.block.time,
        txhash: tx.hash.clone(),
        is_current: true,
        updated_at: scope.block.time,
        description: description.map(without_nul),
        image_url: image_url.map(without_nul),
    })
}

/// The address that made `app_signature`.
fn app_address(metadata: AppMetadata<'_>, scope: &Scope<'_>) -> Result<String, HandlerError> {
    let signature = metadata.get("app_signature").filter(|signature| signature.truthy());
    let signature = signature.ok_or_else(|| reject("app_signature_missing"))?;
    let Json::Object(signature) = signature else {
        return Err(reject("app_signature_message"));
    };
    check_message(signature, scope)?;
    proof::recover(signature).ok_or_else(|| reject("app_signature_invalid"))
}

fn check_message(signature: &Object, scope: &Scope<'_>) -> Handled {
    let message = proof::message(signature)?;
    ensure(message.starts_with("Creating Audius developer app at "), "app_signature_message")?;
    let time = proof::tokens(message).pop().unwrap_or_default();
    ensure(proof::is_recent(time, SIGNATURE_WINDOW, scope)?, "app_signature_stale")
}

/// Parity: the user's stored live apps plus every other app of theirs written in this block, so an
/// app changed in this block counts twice and a deleted one frees its place with the next block.
fn check_app_count(address: &str, tx: &EntityTx, scope: &mut Scope<'_>) -> Handled {
    let stored = scope.stored_by::<DeveloperApp>(DeveloperAppBy::User, tx.user_id)?;
    let live = stored.iter().filter(|app| app.is_delete == Some(false)).count();
    let user = tx.user_id.into();
    let written = scope
        .pending_by::<DeveloperApp>(DeveloperAppBy::User, &user)
        .filter(|app| app.address.to_lowercase() != address);
    ensure(live + written.take(APP_LIMIT).count() < APP_LIMIT, "app_limit")
}
