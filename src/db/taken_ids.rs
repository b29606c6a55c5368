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

/// Rows beyond which a sequence does not lag but was never copied: nobody waits until it has caught
/// up, and no row is refused for it.
pub const MOST: i64 = 10_000;

/// Finds the numbers of `table` that are taken, and sets the sequence behind them, without which the
/// first row could not be written. Of more than [`MOST`] none is told: new rows go on behind them.
///
/// Reads no more than that many entries of the primary key.
///
/// # Errors
/// Where the catalog or the table cannot be read, or the sequence cannot be set.
pub async fn claim(connection: &mut PgConnection, table: &str) -> Result<TakenIds, Error> {
    let failed = || Error::query("numbers of new rows");
    let found = sqlx::query(SEQUENCE).bind(table).fetch_optional(&mut *connection).await;
    let Some(found) = found.map_err(failed())? else { return Ok(TakenIds::default()) };
    let (sequence, next): (String, i64) = (found.get(0), found.get(1));
    let first = format!("SELECT id::bigint FROM {table} WHERE id >= $1 ORDER BY id LIMIT $2");
    let first = sqlx::query_scalar(AssertSqlSafe(first)).bind(next).bind(MOST + 1);
    let mut ids: Vec<i64> = first.fetch_all(&mut *connection).await.map_err(failed())?;
    if ids.is_empty() {
        return Ok(TakenIds { next, ranges: Vec::new() });
    }
    let last = sqlx::query_scalar(AssertSqlSafe(format!("SELECT max(id)::bigint FROM {table}")));
    let last: i64 = last.fetch_one(&mut *connection).await.map_err(failed())?;
    tracing::warn!(
        %sequence, next, last,
        "the sequence stands behind the rows of {table}, as after a copy without it; it is set \
         behind them now"
    );
    let set = sqlx::query("SELECT setval($1::regclass, $2)").bind(&sequence).bind(last);
    set.execute(&mut *connection).await.map_err(failed())?;
    if i64::try_from(ids.len()).is_ok_and(|found| found > MOST) {
        ids.clear();
    }
    Ok(TakenIds { next, ranges: ranges(&ids) })
}

/// Ascending numbers as ranges, first and last.
fn ranges(ids: &[i64]) -> Vec<(i64, i64)> {
    let runs = ids.chunk_by(|one, next| one + 1 == *next);
    runs.filter_map(|run| Some((*run.first()?, *run.last()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_without_gaps_are_one_range() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), [(1, 3), (7, 7), (9, 10)]);
        assert_eq!(ranges(&[]), []);
    }
}
