//! The aggregate tables rebuilt from the rows they are derived from, one statement per table and
//! step, whatever they held before.
//!
//! Counts of rows are counted. Where the reference moves a counter by one per stored row instead
//! (followers, playlists), the earlier versions of the rows that `revert_blocks` keeps are played
//! through, so that its quirks come out as well: an unfollow without a follow lowers the counters,
//! a playlist made private stays counted (handlers-b 11, handlers-c 8). Only a database that proves
//! to hold all of its history is counted so: see [`Proof`].

use sqlx::{AssertSqlSafe, Connection, postgres::PgConnection};

use super::Error;

/// Whether a rebuild is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Commit.
    Apply,
    /// Count what would change, and roll back.
    DryRun,
}

/// What a rebuild did to one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The table.
    pub table: &'static str,
    /// Rows in it now.
    pub rows: u64,
    /// Rows that were missing.
    pub added: u64,
    /// Rows that held something else.
    pub changed: u64,
    /// Rows of plays that are not there.
    pub removed: u64,
}

/// What a database proves about its own completeness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// `revert_blocks` holds every replaced version of the rows. Otherwise rows count as they are.
    pub versions: bool,
    /// `plays` holds all plays there were. Otherwise old ones may have been pruned, and a counter of
    /// plays is never lowered.
    pub plays: bool,
}

/// Whether this program alone has indexed all blocks that the database knows, in the era that keeps
/// replaced rows: no block without the mark of that era, as many checkpoints as blocks (they are
/// numbered without gaps; those of Ethereum, which share the numbers, would make up for missing
/// ones), and no numbered block from before.
const ALL_INDEXED: &str = "
SELECT NOT EXISTS (SELECT FROM blocks WHERE is_current IS NULL)
    AND NOT EXISTS (SELECT FROM audius_etl_checkpoints WHERE chain LIKE 'eip155:%')
    AND (SELECT count(*) FROM core_indexed_blocks)
        <= (SELECT coalesce(max(id), 0) FROM audius_etl_checkpoints)
    AND (SELECT count(*) FROM blocks WHERE number > 0)
        <= (SELECT count(em_block) FROM core_indexed_blocks)";

/// Whether `plays` has every play of a usable track that `etl_plays` recorded.
const ALL_PLAYS: &str = "
SELECT (SELECT count(*) FROM plays)
    >= (SELECT count(*) FROM etl_plays WHERE track_id ~ '^[0-9]{1,9}$')";

/// Whether months are counted from before the oldest play.
const IS_WINDOW: &str = "
SELECT (SELECT min(timestamp) FROM aggregate_monthly_plays)
    < date_trunc('month', (SELECT min(created_at) FROM plays))";

/// Whether `plays` holds the newest plays only and the counters know of more: production keeps 400
/// days. What is counted from the rest says nothing.
///
/// # Errors
/// When the query fails.
pub async fn plays_are_a_window(connection: &mut PgConnection) -> Result<bool, Error> {
    let looking = sqlx::query_scalar::<_, Option<bool>>(IS_WINDOW).fetch_one(connection);
    let found = looking.await.map_err(Error::query("looking for the oldest play"))?;
    Ok(found.unwrap_or(false))
}

impl Proof {
    /// Looks for the proof in a database that marks its blocks, or not.
    ///
    /// # Errors
    /// When a query fails.
    pub async fn find(connection: &mut PgConnection, marks_blocks: bool) -> Result<Self, Error> {
        if !marks_blocks {
            return Ok(Self::default());
        }
        let proven = |sql: &'static str| sqlx::query_scalar::<_, bool>(sql);
        let looking = || Error::query("looking for a complete history");
        let versions = proven(ALL_INDEXED).fetch_one(&mut *connection).await.map_err(looking())?;
        let plays = versions && proven(ALL_PLAYS).fetch_one(connection).await.map_err(looking())?;
        Ok(Self { versions, plays })
    }
}

/// A table with the query for what it has to hold.
struct Target {
    table: &'static str,
    key: &'static [&'static str],
    columns: &'static [&'static str],
    /// Yields the columns of `key`, then `columns`.
    wanted: &'static str,
    /// It counts plays: rows that `wanted` does not yield are removed if all plays are there.
    /// Queries of the other tables yield all ids that are in the table.
    of_plays: bool,
}

