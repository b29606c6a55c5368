//! (Track, Update) (handlers-b 7).

use super::{contest, copied, fields, price, relations, routes, validate};
use crate::{
    eras::discovery::{Call, Handled, Scope, signer},
    model::{Json, tables::Track},
};

/// Updates a track by the keys that were sent; a deleted one stays deleted.
///
/// Parity: the route, the price and the contest's notifications are written before the fields are
/// merged, and stay when that fails. Remix rows are replaced by the sent `remix_of` even when none
/// was sent; stem rows are left alone.
///
/// # Errors
/// See handlers-b 7, "Rejects".
pub fn update(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let tx = call.tx;
    fields::preload(call, tx.user_id, scope);
    let handle = validate::handle(tx, scope)?;
    signer::authorize(tx, scope)?;
    let data = validate::metadata(call, scope)?;
    let existing = validate::owned_track(tx, scope)?;
    validate::check_ai_attribution(data, scope)?;
    scope.touch::<Track>();
    validate::check_ddex_signer(tx, existing.ddex_app.as_deref())?;

    let mut track = copied(&existing, tx, scope.block);
    routes::update(tx, data.get("title"), &track, scope)?;
    price::record(&track, &Json::Int(track.owner_id), data, scope)?;
    contest::announce(&track, data, scope)?;
    let merge = fields::merge(&mut track, data, &handle, false, scope.block)?;
    relations::replace_remixes(track.track_id, &validate::remix_parents(data)?, scope)?;
    merge.finish()?;
    scope.put(track)
}
