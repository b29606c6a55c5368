//! How a run ends badly: one type for all stages, with its exit code, its chain of causes and what
//! the user can do about it. Each stage keeps its own error; this file holds the one conversion per
//! stage.

use std::error::Error;
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;

use crate::db::refusal::{Refusal, below};
use crate::{chain, compare, db, decode, eth, follow, pipeline, settings, writer};

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub struct Failure {
    kind: FailureKind,
    source: Box<dyn Error + Send + Sync>,
    hints: Vec<String>,
}

/// What went wrong, as far as a calling script cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The command line, the environment or the configuration file makes no sense.
    Usage,
    /// PostgreSQL cannot be reached, or not with these credentials.
    Database,
    /// No source of blocks can be reached.
    Chain,
    /// Another process writes to this database.
    Locked,
    /// Data that cannot be read or written: a corrupt archive, a refused row.
    Data,
    /// The schema is not what the migrations made, or one of them is half done.
    Schema,
    /// A signal asked for an early end. Everything processed has been written, unless the message
    /// says what that was waiting for.
    Interrupted,
}

impl FailureKind {
    /// Every kind, in the order of the exit codes.
    pub const ALL: [Self; 7] = [
        Self::Usage,
        Self::Database,
        Self::Chain,
        Self::Locked,
        Self::Data,
        Self::Schema,
        Self::Interrupted,
    ];

    /// The word for it in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Database => "database",
            Self::Chain => "chain",
            Self::Locked => "locked",
            Self::Data => "data",
            Self::Schema => "schema",
            Self::Interrupted => "interrupted",
        }
    }

    /// The exit code of the process; part of the command line's contract.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::Database => 3,
            Self::Chain => 4,
            Self::Locked => 5,
            Self::Data => 6,
            Self::Schema => 7,
            Self::Interrupted => 130,
        }
    }
}

impl Failure {
    /// A failure of `kind` caused by `source`: an error of a stage, or a message.
    pub fn new(kind: FailureKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: source.into(), hints: Vec::new() }
    }

    /// A command line, environment or file that makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Usage, message.into())
    }

    /// A run that a signal ended early, after its flush.
    pub fn interrupted() -> Self {
        Self::new(FailureKind::Interrupted, "interrupted; everything processed is written")
    }

    /// A run that a signal ended while it was waiting, for `what` if it had something to write.
    pub fn given_up(what: Option<&str>) -> Self {
        let text = match what {
            None => "interrupted".to_owned(),
            Some(what) => format!(
                "interrupted while waiting for {what}; what is not written yet, the next start \
                 does again"
            ),
        };
        Self::new(FailureKind::Interrupted, text)
    }

    /// Adds a way out, printed below the message as `hint: …`.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// What went wrong.
    pub const fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The exit code of the process.
    pub const fn exit_code(&self) -> u8 {
        self.kind.exit_code()
    }

    /// The ways out, in the order in which they were added.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// The messages of the error and its causes, outermost first. A message that ends in the one
    /// below it (an error that prints its own cause) is kept once.
    pub fn chain(&self) -> Vec<String> {
        let said = |error: &(dyn Error + 'static)| {
            Refusal::of(error).map_or_else(|| error.to_string(), |refusal| refusal.message)
        };
        let mut messages = vec![said(&*self.source)];
        let mut cause = below(&*self.source);
        while let Some(error) = cause {
            let message = said(error);
            if messages.last().is_some_and(|above| !above.ends_with(&message)) {
                messages.push(message);
            }
            cause = below(error);
        }
        messages
    }
}

