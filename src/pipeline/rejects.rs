//! What was not applied: logged one by one at debug, and written to a file on demand. A pair that no
//! handler exists for is named once, aloud.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use rustc_hash::FxHashSet;
use serde_json::json;

use super::event::{EntityCounts, Outcome};

/// A call, or another transaction, that was not applied, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedCall {
    /// Height of its block.
    pub height: i64,
    /// Hash of its transaction.
    pub tx_hash: String,
    /// Position in the block: in that of the archive, or in that of a node in its fixed order.
    pub index: i32,
    /// Entity type text; the type of a transaction that is no call.
    pub entity: String,
    /// Action text; empty for a transaction that is no call.
    pub action: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Stable reason code.
    pub code: &'static str,
    /// What exactly; may be empty.
    pub detail: Box<str>,
}

/// Where rejected calls are listed, one JSON object per line.
#[derive(Debug)]
pub struct RejectLog {
    file: Option<BufWriter<File>>,
    /// Pairs without a handler that were named. Anybody can invent some, so there is a limit.
    unrouted: FxHashSet<String>,
}

impl RejectedCall {
    /// `Type/Action`; the type alone of a transaction that is no call.
    fn pair(&self) -> String {
        let slash = if self.action.is_empty() { "" } else { "/" };
        format!("{}{slash}{}", self.entity, self.action)
    }
}

impl RejectLog {
    /// A log that also writes to the file at `path`, if one is given.
    ///
    /// # Errors
    /// When the file can't be created.
    pub fn open(path: Option<&Path>) -> std::io::Result<Self> {
        let file = path.map(File::create).transpose()?.map(BufWriter::new);
        Ok(Self { file, unrouted: FxHashSet::default() })
    }

    /// Lists `calls`.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn record(&mut self, calls: &[RejectedCall]) -> std::io::Result<()> {
        for call in calls {
            self.name_unrouted(call);
            tracing::debug!(
                height = call.height,
                tx = %call.tx_hash,
                entity = %call.entity,
                action = %call.action,
                outcome = call.outcome.name(),
                code = call.code,
                detail = %call.detail,
                "call not applied"
            );
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        for call in calls {
            let line = json!({
                "height": call.height,
                "txhash": call.tx_hash,
                "index": call.index,
                "pair": call.pair(),
                "outcome": call.outcome.name(),
                "code": call.code,
                "detail": call.detail,
            });
            writeln!(file, "{line}")?;
        }
        file.flush()
    }

    fn name_unrouted(&mut self, call: &RejectedCall) {
        if call.outcome != Outcome::Unrouted || self.unrouted.len() >= EntityCounts::MAX_PAIRS {
            return;
        }
        let pair = call.pair();
        if !self.unrouted.contains(&pair) {
            tracing::info!(pair, height = call.height, "no handler for this pair");
            self.unrouted.insert(pair);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(outcome: Outcome, entity: &str, action: &str) -> RejectedCall {
        RejectedCall {
            height: 7,
            tx_hash: "AB".into(),
            index: 3,
            entity: entity.into(),
            action: action.into(),
            outcome,
            code: "code",
            detail: Box::default(),
        }
    }

    #[test]
    fn a_line_says_where_and_what_and_pairs_are_named_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rejects");
        let mut log = RejectLog::open(Some(&path)).unwrap();
        let calls = [
            call(Outcome::Rejected, "User", "Create"),
            call(Outcome::Unrouted, "Tip", "Update"),
            call(Outcome::Unrouted, "Tip", "Update"),
            call(Outcome::Error, "play", ""),
        ];
        log.record(&calls).unwrap();
        assert_eq!(log.unrouted.len(), 1);
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let found: Vec<_> =
            lines.iter().map(|line| (line["outcome"].clone(), line["pair"].clone())).collect();
        let pairs = ["User/Create", "Tip/Update", "Tip/Update", "play"];
        let outcomes = ["rejected", "unrouted", "unrouted", "error"];
        assert_eq!(
            found,
            outcomes.into_iter().zip(pairs).map(|(o, p)| (o.into(), p.into())).collect::<Vec<_>>()
        );
        assert_eq!((&lines[0]["height"], &lines[0]["index"]), (&7.into(), &3.into()));
    }
}
