//! What the tables of production are since the Go indexer writes it: some are written by nobody any
//! more, some by others too, and current rows have other keys than the rows of a history.

use super::Error;
use super::session::Session;
use super::spec::TableSpec;

/// Tables that nobody has written since the Python provider stopped, or whose rows depend on more
/// than the chain.
const LEFT_OUT: &[(&str, &str)] = &[
    ("collectibles", WRITTEN_BY_NOBODY),
    ("user_payout_wallet_history", WRITTEN_BY_NOBODY),
    ("reactions", WRITTEN_BY_NOBODY),
    ("user_tips", WRITTEN_BY_NOBODY),
    ("aggregate_user_tips", WRITTEN_BY_NOBODY),
    ("usdc_purchases", WRITTEN_BY_NOBODY),
    ("revert_blocks", WRITTEN_BY_NOBODY),
    ("skipped_transactions", WRITTEN_BY_NOBODY),
    ("oauth_redirect_uris", "production's API writes it too"),
];

const WRITTEN_BY_NOBODY: &str = "production's indexer writes it no more since June 2026";

/// Keys of current rows. The transaction that last wrote a row is no part of them.
const KEYS: &[(&str, &[&str])] = &[
    ("follows", &["follower_user_id", "followee_user_id"]),
    ("subscriptions", &["subscriber_id", "user_id", "entity_type"]),
    ("track_downloads", &["parent_track_id", "track_id"]),
];

/// Rows that the chain makes. Jobs of the api process, challenges and Solana make the others.
const ONLY: &[(&str, &str)] = &[(
    "notification",
    "t.type IN ('follow', 'repost', 'save', 'save_of_repost', 'repost_of_repost', 'cosign', \
     'milestone', 'milestone_follower_count', 'create', 'remix', 'track_added_to_playlist', \
     'fan_remix_contest_started', 'fan_remix_contest_submission', 'remix_contest_update', \
     'comment', 'comment_mention', 'comment_thread', 'comment_reaction', 'request_manager', \
     'approve_manager_request', 'track_collaborator_invite', 'track_collaborator_accept', \
     'announcement')",
)];

/// Columns that production fills with what no replay of the chain gives: scores and supporters by
/// others, slots that only the Python provider counted.
const IGNORED: &[(&str, &[&str])] = &[
    ("aggregate_user", &["score", "supporter_count", "supporting_count"]),
    ("notification", &["slot"]),
];

/// Days after which production drops plays, and the margin in which a run may see some of them go.
const PLAYS_KEPT: &str = "interval '400 days' - interval '1 hour'";

/// How a table is compared with that of production; the reason where it is not.
pub(crate) fn of(spec: &TableSpec) -> Result<TableSpec, &'static str> {
    if let Some((_, reason)) = LEFT_OUT.iter().find(|(table, _)| *table == spec.name) {
        return Err(*reason);
    }
    let mut spec = spec.clone();
    if let Some((_, key)) = KEYS.iter().find(|(table, _)| *table == spec.name) {
        spec.key = key.to_vec();
    }
    spec.only = ONLY.iter().find(|(table, _)| *table == spec.name).map(|(_, only)| *only);
    if let Some((_, columns)) = IGNORED.iter().find(|(table, _)| *table == spec.name) {
        spec.ignored = columns;
    }
    spec.folds_eth_wallets = spec.name == "associated_wallets";
    Ok(spec)
}

/// Which plays production, which is `prod`, has not dropped and is not about to: it keeps those of 400
/// days. `None` where it has none.
pub(crate) async fn kept_plays(prod: &mut Session) -> Result<Option<String>, Error> {
    let sql = format!(
        "SELECT greatest(min(p.created_at), now() AT TIME ZONE 'UTC' - {PLAYS_KEPT})::text \
         FROM plays AS p"
    );
    let rows = prod.texts("looking from when on plays are kept", &sql).await?;
    let first = rows.into_iter().flatten().flatten().next();
    Ok(first.map(|first| format!("t.created_at >= '{first}'::timestamp")))
}
