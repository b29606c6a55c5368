//! Who besides us can put functions and operators where our statements look for theirs (CVE-2018-1058):
//! the schemas of the search path in which other roles may create.

use serde::Serialize;
use sqlx::{Connection as _, PgConnection, Row as _};

use super::Error;

/// A schema of the search path in which another role may create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenSchema {
    /// The schema, as SQL writes it.
    pub schema: String,
    /// The role, as SQL writes it; `PUBLIC` for everybody.
    pub role: String,
}

impl OpenSchema {
    /// What closes it.
    pub fn remedy(&self) -> String {
        format!("REVOKE CREATE ON SCHEMA {} FROM {}", self.schema, self.role)
    }
}

/// The schemas that a role other than the owner, ourselves and superusers may create in. Roles that
/// have the right through another one are not told by name.
const OPEN: &str = "\
    SELECT quote_ident(n.nspname) AS schema, \
        CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(r.rolname) END AS role \
    FROM pg_namespace n \
    CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a \
    LEFT JOIN pg_roles r ON r.oid = a.grantee \
    WHERE n.nspname = ANY ($1) AND a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner \
        AND (a.grantee = 0 OR (NOT r.rolsuper AND r.rolname <> current_user)) \
    ORDER BY 1, 2";

/// Looks for schemas of the session's search path in which others may create.
///
/// # Errors
/// Where the catalog cannot be read.
pub async fn open_schemas(connection: &mut PgConnection) -> Result<Vec<OpenSchema>, Error> {
    look(connection).await.map_err(Error::query("who may create in the schemas of the search path"))
}

async fn look(connection: &mut PgConnection) -> Result<Vec<OpenSchema>, sqlx::Error> {
    let path = sqlx::query_scalar("SELECT pg_catalog.current_schemas(false)::pg_catalog.text[]");
    let path: Vec<String> = path.fetch_one(&mut *connection).await?;
    // The question itself must not run what it looks for.
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql("SET LOCAL search_path TO pg_catalog").execute(&mut *transaction).await?;
    let rows = sqlx::query(OPEN).persistent(false).bind(path).fetch_all(&mut *transaction).await?;
    transaction.rollback().await?;
    let read = |row: &sqlx::postgres::PgRow| {
        Ok(OpenSchema { schema: row.try_get("schema")?, role: row.try_get("role")? })
    };
    rows.iter().map(read).collect()
}
