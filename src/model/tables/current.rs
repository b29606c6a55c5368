//! Current rows by what they are about, in tables whose primary key holds the transaction hash: the
//! identities of the partial unique indexes `…_current_uniq_idx` (social.md 3). Older rows with
//! `is_current` false stand beside them, untouched.

use crate::model::{
    Timestamp,
    table::{LookupPart, record},
    value::ColumnType,
};

record! {
    /// The follow of one user by another, or its tombstone.
    CurrentFollow in "follows", id CurrentFollows, key [follower_user_id, followee_user_id],
    current_only true, archived false,
    by CurrentFollowBy {
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
    /// The subscription of a user to another user or to an event, or its tombstone. `user_id` is the
    /// number of either, and so is `entity_id` in rows since 1.7.0.
    CurrentSubscription in "subscriptions", id CurrentSubscriptions,
    key [subscriber_id, user_id, entity_type],
    current_only true, archived false,
    by CurrentSubscriptionBy {
        /// Who subscribed to a user or an event, by its `user_id`.
        User [LookupPart::Column("entity_type"), LookupPart::Column("user_id")],
        /// Who subscribed to a user or an event, by its `entity_id`.
        Entity [LookupPart::Column("entity_type"), LookupPart::Column("entity_id")],
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
        entity_type: String => ColumnType::Text;
        entity_id: Option<i64> => ColumnType::Int4;
    }
}
