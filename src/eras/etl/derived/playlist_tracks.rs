//! `handle_playlist_track` (triggers.md 4.12): tells the buyers of an album that it has a new track.

use std::{collections::BTreeSet, sync::Arc};

use super::{Handled, Scope};
use crate::{
    eras::etl::error_with,
    model::{
        Json,
        tables::{Notification, Playlist, PlaylistTrack, UsdcPurchase, UsdcPurchaseBy},
    },
};

/// Tells the buyers. A track that comes back is an update, and told to nobody.
///
/// # Errors
/// Parity: a buyer who was told before makes the statement fail; there is no conflict clause.
pub(super) fn fired(
    old: Option<&PlaylistTrack>,
    new: &Arc<PlaylistTrack>,
    scope: &mut Scope<'_>,
) -> Handled {
    if old.is_some() {
        return Ok(());
    }
    let Some(album) = scope.get::<Playlist>(new.playlist_id)?.filter(|album| is_sold(album)) else {
        return Ok(());
    };
    let key = ("album", new.playlist_id);
    let purchases = scope.find::<UsdcPurchase>(UsdcPurchaseBy::Content, key)?;
    let buyers: BTreeSet<i64> = purchases.iter().map(|bought| bought.buyer_user_id).collect();
    let data = Arc::new(Json::object([
        ("track_id", Json::Int(new.track_id)),
        ("playlist_id", Json::Int(new.playlist_id)),
        ("playlist_owner_id", Json::Int(album.playlist_owner_id)),
    ]));
    for buyer in buyers {
        let is_new = scope.insert_notification(Notification {
            specifier: buyer.to_string(),
            group_id: group(new.playlist_id, new.track_id),
            r#type: "track_added_to_purchased_album".to_owned(),
            slot: None,
            blocknumber: album.blocknumber,
            timestamp: new.updated_at,
            data: Some(Arc::clone(&data)),
            user_ids: Some(vec![buyer]),
            type_v2: None,
        })?;
        if !is_new {
            return Err(error_with("duplicate_key", "notification"));
        }
    }
    Ok(())
}

/// Whether an album's stream is for sale.
pub(super) fn is_sold(album: &Playlist) -> bool {
    let conditions = album.stream_conditions.as_deref();
    album.is_stream_gated == Some(true)
        && conditions.is_some_and(|conditions| conditions.get("usdc_purchase").is_some())
}

/// The group of the notifications of a new track of an album.
pub(super) fn group(playlist_id: i64, track_id: i64) -> String {
    format!("track_added_to_purchased_album:playlist_id:{playlist_id}:track_id:{track_id}")
}
