//! Which rows a block will probably read, from its text alone.
//!
//! Asked for before the block is applied, while another one is, these rows are in memory when the
//! handlers want them. It is no more than a guess: a row that is left out here costs a second
//! attempt at the batch, one that nobody reads costs a load, and neither changes a result.

use std::sync::Arc;

use super::{ledger, rules::contents};
use crate::{
    model::{
        Block, EntityTx, Json, TxBody,
        block::Play,
        json::Object,
        key::Key,
        table::{Record, downcast},
        tables::{
            Address, AggregateMonthlyPlays, AggregatePlaylist, AggregatePlays, AggregateTrack,
            AggregateUser, Collectibles, Comment, CommentMention, CommentMentionBy,
            CommentNotificationSetting, CommentReaction, CommentReport, CommentReportBy,
            DeveloperApp, DeveloperAppBy, EmailAccess, EmailAccessBy, Event, EventBy, Follow,
            FollowBy, Grant, GrantBy, MutedUser, MutedUserBy, Notification, NotificationBy,
            Playlist, PlaylistRoute, PlaylistRouteBy, PlaylistTrack, PlaylistTrackBy, Remix,
            RemixBy, Repost, RepostBy, Save, Share, Stem, StemBy, Subscription, SubscriptionBy,
            Track, TrackBy, TrackRoute, TrackRouteBy, User, UserBy, UserEvent, UserPayoutWallet,
            UserPayoutWalletBy,
        },
    },
    store::Store,
};

/// Asks `store` for the rows that `block` will probably read and that are not in memory. Rows that
/// are found through other rows are asked for once those are in memory.
pub fn preload(block: &Block, store: &mut Store) {
    let mut wish = Wish { store };
    for tx in &block.txs {
        match &tx.body {
            TxBody::ManageEntity(call) => wish.call(call),
            TxBody::Plays(plays) => plays.iter().for_each(|play| wish.play(play)),
            _ => {}
        }
    }
}

struct Wish<'a> {
    store: &'a mut Store,
}

