//! Rows of calls about tracks, playlists and events.

use std::sync::Arc;

use super::{Known, Wish, id, is_edit, text};
use crate::{
    model::{
        EntityTx, Json,
        json::Object,
        tables::{
            AggregatePlaylist, AggregateTrack, AlbumPrice, AlbumPriceBy, Comment, CommentBy,
            CommentNotificationSetting, Event, EventBy, Follow, FollowBy, Notification,
            NotificationBy, Playlist, PlaylistRoute, PlaylistRouteBy, PlaylistTrack,
            PlaylistTrackBy, Remix, RemixBy, Repost, RepostBy, Save, SaveBy, Share, ShareBy, Stem,
            StemBy, Subscription, SubscriptionBy, Track, TrackBy, TrackPrice, TrackPriceBy,
            TrackRoute, TrackRouteBy, User, first_parent,
        },
    },
    rules::{conditions, contents, slug},
};

impl Wish<'_> {
    /// A track, its owner and their counters.
    pub(super) fn track(&mut self, track_id: i64) -> Option<Arc<Track>> {
        let counters = self.look::<AggregateTrack>(track_id);
        let track = self.look::<Track>(track_id).row()?;
        self.user(track.owner_id);
        if matches!(counters, Known::Absent) {
            // They are about to be counted.
            self.rows::<Save>(SaveBy::Item, ("track", track_id));
            self.rows::<Repost>(RepostBy::Item, ("track", track_id));
            self.rows::<Share>(ShareBy::Item, ("track", track_id));
            self.rows::<Comment>(CommentBy::Entity, ("Track", track_id));
        }
        Some(track)
    }

    pub(super) fn track_call(&mut self, tx: &EntityTx, data: Option<&Object>) {
        let track_id = tx.entity_id;
        let track = self.track(track_id);
        if matches!(tx.action.as_str(), "Mute" | "Unmute") {
            self.row::<CommentNotificationSetting>((tx.user_id, track_id, "Track"));
        }
        if !is_edit(tx) {
            return;
        }
        let owner = track.as_ref().map_or(tx.user_id, |track| track.owner_id);
        self.rows::<Stem>(StemBy::Child, track_id);
        self.rows::<Remix>(RemixBy::Child, track_id);
        match &track {
            Some(track) => self.saved_track(track),
            None => self.told_of_track(track_id, owner),
        }
        self.track_routes(track_id, owner, text(data, "title"));
        for gate in ["is_stream_gated", "is_download_gated"] {
            if data.and_then(|data| data.get(gate)).is_some_and(Json::truthy) {
                self.rows::<TrackPrice>(TrackPriceBy::Track, track_id);
            }
        }
        if let Some(user) = id(data, "ai_attribution_user_id") {
            self.row::<User>(user);
        }
        if track.as_ref().is_some_and(|track| track.is_unlisted == Some(true)) {
            for contest in self.found::<Event>(EventBy::Entity, track_id) {
                self.contest_start(track_id, contest.user_id);
            }
        }
        let sent = data.and_then(|data| data.get("remix_of"));
        let parents = sent.and_then(|sent| conditions::remix_parents(sent).ok());
        for parent in parents.unwrap_or_default() {
            self.remix(track_id, owner, parent);
        }
    }

    /// What follows from writing a track once more.
    pub(super) fn saved_track(&mut self, track: &Track) {
        self.told_of_track(track.track_id, track.owner_id);
        if let Some(parent) = track.remix_of.as_deref().and_then(first_parent) {
            self.remix(track.track_id, track.owner_id, parent);
        }
    }

    fn told_of_track(&mut self, track_id: i64, owner: i64) {
        self.told_subscribers(&format!("create:track:user_id:{owner}"), track_id, owner);
    }

    /// The notification of something new by `owner`, or those who may get it.
    fn told_subscribers(&mut self, group: &str, specifier: i64, owner: i64) {
        let note = self.look::<Notification>((group, specifier.to_string()));
        if note.row().is_none() {
            self.rows::<Subscription>(SubscriptionBy::User, owner);
        }
    }

    fn track_routes(&mut self, track_id: i64, owner: i64, title: Option<&str>) {
        self.rows::<TrackRoute>(TrackRouteBy::Track, (track_id, true));
        let Some(title) = title else { return };
        let slug = slug::title_slug(title, track_id);
        self.rows::<TrackRoute>(TrackRouteBy::OwnerTitleSlug, (owner, &slug));
        self.row::<TrackRoute>((owner, slug));
    }

    fn remix(&mut self, track_id: i64, owner: i64, parent: i64) {
        self.track(parent);
        self.row::<Remix>((parent, track_id));
        let group = format!("remix:track:{track_id}:parent_track:{parent}");
        self.row::<Notification>((group, owner.to_string()));
        if !self.found::<Event>(EventBy::Entity, parent).is_empty() {
            self.rows::<Track>(TrackBy::FirstParent, parent);
        }
    }

    /// Those who hear that a contest starts.
    fn contest_start(&mut self, track_id: i64, host: i64) {
        self.rows::<Follow>(FollowBy::Followee, host);
        self.rows::<Save>(SaveBy::Item, ("track", track_id));
        let group = format!("fan_remix_contest_started:{track_id}:user:{host}");
        self.rows::<Notification>(NotificationBy::Group, group);
    }

    pub(super) fn event_call(&mut self, tx: &EntityTx, data: Option<&Object>) {
        let event = self.look::<Event>(tx.entity_id).row();
        if !is_edit(tx) {
            return;
        }
        let stored = event.as_ref().and_then(|event| event.entity_id);
        let Some(track_id) = stored.or_else(|| id(data, "entity_id")) else { return };
        self.track(track_id);
        self.rows::<Event>(EventBy::Entity, track_id);
        if tx.action != "Delete" {
            self.contest_start(track_id, event.map_or(tx.user_id, |event| event.user_id));
            if data.is_some_and(|data| data.contains_key("event_data")) {
                self.rows::<Track>(TrackBy::FirstParent, track_id);
            }
        }
    }

    /// A playlist, its owner and their counters.
    pub(super) fn playlist(&mut self, playlist_id: i64) -> Option<Arc<Playlist>> {
        self.row::<AggregatePlaylist>(playlist_id);
        let playlist = self.look::<Playlist>(playlist_id).row()?;
        self.user(playlist.playlist_owner_id);
        Some(playlist)
    }

    pub(super) fn playlist_call(&mut self, tx: &EntityTx, data: Option<&Object>) {
        let playlist_id = tx.entity_id;
        let playlist = self.playlist(playlist_id);
        if !is_edit(tx) {
            return;
        }
        let owner = playlist.as_ref().map_or(tx.user_id, |playlist| playlist.playlist_owner_id);
        let may_be_told = playlist.as_ref().is_none_or(|playlist| {
            playlist.is_private || playlist.created_at == playlist.updated_at
        });
        if may_be_told {
            self.told_subscribers(&format!("create:playlist_id:{playlist_id}"), owner, owner);
        }
        self.rows::<PlaylistRoute>(PlaylistRouteBy::Current, (playlist_id, true));
        if let Some(name) = text(data, "playlist_name") {
            let slug = slug::title_slug(name, playlist_id);
            self.rows::<PlaylistRoute>(PlaylistRouteBy::OwnerTitleSlug, (owner, &slug));
            self.row::<PlaylistRoute>((owner, format!("{slug}-{playlist_id}")));
            self.row::<PlaylistRoute>((owner, slug));
        }
        if data.and_then(|data| data.get("is_stream_gated")).is_some_and(Json::truthy) {
            self.rows::<AlbumPrice>(AlbumPriceBy::Playlist, playlist_id);
        }
        for entry in self.found::<PlaylistTrack>(PlaylistTrackBy::Playlist, playlist_id) {
            let track = self.look::<Track>(entry.track_id).row();
            // It may come back, and its owner was told when it came first.
            if let Some(track) = track.filter(|_| entry.is_removed) {
                let id = track.track_id;
                let group =
                    format!("track_added_to_playlist:playlist_id:{playlist_id}:track_id:{id}");
                self.row::<Notification>((group, track.owner_id.to_string()));
            }
        }
        let sent = data.and_then(|data| data.get("playlist_contents"));
        let entries = sent.and_then(|sent| contents::entries(sent).ok()).unwrap_or_default();
        for id in entries.into_iter().filter_map(contents::track_of).filter_map(contents::view_id) {
            self.row::<Track>(id);
            self.row::<PlaylistTrack>((playlist_id, id));
        }
    }
}
