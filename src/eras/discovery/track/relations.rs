//! `stems` and `remixes` (handlers-b 7).

use crate::{
    eras::discovery::{Handled, Scope, poison},
    model::{
        json::Object,
        tables::{Remix, RemixBy, Stem, StemBy},
    },
    rules::conditions,
};

/// Asks for the rows that Create and Update read.
pub(super) fn preload(track_id: i64, data: &Object, parents: &[i64], scope: &mut Scope<'_>) {
    scope.want_by::<Remix>(RemixBy::Child, track_id);
    for parent in parents {
        scope.want::<Remix>((*parent, track_id));
    }
    let parent = data.get("stem_of").map(conditions::parent_track_id);
    if let Some(Ok(Some(parent))) = parent {
        scope.want::<Stem>((parent, track_id));
    }
}

/// Records the parent of a new stem. Parity: whether or not `stem_of` passes the schema.
///
/// # Errors
/// Poison for a parent that the table cannot hold.
pub(super) fn add_stem(track_id: i64, data: &Object, scope: &mut Scope<'_>) -> Handled {
    let Some(stem_of) = data.get("stem_of") else { return Ok(()) };
    let Some(parent) = conditions::parent_track_id(stem_of)? else { return Ok(()) };
    if scope.stored::<Stem>((parent, track_id))?.is_some() {
        return Ok(());
    }
    scope.insert(Stem { parent_track_id: parent, child_track_id: track_id })
}

/// Deletes the stem rows of a child.
///
/// # Errors
/// Only [`crate::eras::discovery::HandlerError::Missing`].
pub(super) fn remove_stems(track_id: i64, scope: &mut Scope<'_>) -> Handled {
    for stem in scope.stored_by::<Stem>(StemBy::Child, track_id)? {
        scope.remove::<Stem>((stem.parent_track_id, track_id))?;
    }
    Ok(())
}

/// Replaces the remix rows of a child by the sent parents. Parity: metadata without `remix_of`
/// leaves no row.
///
/// # Errors
/// Poison for a parent that the table cannot hold, or that is named twice.
pub(super) fn replace_remixes(track_id: i64, parents: &[i64], scope: &mut Scope<'_>) -> Handled {
    for remix in scope.stored_by::<Remix>(RemixBy::Child, track_id)? {
        scope.remove::<Remix>((remix.parent_track_id, track_id))?;
    }
    for (at, parent) in parents.iter().enumerate() {
        if parents[..at].contains(parent) {
            return Err(poison("remix_parent_repeated"));
        }
        scope.insert(Remix { parent_track_id: *parent, child_track_id: track_id })?;
    }
    Ok(())
}
