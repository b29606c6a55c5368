//! `track_price_history` (tracks.md 5.2).

use std::sync::Arc;

use crate::{
    eras::etl::{Call, Halt, Handled, Metadata, Scope, Wants, go_int, reject},
    model::{
        Json,
        json::Object,
        tables::{TrackPrice, TrackPriceBy},
    },
};

/// Records the price in the metadata of a call, unless the newest one is the same. The first price
/// of a block wins.
///
/// # Errors
/// Rejects a price that is no number, and one without splits. What was written before stays.
pub(super) fn record(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let Some((access, purchase)) = purchase(&call.meta) else { return Ok(()) };
    let (total_price_cents, splits) = read(purchase)?;
    let track_id = call.tx.entity_id;
    let newest = scope.last::<TrackPrice>(TrackPriceBy::Track, track_id)?;
    let is_same = newest.is_some_and(|newest| {
        newest.total_price_cents == total_price_cents
            && newest.access.as_deref() == Some(access)
            && newest.splits.prints_as_go(&splits)
    });
    if is_same {
        return Ok(());
    }
    scope.insert_new(TrackPrice {
        track_id,
        splits: Arc::new(splits),
        total_price_cents,
        blocknumber: scope.block.number,
        block_timestamp: call.now,
        // The clock of the database in the reference.
        created_at: scope.block.time,
        access: Some(access.to_owned()),
    })?;
    Ok(())
}

/// Names what [`record`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    if purchase(&call.meta).is_some() {
        wants.rows::<TrackPrice>(TrackPriceBy::Track, call.tx.entity_id);
        wants.row::<TrackPrice>((call.tx.entity_id, call.now));
    }
}

/// What is for sale, and the condition `usdc_purchase` of it: streams before downloads.
fn purchase<'a>(meta: &'a Metadata<'_>) -> Option<(&'static str, &'a Object)> {
    let conditions = |gate: &str, key: &str| {
        let is_gated = meta.bool(gate) == Some(true);
        meta.get(key).filter(|_| is_gated)?.as_object()
    };
    let streams = conditions("is_stream_gated", "stream_conditions").map(|found| ("stream", found));
    let (access, conditions) = streams.or_else(|| {
        conditions("is_download_gated", "download_conditions").map(|found| ("download", found))
    })?;
    Some((access, conditions.get("usdc_purchase")?.as_object()?))
}

/// The price in cents and the splits, as Go encodes them.
fn read(purchase: &Object) -> Result<(i64, Json), Halt> {
    let price = purchase.get("price").and_then(go_int).ok_or_else(|| reject("price_not_number"))?;
    let splits = purchase.get("splits").ok_or_else(|| reject("splits_missing"))?;
    Ok((price, splits.clone().go_encoded()))
}