impl Failure {
    /// A failure of the database, with the way out that its kind suggests.
    fn of_database(kind: db::ErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = source.into();
        // Where the server answered, it said what is wrong.
        if let Some(refusal) = Refusal::within(&*source) {
            let kind = match kind {
                _ if refusal.is_about_rights() => FailureKind::Database,
                db::ErrorKind::Settings => FailureKind::Usage,
                db::ErrorKind::Unreachable => FailureKind::Database,
                db::ErrorKind::Query => FailureKind::Data,
                db::ErrorKind::Schema => FailureKind::Schema,
            };
            let hints = refusal.hint.clone().into_iter();
            let hints = hints.chain(refusal.way_out().map(str::to_owned)).collect();
            return Self { kind, source, hints };
        }
        match kind {
            db::ErrorKind::Settings => Self::new(FailureKind::Usage, source)
                .hint("a URL looks like postgres://user:password@host:5432/database"),
            db::ErrorKind::Unreachable => Self::new(FailureKind::Database, source)
                .hint("check that the server runs, and the host and port of the URL")
                .hint("without --db a private PostgreSQL under --data-dir is used"),
            db::ErrorKind::Query => Self::new(FailureKind::Data, source),
            db::ErrorKind::Schema => Self::new(FailureKind::Schema, source),
        }
    }

    /// A file that cannot be read or written: the user's slip where it is not there or not open to
    /// us, else trouble with the data.
    pub fn of_file(error: &std::io::Error) -> FailureKind {
        match error.kind() {
            ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::ReadOnlyFilesystem => FailureKind::Usage,
            _ => FailureKind::Data,
        }
    }
}

impl From<settings::Error> for Failure {
    fn from(error: settings::Error) -> Self {
        Self::new(FailureKind::Usage, error)
    }
}

impl From<chain::Error> for Failure {
    fn from(error: chain::Error) -> Self {
        let kind = match error.kind() {
            chain::ErrorKind::Usage => FailureKind::Usage,
            chain::ErrorKind::Unreachable => FailureKind::Chain,
            chain::ErrorKind::Data => FailureKind::Data,
        };
        let lacks_a_block = matches!(error, chain::Error::NoBlock { .. });
        let failure = Self::new(kind, error);
        match kind {
            FailureKind::Chain if lacks_a_block => failure.hint(
                "a node that was pruned begins later: ask one that has the block, or begin an empty \
                 database at the first block that this one has, with --start",
            ),
            FailureKind::Chain => failure
                .hint("check the addresses of --source, or name further nodes to fall back on"),
            _ => failure,
        }
    }
}

impl From<follow::Error> for Failure {
    fn from(error: follow::Error) -> Self {
        match error {
            follow::Error::Chain(error) => error.into(),
            follow::Error::Database(error) => error.into(),
            follow::Error::Write(error) => error.into(),
            error @ follow::Error::WriterGone => Self::new(FailureKind::Data, error),
            error @ (follow::Error::NoBlock { .. }
            | follow::Error::UnlikelyHead { .. }
            | follow::Error::AboveEveryHead { .. }) => Self::new(FailureKind::Chain, error),
        }
    }
}

impl From<eth::Error> for Failure {
    fn from(error: eth::Error) -> Self {
        match error.kind() {
            eth::ErrorKind::Usage => Self::new(FailureKind::Usage, error)
                .hint("check --eth-http, --eth-chain-id and the contract addresses"),
            eth::ErrorKind::Unreachable => Self::new(FailureKind::Chain, error)
                .hint("check --eth-http, or name further nodes to fall back on"),
        }
    }
}

impl From<decode::Error> for Failure {
    fn from(error: decode::Error) -> Self {
        Self::new(FailureKind::Data, error)
    }
}

impl From<db::Error> for Failure {
    fn from(error: db::Error) -> Self {
        match (&error, error.kind()) {
            // They name the way out themselves.
            (db::Error::Private(_) | db::Error::Unfit(_), db::ErrorKind::Unreachable) => {
                return Self::new(FailureKind::Database, error);
            }
            (db::Error::Unfit(_), _) => return Self::new(FailureKind::Usage, error),
            _ => {}
        }
        Self::of_database(error.kind(), error)
    }
}

