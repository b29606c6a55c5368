//! What clients send while the Go ETL indexes the chain: every pair that it has a handler for, and
//! calls of the genesis of a new chain among them.
//!
//! The ETL sees everything that happened earlier in the block and refuses what holds already, so
//! each kind of call looks up in the [`Facts`](super::facts::Facts) whether it still makes sense.

mod accounts;
mod apps;
mod comments;
mod events;
mod migration;
mod playlists;
mod social;
mod spoiled;
mod tracks;
mod users;

use super::alike;
use super::dialect::Dialect;
use super::mix::{Pair, Pairs};

/// The calls that the Go ETL understands.
pub(super) static DIALECT: Dialect = Dialect {
    // A day after the version that is followed was released.
    first_time: 1_788_566_400,
    pairs: Pairs { all: PAIRS, evening_out: 40, fallback: users::create },
    spoiling: spoiled::SPOILING,
};

/// Production's schema refuses the rows of mutes of users and of associated wallets: the last four
/// pairs are there, but rare.
const PAIRS: &[Pair] = &[
    Pair("User", "Create", 1200, users::create),
    Pair("User", "Update", 500, users::update),
    Pair("User", "Verify", 15, alike::verify_user),
    Pair("Track", "Create", 900, tracks::create),
    Pair("Track", "Update", 250, tracks::update),
    Pair("Track", "Delete", 40, alike::delete_track),
    Pair("Track", "Download", 180, alike::download_track),
    Pair("Track", "Mute", 8, |world| alike::mute_track(world, "Mute")),
    Pair("Track", "Unmute", 5, |world| alike::mute_track(world, "Unmute")),
    Pair("TrackCollaborator", "Approve", 40, |world| tracks::answer(world, "Approve")),
    Pair("TrackCollaborator", "Reject", 10, |world| tracks::answer(world, "Reject")),
    Pair("Playlist", "Create", 250, playlists::create),
    Pair("Playlist", "Update", 500, playlists::update),
    Pair("Playlist", "Delete", 15, alike::delete_playlist),
    Pair("User", "Follow", 2300, |world| social::follow(world, "User")),
    Pair("Track", "Follow", 2, |world| social::follow(world, "Track")),
    Pair("User", "Unfollow", 150, |world| social::unfollow(world, "User")),
    Pair("Playlist", "Unfollow", 2, |world| social::unfollow(world, "Playlist")),
    Pair("Track", "Save", 900, |world| social::mark(world, social::SAVE, "Track")),
    Pair("Playlist", "Save", 300, |world| social::mark(world, social::SAVE, "Playlist")),
    Pair("Track", "Unsave", 80, |world| social::unmark(world, social::SAVE, "Track")),
    Pair("Playlist", "Unsave", 20, |world| social::unmark(world, social::SAVE, "Playlist")),
    Pair("Track", "Repost", 400, |world| social::mark(world, social::REPOST, "Track")),
    Pair("Playlist", "Repost", 80, |world| social::mark(world, social::REPOST, "Playlist")),
    Pair("Track", "Unrepost", 40, |world| social::unmark(world, social::REPOST, "Track")),
    Pair("Playlist", "Unrepost", 10, |world| social::unmark(world, social::REPOST, "Playlist")),
    Pair("User", "Subscribe", 60, |world| social::subscribe(world, "User")),
    Pair("Event", "Subscribe", 30, |world| social::subscribe(world, "Event")),
    Pair("User", "Unsubscribe", 30, |world| social::unsubscribe(world, "User")),
    Pair("Event", "Unsubscribe", 10, |world| social::unsubscribe(world, "Event")),
    Pair("Track", "Share", 60, |world| social::share(world, "Track")),
    Pair("Playlist", "Share", 20, |world| social::share(world, "Playlist")),
    Pair("Comment", "Create", 350, comments::create),
    Pair("Comment", "Update", 30, comments::update),
    Pair("Comment", "Delete", 15, alike::delete_comment),
    Pair("Comment", "React", 120, comments::react),
    Pair("Comment", "Unreact", 15, comments::unreact),
    Pair("Comment", "Report", 8, comments::report),
    Pair("Comment", "Pin", 10, comments::pin),
    Pair("Comment", "Unpin", 5, comments::unpin),
    Pair("Comment", "Mute", 5, |world| alike::mute_comment(world, "Mute")),
    Pair("Comment", "Unmute", 3, |world| alike::mute_comment(world, "Unmute")),
    Pair("Event", "Create", 20, events::create),
    Pair("Event", "Update", 15, alike::update_event),
    Pair("Event", "Delete", 3, events::delete),
    Pair("DeveloperApp", "Create", 30, apps::create),
    Pair("DeveloperApp", "Update", 10, apps::update),
    Pair("DeveloperApp", "Delete", 5, apps::delete),
    Pair("Grant", "Create", 80, apps::grant),
    Pair("Grant", "Delete", 10, apps::revoke),
    Pair("Grant", "Approve", 20, |world| apps::answer(world, "Approve")),
    Pair("Grant", "Reject", 5, |world| apps::answer(world, "Reject")),
    Pair("DashboardWalletUser", "Create", 10, alike::link_dashboard),
    Pair("DashboardWalletUser", "Delete", 4, alike::unlink_dashboard),
    Pair("EncryptedEmail", "AddEmail", 15, accounts::add_email),
    Pair("EmailAccess", "Update", 8, accounts::share_email),
    Pair("Notification", "View", 700, alike::view_notifications),
    Pair("Notification", "ViewPlaylist", 80, alike::view_playlist),
    Pair("Notification", "Create", 2, alike::announce),
    Pair("PlayCount", "Reconcile", 5, accounts::reconcile),
    Pair("User", "Create", 60, |world| migration::of(world, users::create)),
    Pair("Track", "Create", 60, |world| migration::of(world, tracks::create)),
    Pair("Playlist", "Create", 20, |world| migration::of(world, playlists::create)),
    Pair("User", "Follow", 120, migration::of_follow),
    Pair("Track", "Save", 60, |world| {
        migration::of(world, |world| social::mark(world, social::SAVE, "Track"))
    }),
    Pair("Track", "Repost", 30, |world| {
        migration::of(world, |world| social::mark(world, social::REPOST, "Track"))
    }),
    Pair("User", "Subscribe", 10, |world| {
        migration::of(world, |world| social::subscribe(world, "User"))
    }),
    Pair("Comment", "Create", 20, |world| migration::of(world, comments::create)),
    Pair("Comment", "React", 10, |world| migration::of(world, comments::react)),
    Pair("Event", "Create", 5, |world| migration::of(world, events::create)),
    Pair("DeveloperApp", "Create", 5, |world| migration::of(world, apps::create)),
    Pair("Grant", "Create", 5, |world| migration::of(world, apps::grant)),
    Pair("DashboardWalletUser", "Create", 3, |world| migration::of(world, alike::link_dashboard)),
    Pair("PlayCount", "Reconcile", 5, |world| migration::of(world, accounts::reconcile)),
    Pair("User", "Mute", 2, alike::mute_user),
    Pair("User", "Unmute", 1, alike::unmute_user),
    Pair("AssociatedWallet", "Create", 2, accounts::link_wallet),
    Pair("AssociatedWallet", "Delete", 1, accounts::unlink_wallet),
];
