//! Rows of calls about comments.

use std::sync::Arc;

use super::{Wish, id};
use crate::model::{
    EntityTx, Json,
    json::Object,
    tables::{
        AggregateUser, Comment, CommentMention, CommentMentionBy, CommentNotificationSetting,
        CommentReaction, CommentReport, CommentReportBy, CommentThread, MutedUser, MutedUserBy,
        Notification, Track,
    },
};

impl Wish<'_> {
    pub(super) fn comment_call(&mut self, tx: &EntityTx, data: Option<&Object>) {
        let (user, comment_id) = (tx.user_id, tx.entity_id);
        for mute in self.found::<MutedUser>(MutedUserBy::Muted, user) {
            self.row::<AggregateUser>(mute.user_id);
        }
        self.row::<CommentNotificationSetting>((user, comment_id, "Comment"));
        let comment = self.comment(comment_id, user);
        let sent = id(data, "entity_id");
        let track_id = sent.or_else(|| comment.map(|comment| comment.entity_id));
        let track = track_id.and_then(|track_id| self.commented_track(track_id, user));
        let mentions = data.and_then(|data| data.get("mentions")).and_then(Json::as_list);
        for user in mentions.unwrap_or_default().iter().filter_map(Json::as_int) {
            self.row::<CommentMention>((comment_id, user));
            self.note_of(format!("comment_mention:{comment_id}"), user);
        }
        match tx.action.as_str() {
            "Create" | "Update" => {
                if let Some(track) = track {
                    self.note_of(format!("comment:{}:type:Track", track.track_id), comment_id);
                }
                if let Some(parent) = id(data, "parent_comment_id") {
                    self.comment(parent, user);
                    self.row::<CommentThread>((parent, comment_id));
                    self.note_of(format!("comment_thread:{parent}"), comment_id);
                }
            }
            // A pin changes the track.
            "Pin" | "Unpin" => {
                if let Some(track) = track {
                    self.saved_track(&track);
                }
            }
            "React" => self.note_of(format!("comment_reaction:{comment_id}"), user),
            _ => {}
        }
    }

    /// A comment that `user` does something about.
    fn comment(&mut self, comment_id: i64, user: i64) -> Option<Arc<Comment>> {
        self.rows::<CommentMention>(CommentMentionBy::Comment, comment_id);
        for report in self.found::<CommentReport>(CommentReportBy::Comment, comment_id) {
            self.row::<AggregateUser>(report.user_id);
        }
        self.row::<CommentReport>((comment_id, user));
        self.row::<CommentReaction>((comment_id, user));
        let comment = self.look::<Comment>(comment_id).row()?;
        let author = comment.user_id;
        self.user(author);
        self.commented_track(comment.entity_id, user);
        self.row::<CommentNotificationSetting>((author, comment_id, "Comment"));
        self.row::<MutedUser>((author, user));
        Some(comment)
    }

    fn commented_track(&mut self, track_id: i64, user: i64) -> Option<Arc<Track>> {
        let track = self.track(track_id)?;
        self.row::<CommentNotificationSetting>((track.owner_id, track_id, "Track"));
        self.row::<MutedUser>((track.owner_id, user));
        Some(track)
    }

    fn note_of(&mut self, group: String, specifier: i64) {
        self.row::<Notification>((group, specifier.to_string()));
    }
}
