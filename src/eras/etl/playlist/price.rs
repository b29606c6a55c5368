//! `album_price_history` (social.md 2.7). Parity: playlists that are no albums get prices too.

use std::sync::Arc;

use crate::{
    eras::etl::{Call, Halt, Handled, Metadata, Scope, Wants, go_int, reject},
    model::{
        Json,
        json::Object,
        tables::{AlbumPrice, AlbumPriceBy},
    },
};

/// Records the price in the metadata of a call, unless the newest one is the same. The first price
/// of a block wins.
///
/// # Errors
/// Rejects a price that is no number, and one without splits. What was written before stays.
pub(super) fn record(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let Some(purchase) = purchase(&call.meta) else { return Ok(()) };
    let (total_price_cents, splits) = read(purchase)?;
    let playlist_id = call.tx.entity_id;
    let newest = scope.last::<AlbumPrice>(AlbumPriceBy::Playlist, playlist_id)?;
    let is_same = newest.is_some_and(|newest| {
        newest.total_price_cents == total_price_cents && newest.splits.prints_as_go(&splits)
    });
    if is_same {
        return Ok(());
    }
    scope.insert_new(AlbumPrice {
        playlist_id,
        splits: Arc::new(splits),
        total_price_cents,
        blocknumber: scope.block.number,
        block_timestamp: call.now,
        // The clock of the database in the reference.
        created_at: scope.block.time,
    })?;
    Ok(())
}

/// Names what [`record`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    if purchase(&call.meta).is_some() {
        wants.rows::<AlbumPrice>(AlbumPriceBy::Playlist, call.tx.entity_id);
        wants.row::<AlbumPrice>((call.tx.entity_id, call.now));
    }
}

/// The condition `usdc_purchase` of a playlist that is sent as gated.
fn purchase<'a>(meta: &'a Metadata<'_>) -> Option<&'a Object> {
    let is_gated = meta.bool("is_stream_gated") == Some(true);
    let conditions = meta.get("stream_conditions").filter(|_| is_gated)?;
    conditions.get("usdc_purchase")?.as_object()
}

/// The price in cents and the splits, as Go encodes them.
fn read(purchase: &Object) -> Result<(i64, Json), Halt> {
    let price = purchase.get("price").and_then(go_int).ok_or_else(|| reject("price_not_number"))?;
    let splits = purchase.get("splits").ok_or_else(|| reject("splits_missing"))?;
    Ok((price, splits.clone().go_encoded()))
}
