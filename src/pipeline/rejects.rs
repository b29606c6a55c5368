//! Calls that were not applied: logged one by one at debug, and written to a file on demand.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use serde_json::json;

use super::event::Outcome;

/// A call that was not applied, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedCall {
    /// Height of its block.
    pub height: i64,
    /// Hash of its transaction.
    pub tx_hash: String,
    /// Position in the block.
    pub index: i32,
    /// Entity type text.
    pub entity: String,
    /// Action text.
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
}

impl RejectLog {
    /// A log that also writes to the file at `path`, if one is given.
    ///
    /// # Errors
    /// When the file can't be created.
    pub fn open(path: Option<&Path>) -> std::io::Result<Self> {
        Ok(Self { file: path.map(File::create).transpose()?.map(BufWriter::new) })
    }

    /// Lists `calls`.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn record(&mut self, calls: &[RejectedCall]) -> std::io::Result<()> {
        for call in calls {
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
                "pair": format!("{}/{}", call.entity, call.action),
                "outcome": call.outcome.name(),
                "code": call.code,
                "detail": call.detail,
            });
            writeln!(file, "{line}")?;
        }
        file.flush()
    }
}
