//! What every run on a database keeps to, and what a database that says nothing shows of the program
//! that wrote it.

use sqlx::{Row as _, postgres::PgConnection};

use super::{Error, load::Loader};

/// What runs keep to, from `audius_etl_plan`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPlan {
    /// The eras, as `--era` takes them.
    pub era: String,
    /// Why these.
    pub reason: String,
    /// The chain that was indexed first; heights in `era` are its.
    pub chain: Option<String>,
    /// Where that chain is left for another.
    pub switch: Option<StoredSwitch>,
}

/// Where one chain is left for the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredSwitch {
    /// Last height of the first chain.
    pub last: i64,
    /// First height of the next one.
    pub first: i64,
}

impl StoredPlan {
    /// Whether `chain`, which stands at `height`, has been left for the next one.
    pub fn has_left(&self, chain: &str, height: i64) -> bool {
        let is_first = self.chain.as_deref() == Some(chain);
        is_first && self.switch.is_some_and(|switch| height >= switch.last)
    }
}

/// Whose rows a database holds, by marks that its newest rows have (`frame.md` 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Every block has a parent, and plays a slot: the Python provider.
    Parents,
    /// Blocks have neither: the Go ETL.
    NoParents,
    /// Hashes of entity rows begin with 0x: the Python provider.
    PrefixedHashes,
    /// Hashes of entity rows are bare: the Go ETL.
    BareHashes,
}

impl Loader {
    /// What runs keep to, if one has stored that.
    ///
    /// # Errors
    /// The query fails.
    pub async fn plan(&self) -> Result<Option<StoredPlan>, Error> {
        let mut connection =
            self.pool.acquire().await.map_err(Error::query("reading audius_etl_plan"))?;
        read(&mut connection).await
    }

    /// What the newest rows show, `chain` being where the database stands.
    ///
    /// # Errors
    /// A query fails.
    pub async fn mark(&self, chain: Option<&str>) -> Result<Option<Mark>, Error> {
        let looking = || Error::query("looking for the marks of an era");
        let parents: Option<bool> = sqlx::query_scalar(
            "SELECT parenthash IS NOT NULL OR coalesce(plays_slot, 0) > 0 \
             FROM core_indexed_blocks WHERE chain_id = $1 ORDER BY height DESC LIMIT 1",
        )
        .bind(chain)
        .fetch_optional(&self.pool)
        .await
        .map_err(looking())?;
        if let Some(parents) = parents {
            return Ok(Some(if parents { Mark::Parents } else { Mark::NoParents }));
        }
        for newest in [
            "SELECT txhash LIKE '0x%' FROM users WHERE blocknumber IS NOT NULL AND txhash <> '' \
             ORDER BY blocknumber DESC LIMIT 1",
            "SELECT txhash LIKE '0x%' FROM tracks WHERE blocknumber IS NOT NULL AND txhash <> '' \
             ORDER BY blocknumber DESC LIMIT 1",
        ] {
            let prefixed: Option<bool> =
                sqlx::query_scalar(newest).fetch_optional(&self.pool).await.map_err(looking())?;
            if let Some(prefixed) = prefixed {
                return Ok(Some(if prefixed { Mark::PrefixedHashes } else { Mark::BareHashes }));
            }
        }
        Ok(None)
    }
}

/// What runs keep to, if one has stored that.
///
/// # Errors
/// The query fails.
pub async fn read(connection: &mut PgConnection) -> Result<Option<StoredPlan>, Error> {
    let reading = || Error::query("reading audius_etl_plan");
    let row = sqlx::query("SELECT era, reason, chain, switch_at, next_from FROM audius_etl_plan")
        .fetch_optional(connection)
        .await
        .map_err(reading())?;
    let Some(row) = row else { return Ok(None) };
    let read = || -> Result<StoredPlan, sqlx::Error> {
        let last: Option<i64> = row.try_get("switch_at")?;
        let first: Option<i64> = row.try_get("next_from")?;
        Ok(StoredPlan {
            era: row.try_get("era")?,
            reason: row.try_get("reason")?,
            chain: row.try_get("chain")?,
            switch: last.zip(first).map(|(last, first)| StoredSwitch { last, first }),
        })
    };
    read().map(Some).map_err(reading())
}

/// Stores what runs keep to, in place of what was there.
///
/// # Errors
/// The statement fails.
pub async fn store(connection: &mut PgConnection, plan: &StoredPlan) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO audius_etl_plan (id, era, reason, chain, switch_at, next_from) \
         VALUES (1, $1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO UPDATE SET era = excluded.era, reason = excluded.reason, \
             chain = excluded.chain, switch_at = excluded.switch_at, \
             next_from = excluded.next_from",
    )
    .bind(&plan.era)
    .bind(&plan.reason)
    .bind(&plan.chain)
    .bind(plan.switch.map(|switch| switch.last))
    .bind(plan.switch.map(|switch| switch.first))
    .execute(connection)
    .await
    .map(drop)
    .map_err(Error::query("storing audius_etl_plan"))
}
