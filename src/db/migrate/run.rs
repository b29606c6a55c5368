//! Applying, reverting and listing migrations.

use sqlx::postgres::{PgConnection, PgDatabaseError, PgErrorPosition};
use sqlx::{AssertSqlSafe, Connection, Row};

use super::{MIGRATIONS, Migration, State, Status, Step, catalog, text};
use crate::db::Error;
use crate::db::error::SchemaProblem;

/// The advisory lock under which schemas are changed. The value only has to differ from the other
/// locks of this program; it spells "etlschem".
const LOCK: i64 = 0x6574_6c73_6368_656d;

/// Bookkeeping tables of golang-migrate that the Go tools use, both with `version` and `dirty`.
const GO_TABLES: [&str; 2] = ["etl_db_migrations", "schema_migrations"];

/// Settings for the transaction of a migration: no time limit of the role may cut it short, and a
/// table in use elsewhere must not let everybody else queue up behind it for long.
const SESSION: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'; \
                       SET LOCAL client_min_messages = 'warning'";

/// Runs migrations on a database, one connection at a time.
#[derive(Clone, Copy, Debug)]
pub struct Migrator {
    migrations: &'static [Migration],
}

/// A row of `audius_etl_migrations`.
struct Record {
    version: i32,
    name: String,
    checksum: String,
    applied_at: String,
    adopted: bool,
    created: Vec<String>,
}

impl Default for Migrator {
    fn default() -> Self {
        Self { migrations: MIGRATIONS }
    }
}

impl Migrator {
    /// A migrator over other migrations than the embedded ones, for tests of the runner. The first
    /// one has to make `audius_etl_migrations`.
    pub const fn over(migrations: &'static [Migration]) -> Self {
        Self { migrations }
    }

    /// How every migration stands, in order, those that only a newer version knows last.
    pub async fn status(&self, connection: &mut PgConnection) -> Result<Vec<Status>, Error> {
        Ok(self.compare(&records(connection).await?))
    }

    /// Makes sure that the schema is the one this program holds.
    pub async fn check(&self, connection: &mut PgConnection) -> Result<(), Error> {
        let pending = self.pending(connection).await?;
        match pending.len() {
            0 => Ok(()),
            count => Err(SchemaProblem::Pending { count }.into()),
        }
    }

    /// The steps that `up` would take.
    pub async fn plan_up(&self, connection: &mut PgConnection) -> Result<Vec<Step>, Error> {
        let pending = self.pending(connection).await?;
        Ok(pending.into_iter().map(|migration| step(migration, migration.up, false)).collect())
    }

    /// Applies what is pending, each migration in a transaction of its own, and returns the steps
    /// taken. A database that is up to date is left alone.
    pub async fn up(&self, connection: &mut PgConnection) -> Result<Vec<Step>, Error> {
        lock(connection).await?;
        let result = self.up_locked(connection).await;
        unlock(connection, result).await
    }

    /// The steps that `down` would take, the highest version first.
    pub async fn plan_down(
        &self,
        connection: &mut PgConnection,
        to: i32,
    ) -> Result<Vec<Step>, Error> {
        if to < 0 || (to > 0 && !self.migrations.iter().any(|known| known.version == to)) {
            return Err(SchemaProblem::NoSuchVersion { version: to }.into());
        }
        let mut steps = Vec::new();
        for record in records(connection).await?.into_iter().rev().filter(|row| row.version > to) {
            let known = self.migrations.iter().find(|known| known.version == record.version);
            let sql = match known {
                None => return Err(SchemaProblem::Newer { version: record.version }.into()),
                Some(known) if record.adopted || text::is_blank(known.down) => {
                    catalog::drop_statements(&record.created)
                }
                Some(known) => known.down.to_owned(),
            };
            let Record { version, name, adopted, .. } = record;
            steps.push(Step { version, name, sql, adopted });
        }
        Ok(steps)
    }

    /// Reverts every migration above version `to` (0: all of them), each in a transaction of its
    /// own, and returns the steps taken.
    pub async fn down(&self, connection: &mut PgConnection, to: i32) -> Result<Vec<Step>, Error> {
        lock(connection).await?;
        let result = self.down_locked(connection, to).await;
        unlock(connection, result).await
    }

