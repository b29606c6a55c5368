//! Users: sign-up, profile, verification, mutes (users.md 1).

pub mod create;
mod mute;
mod profile;
mod update;
mod verify;

pub use mute::{mute, mute_wants, unmute, unmute_wants};
pub use update::{update, update_wants};
pub use verify::{verify, verify_wants};

use super::entry::{Entry, entry};

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[
    entry("User", "Create", create::create_wants, create::create),
    entry("User", "Mute", mute_wants, mute),
    entry("User", "Unmute", unmute_wants, unmute),
    entry("User", "Update", update_wants, update),
    entry("User", "Verify", verify_wants, verify),
];

#[cfg(test)]
mod tests;
