//! (Track, Create) (handlers-b 7).

use super::{fields, price, relations, routes, validate};
use crate::{
    eras::discovery::{Call, Handled, Scope, ensure, signer},
    model::tables::Track,
};

/// Lowest track id that may be created.
const FIRST_ID: i64 = 2_000_000;

/// Creates a track.
///
/// Parity: the owner is the metadata's `owner_id`, whoever acts; only the route belongs to the
/// acting user. A malformed price rejects the call when the route, the stem and the remixes are
/// already written (handlers-b 1.5).
///
/// # Errors
/// See handlers-b 7, "Rejects".
pub fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    fields::preload(call, tx.user_id, scope);
    let handle = validate::handle(tx, scope)?;
    signer::authorize(tx, scope)?;
    ensure(scope.view::<Track>(tx.entity_id)?.is_none(), "track_exists")?;
    ensure(tx.entity_id >= FIRST_ID, "track_id_below_offset")?;
    let data = validate::metadata(call, scope)?;
    validate::check_ai_attribution(data, scope)?;

    let mut track = fields::new_track(tx, scope.block);
    routes::update(tx, data.get("title"), &track, scope)?;
    let merge = fields::merge(&mut track, data, &handle, true, scope.block)?;
    relations::add_stem(track.track_id, data, scope)?;
    relations::replace_remixes(track.track_id, &validate::remix_parents(data)?, scope)?;
    let owner = data.get("owner_id").cloned().unwrap_or_default();
    price::record(&track, &owner, data, scope)?;
    merge.finish()?;
    scope.put(track)
}
