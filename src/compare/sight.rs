//! Whether the role that reads sees every row and column of what is compared: rows that nobody saw
//! are not equal.

use super::catalog::Catalog;
use super::sql::identifier;
use super::{Error, Side};

/// Refuses a table if a policy may hide rows of it, or if one of the columns may not be read.
pub(crate) fn check(
    side: Side,
    catalog: &Catalog,
    table: &str,
    columns: &[&str],
) -> Result<(), Error> {
    let Some(found) = catalog.tables.get(table) else { return Ok(()) };
    let (role, name) = (&catalog.role, identifier(table));
    let hidden = |problem, remedy| Err(Error::Hidden { side, problem, remedy });
    if found.is_filtered {
        return hidden(
            format!("row-level security of table {table} may hide rows from the role {role}"),
            format!(
                "read as the owner of the table or as a superuser, or let the role see all rows: \
                 ALTER ROLE {} BYPASSRLS",
                identifier(role)
            ),
        );
    }
    let refused: Vec<&str> =
        columns.iter().copied().filter(|name| found.unreadable.iter().any(|c| c == name)).collect();
    if refused.is_empty() {
        return Ok(());
    }
    let what = if refused.len() == columns.len() {
        String::new()
    } else {
        format!(" ({})", refused.join(", "))
    };
    hidden(
        format!("the role {role} may not read table {table}{what}"),
        format!("give it the right: GRANT SELECT ON {name} TO {}", identifier(role)),
    )
}
