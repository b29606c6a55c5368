//! (Track, Download) (tracks.md 7.4).

use super::relations::parent_of;
use crate::{
    eras::etl::{Call, Handled, Scope, Wants, int4, reject, signer},
    model::tables::{Track, TrackDownload},
};

/// Records the download of a track, deleted ones too, or of a stem for its parent. The metadata may
/// be anything.
///
/// # Errors
/// Rejects a track that is not there.
pub(super) fn download(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    signer::authorize(call, call.tx.user_id, scope)?;
    let track = scope.get::<Track>(int4(call.tx.entity_id)?)?;
    let track = track.ok_or_else(|| reject("track_not_found"))?;
    let place = |key: &str| call.meta.filled(key).map(str::to_owned);
    scope.insert_new(TrackDownload {
        txhash: call.tx.hash.clone(),
        blocknumber: scope.block.number,
        parent_track_id: parent(&track),
        track_id: track.track_id,
        user_id: Some(call.tx.user_id),
        created_at: call.now,
        city: place("city"),
        region: place("region"),
        country: place("country"),
    })?;
    Ok(())
}

/// Names what [`download`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    signer::wants(call, wants);
    if let Some(track) = wants.look::<Track>(call.tx.entity_id).row() {
        wants.row::<TrackDownload>((parent(&track), track.track_id, call.tx.hash.as_str()));
    }
}

fn parent(track: &Track) -> i64 {
    track.stem_of.as_deref().and_then(parent_of).unwrap_or(track.track_id)
}
