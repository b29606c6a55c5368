//! Announcements, and what users have seen (users.md 7.1 to 7.3).

mod announce;
mod seen;

pub use announce::{announce, announce_wants};
pub use seen::{view, view_playlist, view_playlist_wants, view_wants};

use super::entry::{Entry, entry};

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[
    entry("Notification", "Create", announce_wants, announce),
    entry("Notification", "View", view_wants, view),
    entry("Notification", "ViewPlaylist", view_playlist_wants, view_playlist),
];

#[cfg(test)]
mod tests;
