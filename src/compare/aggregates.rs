//! The counters of a database held against its own rows: drift there is not drift here.
//!
//! The rules are those by which production repairs its counters every ten minutes; at rest they
//! hold for every row of its own.

use std::sync::Arc;

use super::catalog::Catalog;
use super::session::Server;
use super::{Error, sight};

/// A counter and the rows that it counts.
struct Counter {
    table: &'static str,
    key: &'static str,
    column: &'static str,
    /// The table that is counted.
    of: &'static str,
    /// The column of it that names the one who is counted for.
    by: &'static str,
    /// Which rows count.
    which: &'static str,
}

const fn counter(
    [table, key, column]: [&'static str; 3],
    [of, by, which]: [&'static str; 3],
) -> Counter {
    Counter { table, key, column, of, by, which }
}

const COUNTERS: &[Counter] = &[
    counter(
        ["aggregate_user", "user_id", "track_count"],
        [
            "tracks",
            "owner_id",
            "c.is_current AND NOT c.is_delete AND NOT c.is_unlisted AND c.is_available \
             AND c.stem_of IS NULL",
        ],
    ),
    counter(
        ["aggregate_user", "user_id", "playlist_count"],
        [
            "playlists",
            "playlist_owner_id",
            "c.is_current AND NOT c.is_delete AND NOT c.is_private AND NOT c.is_album",
        ],
    ),
    counter(
        ["aggregate_user", "user_id", "album_count"],
        [
            "playlists",
            "playlist_owner_id",
            "c.is_current AND NOT c.is_delete AND NOT c.is_private AND c.is_album",
        ],
    ),
    counter(
        ["aggregate_user", "user_id", "follower_count"],
        ["follows", "followee_user_id", "c.is_current AND NOT c.is_delete"],
    ),
    counter(
        ["aggregate_user", "user_id", "following_count"],
        ["follows", "follower_user_id", "c.is_current AND NOT c.is_delete"],
    ),
    counter(
        ["aggregate_user", "user_id", "repost_count"],
        ["reposts", "user_id", "c.is_current AND NOT c.is_delete"],
    ),
    counter(
        ["aggregate_user", "user_id", "track_save_count"],
        ["saves", "user_id", "c.is_current AND NOT c.is_delete AND c.save_type::text = 'track'"],
    ),
    counter(
        ["aggregate_track", "track_id", "save_count"],
        [
            "saves",
            "save_item_id",
            "c.is_current AND NOT c.is_delete AND c.save_type::text = 'track'",
        ],
    ),
    counter(
        ["aggregate_track", "track_id", "repost_count"],
        [
            "reposts",
            "repost_item_id",
            "c.is_current AND NOT c.is_delete AND c.repost_type::text = 'track'",
        ],
    ),
    counter(
        ["aggregate_track", "track_id", "comment_count"],
        [
            "comments",
            "entity_id",
            "NOT c.is_delete AND c.is_visible AND c.entity_type::text = 'Track'",
        ],
    ),
    counter(
        ["aggregate_playlist", "playlist_id", "save_count"],
        [
            "saves",
            "save_item_id",
            "c.is_current AND NOT c.is_delete AND c.save_type::text IN ('playlist', 'album')",
        ],
    ),
    counter(
        ["aggregate_playlist", "playlist_id", "repost_count"],
        [
            "reposts",
            "repost_item_id",
            "c.is_current AND NOT c.is_delete AND c.repost_type::text IN ('playlist', 'album')",
        ],
    ),
];

/// Table and column of every counter, and the condition that the reference's is not what its own
/// rows say while ours is.
pub(super) fn recounts() -> impl Iterator<Item = (&'static str, &'static str, String)> {
    COUNTERS.iter().map(|Counter { table, key, column, of, by, which }| {
        let counted =
            format!("(SELECT count(*) FROM {of} AS c WHERE {which} AND c.{by} = r.{key})");
        let condition =
            format!("coalesce(r.{column}, 0) <> {counted} AND coalesce(t.{column}, 0) = {counted}");
        (*table, *column, condition)
    })
}

/// Examples of a counter.
const EXAMPLES: usize = 3;

/// A line for every counter that is not what the rows of its own database say. A counter whose
/// tables or columns are not all there is passed over.
///
/// # Errors
/// When rows are hidden from the role, or a statement fails.
pub(crate) async fn check(server: &Arc<Server>) -> Result<Vec<String>, Error> {
    let mut session = server.session().await?;
    session.begin().await?;
    let catalog = Catalog::read(&mut session).await?;
    let side = server.side;
    let mut lines = Vec::new();
    for counter in COUNTERS {
        let Counter { table, key, column, of, by, .. } = counter;
        let has = |table: &str, column: &str| {
            catalog.tables.get(table).is_some_and(|found| found.columns.contains_key(column))
        };
        if !has(table, column) || !has(of, by) {
            continue;
        }
        sight::check(side, &catalog, table, &[*key, *column])?;
        sight::check(side, &catalog, of, &[*by])?;
        let doing = format!("counting {of} for {table}.{column}");
        let rows = session.texts(&doing, &counter.sql()).await?;
        let field = |index: usize| rows.first()?.get(index)?.clone();
        let wrong = field(0).unwrap_or_default();
        if wrong != "0" {
            let examples = field(1).unwrap_or_default();
            lines.push(format!(
                "{table}.{column}: {wrong} rows of {side} are not what its own {of} say ({examples})"
            ));
        }
    }
    session.finish().await?;
    if lines.is_empty() {
        lines.push(format!("the counters of {side} are what its own rows say"));
    }
    Ok(lines)
}

impl Counter {
    fn sql(&self) -> String {
        let Self { table, key, column, of, by, which } = self;
        format!(
            "WITH counted AS (SELECT c.{by} AS id, count(*) AS n FROM {of} AS c WHERE {which} \
                GROUP BY c.{by}), \
             wrong AS (SELECT a.{key} AS id, a.{column} AS stored, coalesce(counted.n, 0) AS n \
                FROM {table} AS a LEFT JOIN counted ON counted.id = a.{key} \
                WHERE a.{column} <> coalesce(counted.n, 0)) \
             SELECT count(*)::text, (SELECT string_agg(format('{key} %s: %s, not %s', id, stored, n), \
                '; ') FROM (SELECT * FROM wrong ORDER BY id LIMIT {EXAMPLES}) AS few) FROM wrong"
        )
    }
}
