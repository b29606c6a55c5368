//! CSV as PostgreSQL's `COPY … (FORMAT csv, HEADER)` reads it: a value is quoted, a NULL is not.
//!
//! Lines of the kind `column` come first: how many rows of a table differ in a column, the most
//! frequent first. Then those of the kinds `only in etl` and `only in prod`, then the differences.

use std::io::Write;

use super::super::{Difference, Ended, Kind, Report};
use super::Written;

const HEAD: &str =
    "table,kind,key,column,etl,prod,etl_block,prod_block,known,etl_tx,prod_tx,rows\n";

pub(super) fn write(ended: &mut Ended, out: &mut dyn Write) -> Written {
    let reasons: Vec<String> =
        ended.report.known.iter().map(|known| known.reason.clone()).collect();
    out.write_all(HEAD.as_bytes())?;
    summary(&ended.report, out)?;
    for difference in ended.differences()? {
        let difference = difference?;
        let reason =
            |index: Option<usize>| index.and_then(|index| reasons.get(index)?.as_str().into());
        match difference.kind {
            Kind::Different | Kind::Segment => {
                for field in &difference.fields {
                    let values =
                        [Some(field.column.as_str()), field.etl.as_deref(), field.prod.as_deref()];
                    line(out, &difference, values, reason(field.known))?;
                }
            }
            Kind::MissingInProd | Kind::MissingInEtl => {
                line(out, &difference, [None; 3], reason(difference.known))?;
            }
        }
    }
    Ok(())
}

/// How many rows differ in each column, and are on one side only.
fn summary(report: &Report, out: &mut dyn Write) -> Written {
    let mut columns: Vec<_> = report
        .tables
        .iter()
        .flat_map(|table| table.tally.columns.iter().map(move |tally| (table, tally)))
        .filter(|(_, tally)| tally.rows > 0)
        .collect();
    columns.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.rows));
    let count = |out: &mut dyn Write, table: &str, kind: &str, column: Option<&str>, rows: u64| {
        let mut fields = [None; FIELDS];
        let rows = rows.to_string();
        (fields[0], fields[1], fields[3], fields[11]) =
            (Some(table), Some(kind), column, Some(&*rows));
        record(out, &fields)
    };
    for (table, tally) in columns {
        count(out, &table.table, "column", Some(&tally.column), tally.rows)?;
    }
    for table in &report.tables {
        for (kind, rows) in
            [("only in etl", table.missing_in_prod), ("only in prod", table.missing_in_etl)]
        {
            if rows > 0 {
                count(out, &table.table, kind, None, rows)?;
            }
        }
    }
    Ok(())
}

fn line(
    out: &mut dyn Write,
    difference: &Difference,
    values: [Option<&str>; 3],
    known: Option<&str>,
) -> Written {
    let key: Vec<_> = difference
        .key
        .iter()
        .map(|(column, value)| format!("{column}={}", value.as_deref().unwrap_or("NULL")))
        .collect();
    let key = key.join(" ");
    let blocks =
        [difference.etl_block, difference.prod_block].map(|block| block.map(|b| b.to_string()));
    let [column, etl, prod] = values;
    let fields = [
        Some(difference.table.as_str()),
        Some(difference.kind.name()),
        Some(key.as_str()),
        column,
        etl,
        prod,
        blocks[0].as_deref(),
        blocks[1].as_deref(),
        known,
        difference.etl_tx.as_deref(),
        difference.prod_tx.as_deref(),
        None,
    ];
    record(out, &fields)
}

/// Fields of a line.
const FIELDS: usize = 12;

fn record(out: &mut dyn Write, fields: &[Option<&str>; FIELDS]) -> Written {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        if let Some(text) = field {
            write!(out, "\"{}\"", text.replace('"', "\"\""))?;
        }
    }
    Ok(out.write_all(b"\n")?)
}
