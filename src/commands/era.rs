//! `--era`: whose behaviour a run follows. Outside `eras`, this is the one place that knows the
//! wings.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::db::load::Loader;
use crate::db::plan::{Mark, StoredPlan};
use crate::db::start::StartState;
use crate::eras::discovery::{self, Discovery, Environment};
use crate::eras::etl::{self, Etl};
use crate::eras::schedule::{PRODUCTION_CHANGE, Schedule, ScheduleError, Scheduled, When};
use crate::eras::{Derive, Era, Record};
use crate::failure::{Failure, FailureKind};
use crate::model::{Shape, Timestamp};

/// The choice of an era.
#[derive(Args, Clone, Debug)]
pub struct EraArgs {
    /// The program whose behaviour is followed: auto, discovery, etl, or one after the other
    ///
    /// discovery is the Python discovery provider, which wrote production until June 2026; etl is the
    /// Go ETL inside the api process, which does since. discovery,etl@24012345 goes over with a
    /// height, discovery,etl@2026-06-02T00:00:00Z with a block time. auto is what earlier runs on the
    /// database stored, else what its rows show, else the change of production. The choice is stored;
    /// another one later is refused.
    #[arg(long, value_name = "ERA", default_value = "auto", conflicts_with = "rules")]
    #[arg(help_heading = "Rules")]
    pub era: AskedEra,

    /// Follow --era although earlier runs on this database followed another one
    #[arg(long, help_heading = "Rules")]
    pub force_era: bool,

    /// What --era was called before: python is discovery, go is etl
    #[arg(long, hide = true, value_name = "RULES")]
    pub rules: Option<RulesChoice>,
}

/// What `--era` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskedEra {
    /// What the database says.
    Auto,
    /// This.
    These(Schedule<EraChoice>),
}

impl FromStr for AskedEra {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        if text == "auto" { Ok(Self::Auto) } else { text.parse().map(Self::These) }
    }
}

/// The programs that wrote production.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EraChoice {
    /// The Python discovery provider, until June 2026.
    Discovery,
    /// The Go ETL inside the api process, since.
    Etl,
}

impl EraChoice {
    const fn name(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Etl => "etl",
        }
    }
}

impl fmt::Display for EraChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for EraChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = [Self::Discovery, Self::Etl];
        let found = known.into_iter().find(|era| era.name() == text);
        found.ok_or_else(|| "the eras are discovery and etl, or auto by itself".to_owned())
    }
}

/// The former names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RulesChoice {
    /// The Python discovery provider.
    Python,
    /// The Go ETL.
    Go,
}

/// What the wings need to know of a run.
#[derive(Clone, Debug)]
pub(super) struct EraSettings {
    pub(super) verifier_address: String,
    pub(super) comment_karma_threshold: i64,
    pub(super) accepted_wallet_signatures: Vec<String>,
    /// Stands in for the time of every block.
    pub(super) clock: Option<Timestamp>,
    /// The database's clock when the run began.
    pub(super) database_now: Timestamp,
    pub(super) derive: Derive,
    /// Fill `plays`.
    pub(super) plays: bool,
    /// What the columns of the database take.
    pub(super) shape: Arc<Shape>,
}

impl EraArgs {
    /// What is asked for. Warns of the former option.
    pub fn asked(&self) -> AskedEra {
        let Some(rules) = self.rules else { return self.era.clone() };
        let choice = match rules {
            RulesChoice::Python => EraChoice::Discovery,
            RulesChoice::Go => EraChoice::Etl,
        };
        tracing::warn!("--rules is going away: write --era {choice}");
        AskedEra::These(Schedule::only(choice))
    }