    async fn up_locked(&self, connection: &mut PgConnection) -> Result<Vec<Step>, Error> {
        let mut steps = Vec::new();
        for migration in self.pending(connection).await? {
            steps.push(apply(connection, migration).await?);
        }
        Ok(steps)
    }

    async fn down_locked(
        &self,
        connection: &mut PgConnection,
        to: i32,
    ) -> Result<Vec<Step>, Error> {
        let steps = self.plan_down(connection, to).await?;
        for step in &steps {
            revert(connection, step).await?;
        }
        Ok(steps)
    }

    /// What is not applied yet, after making sure that the rest is as it should be.
    async fn pending(&self, connection: &mut PgConnection) -> Result<Vec<&Migration>, Error> {
        refuse_dirty(connection).await?;
        let status = self.compare(&records(connection).await?);
        for line in &status {
            match line.state {
                State::Unknown => {
                    return Err(SchemaProblem::Newer { version: line.version }.into());
                }
                State::Changed => {
                    return Err(SchemaProblem::Changed { migration: line.name.clone() }.into());
                }
                State::Applied | State::Adopted | State::Pending => {}
            }
        }
        let pending = |migration: &&Migration| {
            status
                .iter()
                .any(|line| line.version == migration.version && line.state == State::Pending)
        };
        Ok(self.migrations.iter().filter(pending).collect())
    }

    fn compare(&self, records: &[Record]) -> Vec<Status> {
        let known = self.migrations.iter().map(|migration| {
            let record = records.iter().find(|record| record.version == migration.version);
            Status {
                version: migration.version,
                name: migration.name.to_owned(),
                state: match record {
                    None => State::Pending,
                    Some(record) if record.checksum != migration.checksum() => State::Changed,
                    Some(record) if record.adopted => State::Adopted,
                    Some(_) => State::Applied,
                },
                applied_at: record.map(|record| record.applied_at.clone()),
            }
        });
        let unknown = records
            .iter()
            .filter(|row| !self.migrations.iter().any(|known| known.version == row.version))
            .map(|row| Status {
                version: row.version,
                name: row.name.clone(),
                state: State::Unknown,
                applied_at: Some(row.applied_at.clone()),
            });
        known.chain(unknown).collect()
    }
}

fn step(migration: &Migration, sql: &str, adopted: bool) -> Step {
    Step {
        version: migration.version,
        name: migration.name.to_owned(),
        sql: sql.to_owned(),
        adopted,
    }
}

