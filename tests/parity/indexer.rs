//! Runs the built binary's `index` and reads the rejects it lists.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::process::Command;

/// The binary under test.
#[derive(Clone, Debug)]
pub(crate) struct Indexer {
    pub(crate) binary: PathBuf,
    /// Further options of every run.
    pub(crate) options: Vec<String>,
    /// A run that takes longer is ended and fails.
    pub(crate) timeout: Duration,
}

/// What `index` is told besides the database and the source.
#[derive(Debug, Default)]
pub(crate) struct IndexOptions {
    /// Clock of the handlers; block time without one.
    pub(crate) clock: Option<String>,
    pub(crate) verifier: String,
    pub(crate) karma_threshold: String,
    /// Wallet signatures that count as valid whatever they sign.
    pub(crate) accepted_signatures: Vec<String>,
}

/// A line of `index --rejects`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reject {
    pub(crate) height: i64,
    /// Place of the transaction in its block, from 0.
    pub(crate) index: usize,
    pub(crate) outcome: Outcome,
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) detail: Option<String>,
}

/// Why a transaction was not simply applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    /// A check of a handler refused it.
    #[serde(alias = "rejected")]
    Reject,
    /// It failed with an error; a `skipped_transactions` row says so.
    #[serde(alias = "skipped")]
    Skip,
    /// The reference would abort its block for ever.
    Poison,
    /// It failed, and nothing of it stays.
    Error,
    /// No handler for its (entity, action) pair.
    Unrouted,
}

impl Outcome {
    /// The class that recordings of the Go indexer have for it.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Reject => "rejected",
            Self::Skip => "skipped",
            Self::Poison => "poison",
            Self::Error => "error",
            Self::Unrouted => "unrouted",
        }
    }
}

impl Indexer {
    /// Indexes `archive` and returns the transactions that were not simply applied.
    pub(crate) async fn index(
        &self,
        url: &str,
        archive: &Path,
        rejects: &Path,
        options: &IndexOptions,
    ) -> Result<Vec<Reject>> {
        let mut arguments = vec!["--era", "discovery"];
        arguments.extend(["--verifier-address", options.verifier.as_str()]);
        arguments.extend(["--comment-karma-threshold", &options.karma_threshold]);
        arguments.extend(options.clock.iter().flat_map(|clock| ["--clock", clock]));
        for signature in &options.accepted_signatures {
            arguments.extend(["--accept-wallet-signature", signature]);
        }
        self.run(url, archive, rejects, &arguments).await
    }

    /// Indexes `archive` with further arguments; see [`Indexer::index`].
    pub(crate) async fn run(
        &self,
        url: &str,
        archive: &Path,
        rejects: &Path,
        arguments: &[&str],
    ) -> Result<Vec<Reject>> {
        let mut command = Command::new(&self.binary);
        command.args(["index", "--db", url, "-q", "--source"]).arg(archive);
        command.arg("--rejects").arg(rejects).args(arguments).args(&self.options);
        self.finish(command).await?;
        let text = std::fs::read_to_string(rejects)
            .with_context(|| format!("read {}", rejects.display()))?;
        let line = |line| serde_json::from_str(line).with_context(|| format!("reject {line}"));
        text.lines().map(line).collect()
    }

    /// Waits for the end; anything but success is an error that ends with the last lines of stderr.
    async fn finish(&self, mut command: Command) -> Result<()> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let run = command.spawn().with_context(|| format!("start {}", self.binary.display()))?;
        let Ok(output) = tokio::time::timeout(self.timeout, run.wait_with_output()).await else {
            bail!("index did not end within {} s", self.timeout.as_secs());
        };
        let output = output?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            let lines: Vec<&str> = text.lines().collect();
            let tail = lines[lines.len().saturating_sub(12)..].join("\n    ");
            bail!("index ended with {}\n    {tail}", output.status);
        }
        Ok(())
    }
}