impl Wish<'_> {
    fn row<R: Record>(&mut self, key: impl Into<Key>) {
        self.store.want(R::TABLE, key.into());
    }

    fn rows<R: Record>(&mut self, by: R::By, key: impl Into<Key>) {
        self.store.want_lookup(R::TABLE, by.into(), key.into());
    }

    /// The row, if it is in memory already; else it is asked for.
    fn found<R: Record>(&mut self, key: impl Into<Key>) -> Option<Arc<R>> {
        let key = key.into();
        let found = self.store.before_block(R::TABLE, &key).and_then(downcast);
        if found.is_none() {
            self.row::<R>(key);
        }
        found
    }

    fn call(&mut self, tx: &EntityTx) {
        self.user(tx.user_id);
        self.row::<Address>(ledger::clean(&tx.signer).as_ref());
        let signer = tx.signer.to_lowercase();
        if !signer.is_empty() {
            self.rows::<Grant>(GrantBy::GranteeLc, (signer.as_str(), tx.user_id));
            self.rows::<DeveloperApp>(DeveloperAppBy::AddressLc, signer.as_str());
            self.rows::<User>(UserBy::WalletLc, signer.as_str());
        }
        let data = data_of(tx);
        self.target(tx, data);
        if matches!((tx.entity_type.as_str(), tx.action.as_str()), ("Track" | "Playlist", "Create"))
        {
            self.rows::<Subscription>(SubscriptionBy::User, tx.user_id);
        }
        self.tie(tx);
        if tx.entity_type == "Comment" {
            self.comment(tx, data);
        }
    }

    fn user(&mut self, user_id: i64) {
        self.row::<User>(user_id);
        self.row::<AggregateUser>(user_id);
    }

    /// The entity that a call is about, and what hangs on it.
    fn target(&mut self, tx: &EntityTx, data: Option<&Object>) {
        let id = tx.entity_id;
        let is_edit = matches!(tx.action.as_str(), "Create" | "Update" | "Delete");
        match tx.entity_type.as_str() {
            "User" => {
                self.user(id);
                if is_edit {
                    self.row::<UserEvent>(tx.user_id);
                    self.rows::<UserPayoutWallet>(UserPayoutWalletBy::User, tx.user_id);
                }
            }
            "Track" => {
                self.track(id);
                if is_edit {
                    self.rows::<Track>(TrackBy::Owner, tx.user_id);
                    self.rows::<TrackRoute>(TrackRouteBy::Track, id);
                    self.rows::<Stem>(StemBy::Child, id);
                    self.rows::<Remix>(RemixBy::Child, id);
                    self.rows::<Event>(EventBy::Entity, id);
                    let group = format!("create:track:user_id:{}", tx.user_id);
                    self.row::<Notification>((group.as_str(), id.to_string().as_str()));
                }
            }
            "Playlist" => {
                self.playlist(id);
                if is_edit {
                    self.rows::<PlaylistTrack>(PlaylistTrackBy::Playlist, id);
                    self.rows::<PlaylistRoute>(PlaylistRouteBy::Playlist, id);
                    let group = format!("create:playlist_id:{id}");
                    self.rows::<Notification>(NotificationBy::Group, group.as_str());
                    self.contents(id, data);
                }
            }
            "Event" => self.row::<Event>(id),
            "Collectibles" => self.row::<Collectibles>(tx.user_id),
            "DeveloperApp" => self.rows::<DeveloperApp>(DeveloperAppBy::User, tx.user_id),
            "EmailAccess" => {
                self.rows::<EmailAccess>(EmailAccessBy::OwnerReceiver, (id, tx.user_id));
            }
            _ => {}
        }
    }

    fn track(&mut self, track_id: i64) {
        self.row::<AggregateTrack>(track_id);
        if let Some(track) = self.found::<Track>(track_id) {
            self.user(track.owner_id);
        }
    }

    fn playlist(&mut self, playlist_id: i64) {
        self.row::<AggregatePlaylist>(playlist_id);
        if let Some(playlist) = self.found::<Playlist>(playlist_id) {
            self.user(playlist.playlist_owner_id);
        }
    }

    fn contents(&mut self, playlist_id: i64, data: Option<&Object>) {
        let sent = data.and_then(|data| data.get("playlist_contents"));
        let entries = sent.and_then(|sent| contents::entries(sent).ok()).unwrap_or_default();
        for id in entries.into_iter().filter_map(contents::track_of).filter_map(contents::view_id) {
            self.row::<Track>(id);
            self.row::<PlaylistTrack>((playlist_id, id));
        }
    }

    /// What ties the acting user to the entity.
    fn tie(&mut self, tx: &EntityTx) {
        let (user, id) = (tx.user_id, tx.entity_id);
        let kind = tx.entity_type.to_lowercase();
        let key = (user, kind.as_str(), id);
        let note = match tx.action.as_str() {
            "Follow" | "Unfollow" | "Subscribe" | "Unsubscribe" => {
                self.rows::<Follow>(FollowBy::Pair, (user, id));
                self.rows::<Subscription>(SubscriptionBy::Pair, (user, id));
                format!("follow:{id}")
            }
            "Save" | "Unsave" => {
                self.row::<Save>(key);
                format!("save:{id}:type:{kind}")
            }
            "Repost" | "Unrepost" => {
                self.row::<Repost>(key);
                format!("repost:{id}:type:{kind}")
            }
            "Share" => return self.row::<Share>(key),
            _ => return,
        };
        self.row::<Notification>((note.as_str(), user.to_string().as_str()));
        if tx.metadata.contains("_of_repost") {
            self.rows::<Follow>(FollowBy::Follower, user);
            self.rows::<Repost>(RepostBy::ItemId, id);
        }
    }

    fn comment(&mut self, tx: &EntityTx, data: Option<&Object>) {
        let user = tx.user_id;
        let on = data.and_then(|data| data.get("entity_id")).and_then(Json::as_int);
        if let Some(track_id) = on {
            self.track(track_id);
            self.row::<CommentNotificationSetting>((user, track_id, "Track"));
        }
        let parent = data.and_then(|data| data.get("parent_comment_id")).and_then(Json::as_int);
        for id in [Some(tx.entity_id), parent].into_iter().flatten() {
            self.rows::<CommentMention>(CommentMentionBy::Comment, id);
            self.rows::<CommentReport>(CommentReportBy::Comment, id);
            self.row::<CommentReaction>((id, user));
            if let Some(comment) = self.found::<Comment>(id) {
                self.user(comment.user_id);
                self.track(comment.entity_id);
                let setting = (comment.user_id, id, "Comment");
                self.row::<CommentNotificationSetting>(setting);
            }
        }
        self.rows::<MutedUser>(MutedUserBy::Muted, user);
    }

    fn play(&mut self, play: &Play) {
        let Some(track_id) = play.track() else { return };
        let month = super::derived::month_of(play.played_at);
        self.row::<AggregatePlays>(track_id);
        self.row::<AggregateMonthlyPlays>((track_id, month, play.country.as_str()));
    }
}

/// The metadata proper: inside an envelope, or as it is.
fn data_of(tx: &EntityTx) -> Option<&Object> {
    let object = tx.json.as_ref()?.as_ref().ok()?.as_object()?;
    object.get("data").and_then(Json::as_object).or(Some(object))
}
