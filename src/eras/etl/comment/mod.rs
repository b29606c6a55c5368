//! Comments on tracks, fan clubs and contests: their text, mentions, threads, reactions, pins and
//! reports, and whose comments a user does not want to hear of (social.md 4).

mod create;
mod delete;
mod draft;
mod mention;
mod mute;
mod pin;
mod react;
mod report;
mod update;

pub use create::{Marks, create, create_wants, create_with};
pub use delete::{delete, delete_wants};
pub use mute::{mute, mute_wants, unmute};
pub use pin::{pin, pin_wants, unpin};
pub use react::{react, react_wants, unreact, unreact_wants};
pub use report::{report, report_wants};
pub use update::{update, update_wants};

use super::entry::{Entry, entry};
use crate::model::tables::Comment;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[
    entry("Comment", "Create", create_wants, create),
    entry("Comment", "Update", update_wants, update),
    entry("Comment", "Delete", delete_wants, delete),
    entry("Comment", "React", react_wants, react),
    entry("Comment", "Unreact", unreact_wants, unreact),
    entry("Comment", "Report", report_wants, report),
    entry("Comment", "Pin", pin_wants, pin),
    entry("Comment", "Unpin", pin_wants, unpin),
    entry("Comment", "Mute", mute_wants, mute),
    entry("Comment", "Unmute", mute_wants, unmute),
];

/// Whether there is a comment that is not deleted.
fn is_active(comment: Option<&Comment>) -> bool {
    comment.is_some_and(|comment| comment.is_delete != Some(true))
}

#[cfg(test)]
mod tests;