/// Rows that count, with their weight, from `revert_blocks` and the tables.
///
/// The `blocknumber` of an image is that of the block that replaced it.
const VERSIONS: &str = "
CREATE TEMP TABLE counted_follows ON COMMIT DROP AS
SELECT follower, followee, CASE WHEN is_delete THEN -1 ELSE 1 END AS step FROM (
    SELECT (old->>'follower_user_id')::int AS follower, (old->>'followee_user_id')::int AS followee,
           (old->>'is_delete')::boolean AS is_delete
    FROM revert_blocks, jsonb_array_elements(prev_records->'follows') old
    UNION ALL
    SELECT follower_user_id, followee_user_id, is_delete FROM follows WHERE is_current
) version;
CREATE TEMP TABLE counted_playlists ON COMMIT DROP AS
SELECT playlist_id, owner, is_album, was_private IS NULL AS is_first,
       CASE WHEN NOT is_private AND coalesce(was_private, true) THEN 1
            WHEN is_delete AND NOT was_delete AND NOT was_private THEN -1
            ELSE 0 END AS step
FROM (
    SELECT *, lag(is_private) OVER versions AS was_private, lag(is_delete) OVER versions AS was_delete
    FROM (
        SELECT (old->>'playlist_id')::int AS playlist_id, (old->>'playlist_owner_id')::int AS owner,
               (old->>'is_album')::boolean AS is_album, (old->>'is_private')::boolean AS is_private,
               (old->>'is_delete')::boolean AS is_delete, blocknumber AS replaced_in
        FROM revert_blocks, jsonb_array_elements(prev_records->'playlists') old
        UNION ALL
        SELECT playlist_id, playlist_owner_id, is_album, is_private, is_delete, NULL
        FROM playlists WHERE is_current
    ) version
    WINDOW versions AS (PARTITION BY playlist_id ORDER BY replaced_in NULLS LAST)
) pair;";

/// The same from the rows as they are, for databases whose earlier versions are not complete.
const CURRENT: &str = "
CREATE TEMP TABLE counted_follows ON COMMIT DROP AS
SELECT follower_user_id AS follower, followee_user_id AS followee,
       CASE WHEN is_delete THEN 0 ELSE 1 END AS step
FROM follows WHERE is_current;
CREATE TEMP TABLE counted_playlists ON COMMIT DROP AS
SELECT playlist_id, playlist_owner_id AS owner, is_album, true AS is_first,
       CASE WHEN is_private OR is_delete THEN 0 ELSE 1 END AS step
FROM playlists WHERE is_current;";

const USERS: &str = "
SELECT user_id,
       coalesce(tracks.listed, 0), coalesce(tracks.total, 0),
       coalesce(lists.playlists, 0), coalesce(lists.albums, 0),
       coalesce(followers.count, 0), coalesce(following.count, 0),
       coalesce(reposted.count, 0), coalesce(saved.count, 0), coalesce(shared.count, 0)
FROM (
    SELECT user_id FROM users WHERE is_current
    UNION SELECT owner_id FROM tracks WHERE is_current
    UNION SELECT follower FROM counted_follows UNION SELECT followee FROM counted_follows
    UNION SELECT user_id FROM saves WHERE is_current
    UNION SELECT user_id FROM reposts WHERE is_current
    UNION SELECT user_id FROM shares
    UNION SELECT user_id FROM aggregate_user
) ids
LEFT JOIN (
    SELECT owner_id AS user_id, count(*) AS total,
           count(*) FILTER (WHERE NOT coalesce(is_unlisted, false)) AS listed
    FROM tracks
    WHERE is_current AND NOT is_delete AND coalesce(is_available, true) AND stem_of IS NULL
    GROUP BY 1
) tracks USING (user_id)
LEFT JOIN (
    SELECT owner AS user_id, sum(step) FILTER (WHERE NOT is_album) AS playlists,
           sum(step) FILTER (WHERE is_album) AS albums
    FROM counted_playlists GROUP BY 1
) lists USING (user_id)
LEFT JOIN (
    SELECT followee AS user_id, sum(step) AS count FROM counted_follows GROUP BY 1
) followers USING (user_id)
LEFT JOIN (
    SELECT follower AS user_id, sum(step) AS count FROM counted_follows GROUP BY 1
) following USING (user_id)
LEFT JOIN (
    SELECT user_id, count(*) FROM reposts WHERE is_current AND NOT is_delete GROUP BY 1
) reposted USING (user_id)
LEFT JOIN (
    SELECT user_id, count(*) FROM saves
    WHERE is_current AND NOT is_delete AND save_type = 'track' GROUP BY 1
) saved USING (user_id)
LEFT JOIN (
    SELECT user_id, count(*) FROM shares WHERE share_type = 'track' GROUP BY 1
) shared USING (user_id)";

