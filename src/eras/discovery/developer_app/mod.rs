//! Developer apps (handlers-a 4).

mod create;
mod delete;
mod update;

use std::sync::Arc;

pub use create::create;
pub use delete::delete;
pub use update::update;

use super::{
    Call, Handled, HandlerError, Scope, ensure, reject,
    signer::{app_of, authorize},
};
use crate::{
    model::{EntityTx, Json, tables::DeveloperApp},
    rules::fqdn::is_fqdn,
};

const NAME_LIMIT: usize = 50;
const DESCRIPTION_LIMIT: usize = 160;
const IMAGE_URL_LIMIT: usize = 2000;

/// The metadata of a call on an app: the object, or nothing where the text is empty.
#[derive(Clone, Copy)]
struct AppMetadata<'a>(Option<&'a Json>);

impl<'a> AppMetadata<'a> {
    fn of(call: &Call<'a>) -> Result<Self, HandlerError> {
        match &call.tx.json {
            None => Ok(Self(None)),
            Some(Ok(json @ Json::Object(_))) => Ok(Self(Some(json))),
            Some(_) => Err(reject("metadata_unreadable")),
        }
    }

    /// The value of a key unless it is absent or null.
    fn get(self, key: &str) -> Option<&'a Json> {
        self.0?.get(key).filter(|value| !value.is_null())
    }

    /// `address`, lower-cased; `None` where it is falsy.
    fn address(self) -> Result<Option<String>, HandlerError> {
        match self.get("address") {
            Some(Json::Str(text)) if !text.is_empty() => Ok(Some(text.to_lowercase())),
            Some(address) if address.truthy() => Err(reject("metadata_unreadable")),
            _ => Ok(None),
        }
    }

    /// `image_url` where it is the URL of a host.
    fn image_url(self) -> Result<Option<&'a str>, HandlerError> {
        match self.get("image_url") {
            Some(Json::Str(url)) => Ok(Some(url.as_str()).filter(|url| is_fqdn(url))),
            Some(url) if url.truthy() => Err(reject("metadata_unreadable")),
            _ => Ok(None),
        }
    }

    /// `name`: text that is neither empty nor too long.
    fn name(self) -> Result<&'a str, HandlerError> {
        let name = self.get("name").filter(|name| name.truthy());
        match name.ok_or_else(|| reject("app_name_missing"))? {
            Json::Str(name) if within(name, NAME_LIMIT) => Ok(name),
            _ => Err(reject("app_name_invalid")),
        }
    }

    /// `description`: absent, null or text that is not too long; empty text is none.
    fn description(self) -> Result<Option<&'a str>, HandlerError> {
        match self.get("description") {
            None => Ok(None),
            Some(Json::Str(text)) if within(text, DESCRIPTION_LIMIT) => {
                Ok(Some(text.as_str()).filter(|text| !text.is_empty()))
            }
            Some(_) => Err(reject("app_description_invalid")),
        }
    }
}

fn within(text: &str, limit: usize) -> bool {
    text.chars().nth(limit).is_none()
}

fn check_image_url(url: Option<&str>) -> Handled {
    ensure(url.is_none_or(|url| within(url, IMAGE_URL_LIMIT)), "app_image_url_too_long")
}

/// The checks that open every call on an app.
fn check_user(tx: &EntityTx, scope: &mut Scope<'_>) -> Handled {
    ensure(tx.user_id != 0, "user_id_missing")?;
    let user = authorize(tx, scope)?;
    ensure(user.wallet.as_ref().is_some_and(|wallet| !wallet.is_empty()), "user_without_wallet")
}

/// The user's app at an address; a deleted one too.
fn own_app(
    address: Option<&str>,
    tx: &EntityTx,
    scope: &mut Scope<'_>,
) -> Result<Arc<DeveloperApp>, HandlerError> {
    let address = address.ok_or_else(|| reject("app_address_missing"))?;
    let app = app_of(address, scope)?.ok_or_else(|| reject("app_not_found"))?;
    ensure(app.user_id == Some(tx.user_id), "app_of_another_user")?;
    Ok(app)
}

/// A copy of an app as a later call writes it.
fn copy(app: &DeveloperApp, tx: &EntityTx, scope: &Scope<'_>) -> DeveloperApp {
    DeveloperApp {
        blockhash: Some(scope.block.hash.clone()),
        blocknumber: Some(scope.block.number),
        txhash: tx.hash.clone(),
        is_current: true,
        updated_at: scope.block.time,
        ..app.clone()
    }
}
