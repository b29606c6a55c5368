//! Encrypted e-mail addresses and the keys to them (users.md 6). Anybody may call; neither signer
//! nor user count.

mod add;
mod grants;
mod share;

pub use add::{add, add_wants};
pub use share::{share, share_wants};

use super::entry::{Entry, entry};

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[
    entry("EmailAccess", "Update", share_wants, share),
    entry("EncryptedEmail", "AddEmail", add_wants, add),
];

#[cfg(test)]
mod tests;
