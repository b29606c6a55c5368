//! Applying, reverting and listing migrations.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::postgres::{PgConnection, PgDatabaseError, PgErrorPosition};
use sqlx::{AssertSqlSafe, Connection, Row};
use tokio::time::{Instant, sleep};

use super::found::Found;
use super::plan::{self, Build, Planned};
use super::{MIGRATIONS, Migration, Origin, State, Status, Step, catalog, golang, text};
use crate::db::Error;
use crate::db::error::SchemaProblem;

/// The advisory lock under which schemas are changed. The value only has to differ from the other
/// locks of this program; it spells "etlschem".
const LOCK: i64 = 0x6574_6c73_6368_656d;

/// Settings for the transaction of a migration: no time limit of the role may cut it short, and a
/// table in use elsewhere must not let everybody else queue up behind it for longer than a moment.
const SESSION: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '1s'; \
                       SET LOCAL client_min_messages = 'warning'";

/// Settings for building indexes beside others: waiting for their transactions blocks nobody.
const BUILDING: &str = "SET statement_timeout = 0; SET lock_timeout = 0; \
                        SET maintenance_work_mem = '256MB'";

/// How long a migration is tried again while tables are in use, and the pause in between.
const RETRY_FOR: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);

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

    /// Who made the tables.
    pub async fn origin(&self, connection: &mut PgConnection) -> Result<Origin, Error> {
        let records = records(connection).await?;
        Ok(Origin::of(&found(connection, &records).await?))
    }

    /// Makes sure that the schema is the one this program holds.
    pub async fn check(&self, connection: &mut PgConnection) -> Result<(), Error> {
        let plans = self.plan(connection).await?;
        let count = plans.iter().filter(|plan| plan.is_pending).count();
        if count > 0 {
            return Err(SchemaProblem::Pending { count }.into());
        }
        let builds = plans.iter().flat_map(|plan| &plan.planned.indexes);
        let indexes: Vec<String> = builds.map(|build| build.name.clone()).collect();
        if indexes.is_empty() { Ok(()) } else { Err(SchemaProblem::Unbuilt { indexes }.into()) }
    }

    /// The steps that `up` would take.
    pub async fn plan_up(&self, connection: &mut PgConnection) -> Result<Vec<Step>, Error> {
        Ok(self.plan(connection).await?.into_iter().filter_map(Plan::into_step).collect())
    }

    /// Applies what is pending, each migration in a transaction of its own, then builds indexes on
    /// tables of others, and returns the steps taken. A database that is up to date is left alone.
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
            steps.push(Step { version, name, sql, builds: Vec::new(), adopted });
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
        let plans = self.plan(connection).await?;
        for plan in plans.iter().filter(|plan| plan.is_pending) {
            apply(connection, plan).await?;
        }
        for plan in &plans {
            for index in &plan.planned.indexes {
                build(connection, plan.migration.version, index).await?;
            }
        }
        Ok(plans.into_iter().filter_map(Plan::into_step).collect())
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

    /// What every migration does to the database, after making sure that those it knows are as they
    /// should be.
    async fn plan(&self, connection: &mut PgConnection) -> Result<Vec<Plan>, Error> {
        golang::refuse_half_way(connection).await?;
        let records = records(connection).await?;
        for line in self.compare(&records) {
            match line.state {
                State::Unknown => {
                    return Err(SchemaProblem::Newer { version: line.version }.into());
                }
                State::Changed => {
                    return Err(SchemaProblem::Changed { migration: line.name }.into());
                }
                State::Applied | State::Adopted | State::Pending => {}
            }
        }
        let applied: BTreeSet<i32> = records.iter().map(|record| record.version).collect();
        let found = found(connection, &records).await?;
        let planned = plan::plan(self.migrations, &applied, found)?;
        let plan = |(migration, planned): (&'static Migration, Planned)| {
            let is_pending = !applied.contains(&migration.version);
            Plan { migration, is_pending, planned }
        };
        Ok(self.migrations.iter().zip(planned).map(plan).collect())
    }

    fn compare(&self, records: &[Record]) -> Vec<Status> {
        let known = self.migrations.iter().map(|migration| {
            let record = records.iter().find(|record| record.version == migration.version);
            Status {
                version: migration.version,
                name: migration.name.to_owned(),
                state: match record {
                    None => State::Pending,
                    Some(record) if !migration.accepts(&record.checksum) => State::Changed,
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

/// What a migration does to a database.
struct Plan {
    migration: &'static Migration,
    is_pending: bool,
    planned: Planned,
}

impl Plan {
    /// The plan as a step; `None` if there is nothing to do.
    fn into_step(self) -> Option<Step> {
        let Self { migration, is_pending, planned } = self;
        let builds: Vec<String> = planned.indexes.iter().flat_map(Build::sql).collect();
        if !is_pending && builds.is_empty() {
            return None;
        }
        let statements = planned.statements.iter().map(|statement| statement.sql.as_str());
        Some(Step {
            version: migration.version,
            name: migration.name.to_owned(),
            sql: statements.map(|sql| format!("{sql};\n")).collect::<Vec<_>>().join("\n"),
            builds,
            adopted: planned.adopted,
        })
    }
}

/// Runs one migration and records it, with the objects it created, in the same transaction. While a
/// table is in use, it is tried again from the start.
async fn apply(connection: &mut PgConnection, plan: &Plan) -> Result<(), Error> {
    let started = Instant::now();
    loop {
        match apply_once(connection, plan).await {
            Err(error) if is_locked_out(&error) && started.elapsed() < RETRY_FOR => {
                tracing::info!(
                    migration = plan.migration.name,
                    "a table is in use; the migration is tried again"
                );
                sleep(PAUSE).await;
            }
            Err(Fault::Sql { source, line }) => {
                return Err(failed(plan.migration.name, source, line));
            }
            Err(Fault::Other(error)) => return Err(error),
            Ok(()) => return Ok(()),
        }
    }
}

/// Why a migration failed.
enum Fault {
    /// A statement did: the line of its file that the server pointed at.
    Sql {
        source: sqlx::Error,
        line: Option<usize>,
    },
    Other(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// `lock_not_available`.
fn is_locked_out(fault: &Fault) -> bool {
    let Fault::Sql { source, .. } = fault else { return false };
    source.as_database_error().and_then(|error| error.code()).as_deref() == Some("55P03")
}

async fn apply_once(connection: &mut PgConnection, plan: &Plan) -> Result<(), Fault> {
    let Plan { migration, planned, .. } = plan;
    let doing = || Error::query(format!("applying migration {}", migration.name));
    let mut transaction = connection.begin().await.map_err(doing())?;
    execute(&mut transaction, SESSION).await.map_err(doing())?;
    let before = catalog::objects(&mut transaction).await?;
    let mut all = String::new();
    for statement in &planned.statements {
        if let Err(source) = execute(&mut transaction, &statement.sql).await {
            let line = line_of(&source, &statement.sql).map(|line| statement.line + line - 1);
            return Err(Fault::Sql { source, line });
        }
        all.push_str(&statement.sql);
        all.push('\n');
    }
    let after = catalog::objects(&mut transaction).await?;
    let mut created = catalog::created(&before, &after, &all);
    // Built afterwards, but taken back with the rest.
    created.extend(planned.indexes.iter().map(|index| format!("index {}", index.name)));
    let adopted = planned.adopted;
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
    .map_err(doing())?;
    Ok(transaction.commit().await.map_err(doing())?)
}

/// Builds an index without blocking those who write to the table, and records it.
async fn build(connection: &mut PgConnection, version: i32, index: &Build) -> Result<(), Error> {
    let building = || Error::query(format!("building index {} on {}", index.name, index.table));
    sqlx::query(
        "UPDATE audius_etl_migrations SET created = created || $2
         WHERE version = $1 AND NOT created @> ARRAY[$2]",
    )
    .bind(version)
    .bind(format!("index {}", index.name))
    .execute(&mut *connection)
    .await
    .map_err(building())?;
    tracing::info!(index = index.name, table = index.table, "building an index beside the others");
    execute(connection, BUILDING).await.map_err(building())?;
    for sql in index.sql() {
        execute(connection, &sql).await.map_err(building())?;
    }
    Ok(())
}

/// Runs the SQL of a step back and takes its record away, in one transaction.
async fn revert(connection: &mut PgConnection, step: &Step) -> Result<(), Error> {
    let doing = || format!("reverting migration {}", step.name);
    let mut transaction = connection.begin().await.map_err(Error::query(doing()))?;
    execute(&mut transaction, SESSION).await.map_err(Error::query(doing()))?;
    execute(&mut transaction, &step.sql).await.map_err(|source| {
        let line = line_of(&source, &step.sql);
        failed(&step.name, source, line)
    })?;
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

/// The line of `sql` that the server points at, from 1.
fn line_of(source: &sqlx::Error, sql: &str) -> Option<usize> {
    let refusal = source.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?;
    match refusal.position()? {
        PgErrorPosition::Original(position) => Some(text::line_of(sql, position)),
        PgErrorPosition::Internal { .. } => None,
    }
}

/// Turns a refusal of the server into a message with the line of the file it points at. A lost
/// connection stays what it is.
fn failed(name: &str, source: sqlx::Error, line: Option<usize>) -> Error {
    let Some(refusal) = source.as_database_error() else {
        return Error::query(format!("running migration {name}"))(source);
    };
    // The role is to blame, not the schema.
    if refusal.code().as_deref() == Some("42501") {
        return Error::query(format!("running migration {name}"))(source);
    }
    let message = refusal.message().to_owned();
    SchemaProblem::Failed { migration: name.to_owned(), line, message }.into()
}

/// What the database has, with what the records say of who made it.
async fn found(connection: &mut PgConnection, records: &[Record]) -> Result<Found, Error> {
    Found::read(connection, records.iter().flat_map(|record| record.created.iter().cloned())).await
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