const TRACKS: &str = "
SELECT track_id, coalesce(reposted.count, 0), coalesce(saved.count, 0),
       coalesce(commented.count, 0), coalesce(shared.count, 0)
FROM (
    SELECT track_id FROM tracks WHERE is_current
    UNION SELECT save_item_id FROM saves WHERE is_current AND save_type = 'track'
    UNION SELECT repost_item_id FROM reposts WHERE is_current AND repost_type = 'track'
    UNION SELECT share_item_id FROM shares WHERE share_type = 'track'
    UNION SELECT entity_id FROM comments WHERE entity_type = 'Track'
    UNION SELECT track_id FROM aggregate_track
) ids
LEFT JOIN (
    SELECT repost_item_id AS track_id, count(*) FROM reposts
    WHERE is_current AND NOT is_delete AND repost_type = 'track' GROUP BY 1
) reposted USING (track_id)
LEFT JOIN (
    SELECT save_item_id AS track_id, count(*) FROM saves
    WHERE is_current AND NOT is_delete AND save_type = 'track' GROUP BY 1
) saved USING (track_id)
LEFT JOIN (
    SELECT entity_id AS track_id, count(*) FROM comments
    WHERE entity_type = 'Track' AND NOT coalesce(is_delete, false) AND coalesce(is_visible, true)
    GROUP BY 1
) commented USING (track_id)
LEFT JOIN (
    SELECT share_item_id AS track_id, count(*) FROM shares WHERE share_type = 'track' GROUP BY 1
) shared USING (track_id)";

const PLAYLISTS: &str = "
SELECT playlist_id, coalesce(first.is_album, known.is_album),
       coalesce(reposted.count, 0), coalesce(saved.count, 0), coalesce(shared.count, 0)
FROM (
    SELECT playlist_id FROM counted_playlists WHERE is_first
    UNION SELECT playlist_id FROM aggregate_playlist
) ids
LEFT JOIN (SELECT playlist_id, is_album FROM counted_playlists WHERE is_first) first
    USING (playlist_id)
LEFT JOIN aggregate_playlist known USING (playlist_id)
LEFT JOIN (
    SELECT repost_item_id AS playlist_id, count(*) FROM reposts
    WHERE is_current AND NOT is_delete AND repost_type <> 'track' GROUP BY 1
) reposted USING (playlist_id)
LEFT JOIN (
    SELECT save_item_id AS playlist_id, count(*) FROM saves
    WHERE is_current AND NOT is_delete AND save_type <> 'track' GROUP BY 1
) saved USING (playlist_id)
LEFT JOIN (
    SELECT share_item_id AS playlist_id, count(*) FROM shares WHERE share_type <> 'track' GROUP BY 1
) shared USING (playlist_id)";

const PLAYS: &str = "SELECT play_item_id, count(*) FROM plays GROUP BY 1";

const MONTHLY_PLAYS: &str = "
SELECT play_item_id, date_trunc('month', created_at)::date, coalesce(country, ''), count(*)
FROM plays GROUP BY 1, 2, 3";

/// The tables that count plays.
pub const OF_PLAYS: [&str; 2] = ["aggregate_plays", "aggregate_monthly_plays"];

const TARGETS: &[Target] = &[
    Target {
        table: "aggregate_user",
        key: &["user_id"],
        columns: &[
            "track_count",
            "total_track_count",
            "playlist_count",
            "album_count",
            "follower_count",
            "following_count",
            "repost_count",
            "track_save_count",
            "track_share_count",
        ],
        wanted: USERS,
        of_plays: false,
    },
    Target {
        table: "aggregate_track",
        key: &["track_id"],
        columns: &["repost_count", "save_count", "comment_count", "share_count"],
        wanted: TRACKS,
        of_plays: false,
    },
    Target {
        table: "aggregate_playlist",
        key: &["playlist_id"],
        columns: &["is_album", "repost_count", "save_count", "share_count"],
        wanted: PLAYLISTS,
        of_plays: false,
    },
    Target {
        table: "aggregate_plays",
        key: &["play_item_id"],
        columns: &["count"],
        wanted: PLAYS,
        of_plays: true,
    },
    Target {
        table: "aggregate_monthly_plays",
        key: &["play_item_id", "timestamp", "country"],
        columns: &["count"],
        wanted: MONTHLY_PLAYS,
        of_plays: true,
    },
];

