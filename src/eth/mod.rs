//! Ethereum: asking nodes for headers, logs and AUDIO balances, and reading calldata.
//!
//! A [`Provider`] stands for one chain behind several HTTP endpoints and perhaps a websocket. It is
//! cheap to clone, and everything in it is shared: limits, what was learnt about the endpoints, and
//! counters.
//!
//! ```text
//!  EthConfig ──▶ Provider ──▶ endpoint 1  (token bucket, deadline, what it refused before)
//!                   │    └──▶ endpoint 2  only while 1 fails: failover in order, never a race
//!                   ├── head, header_at, header_of          block headers
//!                   ├── logs                                a page of logs, as wide as the node allows
//!                   ├── balances, delegators                Multicall3, pinned to one block hash
//!                   ├── transaction, replay                 what was called, and what that returns
//!                   └── subscribe_heads ──▶ websocket       a wake-up, never the truth
//! ```
//!
//! # Rules
//!
//! - **What a node says when it refuses decides what happens next**: [`classify`](classify()) is a
//!   table with a row per wording. Narrower range, smaller batch, a pause, or the next endpoint.
//! - **A range that failed is never asked for again.** A suggested range is used only when it is
//!   narrower than the one that failed.
//! - **Logs never go past the head of the node that answered.** The header of the last block of the
//!   range is in the same answer, or the node does not know the block and the page ends earlier.
//! - **A balance is known or unknown, never zero by default.** A failed, short or empty sub-call
//!   makes the holder's balance [`Balance::Unknown`], with the reason.
//! - **One refresh, one block.** All chunks of a refresh are pinned to one block hash; the node
//!   must also answer with that block's number.
//! - **Secrets stay secret.** URLs are shown without keys, in errors and logs alike.
//!
//! Transport is our own small JSON-RPC client, because what matters here (HTTP status,
//! `Retry-After`, the text of a refusal, which node answered) does not pass through alloy's
//! transports, and its fallback layer asks several nodes at once. Types, ABI and hashing are
//! alloy's.

pub mod abi;
pub mod calldata;
pub mod classify;
mod config;
mod error;
mod heads;
mod multicall;
mod provider;

pub use classify::{Class, classify};
pub use config::{Contracts, EthConfig};
pub use error::{Error, ErrorKind, Fault};
pub use heads::{HeadHint, Heads};
pub use multicall::{Balance, Unknown, Wei};
pub use provider::{
    BlockRef, EndpointStats, EthProbe, Header, Log, LogFilter, LogPage, Provider, Transaction,
    probe_ethereum,
};
