//! Who may use a track besides its owner: `allowed_api_keys` and `access_authorities` (tracks.md 8).

use crate::{
    eras::etl::{Call, Handled, Metadata, Scope, halt::error_with},
    model::{Json, tables::Track},
    rules::unicode::go_lower,
};

/// Brings both columns in line with the metadata, with a statement of its own for each that is sent.
///
/// # Errors
/// A hard error for a text with U+0000.
pub(super) fn update(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    if call.meta.is_none() {
        return Ok(());
    }
    if let Some(keys) = call.meta.get("allowed_api_keys") {
        let keys = keys.as_list().map(|keys| texts(keys).map(go_lower).collect());
        check("allowed_api_keys", keys.as_ref())?;
        change(call, scope, |track| track.allowed_api_keys = keys)?;
    }
    match sent_authorities(call) {
        Some(Sent::Nobody) => change(call, scope, |track| track.access_authorities = None),
        Some(Sent::List(list)) => {
            check(KEY, Some(&list))?;
            change(call, scope, |track| track.access_authorities = Some(list))
        }
        None => Ok(()),
    }
}

/// The key in the metadata, or beside it.
const KEY: &str = "access_authorities";

enum Sent {
    Nobody,
    List(Vec<String>),
}

/// What is sent as authorities: at the top of the text if the key is there at all, else in the
/// metadata. Anything but a list and `null` changes nothing.
fn sent_authorities(call: &Call<'_>) -> Option<Sent> {
    let sent = |value: &Json| match value {
        Json::Null => Some(Sent::Nobody),
        Json::List(items) => {
            Some(Sent::List(texts(items).map(|text| text.trim().to_owned()).collect()))
        }
        _ => None,
    };
    let parsed = call.tx.json.as_ref().and_then(|json| json.as_ref().ok());
    if parsed.is_some_and(|top| top.get(KEY).is_some()) {
        Metadata::top(call.tx).get(KEY).and_then(sent)
    } else {
        call.meta.get(KEY).and_then(sent)
    }
}

/// The server refuses such a text, whatever the row holds already.
fn check(column: &str, list: Option<&Vec<String>>) -> Handled {
    if list.is_some_and(|list| list.iter().any(|text| text.contains('\0'))) {
        return Err(error_with(
            "refused_by_schema",
            format!("tracks.{column}: U+0000 in text (22021)"),
        ));
    }
    Ok(())
}

fn texts(items: &[Json]) -> impl Iterator<Item = &str> {
    items.iter().filter_map(Json::as_str)
}

fn change(call: &Call<'_>, scope: &mut Scope<'_>, change: impl FnOnce(&mut Track)) -> Handled {
    let Some(old) = scope.get::<Track>(call.tx.entity_id)? else { return Ok(()) };
    let mut new = (*old).clone();
    change(&mut new);
    scope.update(&old, new)
}
