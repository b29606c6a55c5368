//! JSON lines: `{"type":"report",…}` first, then a `{"type":"difference",…}` for each difference.

use std::io::Write;

use serde::{Deserialize, Serialize};

use super::super::{Difference, Ended, Report};
use super::Written;

/// A line when written.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Report(&'a Report),
    Difference(&'a Difference),
}

/// A line when read.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "one of them lives at a time")]
pub(super) enum OwnedLine {
    Report(Report),
    Difference(Difference),
}

pub(super) fn write(ended: &mut Ended, out: &mut dyn Write) -> Written {
    line(out, &Line::Report(&ended.report))?;
    for difference in ended.differences()? {
        line(out, &Line::Difference(&difference?))?;
    }
    Ok(())
}

fn line(out: &mut dyn Write, line: &Line<'_>) -> Written {
    serde_json::to_writer(&mut *out, line)?;
    Ok(out.write_all(b"\n")?)
}
