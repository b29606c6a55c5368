//! The subcommands, one file each: its arguments and its `run`. Beside them what several share:
//! options, and what the process around gives them. The command line puts them together, so none of
//! them knows it.

pub mod backfill;
mod building;
pub mod compare;
pub mod completions;
pub mod config;
pub mod context;
mod database;
pub mod decode_multicall;
pub mod era;
pub mod ethereum;
pub mod generate;
pub mod index;
pub mod man;
pub mod migrate;
pub mod probe;
pub mod record;
pub mod status;
pub mod sweep;
pub mod telemetry;
pub mod wrap;
