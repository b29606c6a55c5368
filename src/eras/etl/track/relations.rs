//! `stems` and `remixes` (tracks.md 7.3).

use crate::{
    eras::etl::{Call, Handled, Scope, Wants, go_int},
    model::{
        Json,
        tables::{Remix, RemixBy, Stem},
    },
};

/// The track that a link names: a number under `parent_track_id`, cut toward zero.
pub(super) fn parent_of(link: &Json) -> Option<i64> {
    link.get("parent_track_id").and_then(go_int)
}

/// The tracks that the metadata say to be remixed, in their order.
pub(super) fn remix_parents<'a>(call: &'a Call<'_>) -> impl Iterator<Item = i64> + use<'a> {
    let tracks = call.meta.get("remix_of").and_then(|remix_of| remix_of.get("tracks"));
    tracks.and_then(Json::as_list).into_iter().flatten().filter_map(parent_of)
}

/// Adds the row of a stem to its parent; rows to earlier parents stay.
///
/// # Errors
/// A hard error for an id that the column cannot hold; so for all of this file.
pub(super) fn add_stem(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    if let Some(parent_track_id) = call.meta.get("stem_of").and_then(parent_of) {
        scope.insert_new(Stem { parent_track_id, child_track_id: call.tx.entity_id })?;
    }
    Ok(())
}

/// Adds the rows of a new remix, one per parent. Rows that its id has from before go, as in an Update.
pub(super) fn create_remixes(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    if remix_parents(call).next().is_some() { replace_remixes(call, scope) } else { Ok(()) }
}

/// Adds the rows of a remix, one per parent.
fn add_remixes(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    for parent_track_id in remix_parents(call) {
        scope.insert_new(Remix { parent_track_id, child_track_id: call.tx.entity_id })?;
    }
    Ok(())
}

/// Takes the rows of a remix away, and adds those that the metadata name.
pub(super) fn replace_remixes(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    scope.delete_found::<Remix>(RemixBy::Child, call.tx.entity_id)?;
    add_remixes(call, scope)
}

/// Names what [`add_stem`] and [`replace_remixes`] read.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    let child = call.tx.entity_id;
    if let Some(parent) = call.meta.get("stem_of").and_then(parent_of) {
        wants.row::<Stem>((parent, child));
    }
    if call.meta.has("remix_of") {
        wants.rows::<Remix>(RemixBy::Child, child);
    }
    for parent in remix_parents(call) {
        wants.row::<Remix>((parent, child));
    }
}
