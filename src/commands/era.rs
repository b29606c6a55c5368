//! `--era`: whose behaviour a run follows. Outside `eras`, this is the one place that knows the
//! wings.

use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::eras::discovery::{self, Discovery, Environment};
use crate::eras::etl::{self, Etl};
use crate::eras::{Derive, Era, Record};
use crate::model::{Shape, Timestamp};

/// The choice of an era.
#[derive(Args, Clone, Debug)]
pub struct EraArgs {
    /// The program whose behaviour is followed
    #[arg(long, value_name = "ERA", default_value = "discovery", conflicts_with = "rules")]
    #[arg(help_heading = "Rules")]
    pub era: EraChoice,

    /// What --era was called before: python is discovery, go is etl
    #[arg(long, hide = true, value_name = "RULES")]
    pub rules: Option<RulesChoice>,
}

/// The programs that wrote production.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EraChoice {
    /// The Python discovery provider, until June 2026.
    Discovery,
    /// The Go ETL inside the api process, since.
    Etl,
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
    /// The era that is meant. Warns of the former option.
    pub fn choice(&self) -> EraChoice {
        let Some(rules) = self.rules else { return self.era };
        let choice = match rules {
            RulesChoice::Python => EraChoice::Discovery,
            RulesChoice::Go => EraChoice::Etl,
        };
        let era = choice.to_possible_value();
        let era = era.as_ref().map_or("", clap::builder::PossibleValue::get_name);
        tracing::warn!("--rules is going away: write --era {era}");
        choice
    }
}

impl EraChoice {
    /// The wing.
    pub(super) fn open(self, settings: EraSettings) -> Box<dyn Era> {
        match self {
            Self::Discovery => Box::new(Discovery {
                env: Environment {
                    verifier_address: settings.verifier_address,
                    comment_karma_threshold: settings.comment_karma_threshold,
                    database_now: settings.database_now,
                    clock: settings.clock,
                    accepted_wallet_signatures: settings.accepted_wallet_signatures,
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
    pub(super) fn record(self) -> Record {
        match self {
            Self::Discovery => discovery::record,
            Self::Etl => etl::record,
        }
    }
}
