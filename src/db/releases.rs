//! Scheduled releases: tracks and albums become public once their date has come (go/frame.md 1.8).
//! In production a job of the api process does it, beside the chain; no block says so.
//!
//! Rows change where they stand, so that whoever else writes them keeps what is theirs, and triggers
//! of production's make of it what they make there. Then the owners' counters are counted anew, as
//! production's reconciling job does: triggers say nothing of the dominant genre.

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;

use super::Error;

/// What was published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Tracks that are listed now.
    pub tracks: u64,
    /// Albums that are not private any more.
    pub albums: u64,
    /// Users whose counters were counted anew.
    pub counted: u64,
}

/// Whether to keep what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Keep it.
    Apply,
    /// Only say what would be done.
    DryRun,
}

const ARE_DUE: &str = "\
    SELECT EXISTS (SELECT FROM tracks WHERE is_unlisted = true AND is_scheduled_release = true \
            AND release_date IS NOT NULL AND is_current = true AND is_delete = false \
            AND release_date < now()) \
        OR EXISTS (SELECT FROM playlists WHERE is_private = true AND is_album = true \
            AND is_scheduled_release = true AND release_date IS NOT NULL AND is_current = true \
            AND is_delete = false AND release_date < now())";

const TRACKS: &str = "\
    UPDATE tracks SET is_unlisted = false, updated_at = now() \
    WHERE is_unlisted = true AND is_scheduled_release = true AND release_date IS NOT NULL \
        AND is_current = true AND is_delete = false AND release_date < now() RETURNING owner_id";

const ALBUMS: &str = "\
    UPDATE playlists SET is_private = false, updated_at = now() \
    WHERE is_private = true AND is_album = true AND is_scheduled_release = true \
        AND release_date IS NOT NULL AND is_current = true AND is_delete = false \
        AND release_date < now() RETURNING playlist_owner_id";

/// The counters of users that a release moves (production.md 4.2). Of genres with as many tracks the
/// one with the latest counts.
const COUNTERS: &str = "\
    UPDATE aggregate_user a SET track_count = coalesce(t.tracks, 0), \
        dominant_genre = g.genre, dominant_genre_count = g.tracks, album_count = p.albums \
    FROM unnest($1::int4[]) AS o(user_id) \
    LEFT JOIN LATERAL ( \
        SELECT count(*) AS tracks FROM tracks WHERE owner_id = o.user_id AND is_current \
            AND NOT is_delete AND NOT is_unlisted AND is_available AND stem_of IS NULL) t ON true \
    LEFT JOIN LATERAL ( \
        SELECT genre, count(*) AS tracks FROM tracks WHERE owner_id = o.user_id AND is_current \
            AND NOT is_delete AND NOT is_unlisted AND is_available AND stem_of IS NULL \
        GROUP BY genre ORDER BY count(*) DESC, max(created_at) DESC LIMIT 1) g ON true \
    LEFT JOIN LATERAL ( \
        SELECT count(*) AS albums FROM playlists WHERE playlist_owner_id = o.user_id AND is_current \
            AND is_album AND NOT is_private AND NOT is_delete) p ON true \
    WHERE a.user_id = o.user_id";

/// Whether there is something to publish. Costs next to nothing with production's indexes for it.
///
/// # Errors
/// When the query fails.
pub async fn are_due(connection: &mut PgConnection) -> Result<bool, Error> {
    let failed = Error::query("looking for scheduled releases");
    sqlx::query_scalar(ARE_DUE).fetch_one(connection).await.map_err(failed)
}

/// Publishes what is due by the server's clock, in one transaction.
///
/// # Errors
/// When a statement fails; nothing is published then.
pub async fn publish(connection: &mut PgConnection, mode: Mode) -> Result<Released, Error> {
    let failed = || Error::query("publishing scheduled releases");
    let mut transaction = connection.begin().await.map_err(failed())?;
    let tracks: Vec<i32> =
        sqlx::query_scalar(TRACKS).fetch_all(&mut *transaction).await.map_err(failed())?;
    let albums: Vec<i32> =
        sqlx::query_scalar(ALBUMS).fetch_all(&mut *transaction).await.map_err(failed())?;
    let mut released =
        Released { tracks: tracks.len() as u64, albums: albums.len() as u64, counted: 0 };
    let mut owners = [tracks, albums].concat();
    owners.sort_unstable();
    owners.dedup();
    released.counted = sqlx::query(COUNTERS)
        .bind(owners)
        .execute(&mut *transaction)
        .await
        .map_err(failed())?
        .rows_affected();
    match mode {
        Mode::Apply => transaction.commit().await.map_err(failed())?,
        Mode::DryRun => transaction.rollback().await.map_err(failed())?,
    }
    Ok(released)
}
