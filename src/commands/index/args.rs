//! The options of `index`, and which source they mean.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::ethereum::FollowArgs;
use crate::args::SummaryArgs;
use crate::commands::era::EraArgs;
use crate::commands::telemetry::TelemetryArgs;
use crate::failure::Failure;
use crate::quantity;
use crate::settings::{DatabaseChoice, Settings};
use crate::writer::Triggers;

/// Read core chain blocks and keep PostgreSQL current
///
/// Reads blocks in height order from the given sources, applies every transaction to the rows in
/// memory and writes the rows in the background, a run of blocks per database transaction. Stops at
/// the end of an archive; follows a node until it is interrupted. Started again, it goes on after
/// the last block that was written. Pending migrations are applied first.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct IndexArgs {
    /// Where blocks come from [default: the bundled demo archive, unless --db is given]
    ///
    /// A node as http(s)://host:port; an archive as a file, folder or glob (.jsonl, .pb, plain or
    /// with .zst or .gz); or - for JSON lines on standard input. Repeat the option to name nodes
    /// that take over, in order, when the ones before fail. In the environment ETL_RPC_URL stands for
    /// it too.
    #[arg(long, value_name = "SOURCE", hide_default_value = true, help_heading = "Blocks")]
    pub source: Vec<String>,

    /// First height to read where there is no earlier run to continue [default: 1]
    #[arg(long, visible_alias = "start", value_name = "HEIGHT", value_parser = height())]
    #[arg(help_heading = "Blocks")]
    pub from: Option<i64>,

    /// Last height to read
    #[arg(long, visible_alias = "end", value_name = "HEIGHT", value_parser = height())]
    #[arg(help_heading = "Blocks")]
    pub to: Option<i64>,

    /// Where blocks come from once the chain has ended at --to: a source of the next chain
    ///
    /// A node, an archive, or the archive of --source again, if it holds both chains. Numbers of
    /// blocks and rows go on. --to and --then-from are stored: a later run goes on wherever the last
    /// one stopped, and other heights are refused.
    #[arg(long, value_name = "SOURCE", requires_all = ["to", "then_from"], help_heading = "Blocks")]
    #[arg(conflicts_with = "new_chain")]
    pub then: Vec<String>,

    /// First height to read of the chain of --then
    #[arg(long, value_name = "HEIGHT", value_parser = height(), requires = "then")]
    #[arg(help_heading = "Blocks")]
    pub then_from: Option<i64>,

    /// Last height to read of the chain of --then
    #[arg(long, value_name = "HEIGHT", value_parser = height(), requires = "then")]
    #[arg(help_heading = "Blocks")]
    pub then_to: Option<i64>,

    /// Stop at the head seen at the start instead of following the chain
    #[arg(long, conflicts_with = "to", help_heading = "Blocks")]
    pub once: bool,

    /// Go on although the source serves another chain than the database holds
    ///
    /// Without it a changed chain id stops the run: heights of two chains are not comparable.
    #[arg(long, help_heading = "Blocks")]
    pub new_chain: bool,

    /// Undo everything above this height, then stop
    ///
    /// Works within the window that --keep-history has kept.
    #[arg(long, value_name = "HEIGHT", value_parser = height(), help_heading = "Blocks")]
    pub rewind_to: Option<i64>,

    /// Failed attempts in a row before a source counts as unreachable
    #[arg(long, value_name = "N", default_value_t = 8, help_heading = "Blocks")]
    pub retry_limit: u32,

    /// Whose behaviour is followed.
    #[command(flatten)]
    pub era: EraArgs,

    /// What to do with the signatures of entity transactions
    #[arg(long, value_name = "MODE", default_value = "off", help_heading = "Rules")]
    pub verify_signatures: SignatureMode,

    /// The address that may verify users
    #[arg(long, value_name = "ADDRESS", default_value = VERIFIER_ADDRESS, help_heading = "Rules")]
    pub verifier_address: String,

    /// Followers that the reporters of a comment must have together to hide it
    #[arg(long, value_name = "N", default_value_t = 1_700_000, help_heading = "Rules")]
    pub comment_karma_threshold: i64,

    /// Leave the table `plays` alone; `etl_plays` is still written
    #[arg(long, help_heading = "Rules")]
    pub no_plays: bool,

    /// Leave aggregates, milestones and derived notifications alone, for bulk loads
    #[arg(long, help_heading = "Rules")]
    pub no_aggregates: bool,

    /// How often scheduled releases are published, for example 60s [default: never]
    ///
    /// Once the head is reached: a job of the reference's, which nothing on the chain tells of. Not
    /// while an archive is read.
    #[arg(long, value_name = "TIME", hide_default_value = true, help_heading = "Rules")]
    #[arg(value_parser = quantity::duration)]
    pub releases: Option<Duration>,

    /// Who derives rows where the database has triggers for it [default: database]
    #[arg(long, value_name = "WHO", help_heading = "Writing")]
    pub triggers: Option<TriggerChoice>,

    /// Blocks below the newest for which a rewind stays possible; 0 keeps none
    #[arg(long, value_name = "BLOCKS", default_value_t = 0, help_heading = "Writing")]
    pub keep_history: u64,

    /// Unwritten changes in memory above which reading waits for the database
    #[arg(long, value_name = "N", default_value_t = 100_000, help_heading = "Writing")]
    pub max_changes: usize,

    /// Memory for rows and for what is not yet written; rows are loaded again when needed
    #[arg(long, value_name = "SIZE", default_value = "90M", help_heading = "Writing")]
    #[arg(value_parser = quantity::size)]
    pub max_memory: usize,

    /// Blocks that are applied together at most
    #[arg(long, value_name = "N", default_value_t = 1_000, help_heading = "Writing")]
    pub batch_blocks: usize,

    /// Transactions after which a batch is closed
    #[arg(long, value_name = "N", default_value_t = 2_500, help_heading = "Writing")]
    pub batch_txs: usize,

    /// Keep every index in place during the initial sync
    ///
    /// Into an empty database that is far behind the chain, rows go in without the indexes that
    /// only readers use; those are built once the chain is caught up.
    #[arg(long, help_heading = "Writing")]
    pub no_defer_indexes: bool,

    /// Leave indexes out of the initial sync however short it is; for tests
    #[arg(long, hide = true, conflicts_with = "no_defer_indexes")]
    pub defer_indexes: bool,

    /// Wait while another process writes to the database, instead of exit code 5
    #[arg(long, help_heading = "Writing")]
    pub wait_lock: bool,

    /// Refuse a database where other roles may create in a schema of the search path
    ///
    /// Functions and operators that they create there may run with our rights. Without it there is
    /// a warning, with the REVOKE that ends it.
    #[arg(long, help_heading = "Writing")]
    pub strict_search_path: bool,

    /// Metrics, health and readiness.
    #[command(flatten)]
    pub telemetry: TelemetryArgs,

    /// What is told at the end.
    #[command(flatten)]
    pub summary: SummaryArgs,

    /// Do not apply pending migrations
    #[arg(long, hide = true)]
    pub no_migrate: bool,

    /// Take this wallet signature as valid whatever it signs; for replaying recordings
    #[arg(long, hide = true, value_name = "SIGNATURE")]
    pub accept_wallet_signature: Vec<String>,

    /// List every call that was not applied in this file, one JSON object per line
    #[arg(long, value_name = "FILE", help_heading = "Rules")]
    pub rejects: Option<PathBuf>,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a text here would replace the help of the options")]
    pub ethereum: FollowArgs,

    /// Stand-in for the time of every block, RFC 3339; for replaying recordings
    #[arg(long, hide = true, value_name = "RFC3339")]
    pub clock: Option<chrono::DateTime<chrono::Utc>>,
}

