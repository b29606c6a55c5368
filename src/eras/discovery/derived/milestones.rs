//! Milestones: thresholds that a counter reaches exactly.

use super::{Handled, Note, Scope, Stamp};
use crate::{
    model::{Json, json::Object, tables::Milestone},
    rules::milestones::CONTENT,
};

/// Writes a milestone unless it was reached before.
pub(super) fn reach(
    scope: &mut Scope<'_>,
    name: &'static str,
    id: i64,
    threshold: i64,
    stamp: Stamp,
) -> Handled {
    if scope.stored::<Milestone>((id, name, threshold))?.is_some() {
        return Ok(());
    }
    scope.insert(Milestone {
        id,
        name: name.to_owned(),
        threshold,
        blocknumber: stamp.blocknumber,
        slot: stamp.slot,
        timestamp: stamp.timestamp,
    })
}

/// A content milestone with its notification to the owner.
pub(super) struct ContentMilestone {
    pub(super) name: &'static str,
    pub(super) item: i64,
    /// Without an owner there is no milestone.
    pub(super) owner: Option<i64>,
    pub(super) count: i64,
    /// `None` for a track; whether it is an album for a playlist.
    pub(super) is_album: Option<bool>,
}

impl ContentMilestone {
    /// Reaches the milestone if the count is exactly a threshold.
    pub(super) fn check(self, stamp: Stamp, scope: &mut Scope<'_>) -> Handled {
        let Some(owner) = self.owner.filter(|_| CONTENT.contains(&self.count)) else {
            return Ok(());
        };
        reach(scope, self.name, self.item, self.count, stamp)?;
        let mut data = Object::new();
        data.insert("type", Json::Str(self.name.to_owned()));
        match self.is_album {
            None => drop(data.insert("track_id", Json::Int(self.item))),
            Some(is_album) => {
                data.insert("playlist_id", Json::Int(self.item));
                data.insert("is_album", Json::Bool(is_album));
            }
        }
        data.insert("threshold", Json::Int(self.count));
        Note {
            kind: "milestone",
            group_id: format!("milestone:{}:id:{}:threshold:{}", self.name, self.item, self.count),
            specifier: owner.to_string(),
            user_ids: vec![owner],
            data: Json::Object(data),
        }
        .write(stamp, scope)
    }
}
