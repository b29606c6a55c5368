//! The options of every command that asks Ethereum nodes.

use alloy::primitives::Address;
use clap::Args;

use crate::db::{self, Database};
use crate::eth::{Contracts, EthConfig, Provider};
use crate::failure::Failure;
use crate::follow::{REGISTERED, registered_contracts};
use crate::store::Effects;

/// What `--eth-ws` takes for "no websocket".
const NO_WS: &str = "off";

/// Options of every command that asks Ethereum nodes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Ethereum")]
pub struct EthArgs {
    /// Ethereum node, JSON-RPC over HTTP
    ///
    /// Repeat the option to name nodes that take over, in order, while the ones before fail. Also
    /// read from AUDIUS_ETL_ETH_HTTP and ethRpcUrl. Keys in it are never printed.
    #[arg(long, value_name = "URL", hide_default_value = true)]
    pub eth_http: Vec<String>,

    /// Websocket that announces new heads, or `off` to poll
    ///
    /// Also read from AUDIUS_ETL_ETH_WS and ethWsUrl; otherwise the first --eth-http with ws in
    /// place of http.
    #[arg(long, value_name = "URL", hide_default_value = true)]
    pub eth_ws: Option<String>,

    /// Chain that the nodes must serve
    #[arg(long, value_name = "ID", default_value_t = 1)]
    pub eth_chain_id: u64,

    /// Requests per second to each node [default: no limit]
    #[arg(long, value_name = "N", value_parser = positive_rate)]
    pub rps: Option<f64>,

    /// Holders whose balances are read with one call
    #[arg(long, value_name = "N", default_value_t = 200)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=5_000))]
    pub multicall_chunk: usize,

    /// Calls in flight at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=64))]
    pub eth_in_flight: usize,

    /// The AUDIO token (also ethAudioContractAddress)
    #[arg(long, value_name = "ADDRESS", default_value_t = Contracts::default().audio)]
    pub eth_audio_contract: Address,

    /// Audius Staking (also ethStakingContractAddress)
    #[arg(long, value_name = "ADDRESS", default_value_t = Contracts::default().staking)]
    pub eth_staking_contract: Address,

    /// Audius DelegateManager (also ethDelegateManagerContractAddress)
    #[arg(long, value_name = "ADDRESS", default_value_t = Contracts::default().delegate_manager)]
    pub eth_delegate_manager_contract: Address,

    /// Audius Registry to take the addresses of token, Staking and DelegateManager from
    ///
    /// On mainnet that is 0xd976d3b4f4e22a238c1A736b6612D22f17b6f64C. The registry is asked once;
    /// `index` keeps the answers in the table `audius_etl_effects`. To ask again, delete them there.
    #[arg(long, value_name = "ADDRESS", conflicts_with_all =
        ["eth_audio_contract", "eth_staking_contract", "eth_delegate_manager_contract"])]
    pub eth_registry: Option<Address>,

    /// Multicall3
    #[arg(long, value_name = "ADDRESS", default_value_t = Contracts::default().multicall)]
    pub eth_multicall_contract: Address,
}

impl EthArgs {
    /// Whether a node was named.
    pub fn is_given(&self) -> bool {
        !self.eth_http.is_empty()
    }

    /// How to ask the nodes.
    pub fn config(&self) -> EthConfig {
        EthConfig {
            ws: match self.eth_ws.as_deref() {
                Some(NO_WS) => None,
                Some(url) => Some(url.to_owned()),
                None => self.eth_http.first().and_then(|url| websocket_of(url)),
            },
            chain_id: Some(self.eth_chain_id),
            rps: self.rps,
            chunk: self.multicall_chunk,
            in_flight: self.eth_in_flight,
            contracts: Contracts {
                audio: self.eth_audio_contract,
                staking: self.eth_staking_contract,
                delegate_manager: self.eth_delegate_manager_contract,
                multicall: self.eth_multicall_contract,
            },
            ..EthConfig::new(self.eth_http.iter().cloned())
        }
    }

    /// Makes sure that a node was named, before anything is started for it.
    ///
    /// # Errors
    /// None was.
    pub fn check(&self) -> Result<(), Failure> {
        if self.is_given() {
            return Ok(());
        }
        Err(Failure::usage("no Ethereum node given")
            .hint("name one with --eth-http, or in the environment as AUDIUS_ETL_ETH_HTTP"))
    }

    /// Connects, having made sure that a node was named. What an earlier run was told by the
    /// registry is read from the database, and is in `effects` afterwards.
    ///
    /// # Errors
    /// No node was named, or see [`Provider::connect`] and [`registered_contracts`].
    pub async fn connect(
        &self,
        database: &Database,
        effects: &mut Effects,
    ) -> Result<Provider, Failure> {
        self.check()?;
        let mut config = self.config();
        if let Some(registry) = self.eth_registry {
            let mut connection = database.connect().await?;
            effects.restore(REGISTERED, db::effects::load(&mut connection, REGISTERED).await?);
            drop(connection);
            config.contracts = registered_contracts(&config, registry, effects).await?;
        }
        Ok(Provider::connect(config).await?)
    }
}

/// The same place by websocket, as the reference derives it.
fn websocket_of(http: &str) -> Option<String> {
    let (scheme, rest) = http.split_once("://")?;
    match scheme {
        "http" => Some(format!("ws://{rest}")),
        "https" => Some(format!("wss://{rest}")),
        _ => None,
    }
}

fn positive_rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_not_a_number| "not a number".to_owned())?;
    if rate.is_finite() && rate > 0.0 { Ok(rate) } else { Err("must be above 0".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_websocket_is_derived_from_the_first_node() {
        assert_eq!(websocket_of("https://a/b?c").as_deref(), Some("wss://a/b?c"));
        assert_eq!(websocket_of("http://a:1").as_deref(), Some("ws://a:1"));
        assert_eq!(websocket_of("ftp://a"), None);
    }

    #[test]
    fn a_rate_is_a_positive_number() {
        assert_eq!(positive_rate("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "inf", "NaN", "x"] {
            assert!(positive_rate(wrong).is_err(), "{wrong}");
        }
    }
}
