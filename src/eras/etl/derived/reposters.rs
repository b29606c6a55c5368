//! What saves and reposts have in common: who is told besides the owner.

use std::sync::Arc;

use super::{
    Halt, Handled, Scope,
    note::{Note, Stamp},
};
use crate::{
    eras::etl::error,
    model::{
        Json, Timestamp,
        tables::{
            AggregatePlaylist, AggregateTrack, AggregateUser, CurrentFollow, CurrentFollowBy,
            Playlist, Repost, RepostBy, Track,
        },
    },
    rules::{dates::a_month_before, remix::cast_parent},
};

/// The types of reposts there are.
pub(super) const TYPES: [&str; 3] = ["track", "playlist", "album"];

/// An item that somebody saved or reposted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub(super) id: i64,
    /// `track`, `playlist` or `album`.
    pub(super) kind: &'a str,
}

impl Item<'_> {
    pub(super) fn is_track(&self) -> bool {
        self.kind == "track"
    }

    /// The owner of the current track or playlist.
    pub(super) fn owner(&self, scope: &mut Scope<'_>) -> Result<Option<i64>, Halt> {
        Ok(if self.is_track() {
            scope.get::<Track>(self.id)?.map(|track| track.owner_id)
        } else {
            scope.get::<Playlist>(self.id)?.map(|playlist| playlist.playlist_owner_id)
        })
    }
}

/// How many rows two ways to the same reposts lead through.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ways {
    /// Reposts of the item.
    pub(super) reposts: Option<i64>,
    /// Users whom the acting user follows.
    pub(super) followees: Option<i64>,
}

impl Ways {
    /// Whether to go through the item's reposts; else through the followees.
    pub(super) fn by_item(self) -> bool {
        self.reposts.unwrap_or(0) <= self.followees.unwrap_or(0)
    }

    fn of(user: i64, item: Item<'_>, scope: &mut Scope<'_>) -> Result<Self, Halt> {
        let followees = scope.get::<AggregateUser>(user)?.and_then(|row| row.following_count);
        let reposts = if item.is_track() {
            scope.get::<AggregateTrack>(item.id)?.and_then(|row| row.repost_count)
        } else {
            scope.get::<AggregatePlaylist>(item.id)?.and_then(|row| row.repost_count)
        };
        Ok(Self { reposts, followees })
    }
}

/// Followees of a user who reposted the item within the month before `now`, ascending, one entry per
/// repost. `any_type`: whatever has the item's number, of whatever type.
pub(super) fn followees_who_reposted(
    user: i64,
    item: Item<'_>,
    any_type: bool,
    now: Timestamp,
    scope: &mut Scope<'_>,
) -> Result<Vec<i64>, Halt> {
    let since = a_month_before(now);
    let counts =
        |repost: &Repost| !repost.is_delete && since < repost.created_at && repost.created_at < now;
    let mut receivers = Vec::new();
    if Ways::of(user, item, scope)?.by_item() {
        for repost in reposts_of(item, any_type, scope)?.iter().filter(|repost| counts(repost)) {
            let follow = scope.get::<CurrentFollow>((user, repost.user_id))?;
            receivers.extend(follow.filter(|follow| !follow.is_delete).map(|_| repost.user_id));
        }
    } else {
        let follows = scope.find::<CurrentFollow>(CurrentFollowBy::Follower, user)?;
        let types = if any_type { &TYPES[..] } else { &[item.kind] };
        for follow in follows.iter().filter(|follow| !follow.is_delete) {
            for kind in types {
                let key = (follow.followee_user_id, *kind, item.id);
                let repost = scope.get::<Repost>(key)?.filter(|repost| counts(repost));
                receivers.extend(repost.map(|repost| repost.user_id));
            }
        }
    }
    receivers.sort_unstable();
    Ok(receivers)
}

fn reposts_of(
    item: Item<'_>,
    any_type: bool,
    scope: &mut Scope<'_>,
) -> Result<Vec<Arc<Repost>>, Halt> {
    if any_type {
        scope.find(RepostBy::ItemId, item.id)
    } else {
        scope.find(RepostBy::Item, (item.kind, item.id))
    }
}

/// What somebody did to an item that a followee had reposted.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfRepost<'a> {
    /// `save_of_repost` or `repost_of_repost`.
    pub(super) kind: &'static str,
    /// The key of the item in the notification's data.
    pub(super) item_key: &'static str,
    pub(super) actor: i64,
    pub(super) item: Item<'a>,
    pub(super) is_album: bool,
}

impl OfRepost<'_> {
    /// Tells `receivers`, if there are any.
    ///
    /// # Errors
    /// Only [`Halt::Missing`].
    pub(super) fn tell(self, receivers: Vec<i64>, stamp: Stamp, scope: &mut Scope<'_>) -> Handled {
        if receivers.is_empty() {
            return Ok(());
        }
        let Self { kind, item_key, actor, item, is_album } = self;
        let shown = if is_album { "album" } else { item.kind };
        Note {
            kind,
            group_id: format!("{kind}:{}:type:{}", item.id, item.kind),
            specifier: actor.to_string(),
            user_ids: receivers,
            data: Json::object([
                (item_key, Json::Int(item.id)),
                ("user_id", Json::Int(actor)),
                ("type", Json::Str(shown.to_owned())),
            ]),
        }
        .write(stamp, scope)
    }
}

/// Tells a remix's owner that the owner of its first parent saved or reposted it.
///
/// # Errors
/// Where the first parent is no integer, which undoes what the trigger told before.
pub(super) fn tell_of_cosign(
    actor: i64,
    track_id: i64,
    stamp: Stamp,
    scope: &mut Scope<'_>,
) -> Handled {
    let Some(track) = scope.get::<Track>(track_id)? else { return Ok(()) };
    let Some(remix_of) = track.remix_of.as_deref() else { return Ok(()) };
    let parent = cast_parent(remix_of).map_err(|_| error("uncastable_parent"))?;
    let Some(parent) = parent else { return Ok(()) };
    if scope.get::<Track>(parent)?.is_none_or(|parent| parent.owner_id != actor) {
        return Ok(());
    }
    let owner = track.owner_id;
    Note {
        kind: "cosign",
        // Parity: no colon before the parent.
        group_id: format!("cosign:parent_track{parent}:original_track:{track_id}"),
        specifier: actor.to_string(),
        user_ids: vec![owner],
        data: Json::object([
            ("parent_track_id", Json::Int(parent)),
            ("track_id", Json::Int(track_id)),
            ("track_owner_id", Json::Int(owner)),
        ]),
    }
    .write(stamp, scope)
}
