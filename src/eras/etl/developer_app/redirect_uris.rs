//! Where an app's sign-in may lead back to: `oauth_redirect_uris` (users.md 4.4).

use crate::{
    eras::etl::{Call, Handled, Metadata, Scope, Wants},
    model::{
        Json,
        tables::{OauthRedirectUri, OauthRedirectUriBy},
    },
    rules::unicode::go_lower,
};

/// Longest URI in code points.
const LONGEST: usize = 2000;
/// Most URIs of an app; what comes after is left out.
const MOST: usize = 50;

/// The URIs that the metadata sends; `null` is none at all. `None` where the key is absent, or counts
/// as absent because an entry is no text or too long.
pub(super) fn sent<'a>(meta: &'a Metadata<'_>) -> Option<Vec<&'a str>> {
    let entries = match meta.get("redirect_uris")? {
        Json::Null => return Some(Vec::new()),
        value => value.as_list()?,
    };
    let fits = |uri: &&str| uri.len() <= LONGEST || uri.chars().nth(LONGEST).is_none();
    let uris: Option<Vec<_>> = entries.iter().map(|entry| entry.as_str().filter(fits)).collect();
    uris.map(|mut uris| {
        uris.truncate(MOST);
        uris
    })
}

/// Names the rows that [`replace`] removes.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    if call.meta.has("redirect_uris") {
        let client = go_lower(call.meta.text("address"));
        wants.rows::<OauthRedirectUri>(OauthRedirectUriBy::Client, client);
    }
}

/// Puts these in place of all URIs of an app, repeats and empty ones included.
///
/// # Errors
/// A hard error where a column does not take its value.
pub(super) fn replace(client: &str, uris: &[&str], scope: &mut Scope<'_>) -> Handled {
    scope.delete_found::<OauthRedirectUri>(OauthRedirectUriBy::Client, client)?;
    for uri in uris {
        let row = OauthRedirectUri {
            client_id: client.to_owned(),
            redirect_uri: (*uri).to_owned(),
            // The database's clock, which is not that of a migrated call.
            created_at: scope.block.time,
        };
        // The key is the row's place, so that rows of before are told from those of this block.
        if !scope.insert_new(row.clone())? {
            scope.append(row)?;
        }
    }
    Ok(())
}
