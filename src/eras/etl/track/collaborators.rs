//! `track_collaborators` as the owner of a track lists them (tracks.md 9).

use rustc_hash::FxHashSet;

use crate::{
    eras::etl::{Call, Handled, Scope, Wants, go_int},
    model::{
        Json,
        tables::{TrackCollaborator, TrackCollaboratorBy},
    },
};

/// No track has more; the rest of a list counts for nothing.
const MOST: usize = 50;

/// Invites those whom the metadata of a new track list.
///
/// # Errors
/// A hard error for an id that the column cannot hold; so for all of this file.
pub(super) fn create(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    if listed(call).is_empty() { Ok(()) } else { reconcile(call, scope) }
}

/// Brings the collaborators in line with the list: who is not on it goes, who is new is invited, all
/// others keep what they answered.
pub(super) fn reconcile(call: &Call<'_>, scope: &mut Scope<'_>) -> Handled {
    let (track_id, listed) = (call.tx.entity_id, listed(call));
    let rows = scope.find::<TrackCollaborator>(TrackCollaboratorBy::Track, track_id)?;
    for row in rows.iter().filter(|row| !listed.contains(&row.collaborator_user_id)) {
        scope.delete::<TrackCollaborator>((track_id, row.collaborator_user_id))?;
    }
    let known: FxHashSet<i64> = rows.iter().map(|row| row.collaborator_user_id).collect();
    for user_id in listed.into_iter().filter(|user_id| !known.contains(user_id)) {
        scope.insert(TrackCollaborator {
            track_id,
            collaborator_user_id: user_id,
            invited_by: call.tx.user_id,
            status: "pending".to_owned(),
            created_at: call.now,
            updated_at: call.now,
            txhash: call.tx.hash.clone(),
            blocknumber: Some(scope.block.number),
        })?;
    }
    Ok(())
}

/// Names what [`reconcile`] reads.
pub(super) fn wants(call: &Call<'_>, wants: &mut Wants<'_>) {
    if call.meta.has("collaborators") {
        wants.rows::<TrackCollaborator>(TrackCollaboratorBy::Track, call.tx.entity_id);
        for user_id in listed(call) {
            wants.row::<TrackCollaborator>((call.tx.entity_id, user_id));
        }
    }
}

/// The first users of the list, each once, without the owner: numbers, or objects with one under
/// `user_id`.
fn listed(call: &Call<'_>) -> Vec<i64> {
    let list = call.meta.get("collaborators").and_then(Json::as_list).unwrap_or_default();
    let ids = list.iter().filter_map(|entry| match entry {
        Json::Object(object) => object.get("user_id").and_then(go_int),
        other => go_int(other),
    });
    let mut seen = FxHashSet::default();
    let is_new = |id: &i64| *id != 0 && *id != call.tx.user_id && seen.insert(*id);
    ids.filter(is_new).take(MOST).collect()
}
