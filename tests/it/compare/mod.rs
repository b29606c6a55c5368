//! Comparing databases: what is found, what is not, and what the command says about it.

mod command;
mod conditions;
mod edits;
mod mutation;
mod pooler;
mod production;
mod rules;
mod window;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use audius_etl::compare::{self, Difference, Ended, Options, Progress, Report, spec};
use sqlx::Executor;
use sqlx::postgres::PgConnection;
use tokio_util::sync::CancellationToken;

use crate::support::db::TestDb;

/// Rows that every table gets.
const ROWS: i64 = 200;

/// Two databases with the same made-up rows in every table.
struct Pair {
    etl: TestDb,
    prod: TestDb,
    /// Holds the file of known differences.
    folder: tempfile::TempDir,
}

impl Pair {
    async fn new() -> Self {
        let pair = Self::empty().await;
        for db in [&pair.etl, &pair.prod] {
            let mut connection = prepared(db).await;
            for table in spec::tables() {
                fill(&mut connection, table, 1, ROWS).await;
            }
        }
        pair
    }

    /// Two databases without rows.
    async fn empty() -> Self {
        let (etl, prod) = (TestDb::new().await, TestDb::new().await);
        Self { etl, prod, folder: tempfile::tempdir().unwrap() }
    }

    /// Whole databases, nothing known, small segments, no second look.
    fn options(&self) -> Options {
        Options {
            all: true,
            known: Some(self.file("none.toml", "")),
            segment_rows: 10,
            recheck_after: Duration::ZERO,
            jobs: 2,
            ..Options::default()
        }
    }

    /// A file of known differences.
    fn known(&self, text: &str) -> PathBuf {
        self.file("known.toml", text)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Why a comparison came to no verdict.
    async fn refused(&self, options: Options) -> compare::Error {
        self.end(options).await.unwrap_err()
    }

    async fn end(&self, options: Options) -> Result<Ended, compare::Error> {
        let (etl, prod) = (self.etl.database().clone(), self.prod.database().clone());
        let (progress, cancel) = (Arc::new(Progress::default()), CancellationToken::new());
        Box::pin(compare::compare(etl, prod, options, progress, cancel)).await
    }

    async fn compare(&self, options: Options) -> (Report, Vec<Difference>) {
        let mut ended = self.end(options).await.unwrap();
        let differences = ended.differences().unwrap().collect::<Result<_, _>>().unwrap();
        (ended.report, differences)
    }
}

/// A connection on which rows can be made up: no triggers, no foreign keys, and none of the rules
/// that made-up rows break.
async fn prepared(db: &TestDb) -> PgConnection {
    let mut connection = db.connect().await;
    connection
        .execute(
            "SET session_replication_role = replica;
             ALTER TABLE tracks DROP CONSTRAINT IF EXISTS check_territory_codes;
             ALTER TABLE track_collaborators
                DROP CONSTRAINT IF EXISTS track_collaborators_status_check;
             DROP INDEX IF EXISTS blocks_is_current_idx",
        )
        .await
        .unwrap();
    connection.execute(include_str!("fill.sql")).await.unwrap();
    connection
}

async fn fill(connection: &mut PgConnection, table: &spec::TableSpec, first: i64, last: i64) {
    sqlx::query("SELECT fill_table($1, $2, $3::int, $4::int) WHERE to_regclass($1) IS NOT NULL")
        .bind(table.name)
        .bind(table.key.iter().map(ToString::to_string).collect::<Vec<_>>())
        .bind(first)
        .bind(last)
        .execute(connection)
        .await
        .unwrap();
}

/// The table called `name`.
fn spec_of(name: &str) -> &'static spec::TableSpec {
    spec::tables().iter().find(|table| table.name == name).unwrap()
}
