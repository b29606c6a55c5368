//! What is known of the tables: natural keys, columns that no run repeats, who fills what.

/// Tables that production's triggers fill.
pub(crate) const TRIGGER_TABLES: &[&str] = &[
    "aggregate_monthly_plays",
    "aggregate_playlist",
    "aggregate_plays",
    "aggregate_track",
    "aggregate_user",
    "aggregate_user_tips",
    "artist_coin_stats",
    "artist_coins",
    "milestones",
    "sol_user_balances",
    "supporter_rank_ups",
    "user_balance_changes",
];

/// Tables that handlers fill, or that are loaded for them.
pub(crate) const ENTITY_TABLES: &[&str] = &[
    "album_price_history",
    "associated_wallets",
    "blocks",
    "cid_data",
    "collectibles",
    "comment_mentions",
    "comment_notification_settings",
    "comment_reactions",
    "comment_reports",
    "comment_threads",
    "comments",
    "dashboard_wallet_users",
    "developer_apps",
    "email_access",
    "encrypted_emails",
    "events",
    "follows",
    "grants",
    "muted_users",
    "notification",
    "notification_seen",
    "playlist_routes",
    "playlist_seen",
    "playlist_tracks",
    "playlists",
    "reactions",
    "remixes",
    "reported_comments",
    "reposts",
    "revert_blocks",
    "saves",
    "shares",
    "skipped_transactions",
    "stems",
    "subscriptions",
    "track_downloads",
    "track_price_history",
    "track_routes",
    "tracks",
    "usdc_purchases",
    "user_events",
    "user_payout_wallet_history",
    "user_tips",
    "users",
];

/// Notification types that only loading a stream's seed rows makes, on a schema with triggers.
pub(crate) const SEEDED_NOTIFICATIONS: &[&str] =
    &["tip_receive", "tip_send", "usdc_purchase_buyer", "usdc_purchase_seller"];

/// Notification types that production derives in triggers, not in handlers.
pub(crate) const TRIGGER_NOTIFICATIONS: &[&str] = &[
    "approve_manager_request",
    "artist_remix_contest_submissions",
    "cosign",
    "create",
    "fan_remix_contest_started",
    "follow",
    "milestone",
    "milestone_follower_count",
    "reaction",
    "remix",
    "repost",
    "repost_of_repost",
    "request_manager",
    "save",
    "save_of_repost",
    "supporter_rank_up",
    "supporting_rank_up",
    "tip_receive",
    "tip_send",
    "track_added_to_playlist",
    "track_added_to_purchased_album",
    "usdc_purchase_buyer",
    "usdc_purchase_seller",
];

/// The columns that identify a row of `table`, serial ids and transaction hashes aside; empty when
/// only the whole row does.
pub(crate) fn natural_key(table: &str) -> &'static [&'static str] {
    match table {
        "aggregate_playlist" | "playlists" => &["playlist_id"],
        "aggregate_track" | "tracks" => &["track_id"],
        "aggregate_user" | "collectibles" | "user_events" | "users" => &["user_id"],
        "aggregate_user_tips" => &["sender_user_id", "receiver_user_id"],
        "album_price_history" => &["playlist_id", "block_timestamp"],
        "associated_wallets" => &["user_id", "wallet", "chain"],
        "blocks" => &["number"],
        "comment_mentions" | "comment_reactions" | "comment_reports" => &["comment_id", "user_id"],
        "comment_notification_settings" => &["user_id", "entity_id", "entity_type"],
        "comment_threads" => &["parent_comment_id", "comment_id"],
        "comments" => &["comment_id"],
        "core_indexed_blocks" => &["chain_id", "height"],
        "dashboard_wallet_users" => &["wallet"],
        "developer_apps" => &["address"],
        "email_access" => &["email_owner_user_id", "receiving_user_id", "grantor_user_id"],
        "encrypted_emails" => &["email_owner_user_id"],
        "events" => &["event_id"],
        "follows" => &["follower_user_id", "followee_user_id"],
        "grants" => &["grantee_address", "user_id"],
        "milestones" => &["id", "name", "threshold"],
        "muted_users" => &["user_id", "muted_user_id"],
        "notification" => &["type", "group_id", "specifier"],
        "notification_seen" => &["user_id", "seen_at"],
        "playlist_routes" | "track_routes" => &["owner_id", "slug"],
        "playlist_seen" => &["user_id", "playlist_id"],
        "playlist_tracks" => &["playlist_id", "track_id"],
        "reactions" => &["reacted_to", "blocknumber"],
        "remixes" | "stems" => &["parent_track_id", "child_track_id"],
        "reposts" => &["user_id", "repost_type", "repost_item_id"],
        "revert_blocks" => &["blocknumber"],
        "saves" => &["user_id", "save_type", "save_item_id"],
        "shares" => &["user_id", "share_type", "share_item_id"],
        "skipped_transactions" => &["blocknumber", "txhash"],
        "sol_user_balances" => &["user_id", "mint"],
        "subscriptions" => &["subscriber_id", "user_id"],
        "track_downloads" => &["track_id", "parent_track_id", "txhash"],
        "track_price_history" => &["track_id", "block_timestamp"],
        "usdc_purchases" | "user_tips" => &["slot", "signature"],
        "user_payout_wallet_history" => &["user_id", "block_timestamp"],
        _ => &[],
    }
}

/// Columns of `table` that no two runs agree on: serial ids (burnt sequence values shift them) and
/// the database's `now()`.
pub(crate) fn volatile_columns(table: &str) -> &'static [&'static str] {
    match table {
        "notification" | "user_events" | "associated_wallets" | "reactions" => &["id"],
        "encrypted_emails" | "email_access" => &["id", "created_at"],
        "skipped_transactions" => &["id", "created_at", "updated_at"],
        "collectibles"
        | "track_price_history"
        | "album_price_history"
        | "user_payout_wallet_history"
        | "track_downloads" => &["created_at"],
        "sol_user_balances" => &["created_at", "updated_at"],
        _ => &[],
    }
}
