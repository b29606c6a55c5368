//! `track_price_history` (handlers-b 10).

use std::sync::Arc;

use crate::{
    eras::discovery::{Handled, Scope},
    model::{
        Json,
        json::Object,
        tables::{Track, TrackPrice, TrackPriceBy},
    },
    rules::conditions,
};

/// Asks for the rows that [`record`] reads.
pub(super) fn preload(track_id: i64, data: &Object, scope: &mut Scope<'_>) {
    if ["is_stream_gated", "is_download_gated"]
        .iter()
        .any(|flag| data.get(flag).is_some_and(Json::truthy))
    {
        scope.want_by::<TrackPrice>(TrackPriceBy::Track, track_id);
        scope.want::<TrackPrice>((track_id, scope.block.time));
    }
}

/// Records the sent price when it differs from the latest one. The first price of a block wins.
/// Legacy splits go to `owner`, the owner as sent on Create.
///
/// # Errors
/// Rejects a malformed price.
pub(super) fn record(track: &Track, owner: &Json, data: &Object, scope: &mut Scope<'_>) -> Handled {
    let Some(price) = conditions::track_price(data, owner)? else { return Ok(()) };
    if let Some(latest) = scope.stored_last::<TrackPrice>(TrackPriceBy::Track, track.track_id)? {
        let is_same = price.total_price_cents == latest.total_price_cents
            && price.splits.python_eq(&latest.splits)
            && latest.access.as_deref().unwrap_or("stream") == price.access.label();
        if is_same || latest.block_timestamp == scope.block.time {
            return Ok(());
        }
    }
    scope.insert(TrackPrice {
        track_id: track.track_id,
        splits: Arc::new(price.splits),
        total_price_cents: price.total_price_cents,
        blocknumber: scope.block.number,
        block_timestamp: scope.block.time,
        created_at: scope.block.time,
        access: Some(price.access.label().to_owned()),
    })
}
