//! Comments and what hangs on them.

use crate::model::{
    Timestamp,
    table::{ColumnDefault, LookupPart, record},
    value::ColumnType,
};

record! {
    /// A comment.
    Comment in "comments", id Comments, key [comment_id],
    current_only false, archived true,
    by CommentBy {
        /// Comments on an entity.
        Entity [LookupPart::Column("entity_type"), LookupPart::Column("entity_id")],
    }
    {
        comment_id: i64 => ColumnType::Int4;
        text: String => ColumnType::Text;
        user_id: i64 => ColumnType::Int4;
        entity_id: i64 => ColumnType::Int4;
        entity_type: String => ColumnType::Text;
        track_timestamp_s: Option<i64> => ColumnType::Int8;
        created_at: Timestamp => ColumnType::Timestamp;
        updated_at: Timestamp => ColumnType::Timestamp;
        is_delete: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        is_visible: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(true);
        is_edited: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        is_members_only: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        txhash: String => ColumnType::Text;
        blockhash: String => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        video_url: Option<String> => ColumnType::Text;
    }
}

record! {
    /// A user mentioned in a comment.
    CommentMention in "comment_mentions", id CommentMentions, key [comment_id, user_id],
    current_only false, archived true,
    by CommentMentionBy {
        /// Mentions of a comment.
        Comment [LookupPart::Column("comment_id")],
    }
    {
        comment_id: i64 => ColumnType::Int4;
        user_id: i64 => ColumnType::Int4;
        created_at: Timestamp => ColumnType::Timestamp;
        updated_at: Timestamp => ColumnType::Timestamp;
        is_delete: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        txhash: String => ColumnType::Text;
        blockhash: String => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
    }
}

record! {
    /// A reply to a comment.
    CommentThread in "comment_threads", id CommentThreads, key [parent_comment_id, comment_id],
    current_only false, archived false,
    by CommentThreadBy {
        /// What a comment answers.
        Child [LookupPart::Column("comment_id")],
    }
    {
        comment_id: i64 => ColumnType::Int4;
        parent_comment_id: i64 => ColumnType::Int4;
    }
}

record! {
    /// A reaction to a comment.
    CommentReaction in "comment_reactions", id CommentReactions, key [comment_id, user_id],
    current_only false, archived true,
    by CommentReactionBy {
    }
    {
        comment_id: i64 => ColumnType::Int4;
        user_id: i64 => ColumnType::Int4;
        created_at: Timestamp => ColumnType::Timestamp;
        updated_at: Timestamp => ColumnType::Timestamp;
        is_delete: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        txhash: String => ColumnType::Text;
        blockhash: String => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
    }
}

record! {
    /// A report of a comment.
    CommentReport in "comment_reports", id CommentReports, key [comment_id, user_id],
    current_only false, archived false,
    by CommentReportBy {
        /// Reports of a comment.
        Comment [LookupPart::Column("comment_id")],
    }
    {
        comment_id: i64 => ColumnType::Int4;
        user_id: i64 => ColumnType::Int4;
        created_at: Timestamp => ColumnType::Timestamp;
        updated_at: Timestamp => ColumnType::Timestamp;
        is_delete: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        txhash: String => ColumnType::Text;
        blockhash: String => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
    }
}

record! {
    /// Whether a user muted the notifications of a track or comment.
    CommentNotificationSetting in "comment_notification_settings", id CommentNotificationSettings, key [user_id, entity_id, entity_type],
    current_only false, archived true,
    by CommentNotificationSettingBy {
    }
    {
        user_id: i64 => ColumnType::Int4;
        entity_id: i64 => ColumnType::Int4;
        entity_type: String => ColumnType::Text;
        is_muted: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        created_at: Timestamp => ColumnType::Timestamp;
        updated_at: Timestamp => ColumnType::Timestamp;
    }
}
