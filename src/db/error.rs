//! What can go wrong with PostgreSQL, and what that means for the process.

use std::fmt;

use super::fitness::Unfit;
use super::private;

/// Why a database could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is no PostgreSQL URL.
    #[error("{url} is not a postgres:// URL")]
    Url {
        /// The text, redacted.
        url: String,
        /// What the parser said.
        source: Option<sqlx::Error>,
    },
    /// No connection: nobody listens, or not for these credentials or this database.
    #[error("cannot connect to {url}")]
    Unreachable {
        /// The URL, redacted.
        url: String,
        /// What the driver or the server said.
        source: sqlx::Error,
    },
    /// The private cluster cannot be made or started.
    #[error(transparent)]
    Private(#[from] private::Error),
    /// The schema is not what this program can work on; the text names the way out.
    #[error("{0}")]
    Schema(SchemaProblem),
    /// The database or the way to it does not do for writing; the text names the way out.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A statement failed.
    #[error("{doing}")]
    Query {
        /// What was being done, naming the table or the migration.
        doing: String,
        /// What the driver or the server said.
        source: sqlx::Error,
    },
}

/// What is wrong with the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaProblem {
    /// golang-migrate stopped half-way through a migration.
    Dirty {
        /// Its bookkeeping table.
        table: &'static str,
        /// The migration it stopped in.
        version: i64,
    },
    /// golang-migrate's record says nothing, although its tables are there, or too much.
    HalfWay {
        /// Its bookkeeping table.
        table: &'static str,
        /// Its rows, of which there should be one.
        rows: i64,
    },
    /// A migration was applied with other text than this program holds.
    Changed {
        /// Version and name.
        migration: String,
    },
    /// The database was migrated by a newer version of this program.
    Newer {
        /// The highest version applied.
        version: i32,
    },
    /// Migrations are missing.
    Pending {
        /// How many.
        count: usize,
    },
    /// Indexes that this program's lookups need are missing or not valid.
    Unbuilt {
        /// Their names.
        indexes: Vec<String>,
    },
    /// A table lacks a column that its rows could not be given.
    NotAddable {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type and the rest.
        definition: String,
    },
    /// There is no such version to go back to.
    NoSuchVersion {
        /// What was asked for.
        version: i32,
    },
    /// A table is not there.
    MissingTable {
        /// Its name.
        table: &'static str,
    },
    /// Columns that the handlers fill are not there.
    MissingColumns {
        /// The table.
        table: &'static str,
        /// Their names.
        columns: Vec<&'static str>,
    },
    /// A column has a type that its values cannot be stored in.
    ColumnType {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The type it has.
        found: String,
        /// The type that production has.
        expected: &'static str,
    },
    /// A column that this program does not know, and that a row cannot be without.
    Demanded {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
    },
    /// Somebody changed the type of a column while this program was using it.
    TypeChanged {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The type that it had.
        was: String,
        /// The type that it has.
        now: String,
    },
    /// Somebody forbade NULL in a column while this program was using it.
    NoLongerNull {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// An index that the schema needs was left half built by somebody.
    InvalidIndex {
        /// Its name.
        index: String,
    },
    /// A migration failed; nothing of it remains.
    Failed {
        /// Version and name.
        migration: String,
        /// Line of its file, where the server said which.
        line: Option<usize>,
        /// What the server said.
        message: String,
    },
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dirty { table, version } => write!(
                f,
                "{table} says that migration {version} stopped half-way (dirty); finish or undo \
                 what that migration does, then run `UPDATE {table} SET dirty = false` (or \
                 golang-migrate's `force {version}`) and try again"
            ),
            Self::HalfWay { table, rows } => write!(
                f,
                "{table} has {rows} rows where golang-migrate keeps one: what was applied is not \
                 known; let the Go ETL finish its migrations (or golang-migrate's `force` with the \
                 version that the tables have) and try again"
            ),
            Self::Changed { migration } => write!(
                f,
                "migration {migration} was applied with other text than this version holds; use \
                 the version that applied it, or `migrate down` below it and up again"
            ),
            Self::Newer { version } => write!(
                f,
                "migration {version} of this database is unknown here; a newer version of \
                 audius-etl made it and is needed to work on it"
            ),
            Self::Pending { count } => {
                write!(f, "{count} migrations are not applied yet; run `audius-etl migrate`")
            }
            Self::Unbuilt { indexes } => write!(
                f,
                "index {} is missing or not valid; run `audius-etl migrate`",
                indexes.join(", ")
            ),
            Self::NotAddable { table, column, definition } => write!(
                f,
                "table {table} of somebody else lacks {column}, and its rows cannot be given a \
                 value; add it by hand (`ALTER TABLE {table} ADD COLUMN {column} {definition}`) or \
                 use another database"
            ),
            Self::NoSuchVersion { version } => {
                write!(f, "there is no migration {version} to go back to")
            }
            Self::MissingTable { table } => {
                write!(f, "table {table} is missing; run `audius-etl migrate`")
            }
            Self::MissingColumns { table, columns } => write!(
                f,
                "table {table} lacks {}; run `audius-etl migrate`, or give a column that was \
                 renamed or dropped its name back",
                columns.join(", ")
            ),
            Self::ColumnType { table, column, found, expected } => write!(
                f,
                "{table}.{column} is {found}, but {expected} is needed; change it (`ALTER TABLE \
                 {table} ALTER COLUMN {column} TYPE {expected}`) or use another database"
            ),
            Self::Demanded { table, column } => write!(
                f,
                "{table}.{column} is NOT NULL without a default and unknown here, so no row can be \
                 inserted; give it one: `ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT …`"
            ),
            Self::TypeChanged { table, column, was, now } => write!(
                f,
                "the type of {table}.{column} was changed from {was} to {now} meanwhile; start \
                 again, which reads the schema anew"
            ),
            Self::NoLongerNull { table, column } => write!(
                f,
                "{table}.{column} takes no NULL any more since a moment ago; start again, or drop \
                 the constraint: `ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL`"
            ),
            Self::InvalidIndex { index } => write!(
                f,
                "index {index} is there but not valid; run `DROP INDEX {index}` and try again"
            ),
            Self::Failed { migration, line, message } => {
                write!(f, "migration {migration} failed and left nothing behind")?;
                if let Some(line) = line {
                    write!(f, " (line {line})")?;
                }
                write!(f, ": {message}")
            }
        }
    }
}

