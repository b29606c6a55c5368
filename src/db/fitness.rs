//! Whether a database and the way to it do for a program that writes: asked once, before anything is
//! changed, because all of it would otherwise show up late, half-way, or in other programs' sessions.

use std::time::Duration;

use sqlx::{Row, postgres::PgConnection};
use tokio::time::timeout;

use super::search_path::{self, OpenSchema};
use super::{Database, Error, ErrorKind};

/// How long the second connection may take to answer; a pooler may have none to spare.
const SECOND: Duration = Duration::from_secs(5);

/// Why a database does not do for writing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A pooler hands out another session with every transaction.
    #[error(
        "{url} is a pooler in transaction mode: locks and settings need a session of their own; \
         name the server itself, or a pool in session mode"
    )]
    Pooler {
        /// The URL, redacted.
        url: String,
    },
    /// The server takes no writes.
    #[error("{url} is a standby in recovery, which is read-only; name the primary server")]
    Standby {
        /// The URL, redacted.
        url: String,
    },
    /// Texts of the chain cannot be stored.
    #[error(
        "the encoding of the database is {encoding}, which cannot hold every text of the chain; \
         make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding {
        /// The encoding.
        encoding: String,
    },
    /// Others may create in a schema of the search path, and that was to be refused.
    #[error(
        "role {role} may create functions and operators in schema {schema}, which is on the search \
         path: statements may run them with our rights; run {remedy}, or leave out \
         --strict-search-path"
    )]
    OpenSchema {
        /// The schema, as SQL writes it.
        schema: String,
        /// The role, as SQL writes it.
        role: String,
        /// What closes it.
        remedy: String,
    },
    /// Going back over blocks needs temporary tables.
    #[error(
        "role {role} may not create temporary tables, which going back over blocks needs; run \
         GRANT TEMPORARY ON DATABASE {database} TO {role}"
    )]
    NoTemporary {
        /// The role, as SQL writes it.
        role: String,
        /// The database, as SQL writes it.
        database: String,
    },
}

impl Unfit {
    pub(super) const fn kind(&self) -> ErrorKind {
        match self {
            Self::Standby { .. } | Self::NoTemporary { .. } | Self::OpenSchema { .. } => {
                ErrorKind::Unreachable
            }
            Self::Pooler { .. } | Self::Encoding { .. } => ErrorKind::Settings,
        }
    }
}

/// Makes sure that `database` does for a program that indexes: that it does for one that writes, and
/// lets it go back over blocks. Warns of schemas of the search path in which other roles may create, or
/// with `strict` refuses them.
///
/// # Errors
/// It cannot be reached, or [`Unfit`].
pub async fn check(database: &Database, strict: bool) -> Result<(), Error> {
    let asking = || Error::query("asking the server what it is");
    let mut connection = check_server(database).await?;
    let row = sqlx::query(
        "SELECT has_database_privilege(current_database(), 'TEMPORARY') AS temporary, \
                quote_ident(current_user) AS role, quote_ident(current_database()) AS database",
    )
    .fetch_one(&mut connection)
    .await
    .map_err(asking())?;
    if !row.try_get("temporary").map_err(asking())? {
        let text = |name| row.try_get::<String, _>(name).map_err(asking());
        return Err(Unfit::NoTemporary { role: text("role")?, database: text("database")? }.into());
    }
    check_search_path(&mut connection, strict).await
}

/// Makes sure that `database` does for a program that writes, and returns a connection to it.
///
/// # Errors
/// It cannot be reached, or [`Unfit`].
pub async fn check_server(database: &Database) -> Result<PgConnection, Error> {
    let url = || database.redacted().to_owned();
    let asking = || Error::query("asking the server what it is");
    let mut one = database.connect().await?;
    let mut two = database.connect().await?;
    if is_pooled(&mut one, &mut two).await.map_err(asking())? {
        return Err(Unfit::Pooler { url: url() }.into());
    }
    drop(two);
    let row = sqlx::query(
        "SELECT pg_is_in_recovery() AS standby, current_setting('server_encoding') AS encoding",
    )
    .fetch_one(&mut one)
    .await
    .map_err(asking())?;
    if row.try_get("standby").map_err(asking())? {
        return Err(Unfit::Standby { url: url() }.into());
    }
    let encoding: String = row.try_get("encoding").map_err(asking())?;
    if encoding != "UTF8" {
        return Err(Unfit::Encoding { encoding }.into());
    }
    Ok(one)
}

async fn check_search_path(connection: &mut PgConnection, strict: bool) -> Result<(), Error> {
    for open in search_path::open_schemas(connection).await? {
        let remedy = open.remedy();
        let OpenSchema { schema, role } = open;
        if strict {
            return Err(Unfit::OpenSchema { schema, role, remedy }.into());
        }
        tracing::warn!(
            schema,
            role,
            remedy,
            "another role may create functions and operators in a schema of the search_path, which \
             would run with our rights"
        );
    }
    Ok(())
}

/// Whether two connections share sessions of the server: both are on one, or the first has moved to
/// another while a transaction of the second keeps one busy.
async fn is_pooled(one: &mut PgConnection, two: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let (first, second) = (session(one).await?, session(two).await?);
    if first == second {
        return Ok(true);
    }
    sqlx::raw_sql("BEGIN").execute(&mut *two).await?;
    let moved = match timeout(SECOND, session(one)).await {
        Ok(now) => now? != first,
        // Only a pooler makes a connection wait for another one.
        Err(_elapsed) => true,
    };
    sqlx::raw_sql("COMMIT").execute(&mut *two).await?;
    Ok(moved)
}

async fn session(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    // Not prepared: a pooler may lose the statement.
    let row = sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(connection).await?;
    row.try_get(0)
}
