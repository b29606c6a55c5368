//! Which entity calls a generated chain has, and how often.
//!
//! The shares follow a recording of main net where it has the pair; the others are rare. So that
//! short chains have every pair too, one call in ten is of the pair that was used least.

use super::random::Random;
use super::world::{Call, World};
use super::{apps, comments, messages, playlists, social, tracks, users};

/// One call in this many is of the pair that was used least.
const EVENING_OUT: u64 = 10;

/// How many pairs are tried before a user is created instead.
const ATTEMPTS: usize = 8;

type Make = fn(&mut World) -> Option<Call>;

/// A pair: type, action, share, and how it is made (`None`: what it needs is not there yet).
struct Pair(&'static str, &'static str, u64, Make);

const PAIRS: &[Pair] = &[
    Pair("User", "Create", 1200, users::create),
    Pair("User", "Update", 500, users::update),
    Pair("User", "Verify", 15, users::verify),
    Pair("User", "Mute", 15, users::mute),
    Pair("User", "Unmute", 8, users::unmute),
    Pair("Track", "Create", 900, tracks::create),
    Pair("Track", "Update", 250, tracks::update),
    Pair("Track", "Delete", 40, tracks::delete),
    Pair("Track", "Download", 180, tracks::download),
    Pair("Track", "Mute", 8, |world| tracks::mute(world, "Mute")),
    Pair("Track", "Unmute", 5, |world| tracks::mute(world, "Unmute")),
    Pair("Playlist", "Create", 250, playlists::create),
    Pair("Playlist", "Update", 500, playlists::update),
    Pair("Playlist", "Delete", 15, playlists::delete),
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
    Pair("Comment", "Delete", 15, comments::delete),
    Pair("Comment", "React", 120, comments::react),
    Pair("Comment", "Unreact", 15, comments::unreact),
    Pair("Comment", "Report", 8, comments::report),
    Pair("Comment", "Pin", 10, comments::pin),
    Pair("Comment", "Unpin", 5, comments::unpin),
    Pair("Comment", "Mute", 5, |world| comments::mute(world, "Mute")),
    Pair("Comment", "Unmute", 3, |world| comments::mute(world, "Unmute")),
    Pair("Event", "Create", 20, comments::event_create),
    Pair("Event", "Update", 15, comments::event_update),
    Pair("Event", "Delete", 3, comments::event_delete),
    Pair("DeveloperApp", "Create", 30, apps::create),
    Pair("DeveloperApp", "Update", 10, apps::update),
    Pair("DeveloperApp", "Delete", 5, apps::delete),
    Pair("Grant", "Create", 80, apps::grant_create),
    Pair("Grant", "Delete", 10, apps::grant_delete),
    Pair("Grant", "Approve", 20, |world| apps::grant_answer(world, "Approve")),
    Pair("Grant", "Reject", 5, |world| apps::grant_answer(world, "Reject")),
    Pair("DashboardWalletUser", "Create", 10, apps::dashboard_create),
    Pair("DashboardWalletUser", "Delete", 4, apps::dashboard_delete),
    Pair("AssociatedWallet", "Create", 30, users::wallet_create),
    Pair("AssociatedWallet", "Delete", 6, users::wallet_delete),
    Pair("Collectibles", "Create", 8, |world| users::collectibles(world, "Create")),
    Pair("Collectibles", "Update", 8, |world| users::collectibles(world, "Update")),
    Pair("EncryptedEmail", "AddEmail", 15, messages::add_email),
    Pair("EmailAccess", "Update", 8, messages::share_email),
    Pair("Notification", "View", 700, messages::view),
    Pair("Notification", "ViewPlaylist", 80, messages::view_playlist),
    Pair("Notification", "Create", 2, messages::announce),
    Pair("Tip", "Update", 10, messages::react_to_tip),
];

/// Chooses pairs by their shares.
#[derive(Clone, Debug)]
pub(super) struct Mix {
    total: u64,
    used: Vec<u64>,
}

impl Mix {
    pub(super) fn new() -> Self {
        Self { total: PAIRS.iter().map(|pair| pair.2).sum(), used: vec![0; PAIRS.len()] }
    }

    /// The next valid call.
    pub(super) fn call(&mut self, world: &mut World) -> Call {
        if world.random.below(EVENING_OUT) == 0 {
            let mut rarest: Vec<usize> = (0..PAIRS.len()).collect();
            rarest.sort_by_key(|index| self.used[*index]);
            if let Some(call) = rarest.into_iter().find_map(|index| self.attempt(index, world)) {
                return call;
            }
        }
        for _ in 0..ATTEMPTS {
            let index = self.choose(&mut world.random);
            if let Some(call) = self.attempt(index, world) {
                return call;
            }
        }
        users::create(world).expect("a user can always be created")
    }

    fn attempt(&mut self, index: usize, world: &mut World) -> Option<Call> {
        let call = PAIRS[index].3(world)?;
        self.used[index] += 1;
        Some(call)
    }

    /// A call of one pair, if what it needs is there.
    pub(super) fn make(&self, wanted: (&str, &str), world: &mut World) -> Option<Call> {
        let pair = PAIRS.iter().find(|pair| (pair.0, pair.1) == wanted)?;
        pair.3(world)
    }

    fn choose(&self, random: &mut Random) -> usize {
        let mut left = random.below(self.total);
        for (index, pair) in PAIRS.iter().enumerate() {
            if left < pair.2 {
                return index;
            }
            left -= pair.2;
        }
        0
    }
}

/// The pairs, type and action, of which every chain of a few hundred calls has some.
pub fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    PAIRS.iter().map(|pair| (pair.0, pair.1))
}
