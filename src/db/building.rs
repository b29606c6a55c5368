//! What a server tells of the index that is being built on a database, and of a long statement.

use std::fmt;

use sqlx::Row as _;
use sqlx::postgres::PgConnection;

use super::Error;

/// How the building of an index stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Building {
    /// The table it is for.
    pub table: String,
    /// What the server is doing, in its own words.
    pub phase: String,
    /// Share of the phase that is done, where the server knows.
    pub percent: Option<i64>,
}

impl fmt::Display for Building {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "building an index on {}: {}", self.table, self.phase)?;
        match self.percent {
            Some(percent) => write!(f, ", {percent} %"),
            None => Ok(()),
        }
    }
}

/// The index that is being built on the database of `connection`, if there is one.
///
/// # Errors
/// The query fails.
pub async fn building(connection: &mut PgConnection) -> Result<Option<Building>, Error> {
    let looking = || Error::query("looking for an index that is being built");
    let row = sqlx::query(
        "SELECT relid::regclass::text AS name, phase, \
                CASE WHEN tuples_total > 0 THEN 100 * tuples_done / tuples_total \
                     WHEN blocks_total > 0 THEN 100 * blocks_done / blocks_total END AS percent \
         FROM pg_stat_progress_create_index \
         WHERE datname = current_database() AND relid IS NOT NULL LIMIT 1",
    )
    .fetch_optional(connection)
    .await
    .map_err(looking())?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Building {
        table: row.try_get("name").map_err(looking())?,
        phase: row.try_get("phase").map_err(looking())?,
        percent: row.try_get("percent").map_err(looking())?,
    }))
}
