//! Further wallets of a user (users.md 2).
//!
//! A wallet has one current claim, and past ones beside it where the database takes them.

mod create;
mod delete;

pub use create::{Chain, checked_link, create, create_wants, link};
pub use delete::delete;

use std::borrow::Cow;

use super::{
    Metadata,
    entry::{Entry, entry},
};
use crate::rules::unicode::go_lower;

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[
    entry("AssociatedWallet", "Create", create_wants, create),
    entry("AssociatedWallet", "Delete", create_wants, delete),
];

/// The wallet that the metadata names: in lower case where it is one of Ethereum.
fn wallet<'a>(meta: &'a Metadata<'_>) -> Cow<'a, str> {
    let wallet = meta.text("wallet");
    let is_hex = wallet.starts_with("0x") || wallet.starts_with("0X");
    if is_hex || meta.text("chain") == "eth" { go_lower(wallet).into() } else { wallet.into() }
}

#[cfg(test)]
mod tests;
