//! `album_price_history` (handlers-b 10). Parity: playlists that are no albums get prices too.

use std::sync::Arc;

use crate::{
    eras::discovery::{Handled, Scope},
    model::{
        Json,
        json::Object,
        tables::{AlbumPrice, AlbumPriceBy, Playlist},
    },
    rules::conditions,
};

/// Asks for the rows that [`record`] reads.
pub(super) fn preload(playlist_id: i64, data: &Object, scope: &mut Scope<'_>) {
    if data.get("is_stream_gated").is_some_and(Json::truthy) {
        scope.want_by::<AlbumPrice>(AlbumPriceBy::Playlist, playlist_id);
        scope.want::<AlbumPrice>((playlist_id, scope.block.time));
    }
}

/// Records the sent price when it differs from the latest one. The first price of a block wins.
///
/// # Errors
/// Rejects a malformed price.
pub(super) fn record(playlist: &Playlist, data: &Object, scope: &mut Scope<'_>) -> Handled {
    let owner = Json::Int(playlist.playlist_owner_id);
    let Some(price) = conditions::album_price(data, &owner)? else { return Ok(()) };
    if let Some(latest) =
        scope.stored_last::<AlbumPrice>(AlbumPriceBy::Playlist, playlist.playlist_id)?
    {
        let is_same = price.total_price_cents == latest.total_price_cents
            && price.splits.python_eq(&latest.splits);
        if is_same || latest.block_timestamp == scope.block.time {
            return Ok(());
        }
    }
    scope.insert(AlbumPrice {
        playlist_id: playlist.playlist_id,
        splits: Arc::new(price.splits),
        total_price_cents: price.total_price_cents,
        blocknumber: scope.block.number,
        block_timestamp: scope.block.time,
        created_at: scope.block.time,
    })
}