/// Rebuilds `aggregate_user`, `aggregate_track`, `aggregate_playlist`, `aggregate_plays` and
/// `aggregate_monthly_plays` in one transaction. Columns that are not derived from the chain
/// (scores, genres, supporters) keep their values.
///
/// The tables are locked against writers first. Triggers of a production schema write to them with
/// every entity row, so no row can slip in between counting and storing.
///
/// `proof` says how much the database's history shows. `told` hears the name of each table before
/// it is counted.
///
/// # Errors
/// When a statement fails; then nothing is changed.
pub async fn rebuild(
    connection: &mut PgConnection,
    proof: Proof,
    mode: Mode,
    mut told: impl FnMut(&'static str),
) -> Result<Vec<Rebuilt>, Error> {
    let opening = Error::query("rebuilding the aggregates");
    let mut transaction = connection.begin().await.map_err(opening)?;
    let names: Vec<&str> = TARGETS.iter().map(|target| target.table).collect();
    let lock = format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", names.join(", "));
    run(&mut transaction, "locking the aggregates", &lock).await?;
    let versions = if proof.versions { VERSIONS } else { CURRENT };
    run(&mut transaction, "collecting the versions of follows and playlists", versions).await?;
    let mut done = Vec::new();
    for target in TARGETS {
        told(target.table);
        done.push(target.rebuild(&mut transaction, proof.plays).await?);
    }
    let ended = match mode {
        Mode::Apply => transaction.commit().await,
        Mode::DryRun => transaction.rollback().await,
    };
    ended.map_err(Error::query("ending the rebuild of the aggregates"))?;
    Ok(done)
}

impl Target {
    async fn rebuild(
        &self,
        connection: &mut PgConnection,
        all_plays: bool,
    ) -> Result<Rebuilt, Error> {
        let Self { table, wanted, .. } = self;
        let doing = format!("rebuilding {table}");
        let all: Vec<&str> = self.key.iter().chain(self.columns).copied().collect();
        let of = |alias: &str, columns: &[&str]| {
            columns.iter().map(|name| format!("{alias}.\"{name}\"")).collect::<Vec<_>>().join(", ")
        };
        let names = all.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let same_key = format!("ROW({}) = ROW({})", of("t", self.key), of("w", self.key));
        let new = of("w", self.columns);
        let set = self
            .columns
            .iter()
            .map(|name| format!("\"{name}\" = w.\"{name}\""))
            .collect::<Vec<_>>()
            .join(", ");
        let prepare = format!(
            "CREATE TEMP TABLE wanted ({names}) ON COMMIT DROP AS {wanted}; ANALYZE wanted"
        );
        run(connection, &doing, &prepare).await?;
        let removed = if self.of_plays && all_plays {
            let missing = format!("NOT EXISTS (SELECT FROM wanted w WHERE {same_key})");
            run(connection, &doing, &format!("DELETE FROM {table} t WHERE {missing}")).await?
        } else {
            0
        };
        let old = of("t", self.columns);
        let differs = if self.of_plays && !all_plays {
            format!("{new} > coalesce({old}, 0)")
        } else {
            format!("ROW({old}) IS DISTINCT FROM ROW({new})")
        };
        let update =
            format!("UPDATE {table} t SET {set} FROM wanted w WHERE {same_key} AND {differs}");
        let changed = run(connection, &doing, &update).await?;
        let insert = format!(
            "INSERT INTO {table} ({names}) SELECT {} FROM wanted w \
             WHERE NOT EXISTS (SELECT FROM {table} t WHERE {same_key})",
            of("w", &all)
        );
        let added = run(connection, &doing, &insert).await?;
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM wanted")
            .fetch_one(&mut *connection)
            .await
            .map_err(Error::query(doing.as_str()))?;
        run(connection, &doing, "DROP TABLE wanted").await?;
        let rows = u64::try_from(rows).unwrap_or(0);
        Ok(Rebuilt { table, rows, added, changed, removed })
    }
}

/// Runs statements and returns how many rows they touched.
async fn run(connection: &mut PgConnection, doing: &str, sql: &str) -> Result<u64, Error> {
    let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await;
    Ok(done.map_err(Error::query(doing))?.rows_affected())
}