/// The address that production verifies users with.
const VERIFIER_ADDRESS: &str = "0xbeef8E42e8B5964fDD2b7ca8efA0d9aef38AA996";

const EXAMPLES: &str = "\
Examples:
  Index the bundled demo archive into a private PostgreSQL:
    audius-etl index
  Index an archive into a database of your own:
    audius-etl index --db postgres://localhost/audius --source 'blocks/*.jsonl.zst'
  Follow a node, with a second one to fall back on:
    audius-etl index --db postgres://localhost/audius \\
        --source https://node1.example.org --source https://node2.example.org
  Follow a chain up to its last block, then the one that takes its place:
    audius-etl index --db postgres://localhost/audius --source https://old.example.org \\
        --to 24012344 --then https://new.example.org --then-from 5841
  Follow the core chain and AUDIO balances on Ethereum together:
    audius-etl index --db postgres://localhost/audius --source https://node1.example.org \\
        --eth-http https://eth.example.org
  Write down what a node serves and index it at once:
    audius-etl record --source https://node1.example.org --out - | audius-etl index --source -";

/// What to do with the signatures of entity transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SignatureMode {
    /// Trust the signer that the chain gives.
    Off,
    /// Recover signers and count those that differ.
    Count,
}

/// Who derives aggregates, milestones and notifications where the database has triggers for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TriggerChoice {
    /// The triggers: rows are written statement by statement, as they expect them.
    Database,
    /// This program, faster: the triggers are silent for its session.
    Ours,
}

impl From<TriggerChoice> for Triggers {
    fn from(choice: TriggerChoice) -> Self {
        match choice {
            TriggerChoice::Database => Self::Database,
            TriggerChoice::Ours => Self::Ours,
        }
    }
}

/// Where the blocks of a run come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceChoice {
    /// The demo archive inside the binary.
    Bundled,
    /// What the user named, in order.
    Given(Vec<String>),
    /// Only Ethereum is followed.
    Nothing,
}

impl IndexArgs {
    /// The sources to read, or why there are none.
    ///
    /// The demo archive is for trying the program out, so it never goes into a database that the
    /// user named.
    pub fn source_choice(&self, settings: &Settings) -> Result<SourceChoice, Failure> {
        check_range(self.from, self.to)?;
        let is_stdin = |source: &String| source == "-";
        if self.source.iter().any(is_stdin) && self.then.iter().any(is_stdin) {
            return Err(Failure::usage("--source and --then cannot both read standard input")
                .hint("write the blocks to a file that both name"));
        }
        match (&settings.database, self.source.is_empty()) {
            // Going back needs no blocks.
            _ if self.rewind_to.is_some() => Ok(SourceChoice::Nothing),
            (_, false) => Ok(SourceChoice::Given(self.source.clone())),
            (_, true) if self.ethereum.nodes.is_given() => Ok(SourceChoice::Nothing),
            (DatabaseChoice::Private(_), true) => Ok(SourceChoice::Bundled),
            (DatabaseChoice::Url(_), true) => {
                Err(Failure::usage("a database is given, but no --source to read blocks from")
                    .hint("name a node, an archive, or - for standard input with --source"))
            }
        }
    }
}

/// A range that runs backwards is a slip.
pub(crate) fn check_range(from: Option<i64>, to: Option<i64>) -> Result<(), Failure> {
    match (from, to) {
        (Some(from), Some(to)) if from > to => {
            Err(Failure::usage(format!("--from {from} is above --to {to}")))
        }
        _ => Ok(()),
    }
}

fn height() -> clap::builder::RangedI64ValueParser<i64> {
    clap::value_parser!(i64).range(0..)
}
