//! What becomes of a database's own triggers that derive rows from entity rows.

use sqlx::{Row as _, postgres::PgConnection};

use super::{Error, session::Session};
use crate::db::{self, catalog::Catalog};

/// Who derives rows where the database has triggers for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Triggers {
    /// They do: rows are written statement by statement, as they expect them.
    Database,
    /// This program does: they are silent for its session, and everybody else's keep them.
    Ours,
}

impl Triggers {
    /// What holds for the database of `catalog`; `None` where no trigger derives anything.
    pub(super) fn of(catalog: &Catalog, asked: Option<Self>) -> Option<Self> {
        catalog.has_deriving_triggers().then(|| asked.unwrap_or(Self::Database))
    }
}

/// Silences the triggers, and with them the foreign keys, for the session.
///
/// # Errors
/// [`Error::MayNotSilence`] without the right to.
pub(super) async fn silence(session: &mut Session) -> Result<(), Error> {
    let set = sqlx::raw_sql("SET session_replication_role = replica");
    let Err(error) = set.execute(&mut session.connection).await else { return Ok(()) };
    if error.as_database_error().and_then(|error| error.code()).as_deref() != Some("42501") {
        return Err(db::Error::query("silencing the triggers")(error).into());
    }
    let (role, can_be_granted) =
        role(&mut session.connection).await.map_err(db::Error::query("asking for the role"))?;
    Err(Error::MayNotSilence { role, can_be_granted })
}

/// The role of the session, quoted, and whether the server can grant it the right.
async fn role(connection: &mut PgConnection) -> Result<(String, bool), sqlx::Error> {
    let sql = "SELECT quote_ident(current_user) AS role, \
               current_setting('server_version_num')::int >= 150000 AS can_be_granted";
    let row = sqlx::query(sql).fetch_one(connection).await?;
    Ok((row.try_get("role")?, row.try_get("can_be_granted")?))
}
