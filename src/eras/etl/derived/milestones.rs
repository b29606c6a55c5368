//! Milestones: thresholds that a counter stands on exactly.

use super::{
    Handled, Scope,
    note::{Note, Stamp},
};
use crate::{
    model::{Json, json::Object, tables::Milestone},
    rules::milestones::CONTENT,
};

/// Writes a milestone unless it was reached before.
pub(super) fn reach(
    name: &'static str,
    id: i64,
    threshold: i64,
    stamp: Stamp,
    scope: &mut Scope<'_>,
) -> Handled {
    let row = Milestone {
        id,
        name: name.to_owned(),
        threshold,
        blocknumber: stamp.blocknumber,
        slot: stamp.slot,
        timestamp: stamp.timestamp,
    };
    scope.insert_new(row).map(drop)
}

/// A counter of a track or playlist.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) name: &'static str,
    pub(super) item: i64,
    /// `None` where there is no row of counters.
    pub(super) count: Option<i64>,
    /// `None` of a track; else what the row of counters says of the playlist.
    pub(super) is_album: Option<Option<bool>>,
}

impl Counted {
    /// The threshold on which the counter stands, if it stands on one.
    pub(super) fn threshold(&self) -> Option<i64> {
        self.count.filter(|count| CONTENT.contains(count))
    }

    /// Writes the milestone and tells the owner.
    pub(super) fn reach(
        &self,
        threshold: i64,
        owner: i64,
        stamp: Stamp,
        scope: &mut Scope<'_>,
    ) -> Handled {
        reach(self.name, self.item, threshold, stamp, scope)?;
        let mut data = Object::new();
        data.insert("type", Json::Str(self.name.to_owned()));
        match self.is_album {
            None => drop(data.insert("track_id", Json::Int(self.item))),
            Some(is_album) => {
                data.insert("playlist_id", Json::Int(self.item));
                data.insert("is_album", is_album.map_or(Json::Null, Json::Bool));
            }
        }
        data.insert("threshold", Json::Int(threshold));
        Note {
            kind: "milestone",
            group_id: group(self.name, self.item, threshold),
            specifier: owner.to_string(),
            user_ids: vec![owner],
            data: Json::Object(data),
        }
        .write(stamp, scope)
    }
}

/// The group of a milestone's notification.
pub(super) fn group(name: &str, id: i64, threshold: i64) -> String {
    format!("milestone:{name}:id:{id}:threshold:{threshold}")
}