/// Runs one migration and records it, with the objects it created, in the same transaction.
async fn apply(connection: &mut PgConnection, migration: &Migration) -> Result<Step, Error> {
    let doing = || format!("applying migration {}", migration.name);
    let mut transaction = connection.begin().await.map_err(Error::query(doing()))?;
    execute(&mut transaction, SESSION).await.map_err(Error::query(doing()))?;
    let before = catalog::objects(&mut transaction).await?;
    execute(&mut transaction, migration.up)
        .await
        .map_err(|source| failed(migration.name, migration.up, source))?;
    let after = catalog::objects(&mut transaction).await?;
    let adopted = catalog::any_present(&text::created_by(migration.up), &before);
    let created = catalog::created(&before, &after);
    tracing::debug!(migration = migration.name, adopted, created = created.len(), "applied");
    sqlx::query(
        "INSERT INTO audius_etl_migrations (version, name, checksum, adopted, created)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(migration.version)
    .bind(migration.name)
    .bind(migration.checksum())
    .bind(adopted)
    .bind(created)
    .execute(&mut *transaction)
    .await
    .map_err(Error::query(doing()))?;
    transaction.commit().await.map_err(Error::query(doing()))?;
    Ok(step(migration, migration.up, adopted))
}

/// Runs the SQL of a step back and takes its record away, in one transaction.
async fn revert(connection: &mut PgConnection, step: &Step) -> Result<(), Error> {
    let doing = || format!("reverting migration {}", step.name);
    let mut transaction = connection.begin().await.map_err(Error::query(doing()))?;
    execute(&mut transaction, SESSION).await.map_err(Error::query(doing()))?;
    execute(&mut transaction, &step.sql)
        .await
        .map_err(|source| failed(&step.name, &step.sql, source))?;
    if exists(&mut transaction, "audius_etl_migrations").await? {
        sqlx::query("DELETE FROM audius_etl_migrations WHERE version = $1")
            .bind(step.version)
            .execute(&mut *transaction)
            .await
            .map_err(Error::query(doing()))?;
    }
    transaction.commit().await.map_err(Error::query(doing()))
}

/// Runs statements that come from this program's own files or were built from the catalog.
async fn execute(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.map(drop)
}

/// Turns a refusal of the server into a message with the line of the file it points at. A lost
/// connection stays what it is.
fn failed(name: &str, sql: &str, source: sqlx::Error) -> Error {
    let Some(refusal) =
        source.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
    else {
        return Error::query(format!("running migration {name}"))(source);
    };
    let line = match refusal.position() {
        Some(PgErrorPosition::Original(position)) => Some(text::line_of(sql, position)),
        Some(PgErrorPosition::Internal { .. }) | None => None,
    };
    let message = refusal.message().to_owned();
    SchemaProblem::Failed { migration: name.to_owned(), line, message }.into()
}

/// The record of applied migrations, ascending; empty where there is none yet.
async fn records(connection: &mut PgConnection) -> Result<Vec<Record>, Error> {
    if !exists(connection, "audius_etl_migrations").await? {
        return Ok(Vec::new());
    }
    let read = || Error::query("reading audius_etl_migrations");
    let rows = sqlx::query(
        "SELECT version, name, checksum, adopted, created,
                to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS applied_at
         FROM audius_etl_migrations ORDER BY version",
    )
    .fetch_all(connection)
    .await
    .map_err(read())?;
    rows.iter()
        .map(|row| {
            Ok(Record {
                version: row.try_get("version")?,
                name: row.try_get("name")?,
                checksum: row.try_get("checksum")?,
                applied_at: row.try_get("applied_at")?,
                adopted: row.try_get("adopted")?,
                created: row.try_get("created")?,
            })
        })
        .collect::<Result<_, sqlx::Error>>()
        .map_err(read())
}

/// Stops at a database that golang-migrate left half-way through a migration: what is in it is
/// then anybody's guess. Tables of these names without a `dirty` column belong to other tools.
async fn refuse_dirty(connection: &mut PgConnection) -> Result<(), Error> {
    for table in GO_TABLES {
        let reading = || Error::query(format!("reading {table}"));
        let from_golang: bool = sqlx::query_scalar(
            "SELECT EXISTS (
                SELECT FROM pg_attribute
                WHERE attrelid = to_regclass($1) AND attname = 'dirty'
                    AND atttypid = 'boolean'::regtype AND NOT attisdropped
            )",
        )
        .bind(table)
        .fetch_one(&mut *connection)
        .await
        .map_err(reading())?;
        if !from_golang {
            continue;
        }
        let sql = format!("SELECT max(version)::bigint FROM {table} WHERE dirty");
        let dirty: Option<i64> = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut *connection)
            .await
            .map_err(reading())?;
        if let Some(version) = dirty {
            return Err(SchemaProblem::Dirty { table, version }.into());
        }
    }
    Ok(())
}

async fn exists(connection: &mut PgConnection, table: &str) -> Result<bool, Error> {
    sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(table)
        .fetch_one(connection)
        .await
        .map_err(Error::query(format!("looking for {table}")))
}

/// Waits for other migrations of this database to end.
async fn lock(connection: &mut PgConnection) -> Result<(), Error> {
    let locking = || Error::query("taking the migration lock");
    let free: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(LOCK)
        .fetch_one(&mut *connection)
        .await
        .map_err(locking())?;
    if !free {
        tracing::info!("another process is migrating this database; waiting for it");
        sqlx::query("SELECT pg_advisory_lock($1)")
            .bind(LOCK)
            .execute(connection)
            .await
            .map_err(locking())?;
    }
    Ok(())
}

/// Gives the lock back and passes `result` on; the error of the work outweighs one of unlocking.
async fn unlock<T>(connection: &mut PgConnection, result: Result<T, Error>) -> Result<T, Error> {
    let unlocked =
        sqlx::query("SELECT pg_advisory_unlock($1)").bind(LOCK).execute(connection).await;
    let value = result?;
    unlocked.map_err(Error::query("giving the migration lock back"))?;
    Ok(value)
}
