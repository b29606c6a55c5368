//! (Track, Download) (handlers-b 7).

use crate::{
    eras::discovery::{Call, Handled, HandlerError, Scope, poison, reject, signer},
    model::{
        json::Object,
        tables::{Track, TrackDownload},
    },
    rules::columns,
};

/// Records a download, of a stem as one of its parent. Deleted and gated tracks count too.
///
/// # Errors
/// Rejects an unauthorised signer and an unknown track.
pub fn download(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    scope.want::<TrackDownload>((tx.entity_id, tx.entity_id, &tx.hash));
    signer::authorize(tx, scope)?;
    let track = scope.view::<Track>(tx.entity_id)?.ok_or_else(|| reject("track_not_found"))?;
    scope.touch::<Track>();
    let parent = track.stem_of.as_deref().and_then(|stem_of| stem_of.get("parent_track_id"));
    let parent_track_id = match parent {
        None => tx.entity_id,
        // The schema lets `5.0` pass as an integer.
        Some(parent) => columns::int4(parent)?.ok_or_else(|| poison("parent_track_id_null"))?,
    };
    if scope.stored::<TrackDownload>((parent_track_id, tx.entity_id, &tx.hash))?.is_some() {
        return Ok(());
    }
    scope.insert(TrackDownload {
        txhash: tx.hash.clone(),
        blocknumber: scope.block.number,
        parent_track_id,
        track_id: tx.entity_id,
        user_id: Some(tx.user_id),
        created_at: scope.block.time,
        city: place(call.data(), "city")?,
        region: place(call.data(), "region")?,
        country: place(call.data(), "country")?,
    })
}

fn place(data: Option<&Object>, key: &str) -> Result<Option<String>, HandlerError> {
    Ok(data.and_then(|data| data.get(key)).map_or(Ok(None), columns::text)?)
}
