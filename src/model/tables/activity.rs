//! Notifications, events, tips and purchases.

use std::sync::Arc;

use crate::model::{
    Json, Timestamp,
    table::{ColumnDefault, LookupPart, record},
    tables::{
        ENUM_EVENT_ENTITY_TYPE, ENUM_EVENT_TYPE, ENUM_USDC_PURCHASE_ACCESS_TYPE,
        ENUM_USDC_PURCHASE_CONTENT_TYPE,
    },
    value::ColumnType,
};

record! {
    /// A notification.
    Notification in "notification", id Notifications, key [group_id, specifier],
    current_only false, archived false,
    by NotificationBy {
        /// Notifications of a group.
        Group [LookupPart::Column("group_id")],
    }
    {
        specifier: String => ColumnType::Text;
        group_id: String => ColumnType::Text;
        r#type: String => ColumnType::Text;
        slot: Option<i64> => ColumnType::Int4;
        blocknumber: Option<i64> => ColumnType::Int4;
        timestamp: Timestamp => ColumnType::Timestamp;
        data: Option<Arc<Json>> => ColumnType::Jsonb;
        user_ids: Option<Vec<i64>> => ColumnType::Int4Array;
        type_v2: Option<String> => ColumnType::Text;
    }
}

record! {
    /// When a user looked at the notifications.
    NotificationSeen in "notification_seen", id NotificationSeen, key [user_id, seen_at],
    current_only false, archived false,
    by NotificationSeenBy {
    }
    {
        user_id: i64 => ColumnType::Int4;
        seen_at: Timestamp => ColumnType::Timestamp;
        blocknumber: Option<i64> => ColumnType::Int4;
        blockhash: Option<String> => ColumnType::Text;
        txhash: String => ColumnType::Text;
    }
}

record! {
    /// An event such as a remix contest.
    Event in "events", id Events, key [event_id],
    current_only false, archived false,
    by EventBy {
        /// Events about an entity id.
        Entity [LookupPart::Column("entity_id")],
    }
    {
        event_id: i64 => ColumnType::Int4;
        event_type: String => ENUM_EVENT_TYPE;
        user_id: i64 => ColumnType::Int4;
        entity_type: Option<String> => ENUM_EVENT_ENTITY_TYPE;
        entity_id: Option<i64> => ColumnType::Int4;
        end_date: Option<Timestamp> => ColumnType::Timestamp;
        is_deleted: Option<bool> => ColumnType::Bool, default ColumnDefault::Bool(false);
        event_data: Option<Arc<Json>> => ColumnType::Jsonb;
        created_at: Timestamp => ColumnType::Timestamp;
        updated_at: Timestamp => ColumnType::Timestamp;
        txhash: String => ColumnType::Text;
        blockhash: String => ColumnType::Text;
        blocknumber: Option<i64> => ColumnType::Int4;
    }
}

record! {
    /// A reaction to a tip.
    Reaction in "reactions", id Reactions, key [reacted_to, blocknumber],
    current_only false, archived false,
    by ReactionBy {
    }
    {
        reaction_value: i64 => ColumnType::Int4;
        sender_wallet: String => ColumnType::Text;
        reaction_type: String => ColumnType::Text;
        reacted_to: String => ColumnType::Text;
        timestamp: Timestamp => ColumnType::Timestamp;
        blocknumber: i64 => ColumnType::Int4;
    }
}

record! {
    /// A tip; written by the Solana indexer.
    UserTip in "user_tips", id UserTips, key [slot, signature],
    current_only false, archived false,
    by UserTipBy {
        /// Tips by signature and receiver.
        SignatureReceiver [LookupPart::Column("signature"), LookupPart::Column("receiver_user_id")],
        /// Tips by signature.
        Signature [LookupPart::Column("signature")],
    }
    {
        slot: i64 => ColumnType::Int4;
        signature: String => ColumnType::Text;
        sender_user_id: i64 => ColumnType::Int4;
        receiver_user_id: i64 => ColumnType::Int4;
        amount: i64 => ColumnType::Int8;
        created_at: Timestamp => ColumnType::Timestamp;
        updated_at: Timestamp => ColumnType::Timestamp;
    }
}

record! {
    /// A purchase; written by the Solana indexer.
    UsdcPurchase in "usdc_purchases", id UsdcPurchases, key [slot, signature],
    current_only false, archived false,
    by UsdcPurchaseBy {
        /// Purchases of a buyer.
        Buyer [LookupPart::Column("buyer_user_id")],
        /// Purchases of an item.
        Content [LookupPart::Column("content_type"), LookupPart::Column("content_id")],
    }
    {
        slot: i64 => ColumnType::Int4;
        signature: String => ColumnType::Text;
        buyer_user_id: i64 => ColumnType::Int4;
        seller_user_id: i64 => ColumnType::Int4;
        amount: i64 => ColumnType::Int8;
        content_type: String => ENUM_USDC_PURCHASE_CONTENT_TYPE;
        content_id: i64 => ColumnType::Int4;
        created_at: Timestamp => ColumnType::Timestamp;
        updated_at: Timestamp => ColumnType::Timestamp;
        extra_amount: Option<i64> => ColumnType::Int8, default ColumnDefault::Int(0);
        access: Option<String> => ENUM_USDC_PURCHASE_ACCESS_TYPE, default ColumnDefault::Label("stream");
        city: Option<String> => ColumnType::Text;
        region: Option<String> => ColumnType::Text;
        country: Option<String> => ColumnType::Text;
        vendor: Option<String> => ColumnType::Text;
        splits: Arc<Json> => ColumnType::Jsonb;
    }
}

record! {
    /// What one user tipped another in all.
    AggregateUserTip in "aggregate_user_tips", id AggregateUserTips, key [sender_user_id, receiver_user_id],
    current_only false, archived false,
    by AggregateUserTipBy {
    }
    {
        sender_user_id: i64 => ColumnType::Int4;
        receiver_user_id: i64 => ColumnType::Int4;
        amount: i64 => ColumnType::Int8;
    }
}
