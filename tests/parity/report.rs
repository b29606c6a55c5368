//! The text printed for one recording.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::diff::compare::{DiffKind, TableDiff};
use crate::replay::Findings;

/// Verdict, problems and the first `shown` differing rows per table; only the verdict with `None`.
pub(crate) fn recording(
    name: &str,
    findings: &Findings,
    elapsed: Duration,
    shown: Option<usize>,
) -> String {
    let verdict = if findings.passed() { "ok  " } else { "FAIL" };
    let mut out = format!("{verdict} {name} ({:.2} s)", elapsed.as_secs_f64());
    let tables: Vec<&str> = findings.tables.iter().map(|diff| diff.table.as_str()).collect();
    if !findings.passed() {
        let _ =
            write!(out, ": {} problems; differing: {}", findings.problems.len(), tables.join(" "));
    }
    out.push('\n');
    let Some(shown) = shown else { return out };
    // A single message may be all there is to know, so more of these than rows.
    let problems = shown.saturating_mul(4);
    for problem in findings.problems.iter().take(problems) {
        let _ = writeln!(out, "  {problem}");
    }
    if findings.problems.len() > problems {
        let _ = writeln!(out, "  … {} more problems", findings.problems.len() - problems);
    }
    for diff in &findings.tables {
        table(&mut out, diff, shown);
    }
    for note in &findings.notes {
        let _ = writeln!(out, "  note: {note}");
    }
    out
}

fn table(out: &mut String, diff: &TableDiff, shown: usize) {
    let (mut missing, mut extra, mut differ) = (0, 0, 0);
    let mut columns: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &diff.differences {
        match &row.kind {
            DiffKind::Missing(_) => missing += 1,
            DiffKind::Extra(_) => extra += 1,
            DiffKind::Fields(fields) => {
                differ += 1;
                for field in fields {
                    *columns.entry(&field.column).or_default() += 1;
                }
            }
        }
    }
    let columns: Vec<String> = columns.iter().map(|(name, n)| format!("{name}×{n}")).collect();
    let _ = writeln!(
        out,
        "  {}: {} equal, {differ} differ, {missing} missing, {extra} extra {}",
        diff.table,
        diff.matched,
        columns.join(" ")
    );
    for row in diff.differences.iter().take(shown) {
        let _ = writeln!(out, "    {}", row.to_string().replace('\n', "\n    "));
    }
}
