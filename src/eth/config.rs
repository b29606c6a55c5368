//! Which nodes are asked, how, and for which contracts.

use std::fmt;
use std::time::Duration;

use alloy::primitives::{Address, address};

use crate::chain::{RetryPolicy, redact_url};

/// The contracts whose balances are read. The defaults are those of Ethereum mainnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contracts {
    /// The AUDIO token (ERC-20).
    pub audio: Address,
    /// Audius `Staking`.
    pub staking: Address,
    /// Audius `DelegateManager`.
    pub delegate_manager: Address,
    /// Multicall3, which sits at the same address on every chain that has it.
    pub multicall: Address,
}

impl Default for Contracts {
    fn default() -> Self {
        Self {
            audio: address!("18aAA7115705e8be94bfFEbDE57Af9BFc265B998"),
            staking: address!("e6D97B2099F142513be7A2a068bE040656Ae4591"),
            delegate_manager: address!("4d7968ebfD390D5E7926Cb3587C39eFf2F9FB225"),
            multicall: address!("cA11bde05977b3631167028862bE2a173976CA11"),
        }
    }
}

impl Contracts {
    /// The contracts with the names they have in messages.
    pub const fn named(&self) -> [(&'static str, Address); 4] {
        [
            ("AUDIO token", self.audio),
            ("Staking", self.staking),
            ("DelegateManager", self.delegate_manager),
            ("Multicall3", self.multicall),
        ]
    }
}

/// How nodes are asked. Its `Debug` form shows no keys.
#[derive(Clone)]
pub struct EthConfig {
    /// Endpoints for JSON-RPC over HTTP, in the order in which they are preferred.
    pub http: Vec<String>,
    /// Endpoint for subscriptions.
    pub ws: Option<String>,
    /// The chain that every endpoint must serve; `None` takes the one of the first that answers.
    pub chain_id: Option<u64>,
    /// The contracts to read.
    pub contracts: Contracts,
    /// Whether there must be code at the contracts' addresses.
    pub check_contracts: bool,
    /// Requests per second to each endpoint; `None` sets no limit.
    pub rps: Option<f64>,
    /// Holders per `aggregate3` call.
    pub chunk: usize,
    /// Calls in flight at once for one refresh.
    pub in_flight: usize,
    /// How long a node may take to answer.
    pub deadline: Duration,
    /// A websocket without a new header for this long is replaced.
    pub head_timeout: Duration,
    /// When a failed request is tried again, and how often.
    pub retry: RetryPolicy,
}

impl EthConfig {
    /// The defaults for these endpoints.
    pub fn new(http: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            http: http.into_iter().map(Into::into).collect(),
            ws: None,
            chain_id: None,
            contracts: Contracts::default(),
            check_contracts: true,
            rps: None,
            chunk: 200,
            in_flight: 4,
            deadline: Duration::from_secs(20),
            // Mainnet has a block every 12 s.
            head_timeout: Duration::from_secs(45),
            retry: RetryPolicy::default(),
        }
    }
}

impl fmt::Debug for EthConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EthConfig")
            .field("http", &self.http.iter().map(|url| redact_url(url)).collect::<Vec<_>>())
            .field("ws", &self.ws.as_deref().map(redact_url))
            .field("chain_id", &self.chain_id)
            .field("contracts", &self.contracts)
            .field("rps", &self.rps)
            .field("chunk", &self.chunk)
            .field("in_flight", &self.in_flight)
            .field("deadline", &self.deadline)
            .field("head_timeout", &self.head_timeout)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debug_form_shows_no_keys() {
        let mut config = EthConfig::new(["https://node.example/v2/aBcDeFgHiJkLmNoPqRsT0123"]);
        config.ws = Some("wss://user:s3cret@node.example/?key=s3cret".to_owned());
        let shown = format!("{config:?}");
        assert!(shown.contains("https://node.example/v2/***"), "{shown}");
        assert!(!shown.contains("aBcDe") && !shown.contains("s3cret"), "{shown}");
    }
}
