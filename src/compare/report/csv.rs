//! CSV as PostgreSQL's `COPY … (FORMAT csv, HEADER)` reads it: a value is quoted, a NULL is not.

use std::io::Write;

use super::super::{Difference, Ended, Kind};
use super::Written;

const HEAD: &str = "table,kind,key,column,etl,prod,etl_block,prod_block,known\n";

pub(super) fn write(ended: &mut Ended, out: &mut dyn Write) -> Written {
    let reasons: Vec<String> =
        ended.report.known.iter().map(|known| known.reason.clone()).collect();
    out.write_all(HEAD.as_bytes())?;
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
    ];
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        if let Some(text) = field {
            write!(out, "\"{}\"", text.replace('"', "\"\""))?;
        }
    }
    Ok(out.write_all(b"\n")?)
}
