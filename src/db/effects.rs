//! Results of outside calls that outlive the process, in `audius_etl_effects`.

use sqlx::{PgExecutor, postgres::PgConnection};

use super::Error;
use crate::store::{Effect, EffectRow};

/// The table.
pub const TABLE: &str = "audius_etl_effects";

/// Keys and values of the results of one kind that are kept.
///
/// # Errors
/// When the query fails.
pub async fn load(
    connection: impl PgExecutor<'_>,
    effect: Effect,
) -> Result<Vec<(String, String)>, Error> {
    sqlx::query_as("SELECT key, value #>> '{}' FROM audius_etl_effects WHERE name = $1")
        .bind(effect.name)
        .fetch_all(connection)
        .await
        .map_err(Error::query("reading the results of earlier calls"))
}

/// Stores results with the checkpoint they belong to, inside the open transaction.
///
/// # Errors
/// When the statement fails.
pub async fn store(
    connection: &mut PgConnection,
    rows: &[EffectRow],
    checkpoint: u64,
) -> Result<(), sqlx::Error> {
    for EffectRow { name, key, value } in rows {
        sqlx::query(
            "INSERT INTO audius_etl_effects (name, key, value, checkpoint_id) \
             VALUES ($1, $2, to_jsonb($3::text), $4) \
             ON CONFLICT (name, key) DO UPDATE SET value = excluded.value, \
                 checkpoint_id = excluded.checkpoint_id",
        )
        .bind(name)
        .bind(key)
        .bind(value)
        .bind(i64::try_from(checkpoint).unwrap_or(i64::MAX))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
