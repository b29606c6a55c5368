//! One page for people, with everything in it: no network, no other files.

use std::io::Write;

use serde_json::json;

use super::super::{Ended, Verdict};
use super::Written;

const PAGE: &str = include_str!("page.html");

/// Differences that go into the page. More make a browser slow, and nobody reads them one by one.
const MOST: usize = 10_000;

pub(super) fn write(ended: &mut Ended, out: &mut dyn Write) -> Written {
    let total = ended.report.total();
    let all = total.differences() + total.known;
    let line = ended.report.verdict_line();
    let class = match ended.report.verdict {
        Verdict::Equal => "equal",
        Verdict::Different => "different",
        Verdict::Drift | Verdict::Nothing => "drift",
    };
    let head = PAGE.replace("{{verdict}}", &escaped(&line)).replace("{{class}}", class);
    let (before, after) = head.split_once("{{data}}").unwrap_or((head.as_str(), ""));
    out.write_all(before.as_bytes())?;
    let report = json!({ "report": &ended.report, "total": total, "all": all });
    write!(out, "[{}", embedded(&report.to_string()))?;
    for difference in ended.differences()?.take(MOST) {
        let difference = serde_json::to_string(&difference?)?;
        write!(out, ",\n{}", embedded(&difference))?;
    }
    out.write_all(b"]")?;
    Ok(out.write_all(after.as_bytes())?)
}

/// JSON that can stand in a `<script>` element: nothing in it ends the element.
fn embedded(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_can_end_the_element_it_stands_in() {
        let hostile = json!({ "etl": "</script><script>alert(1)</script>" }).to_string();
        let text = embedded(&hostile);
        assert!(!text.contains('<'));
        let back: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["etl"], "</script><script>alert(1)</script>");
    }
}
