//! Lines for machines: what the program says on stderr outside the log, as JSON objects of the same
//! form (`--log-format json`).

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::telemetry::now;

/// Something a person wants to know.
pub(super) fn note(text: &str) -> String {
    line("INFO", json!({ "message": text }))
}

/// Why a run ended badly: message, causes below it, the ways out, and the exit code.
pub(super) fn failure(failure: &Failure) -> String {
    let mut chain = failure.chain().into_iter();
    let said = json!({
        "message": chain.next().unwrap_or_default(),
        "code": failure.exit_code(),
        "kind": failure.kind().name(),
        "causes": chain.collect::<Vec<_>>(),
        "hints": failure.hints(),
    });
    line("ERROR", said)
}

/// A command line that was not understood, in the words of the parser.
pub(super) fn refusal(text: &str, code: u8) -> String {
    let text = text.trim_end();
    let (message, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let hints: Vec<&str> = rest.lines().filter(|line| !line.trim().is_empty()).collect();
    let said = json!({ "message": message, "code": code, "kind": "usage", "hints": hints });
    line("ERROR", said)
}

fn line(level: &str, said: Value) -> String {
    let at = DateTime::<Utc>::from(now()).to_rfc3339_opts(SecondsFormat::Micros, true);
    let mut all = Map::from_iter([
        ("timestamp".to_owned(), Value::from(at)),
        ("level".to_owned(), Value::from(level)),
    ]);
    if let Value::Object(said) = said {
        all.extend(said);
    }
    Value::Object(all).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureKind;

    #[test]
    fn a_failure_is_one_object_with_code_causes_and_hints() {
        let ended = Failure::new(FailureKind::Database, "no\nserver").hint("start it");
        let line = failure(&ended);
        assert_eq!(line.lines().count(), 1);
        let said: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(said["message"], "no\nserver");
        assert_eq!((&said["code"], &said["kind"]), (&json!(3), &json!("database")));
        assert_eq!(said["hints"], json!(["start it"]));
    }

    #[test]
    fn a_refusal_is_split_into_message_and_hints() {
        let line =
            refusal("error: unexpected argument '--sauce'\n\n  tip: '--source'\n\nUsage: x\n", 2);
        let said: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(said["message"], "unexpected argument '--sauce'");
        assert_eq!(said["hints"], json!(["  tip: '--source'", "Usage: x"]));
    }
}
