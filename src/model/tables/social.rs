//! Follows, saves, reposts, subscriptions and shares.

use crate::model::{
    Timestamp,
    table::{ColumnDefault, LookupPart, record},
    tables::{ENUM_REPOSTTYPE, ENUM_SAVETYPE, ENUM_SHARETYPE},
    value::ColumnType,
};

record! {
    /// A follow, or its tombstone. Keyed with its transaction hash because a follow of another entity type may repeat the pair (handlers-c 2.5).
    Follow in "follows", id Follows, key [follower_user_id, followee_user_id, txhash],
    current_only true, archived true,
    by FollowBy {
        /// Rows of one follower and followee.
        Pair [LookupPart::Column("follower_user_id"), LookupPart::Column("followee_user_id")],
        /// Whom a user follows.
        Follower [LookupPart::Column("follower_user_id")],
        /// Who follows a user.
        Followee [LookupPart::Column("followee_user_id")],
    }
    {
        blockhash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        follower_user_id: i64 => ColumnType::Int4;
        followee_user_id: i64 => ColumnType::Int4;
        is_current: bool => ColumnType::Bool;
        is_delete: bool => ColumnType::Bool;
        created_at: Timestamp => ColumnType::Timestamp;
        txhash: String => ColumnType::Text;
        slot: Option<i64> => ColumnType::Int4;
    }
}

record! {
    /// A subscription, or its tombstone. Keyed like [`Follow`].
    Subscription in "subscriptions", id Subscriptions, key [subscriber_id, user_id, txhash],
    current_only true, archived true,
    by SubscriptionBy {
        /// Rows of one subscriber and user.
        Pair [LookupPart::Column("subscriber_id"), LookupPart::Column("user_id")],
        /// Who subscribed to a user.
        User [LookupPart::Column("user_id")],
    }
    {
        blockhash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        subscriber_id: i64 => ColumnType::Int4;
        user_id: i64 => ColumnType::Int4;
        is_current: bool => ColumnType::Bool;
        is_delete: bool => ColumnType::Bool;
        created_at: Timestamp => ColumnType::Timestamp;
        txhash: String => ColumnType::Text;
    }
}

record! {
    /// A favourite, or its tombstone.
    Save in "saves", id Saves, key [user_id, save_type, save_item_id],
    current_only true, archived true,
    by SaveBy {
        /// What a user saved.
        User [LookupPart::Column("user_id")],
        /// Who saved an item.
        Item [LookupPart::Column("save_type"), LookupPart::Column("save_item_id")],
    }
    {
        blockhash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        user_id: i64 => ColumnType::Int4;
        save_item_id: i64 => ColumnType::Int4;
        save_type: String => ENUM_SAVETYPE;
        is_current: bool => ColumnType::Bool;
        is_delete: bool => ColumnType::Bool;
        created_at: Timestamp => ColumnType::Timestamp;
        txhash: String => ColumnType::Text;
        slot: Option<i64> => ColumnType::Int4;
        is_save_of_repost: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
    }
}

record! {
    /// A repost, or its tombstone.
    Repost in "reposts", id Reposts, key [user_id, repost_type, repost_item_id],
    current_only true, archived true,
    by RepostBy {
        /// What a user reposted.
        User [LookupPart::Column("user_id")],
        /// Who reposted an item.
        Item [LookupPart::Column("repost_type"), LookupPart::Column("repost_item_id")],
        /// Reposts by item id, whatever its type.
        ItemId [LookupPart::Column("repost_item_id")],
    }
    {
        blockhash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        user_id: i64 => ColumnType::Int4;
        repost_item_id: i64 => ColumnType::Int4;
        repost_type: String => ENUM_REPOSTTYPE;
        is_current: bool => ColumnType::Bool;
        is_delete: bool => ColumnType::Bool;
        created_at: Timestamp => ColumnType::Timestamp;
        txhash: String => ColumnType::Text;
        slot: Option<i64> => ColumnType::Int4;
        is_repost_of_repost: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
    }
}

record! {
    /// A share.
    Share in "shares", id Shares, key [user_id, share_type, share_item_id],
    current_only false, archived true,
    by ShareBy {
        /// Who shared an item.
        Item [LookupPart::Column("share_type"), LookupPart::Column("share_item_id")],
    }
    {
        blockhash: Option<String> => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
        user_id: i64 => ColumnType::Int4;
        share_item_id: i64 => ColumnType::Int4;
        share_type: String => ENUM_SHARETYPE;
        created_at: Timestamp => ColumnType::Timestamp;
        txhash: String => ColumnType::Text;
        slot: Option<i64> => ColumnType::Int4;
    }
}
