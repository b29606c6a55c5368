//! `process_track_collaborator_change` (triggers.md 4.9).

use std::sync::Arc;

use super::{
    Handled, Scope,
    note::{Note, Stamp},
    swallowing,
};
use crate::model::{Json, tables::TrackCollaborator};

const PENDING: &str = "pending";
const ACCEPTED: &str = "accepted";

/// Tells who was invited, or the one who invited of the acceptance.
pub(super) fn fired(
    old: Option<&TrackCollaborator>,
    new: &Arc<TrackCollaborator>,
    scope: &mut Scope<'_>,
) -> Handled {
    let becomes = |status: &str| new.status == status && old.is_none_or(|old| old.status != status);
    let is_edited = old.is_none() && new.created_at != new.updated_at;
    let (kind, receiver, specifier) = if becomes(PENDING) && !is_edited {
        ("track_collaborator_invite", new.collaborator_user_id, new.invited_by)
    } else if becomes(ACCEPTED) {
        ("track_collaborator_accept", new.invited_by, new.collaborator_user_id)
    } else {
        return Ok(());
    };
    let (track, collaborator, inviter) = (new.track_id, new.collaborator_user_id, new.invited_by);
    swallowing(scope, |scope| {
        Note {
            kind,
            group_id: format!(
                "{kind}:track_id:{track}:collaborator_user_id:{collaborator}\
                 :inviter_user_id:{inviter}"
            ),
            specifier: specifier.to_string(),
            user_ids: vec![receiver],
            data: Json::object([
                ("track_id", Json::Int(track)),
                ("collaborator_user_id", Json::Int(collaborator)),
                ("inviter_user_id", Json::Int(inviter)),
            ]),
        }
        .write(Stamp::of(new.blocknumber, new.updated_at), scope)
    })
}
