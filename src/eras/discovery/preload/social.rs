//! Rows of calls that tie users to one another and to content, and of plays.

use super::Wish;
use crate::{
    eras::discovery::{
        derived::{TYPES, fewer_reposts},
        social::has_flag,
    },
    model::{
        EntityTx,
        block::Play,
        tables::{
            AggregateMonthlyPlays, AggregatePlaylist, AggregatePlays, AggregateTrack,
            AggregateUser, Comment, Event, Follow, FollowBy, Milestone, Notification, Repost,
            RepostBy, Save, Share, Subscription, SubscriptionBy, Track, first_parent,
        },
    },
    rules::{dates::month_of, milestones},
};

/// How far a counter may be from a milestone for the batch to reach it.
const NEAR: i64 = 16;

impl Wish<'_> {
    /// What ties the acting user to the entity.
    pub(super) fn tie(&mut self, tx: &EntityTx) {
        let (user, id) = (tx.user_id, tx.entity_id);
        match tx.action.as_str() {
            "Follow" | "Unfollow" => {
                self.rows::<Follow>(FollowBy::Pair, (user, id));
                self.rows::<Subscription>(SubscriptionBy::Pair, (user, id));
                self.note(format!("follow:{id}"), user);
                let followers = self.look::<AggregateUser>(id).row();
                let followers = followers.and_then(|counters| counters.follower_count);
                self.milestones(&milestones::FOLLOWERS, "FOLLOWER_COUNT", (id, id), followers);
            }
            "Subscribe" | "Unsubscribe" => {
                self.rows::<Subscription>(SubscriptionBy::Pair, (user, id));
            }
            "Save" | "Unsave" | "Repost" | "Unrepost" => return self.favourite(tx),
            "Share" => {
                self.row::<Share>((user, tx.entity_type.to_lowercase(), id));
            }
            _ => return,
        }
        match tx.entity_type.as_str() {
            "Comment" => self.row::<Comment>(id),
            "Event" => self.row::<Event>(id),
            _ => {}
        }
    }

    /// A save or repost: its row, who hears of it, and the milestones it may reach.
    fn favourite(&mut self, tx: &EntityTx) {
        let (user, id) = (tx.user_id, tx.entity_id);
        let kind = tx.entity_type.to_lowercase();
        let is_save = matches!(tx.action.as_str(), "Save" | "Unsave");
        let key = (user, kind.as_str(), id);
        let group = if is_save {
            self.row::<Save>(key);
            format!("save:{id}:type:{kind}")
        } else {
            self.row::<Repost>(key);
            format!("repost:{id}:type:{kind}")
        };
        self.note(group, user);
        let flag = match tx.action.as_str() {
            "Save" => "is_save_of_repost",
            "Repost" => "is_repost_of_repost",
            _ => "",
        };
        if has_flag(tx, flag) {
            self.reposters(user, (id, &kind), !is_save);
        }
        let (name, owner, count) = if kind == "track" {
            let track = self.track(id);
            let parent = track.as_ref().and_then(|track| track.remix_of.as_deref());
            if let Some(parent) = parent.and_then(first_parent) {
                self.row::<Track>(parent);
                self.note(format!("cosign:parent_track{parent}:original_track:{id}"), user);
            }
            let counters = self.look::<AggregateTrack>(id).row();
            let count = counters.and_then(|counters| {
                if is_save { counters.save_count } else { counters.repost_count }
            });
            let name = if is_save { "TRACK_SAVE_COUNT" } else { "TRACK_REPOST_COUNT" };
            (name, track.map(|track| track.owner_id), count)
        } else {
            let playlist = self.playlist(id);
            let counters = self.look::<AggregatePlaylist>(id).row();
            let count = counters.and_then(|counters| {
                if is_save { counters.save_count } else { counters.repost_count }
            });
            let name = if is_save { "PLAYLIST_SAVE_COUNT" } else { "PLAYLIST_REPOST_COUNT" };
            (name, playlist.map(|playlist| playlist.playlist_owner_id), count)
        };
        if let Some(owner) = owner {
            self.milestones(&milestones::CONTENT, name, (id, owner), count);
        }
    }

    /// The followees who reposted an item, by the way that is the shorter one.
    fn reposters(&mut self, user: i64, (item, kind): (i64, &str), any_kind: bool) {
        let followees = self.look::<AggregateUser>(user).row().and_then(|row| row.following_count);
        let reposts = if kind == "track" {
            self.look::<AggregateTrack>(item).row().and_then(|row| row.repost_count)
        } else {
            self.look::<AggregatePlaylist>(item).row().and_then(|row| row.repost_count)
        };
        if fewer_reposts(reposts, followees) {
            for repost in self.found::<Repost>(RepostBy::ItemId, item) {
                self.rows::<Follow>(FollowBy::Pair, (user, repost.user_id));
            }
        } else {
            let kinds = if any_kind { &TYPES[..] } else { &[kind] };
            for follow in self.found::<Follow>(FollowBy::Follower, user) {
                for kind in kinds {
                    self.row::<Repost>((follow.followee_user_id, *kind, item));
                }
            }
        }
    }

    /// The notification of a group to or about a user.
    fn note(&mut self, group: String, user: i64) {
        self.row::<Notification>((group, user.to_string()));
    }

    /// The milestones near a count, of an item and its owner.
    fn milestones(
        &mut self,
        thresholds: &[i64],
        name: &str,
        (item, owner): (i64, i64),
        count: Option<i64>,
    ) {
        let count = count.unwrap_or(0);
        for threshold in thresholds.iter().filter(|threshold| (*threshold - count).abs() <= NEAR) {
            self.row::<Milestone>((item, name, *threshold));
            self.note(format!("milestone:{name}:id:{item}:threshold:{threshold}"), owner);
        }
    }

    pub(super) fn play(&mut self, play: &Play) {
        let Some(track_id) = play.track() else { return };
        let month = month_of(play.played_at);
        self.row::<AggregatePlays>(track_id);
        self.row::<AggregateMonthlyPlays>((track_id, month, play.country.as_str()));
    }
}
