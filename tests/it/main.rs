//! The one integration test binary.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy takes only functions marked as tests for tests; here everything is one"
)]

mod backfill_aggregates;
mod backfill_blocks;
mod batches;
mod chain_archive;
mod chain_node;
mod cli_failure;
mod cli_help;
mod cli_settings;
mod compare;
mod config;
mod decode;
mod decode_multicall;
mod eras;
mod eth_backfill;
mod eth_follow;
mod eth_provider;
mod eth_sweep;
mod fitness;
mod generator;
mod health;
mod hostile;
mod initial_sync;
mod interrupt;
mod kill;
mod layers;
mod meta;
mod migrate;
mod parity;
mod private_postgres;
mod probe;
mod prometheus;
mod record;
mod refusal;
mod secrets;
mod sheet;
mod status;
mod support;
mod switch;
mod systemd;
mod triggers;
mod writer;
