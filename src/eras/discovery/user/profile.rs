//! Columns of a user that metadata may set (handlers-a 0.5 and 1).

use std::sync::Arc;

use super::{events, payout};
use crate::{
    eras::discovery::{Handled, HandlerError, Scope, poison_with},
    model::{
        EntityTx, Json,
        json::Object,
        table::Record,
        tables::User,
        value::{ColumnType, Value},
    },
    rules::{columns, schema},
};

/// Columns that metadata never sets; a user gets the handle through [`super::identity`], and the
/// sizes of a picture took the place of the picture.
const IMMUTABLE: [&str; 17] = [
    "blocknumber",
    "blockhash",
    "txhash",
    "created_at",
    "updated_at",
    "slot",
    "metadata_multihash",
    "is_current",
    "user_id",
    "handle",
    "handle_lc",
    "wallet",
    "is_available",
    "is_verified",
    "is_delete",
    "profile_picture",
    "cover_photo",
];

/// Text columns with a JSON schema in the reference: text or nothing.
const CHECKED_TEXTS: [&str; 5] =
    ["name", "bio", "location", "profile_picture_sizes", "cover_photo_sizes"];

/// Copies into `user` what the metadata has for its columns but those in `kept`, then stores user
/// events and payout history.
pub(super) fn apply(
    user: &mut User,
    kept: &[&str],
    data: &Object,
    tx: &EntityTx,
    scope: &mut Scope<'_>,
) -> Handled {
    let mut fatal = None;
    for (index, column) in User::TABLE.def().columns.iter().enumerate() {
        let Some(value) = data.get(column.name) else { continue };
        if IMMUTABLE.contains(&column.name) || kept.contains(&column.name) {
            continue;
        }
        match convert(column.name, column.ty, value) {
            Ok(value) => user
                .set(index, value)
                .map_err(|mismatch| poison_with("user_column", mismatch.to_string()))?,
            // The reference finds these only at block end, after every other check of the call.
            Err(HandlerError::Poison(reason)) => fatal = fatal.or(Some(reason)),
            Err(other) => return Err(other),
        }
    }
    mirror_verified_handles(user);
    if let Some(events) = data.get("events").filter(|events| events.truthy()) {
        events::apply(user, events, scope)?;
    }
    if let Some(wallet) = data.get("spl_usdc_payout_wallet") {
        payout::record(tx.user_id, wallet, scope)?;
    }
    fatal.map_or(Ok(()), |reason| Err(HandlerError::Poison(reason)))
}

fn convert(name: &str, ty: ColumnType, value: &Json) -> Result<Value, HandlerError> {
    if CHECKED_TEXTS.contains(&name) {
        return Ok(schema::checked_text(value)?.map_or(Value::Null, Value::Text));
    }
    if name == "artist_pick_track_id" {
        return Ok(schema::checked_artist_pick(value)?.map_or(Value::Null, Value::Int));
    }
    let value = match ty {
        ColumnType::Bool => columns::boolean(value)?.map(Value::Bool),
        ColumnType::Int4 => columns::int4(value)?.map(Value::Int),
        ColumnType::Int4Array => columns::int4_array(value)?.map(Value::Ints),
        ColumnType::Jsonb => Some(Value::Json(Arc::new(columns::jsonb(value)?))),
        ColumnType::Enum(_, labels) => {
            columns::label(value, labels)?.map(|label| Value::Text(label.to_owned()))
        }
        _ => columns::text(value)?.map(Value::Text),
    };
    Ok(value.unwrap_or(Value::Null))
}

/// A verified user's verified platforms show the user's own handle.
fn mirror_verified_handles(user: &mut User) {
    if user.is_verified != Some(true) {
        return;
    }
    for (flag, column) in [
        (user.verified_with_twitter, &mut user.twitter_handle),
        (user.verified_with_instagram, &mut user.instagram_handle),
        (user.verified_with_tiktok, &mut user.tiktok_handle),
    ] {
        if flag == Some(true) {
            column.clone_from(&user.handle);
        }
    }
}