    /// The eras of the blocks to come, with the reason.
    ///
    /// What earlier runs stored binds, and so does what the first release, which knew one era and
    /// stored nothing, has written. Rows of other programs are known by their marks.
    ///
    /// # Errors
    /// Another era is asked for than the database is of, without --force-era; a query fails.
    pub(super) async fn choose(
        &self,
        start: &StartState,
        stored: Option<&StoredPlan>,
        loader: &Loader,
    ) -> Result<ChosenEra, Failure> {
        let asked = self.asked();
        let bound = match stored.filter(|_| !start.is_empty) {
            Some(plan) => Some(ChosenEra {
                schedule: plan.era.parse().map_err(|error: ScheduleError| {
                    Failure::new(FailureKind::Schema, format!("audius_etl_plan: {error}"))
                })?,
                reason: plan.reason.clone(),
            }),
            None if !start.own.is_empty() => Some(ChosenEra {
                schedule: Schedule::only(EraChoice::Discovery),
                reason: "a release that knew no other has written the database".to_owned(),
            }),
            None => None,
        };
        match (asked, bound) {
            (AskedEra::Auto, Some(bound)) => Ok(bound),
            (AskedEra::Auto, None) => {
                let latest = start.latest().map(|at| at.chain.as_str());
                Ok(of_mark(loader.mark(latest).await?))
            }
            (AskedEra::These(schedule), Some(bound)) if schedule == bound.schedule => Ok(bound),
            (AskedEra::These(schedule), Some(bound)) if !self.force_era => Err(Failure::usage(
                format!(
                    "--era {schedule}: the database follows {} ({})",
                    bound.schedule, bound.reason
                ),
            )
            .hint("leave --era away to go on as before")
            .hint(
                "--force-era follows it from the next block on, whatever the rows so far are of",
            )),
            (AskedEra::These(schedule), bound) => {
                let forced = if bound.is_some() { "--force-era" } else { "--era" };
                Ok(ChosenEra { schedule, reason: forced.to_owned() })
            }
        }
    }
}

/// The eras of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChosenEra {
    /// Which, and where they change.
    pub(super) schedule: Schedule<EraChoice>,
    /// Why these, for the log and the database.
    pub(super) reason: String,
}

/// The era of rows that other programs wrote. What the Python provider wrote goes on as production
/// did: its blocks become the Go ETL's with the change.
fn of_mark(mark: Option<Mark>) -> ChosenEra {
    let change = When::Time(PRODUCTION_CHANGE);
    let changing = Schedule::changing(EraChoice::Discovery, change, EraChoice::Etl);
    let etl = Schedule::only(EraChoice::Etl);
    let (schedule, reason) = match mark {
        None => (changing, "as production did; the database shows nothing else"),
        Some(Mark::Parents) => (changing, "as production did; its newest block has a parent"),
        Some(Mark::PrefixedHashes) => (changing, "as production did; its hashes begin with 0x"),
        Some(Mark::NoParents) => (etl, "the newest block in the database has no parent"),
        Some(Mark::BareHashes) => (etl, "the hashes in the database do not begin with 0x"),
    };
    ChosenEra { schedule, reason: reason.to_owned() }
}

impl ChosenEra {
    /// The wings, each for its blocks.
    pub(super) fn open(&self, settings: &EraSettings) -> Box<dyn Era> {
        let eras = self.schedule.eras().iter();
        let wings = eras.map(|era| era.open(settings.clone())).collect();
        Box::new(Scheduled::new(self.schedule.changes().clone(), wings))
    }

    /// How the wings record blocks whose entity calls are left aside.
    pub(super) fn records(&self) -> Arc<[Record]> {
        self.schedule.eras().iter().map(|era| era.record()).collect()
    }
}

impl EraChoice {
    /// The wing.
    fn open(self, settings: EraSettings) -> Box<dyn Era> {
        match self {
            Self::Discovery => Box::new(Discovery {
                env: Environment {
                    verifier_address: settings.verifier_address,
                    comment_karma_threshold: settings.comment_karma_threshold,
                    database_now: settings.database_now,
                    clock: settings.clock,
                    accepted_wallet_signatures: settings.accepted_wallet_signatures,
                    lowers_eth_wallets: settings.shape.lowers_eth_wallets,
                    derive: settings.derive,
                },
                plays: settings.plays,
            }),
            Self::Etl => Box::new(Etl::new(etl::Settings {
                verifier_address: settings.verifier_address,
                derive: settings.derive,
                plays: settings.plays,
                shape: settings.shape,
            })),
        }
    }

    /// How the wing records blocks whose entity calls are left aside.
    fn record(self) -> Record {
        match self {
            Self::Discovery => discovery::record,
            Self::Etl => etl::record,
        }
    }
}
