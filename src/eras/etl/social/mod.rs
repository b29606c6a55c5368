//! Follows, subscriptions, saves, reposts and shares (social.md 3). Their handlers take every entity
//! type, unknown and empty ones too.
//!
//! Each has one current row, which is changed in place: an undo marks it as deleted, and a repeat
//! brings it back with the time of the repeat.

mod endorsement;
mod follow;
mod item;
mod repost;
mod save;
mod share;
mod subscription;
#[cfg(test)]
mod tests;

pub use follow::{check as check_follow, store as store_follow, wants as follow_wants};
pub use item::Kind;
pub use repost::{check as check_repost, store as store_repost, wants as repost_wants};
pub use save::{check as check_save, store as store_save, wants as save_wants};
pub use subscription::{
    check as check_subscription, store as store_subscription, wants as subscription_wants,
};

use super::entry::{ANY, Entry, entry};

/// The handlers of this folder.
pub const HANDLERS: &[Entry] = &[
    entry(ANY, "Follow", follow::wants, follow::follow),
    entry(ANY, "Unfollow", follow::wants, follow::unfollow),
    entry(ANY, "Save", save::wants, save::save),
    entry(ANY, "Unsave", save::wants, save::unsave),
    entry(ANY, "Repost", repost::wants, repost::repost),
    entry(ANY, "Unrepost", repost::wants, repost::unrepost),
    entry(ANY, "Subscribe", subscription::wants, subscription::subscribe),
    entry(ANY, "Unsubscribe", subscription::wants, subscription::unsubscribe),
    entry(ANY, "Share", share::wants, share::share),
];