/// What an error means to a calling script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The settings make no sense: exit code 2.
    Settings,
    /// The database cannot be reached: exit code 3.
    Unreachable,
    /// A statement failed: exit code 6.
    Query,
    /// Wrong schema: exit code 7.
    Schema,
}

impl Error {
    /// What the error means to a calling script.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Url { .. } => ErrorKind::Settings,
            Self::Unfit(unfit) => unfit.kind(),
            Self::Unreachable { .. } | Self::Private(_) => ErrorKind::Unreachable,
            Self::Schema(_) => ErrorKind::Schema,
            Self::Query { source, .. } if is_lost(source) => ErrorKind::Unreachable,
            Self::Query { .. } => ErrorKind::Query,
        }
    }

    /// Whether the same statement may succeed on a second try: lost connections, a server going
    /// down or up, deadlocks and serialization failures.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Url { .. } | Self::Private(_) | Self::Schema(_) | Self::Unfit(_) => false,
            Self::Unreachable { source, .. } | Self::Query { source, .. } => is_transient(source),
        }
    }

    /// Wraps what the driver said while `doing` something.
    pub fn query(doing: impl Into<String>) -> impl FnOnce(sqlx::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Query { doing, source }
    }
}

impl From<SchemaProblem> for Error {
    fn from(problem: SchemaProblem) -> Self {
        Self::Schema(problem)
    }
}

/// SQL states after which the same transaction may be tried again.
pub(crate) fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => {
            database.code().is_some_and(|code| is_transient_state(&code))
        }
        _ => false,
    }
}

/// Whether a statement failed in a way that it also does once somebody has changed the tables: wrong
/// data or wrong names, and messages that the server cannot read (08P01), which otherwise look like
/// a connection gone bad.
pub(crate) fn may_be_drift(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            code == "08P01" || !is_transient_state(&code) && !matches!(&*code, "22021" | "22P05")
        }),
        _ => false,
    }
}

/// Whether the connection or the server went away, whatever the statement was.
fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(database) => {
            database.code().is_some_and(|code| is_transient_state(&code) && !code.starts_with("40"))
        }
        other => is_transient(other),
    }
}

/// A server that was made a standby, serialization failure, deadlock, administrator or crash shutdown, server starting up, and the
/// whole class of connection exceptions.
pub(crate) fn is_transient_state(code: &str) -> bool {
    matches!(code, "25006" | "40001" | "40P01" | "57P01" | "57P02" | "57P03")
        || code.starts_with("08")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_connections_and_conflicts_are_retried_and_wrong_data_is_not() {
        for code in ["25006", "40001", "40P01", "57P01", "08006", "08P01"] {
            assert!(is_transient_state(code), "{code}");
        }
        for code in ["22021", "23505", "42P01", "53100", "28P01"] {
            assert!(!is_transient_state(code), "{code}");
        }
        let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(Error::query("writing users")(lost.into()).is_retryable());
        assert!(!Error::query("writing users")(sqlx::Error::RowNotFound).is_retryable());
    }

    #[test]
    fn a_connection_lost_in_a_statement_means_that_the_database_is_away() {
        let lost = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        assert_eq!(Error::query("writing users")(lost.into()).kind(), ErrorKind::Unreachable);
        let wrong = Error::query("writing users")(sqlx::Error::RowNotFound);
        assert_eq!(wrong.kind(), ErrorKind::Query);
    }
}
