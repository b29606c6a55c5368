//! `ManageEntityMigration`: calls of the genesis of a new chain, with handlers of their own where the
//! checks of live traffic make no sense (frame.md 7).
//!
//! What they write is what the handlers of live traffic write, whose functions they share; they
//! differ in the checks, and in what a new entity could not have: that it was deleted, its route,
//! its time.

mod comment;
mod developer_app;
mod event;
mod grant;
mod playlist;
mod social;
#[cfg(test)]
mod tests;
mod track;
mod user;
mod wallet;

use super::{
    Call, Metadata, associated_wallet, comment as live_comment, dashboard_wallet,
    developer_app as live_app,
    entry::{ANY, Entry, entry},
    event as live_event, social as live_social,
};
use crate::{
    model::{EntityTx, Json, Timestamp},
    rules::dates::{self, GoTime},
};

/// Handlers that stand in for those of live traffic.
pub const HANDLERS: &[Entry] = &[
    entry("User", "Create", user::create_wants, user::create),
    entry("Track", "Create", track::create_wants, track::create),
    entry("Playlist", "Create", playlist::create_wants, playlist::create),
    entry("Comment", "Create", live_comment::create_wants, comment::create),
    entry("Event", "Create", live_event::create_wants, event::create),
    entry("DeveloperApp", "Create", live_app::create_wants, developer_app::create),
    entry("Grant", "Create", grant::create_wants, grant::create),
    entry("AssociatedWallet", "Create", associated_wallet::create_wants, wallet::link),
    entry("DashboardWalletUser", "Create", dashboard_wallet::create_wants, wallet::assign),
    entry(ANY, "Follow", live_social::follow_wants, social::follow),
    entry(ANY, "Save", live_social::save_wants, social::save),
    entry(ANY, "Repost", live_social::repost_wants, social::repost),
    entry(ANY, "Subscribe", live_social::subscription_wants, social::subscribe),
];

/// A migrated call in a block of this time: whatever it does, it does at the time that it carries
/// (frame.md 7.1).
pub(super) fn call(tx: &EntityTx, block_time: Timestamp) -> Call<'_> {
    let top = Metadata::top(tx);
    let data = top.get("data").and_then(Json::as_object);
    let created_at = data.and_then(|data| data.get("created_at"));
    let time = created_at.and_then(time).or_else(|| top.get("created_at").and_then(time));
    let now = time.map_or(block_time, |time| time.wall_clock());
    let instant = time.map_or(block_time, |time| time.instant());
    Call { tx, meta: top.inner(), now, instant }
}

fn time(created_at: &Json) -> Option<GoTime<'_>> {
    let text = created_at.as_str()?;
    dates::rfc3339(text).or_else(|| dates::wall_clock(text, b' '))
}
