//! `audius-etl index`: follow the chain and keep PostgreSQL current.

mod args;
pub mod ethereum;
mod initial_sync;
mod opening;
mod run;

pub(crate) use args::check_range;
pub use args::{IndexArgs, SignatureMode, SourceChoice};
pub(crate) use run::run;
