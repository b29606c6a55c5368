//! Follows, saves, reposts, shares.

use super::{near_milestones, note};
use crate::{
    eras::etl::{
        Call, Wants,
        derived::{
            follows,
            reposters::{Item, TYPES, Ways},
            reposts, saves,
        },
    },
    model::tables::{
        AggregatePlaylist, AggregateTrack, AggregateUser, CurrentFollow, CurrentFollowBy, Playlist,
        PlaylistTrack, Repost, RepostBy, Track, UsdcPurchase, UsdcPurchaseBy,
    },
    rules::{
        milestones::{CONTENT, FOLLOWERS},
        remix::cast_parent,
        unicode::go_lower,
    },
};

/// The counters of both, and what the followee is told.
pub(super) fn followed(call: &Call<'_>, wants: &mut Wants<'_>) {
    let (follower, followee) = (call.tx.user_id, call.tx.entity_id);
    wants.row::<AggregateUser>(follower);
    let counters = wants.look::<AggregateUser>(followee).row();
    if call.tx.action == "Follow" {
        note(&follows::group(followee), follower, wants);
        let count = counters.and_then(|counters| counters.follower_count);
        near_milestones(&FOLLOWERS, "FOLLOWER_COUNT", (followee, followee), count, wants);
    }
}

/// The labels that the item of a call may have in `saves` and `reposts`.
fn kinds(call: &Call<'_>) -> &'static [&'static str] {
    let kind = |text: &str| match go_lower(text).as_str() {
        "track" => Some(&TYPES[..1]),
        "playlist" | "album" => Some(&TYPES[1..2]),
        _ => None,
    };
    kind(call.meta.text("type")).or_else(|| kind(&call.tx.entity_type)).unwrap_or(&TYPES[..2])
}

/// What an item has been saved and reposted.
struct Counts {
    saves: Option<i64>,
    reposts: Option<i64>,
    owner: Option<i64>,
}

impl Counts {
    fn of(item: Item<'_>, wants: &mut Wants<'_>) -> Self {
        if item.is_track() {
            let track = wants.look::<Track>(item.id).row();
            let row = wants.look::<AggregateTrack>(item.id).row();
            return Self {
                saves: row.as_ref().and_then(|row| row.save_count),
                reposts: row.and_then(|row| row.repost_count),
                owner: track.map(|track| track.owner_id),
            };
        }
        let playlist = wants.look::<Playlist>(item.id).row();
        let row = wants.look::<AggregatePlaylist>(item.id).row();
        Self {
            saves: row.as_ref().and_then(|row| row.save_count),
            reposts: row.and_then(|row| row.repost_count),
            owner: playlist.map(|playlist| playlist.playlist_owner_id),
        }
    }
}

/// The counters of a saved item and its saver, and who is told.
pub(super) fn saved(call: &Call<'_>, wants: &mut Wants<'_>) {
    let (user, id) = (call.tx.user_id, call.tx.entity_id);
    wants.row::<AggregateUser>(user);
    for kind in kinds(call) {
        let item = Item { id, kind };
        let counts = Counts::of(item, wants);
        if call.tx.action != "Save" {
            continue;
        }
        note(&saves::group(item), user, wants);
        let name = if item.is_track() { "TRACK_SAVE_COUNT" } else { "PLAYLIST_SAVE_COUNT" };
        if let Some(owner) = counts.owner {
            near_milestones(&CONTENT, name, (id, owner), counts.saves, wants);
        }
        for bought in wants.found::<UsdcPurchase>(UsdcPurchaseBy::Buyer, user) {
            wants.row::<PlaylistTrack>((bought.content_id, id));
        }
        if call.meta.bool("is_save_of_repost") == Some(true) {
            reposters(user, item, &counts, false, wants);
        }
        cosigned(item, wants);
    }
}

/// The counters of a reposted item and its reposter, and who is told.
pub(super) fn reposted(call: &Call<'_>, wants: &mut Wants<'_>) {
    let (user, id) = (call.tx.user_id, call.tx.entity_id);
    wants.row::<AggregateUser>(user);
    for kind in kinds(call) {
        let item = Item { id, kind };
        let counts = Counts::of(item, wants);
        if call.tx.action != "Repost" {
            continue;
        }
        note(&reposts::group(item), user, wants);
        let name = if item.is_track() { "TRACK_REPOST_COUNT" } else { "PLAYLIST_REPOST_COUNT" };
        if let Some(owner) = counts.owner {
            near_milestones(&CONTENT, name, (id, owner), counts.reposts, wants);
        }
        if call.meta.bool("is_repost_of_repost") == Some(true) {
            reposters(user, item, &counts, true, wants);
        }
        cosigned(item, wants);
    }
}

/// The followees who reposted an item, by the way that is the shorter one.
fn reposters(user: i64, item: Item<'_>, counts: &Counts, any_type: bool, wants: &mut Wants<'_>) {
    let followees = wants.look::<AggregateUser>(user).row().and_then(|row| row.following_count);
    let ways = Ways { reposts: counts.reposts, followees };
    if !ways.by_item() {
        let types = if any_type { &TYPES[..] } else { &[item.kind] };
        for follow in wants.found::<CurrentFollow>(CurrentFollowBy::Follower, user) {
            for kind in types {
                wants.row::<Repost>((follow.followee_user_id, *kind, item.id));
            }
        }
        return;
    }
    let reposts = if any_type {
        wants.found::<Repost>(RepostBy::ItemId, item.id)
    } else {
        wants.found::<Repost>(RepostBy::Item, (item.kind, item.id))
    };
    for repost in reposts {
        wants.row::<CurrentFollow>((user, repost.user_id));
    }
}

/// The first parent of a remix.
fn cosigned(item: Item<'_>, wants: &mut Wants<'_>) {
    if item.is_track()
        && let Some(track) = wants.look::<Track>(item.id).row()
        && let Some(Ok(Some(parent))) = track.remix_of.as_deref().map(cast_parent)
    {
        wants.row::<Track>(parent);
    }
}

/// The counters of a shared item and its sharer.
pub(super) fn shared(call: &Call<'_>, wants: &mut Wants<'_>) {
    let id = call.tx.entity_id;
    wants.row::<AggregateUser>(call.tx.user_id);
    for kind in kinds(call) {
        if *kind == "track" {
            wants.row::<AggregateTrack>(id);
        } else {
            wants.row::<AggregatePlaylist>(id);
            wants.row::<Playlist>(id);
        }
    }
}
