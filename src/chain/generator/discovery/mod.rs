//! What clients sent while the discovery provider indexed the chain.

mod apps;
mod comments;
mod messages;
mod playlists;
mod social;
mod spoiled;
mod tracks;
mod users;

use super::alike;
use super::dialect::Dialect;
use super::mix::{Pair, Pairs};

/// The calls that the discovery provider understood.
pub(super) static DIALECT: Dialect = Dialect {
    // The day main net started.
    first_time: 1_741_989_720,
    pairs: Pairs { all: PAIRS, evening_out: 10, fallback: users::create },
    spoiling: spoiled::SPOILING,
};

const PAIRS: &[Pair] = &[
    Pair("User", "Create", 1200, users::create),
    Pair("User", "Update", 500, users::update),
    Pair("User", "Verify", 15, alike::verify_user),
    Pair("User", "Mute", 15, alike::mute_user),
    Pair("User", "Unmute", 8, alike::unmute_user),
    Pair("Track", "Create", 900, tracks::create),
    Pair("Track", "Update", 250, tracks::update),
    Pair("Track", "Delete", 40, alike::delete_track),
    Pair("Track", "Download", 180, alike::download_track),
    Pair("Track", "Mute", 8, |world| alike::mute_track(world, "Mute")),
    Pair("Track", "Unmute", 5, |world| alike::mute_track(world, "Unmute")),
    Pair("Playlist", "Create", 250, playlists::create),
    Pair("Playlist", "Update", 500, playlists::update),
    Pair("Playlist", "Delete", 15, alike::delete_playlist),
    Pair("User", "Follow", 2300, |world| social::follow(world, "User")),
    Pair("Track", "Follow", 2, |world| social::follow(world, "Track")),
    Pair("Playlist", "Follow", 2, |world| social::follow(world, "Playlist")),
    Pair("Comment", "Follow", 2, |world| social::follow(world, "Comment")),
    Pair("Event", "Follow", 2, |world| social::follow(world, "Event")),
    Pair("User", "Unfollow", 150, |world| social::unfollow(world, "User")),
    Pair("Track", "Unfollow", 2, |world| social::unfollow(world, "Track")),
    Pair("Playlist", "Unfollow", 2, |world| social::unfollow(world, "Playlist")),
    Pair("Comment", "Unfollow", 2, |world| social::unfollow(world, "Comment")),
    Pair("Event", "Unfollow", 2, |world| social::unfollow(world, "Event")),
    Pair("Track", "Save", 900, |world| social::save(world, "Track")),
    Pair("Playlist", "Save", 300, |world| social::save(world, "Playlist")),
    Pair("Track", "Unsave", 80, |world| social::unsave(world, "Track")),
    Pair("Playlist", "Unsave", 20, |world| social::unsave(world, "Playlist")),
    Pair("Track", "Repost", 400, |world| social::repost(world, "Track")),
    Pair("Playlist", "Repost", 80, |world| social::repost(world, "Playlist")),
    Pair("Track", "Unrepost", 40, |world| social::unrepost(world, "Track")),
    Pair("Playlist", "Unrepost", 10, |world| social::unrepost(world, "Playlist")),
    Pair("User", "Subscribe", 60, |world| social::subscribe(world, "User")),
    Pair("Track", "Subscribe", 2, |world| social::subscribe(world, "Track")),
    Pair("Playlist", "Subscribe", 2, |world| social::subscribe(world, "Playlist")),
    Pair("Comment", "Subscribe", 2, |world| social::subscribe(world, "Comment")),
    Pair("Event", "Subscribe", 10, |world| social::subscribe(world, "Event")),
    Pair("User", "Unsubscribe", 30, |world| social::unsubscribe(world, "User")),
    Pair("Track", "Unsubscribe", 2, |world| social::unsubscribe(world, "Track")),
    Pair("Playlist", "Unsubscribe", 2, |world| social::unsubscribe(world, "Playlist")),
    Pair("Comment", "Unsubscribe", 2, |world| social::unsubscribe(world, "Comment")),
    Pair("Event", "Unsubscribe", 5, |world| social::unsubscribe(world, "Event")),
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
    Pair("Event", "Create", 20, comments::event_create),
    Pair("Event", "Update", 15, alike::update_event),
    Pair("Event", "Delete", 3, comments::event_delete),
    Pair("DeveloperApp", "Create", 30, apps::create),
    Pair("DeveloperApp", "Update", 10, apps::update),
    Pair("DeveloperApp", "Delete", 5, apps::delete),
    Pair("Grant", "Create", 80, apps::grant_create),
    Pair("Grant", "Delete", 10, apps::grant_delete),
    Pair("Grant", "Approve", 20, |world| apps::grant_answer(world, "Approve")),
    Pair("Grant", "Reject", 5, |world| apps::grant_answer(world, "Reject")),
    Pair("DashboardWalletUser", "Create", 10, alike::link_dashboard),
    Pair("DashboardWalletUser", "Delete", 4, alike::unlink_dashboard),
    Pair("AssociatedWallet", "Create", 30, users::wallet_create),
    Pair("AssociatedWallet", "Delete", 6, users::wallet_delete),
    Pair("Collectibles", "Create", 8, |world| users::collectibles(world, "Create")),
    Pair("Collectibles", "Update", 8, |world| users::collectibles(world, "Update")),
    Pair("EncryptedEmail", "AddEmail", 15, messages::add_email),
    Pair("EmailAccess", "Update", 8, messages::share_email),
    Pair("Notification", "View", 700, alike::view_notifications),
    Pair("Notification", "ViewPlaylist", 80, alike::view_playlist),
    Pair("Notification", "Create", 2, alike::announce),
    Pair("Tip", "Update", 10, messages::react_to_tip),
];
