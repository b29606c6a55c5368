//! What is known of production's tables in the form that the recordings of this era use.

/// Makes our schema take the rows that production's own constraints refuse; each statement may find
/// its work done.
pub(crate) const RELAXED: &[&str] = &[
    "ALTER TABLE muted_users ALTER blockhash DROP NOT NULL",
    "ALTER TABLE associated_wallets ADD created_at timestamp",
    "ALTER TABLE associated_wallets ADD updated_at timestamp",
    "ALTER TABLE associated_wallets DROP CONSTRAINT unique_user_wallet_chain",
];

/// The row that production's `blocks` begins with, and every recording.
pub(crate) const FIRST_BLOCK: &str =
    "INSERT INTO blocks (blockhash, parenthash, number) VALUES ('0x0', NULL, 0)";

/// Start of the names of tables that are ours alone.
pub(crate) const OURS: &str = "audius_etl_";

/// Tables that rows of other services come from, with what is counted of them.
pub(crate) const COUNTED: &[&str] = &[
    "aggregate_playlist",
    "aggregate_track",
    "aggregate_user",
    "comments",
    "follows",
    "playlists",
    "reposts",
    "saves",
    "tracks",
];

/// The columns that identify a row of `table`; empty when only the whole row does. Rows that share
/// them are compared as a multiset.
pub(crate) fn natural_key(table: &str) -> &'static [&'static str] {
    match table {
        "aggregate_monthly_plays" => &["play_item_id", "timestamp", "country"],
        "aggregate_playlist" | "playlists" => &["playlist_id"],
        "aggregate_plays" => &["play_item_id"],
        "aggregate_track" | "tracks" => &["track_id"],
        "aggregate_user"
        | "eth_user_balances"
        | "user_distinct_play_hours"
        | "user_distinct_play_tracks"
        | "user_pubkeys"
        | "users" => &["user_id"],
        "aggregate_user_tips" => &["sender_user_id", "receiver_user_id"],
        "album_price_history" => &["playlist_id", "block_timestamp"],
        "associated_wallets" => &["user_id", "wallet", "chain"],
        "blocks" => &["blockhash"],
        "comment_mentions" | "comment_reactions" | "comment_reports" => &["comment_id", "user_id"],
        "comment_notification_settings" => &["user_id", "entity_id", "entity_type"],
        "comment_threads" => &["parent_comment_id", "comment_id"],
        "comments" => &["comment_id"],
        "core_indexed_blocks" => &["chain_id", "height"],
        "dashboard_wallet_users" => &["wallet"],
        "developer_apps" => &["address", "txhash"],
        "email_access" => &["email_owner_user_id", "receiving_user_id", "grantor_user_id"],
        "encrypted_emails" => &["email_owner_user_id"],
        "etl_addresses" => &["address"],
        "etl_blocks" => &["block_height"],
        "etl_manage_entities" => &["tx_hash", "block_height"],
        "etl_plays" => &["tx_hash", "block_height", "track_id", "user_id"],
        "etl_transactions" => &["tx_hash"],
        "events" => &["event_id"],
        "follows" => &["follower_user_id", "followee_user_id"],
        "grants" => &["grantee_address", "user_id", "txhash"],
        "milestones" => &["id", "name", "threshold"],
        "muted_users" => &["user_id", "muted_user_id"],
        "notification" => &["type", "group_id", "specifier"],
        "notification_seen" => &["user_id", "seen_at"],
        "oauth_redirect_uris" => &["client_id", "redirect_uri"],
        "playlist_routes" | "track_routes" => &["owner_id", "slug"],
        "playlist_seen" => &["user_id", "playlist_id", "seen_at"],
        "playlist_tracks" => &["playlist_id", "track_id"],
        "plays" => &["user_id", "play_item_id", "created_at", "city", "region", "country"],
        "reactions" => &["reacted_to", "blocknumber"],
        "remixes" | "stems" => &["parent_track_id", "child_track_id"],
        "reposts" => &["user_id", "repost_type", "repost_item_id"],
        "saves" => &["user_id", "save_type", "save_item_id"],
        "shares" => &["user_id", "share_type", "share_item_id", "txhash"],
        "subscriptions" => &["subscriber_id", "user_id", "entity_type"],
        "track_collaborators" => &["track_id", "collaborator_user_id"],
        "track_downloads" => &["track_id", "parent_track_id", "txhash"],
        "track_price_history" => &["track_id", "block_timestamp"],
        "usdc_purchases" | "user_tips" => &["slot", "signature"],
        "user_events" => &["user_id", "is_current", "blocknumber"],
        _ => &[],
    }
}

/// Columns of `table` that hold serial ids, or what the clock of a database or a process gives.
pub(crate) fn volatile_columns(table: &str) -> &'static [&'static str] {
    match table {
        "associated_wallets"
        | "etl_blocks"
        | "etl_manage_entities"
        | "etl_plays"
        | "etl_transactions"
        | "notification"
        | "reactions"
        | "user_events" => &["id"],
        "album_price_history" | "collectibles" | "track_price_history" => &["created_at"],
        "email_access" | "encrypted_emails" | "etl_addresses" | "skipped_transactions" => {
            &["id", "created_at", "updated_at"]
        }
        "eth_user_balances" | "sol_user_balances" | "user_pubkeys" => &["created_at", "updated_at"],
        "oauth_redirect_uris" => &["id", "created_at"],
        "plays" => &["id", "updated_at"],
        _ => &[],
    }
}

/// Columns of `table` that recordings keep as a digest where they are long.
pub(crate) fn digested_columns(table: &str) -> &'static [&'static str] {
    if table == "etl_manage_entities" { &["metadata", "signature"] } else { &[] }
}
