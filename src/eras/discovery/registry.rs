//! The list of handlers: one line per entity and action.

use std::{collections::HashMap, sync::LazyLock};

use super::{
    Handler, associated_wallet, collectibles, comment, dashboard_wallet, developer_app, email,
    event, grant, notification, notification_setting, playlist, social, tip, track, user,
};
use crate::model::EntityTx;

/// Matches every entity type.
pub const ANY: &str = "*";

/// One registered pair.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Entity type, exact, or [`ANY`].
    pub entity: &'static str,
    /// Action, exact.
    pub action: &'static str,
    /// The handler.
    pub handler: Handler,
}

/// All handlers, grouped by entity (handlers-a 0.3).
pub const HANDLERS: &[Entry] = &[
    entry(ANY, "Follow", social::follow),
    entry(ANY, "Repost", social::repost),
    entry(ANY, "Save", social::save),
    entry(ANY, "Share", social::share),
    entry(ANY, "Subscribe", social::subscribe),
    entry(ANY, "Unfollow", social::unfollow),
    entry(ANY, "Unrepost", social::unrepost),
    entry(ANY, "Unsave", social::unsave),
    entry(ANY, "Unsubscribe", social::unsubscribe),
    entry("AssociatedWallet", "Create", associated_wallet::create),
    entry("AssociatedWallet", "Delete", associated_wallet::delete),
    entry("Collectibles", "Create", collectibles::store),
    entry("Collectibles", "Update", collectibles::store),
    entry("Comment", "Create", comment::create),
    entry("Comment", "Delete", comment::delete),
    entry("Comment", "Mute", notification_setting::mute),
    entry("Comment", "Pin", comment::pin),
    entry("Comment", "React", comment::react),
    entry("Comment", "Report", comment::report),
    entry("Comment", "Unmute", notification_setting::unmute),
    entry("Comment", "Unpin", comment::unpin),
    entry("Comment", "Unreact", comment::unreact),
    entry("Comment", "Update", comment::update),
    entry("DashboardWalletUser", "Create", dashboard_wallet::create),
    entry("DashboardWalletUser", "Delete", dashboard_wallet::delete),
    entry("DeveloperApp", "Create", developer_app::create),
    entry("DeveloperApp", "Delete", developer_app::delete),
    entry("DeveloperApp", "Update", developer_app::update),
    entry("EmailAccess", "Update", email::grant_access),
    entry("EncryptedEmail", "AddEmail", email::add_email),
    entry("Event", "Create", event::create),
    entry("Event", "Delete", event::delete),
    entry("Event", "Update", event::update),
    entry("Grant", "Approve", grant::approve),
    entry("Grant", "Create", grant::create),
    entry("Grant", "Delete", grant::revoke),
    entry("Grant", "Reject", grant::reject),
    entry("Notification", "Create", notification::announce),
    entry("Notification", "View", notification::view),
    entry("Notification", "ViewPlaylist", notification::view_playlist),
    entry("Playlist", "Create", playlist::create),
    entry("Playlist", "Delete", playlist::delete),
    entry("Playlist", "Update", playlist::update),
    entry("Tip", "Update", tip::react),
    entry("Track", "Create", track::create),
    entry("Track", "Delete", track::delete),
    entry("Track", "Download", track::download),
    entry("Track", "Mute", notification_setting::mute),
    entry("Track", "Unmute", notification_setting::unmute),
    entry("Track", "Update", track::update),
    entry("User", "Create", user::create),
    entry("User", "Mute", user::mute),
    entry("User", "Unmute", user::unmute),
    entry("User", "Update", user::update),
    entry("User", "Verify", user::verify),
];

const fn entry(entity: &'static str, action: &'static str, handler: Handler) -> Entry {
    Entry { entity, action, handler }
}

static BY_PAIR: LazyLock<HashMap<(&str, &str), &Entry>> =
    LazyLock::new(|| HANDLERS.iter().map(|entry| ((entry.entity, entry.action), entry)).collect());

/// The handler of a transaction, if its pair has one.
pub fn find(tx: &EntityTx) -> Option<&'static Entry> {
    let (entity, action) = (tx.entity_type.as_str(), tx.action.as_str());
    BY_PAIR.get(&(entity, action)).or_else(|| BY_PAIR.get(&(ANY, action))).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_pair_is_registered_twice() {
        let mut seen = HashSet::new();
        for entry in HANDLERS {
            assert!(seen.insert((entry.entity, entry.action)), "{entry:?}");
        }
    }
}
