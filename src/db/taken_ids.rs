//! Serial numbers that a table's next rows would get and that rows have already: a sequence that
//! stands behind its table, as after a copy of the rows without it.

use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::Error;

/// Ranges of numbers, first and last, from the sequence's next number on, and that number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TakenIds {
    /// The number that the sequence gives next.
    pub next: i64,
    /// The numbers at and above it that rows have, ascending; empty where the sequence is right.
    pub ranges: Vec<(i64, i64)>,
}

/// The sequence that numbers the rows of a table, and its next number.
const SEQUENCE: &str = "\
    SELECT s.oid::regclass::text, coalesce(pg_sequence_last_value(s.oid) + 1, q.seqstart) \
    FROM pg_attribute a \
    JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
    JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid \
        AND p.refclassid = 'pg_class'::regclass \
    JOIN pg_class s ON s.oid = p.refobjid AND s.relkind = 'S' \
    JOIN pg_sequence q ON q.seqrelid = s.oid \
    WHERE a.attrelid = to_regclass($1) AND a.attname = 'id'";

/// Finds the numbers of `table` that are taken, and sets the sequence behind them, without which the
/// first row could not be written.
///
/// # Errors
/// Where the catalog or the table cannot be read, or the sequence cannot be set.
pub async fn claim(connection: &mut PgConnection, table: &str) -> Result<TakenIds, Error> {
    let failed = || Error::query("numbers of new rows");
    let found = sqlx::query(SEQUENCE).bind(table).fetch_optional(&mut *connection).await;
    let Some(found) = found.map_err(failed())? else { return Ok(TakenIds::default()) };
    let (sequence, next): (String, i64) = (found.get(0), found.get(1));
    let islands = format!(
        "SELECT min(id)::bigint, max(id)::bigint FROM ( \
             SELECT id, id - row_number() OVER (ORDER BY id) AS island \
             FROM {table} WHERE id >= $1) numbered \
         GROUP BY island ORDER BY 1"
    );
    let ranges = sqlx::query_as(AssertSqlSafe(islands)).bind(next).fetch_all(&mut *connection);
    let ranges: Vec<(i64, i64)> = ranges.await.map_err(failed())?;
    if let Some((_, last)) = ranges.last() {
        tracing::warn!(
            %sequence, next, last,
            "the sequence stands behind the rows of {table}, as after a copy without it; it is set \
             behind them now"
        );
        let set = sqlx::query("SELECT setval($1::regclass, $2)").bind(&sequence).bind(last);
        set.execute(&mut *connection).await.map_err(failed())?;
    }
    Ok(TakenIds { next, ranges })
}
