//! What those answer who are invited to stand beside the owner of a track (tracks.md 9). The owner's
//! list is in the metadata of the track.

mod answer;
#[cfg(test)]
mod tests;

use super::entry::{Entry, entry};

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[
    entry("TrackCollaborator", "Approve", answer::wants, answer::approve),
    entry("TrackCollaborator", "Reject", answer::wants, answer::reject),
];