impl From<Arc<writer::Error>> for Failure {
    fn from(error: Arc<writer::Error>) -> Self {
        match error.kind() {
            writer::ErrorKind::Database(kind) => Self::of_database(kind, error),
            writer::ErrorKind::Locked => Self::new(FailureKind::Locked, error)
                .hint("stop the other writer, or wait for it with --wait-lock"),
            writer::ErrorKind::Rights => {
                let hint = may_not_silence(&error);
                Self::new(FailureKind::Database, error).hint(hint)
            }
            writer::ErrorKind::Data => Self::of_database(db::ErrorKind::Query, error),
        }
    }
}

/// The way out for a role that may not silence triggers.
fn may_not_silence(error: &writer::Error) -> String {
    match error {
        writer::Error::MayNotSilence { role, can_be_granted: true } => format!(
            "as a superuser: GRANT SET ON PARAMETER session_replication_role TO {role}; or leave \
             deriving to the triggers with --triggers database"
        ),
        _ => "before PostgreSQL 15 only a superuser may; leave deriving to the triggers with \
              --triggers database"
            .to_owned(),
    }
}

impl From<writer::Error> for Failure {
    fn from(error: writer::Error) -> Self {
        Arc::new(error).into()
    }
}

impl From<pipeline::Error> for Failure {
    fn from(error: pipeline::Error) -> Self {
        match error {
            pipeline::Error::Chain(error) => error.into(),
            pipeline::Error::Decode(error) => error.into(),
            pipeline::Error::Load(error) => error.into(),
            pipeline::Error::Write(error) => error.into(),
            error @ (pipeline::Error::Rejects(_)
            | pipeline::Error::Thread(_)
            | pipeline::Error::Ended { .. }
            | pipeline::Error::NeverComplete { .. }) => Self::new(FailureKind::Data, error),
        }
    }
}

impl From<compare::Error> for Failure {
    fn from(error: compare::Error) -> Self {
        match &error {
            compare::Error::Database { source, .. } => match source.kind() {
                db::ErrorKind::Unreachable => Self::new(FailureKind::Database, error)
                    .hint("no verdict: the comparison did not come to its end"),
                kind => Self::of_database(kind, error),
            },
            compare::Error::Window { .. } => Self::new(FailureKind::Usage, error)
                .hint("compare whole databases with --all, or name a --chain that both have"),
            compare::Error::Hidden { remedy, .. } => {
                let remedy = remedy.clone();
                Self::new(FailureKind::Schema, error).hint(remedy)
            }
            compare::Error::Replica { .. } => Self::new(FailureKind::Database, error)
                .hint("set hot_standby_feedback = on on the replica")
                .hint("or a larger max_standby_streaming_delay there, or compare with its primary"),
            compare::Error::Usage(_)
            | compare::Error::File { .. }
            | compare::Error::Io { doing: "read" | "create", .. } => {
                Self::new(FailureKind::Usage, error)
            }
            compare::Error::Io { source, .. } => Self::new(Self::of_file(source), error),
            compare::Error::Interrupted => Self::new(FailureKind::Interrupted, error),
        }
    }
}

impl fmt::Display for Failure {
    /// The outermost message; `terminal::Printer::failure` prints all of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the archive")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn the_chain_lists_every_cause_outermost_first() {
        let cause = std::io::Error::other("disk on fire");
        let failure = Failure::new(FailureKind::Data, Outer(cause));
        assert_eq!(failure.chain(), ["cannot open the archive", "disk on fire"]);
    }

    #[test]
    fn a_cause_that_the_message_already_ends_in_is_not_repeated() {
        #[derive(Debug, thiserror::Error)]
        #[error("read failed: {0}")]
        struct Talkative(#[source] std::io::Error);
        let failure =
            Failure::new(FailureKind::Data, Talkative(std::io::Error::other("disk on fire")));
        assert_eq!(failure.chain(), ["read failed: disk on fire"]);
    }

    #[test]
    fn exit_codes_are_distinct_and_never_success() {
        let mut codes: Vec<u8> = FailureKind::ALL.iter().map(|kind| kind.exit_code()).collect();
        codes.dedup();
        assert_eq!(codes, [2, 3, 4, 5, 6, 7, 130]);
    }
}
