//! Contract addresses from the Audius Registry: asked for once, then known from the database.

use alloy::primitives::{Address, B256, Bytes};
use alloy::sol_types::SolCall as _;

use super::{address_text, chain_name};
use crate::eth::abi::Registry;
use crate::eth::{Contracts, Error, EthConfig, Provider};
use crate::store::{Effect, Effects};

/// The address of a contract by its name in a registry.
pub const REGISTERED: Effect = Effect { name: "registered_contract", is_persisted: true };

/// The contracts of `config`, with those in place that the registry has under the names that the
/// Audius contracts are deployed with. Answers are in `effects` from then on.
///
/// # Errors
/// As for [`Provider::connect`]; [`Error::Config`] where the registry does not know a name, or no
/// contract is there.
pub async fn registered_contracts(
    config: &EthConfig,
    registry: Address,
    effects: &mut Effects,
) -> Result<Contracts, Error> {
    let mut contracts = config.contracts;
    let mut nodes: Option<Provider> = None;
    for (name, place) in [
        ("Token", &mut contracts.audio),
        ("StakingProxy", &mut contracts.staking),
        ("DelegateManager", &mut contracts.delegate_manager),
    ] {
        // Without a wanted chain, which one it is shows only when the nodes are asked.
        let key = |chain| format!("{}/{}/{name}", chain_name(chain), address_text(registry));
        let known = config.chain_id.and_then(|chain| effects.get(REGISTERED, &key(chain)));
        if let Some(address) = known.and_then(|known| known.parse().ok()) {
            *place = address;
            continue;
        }
        let provider = match &nodes {
            Some(provider) => provider,
            None => {
                let config = EthConfig { check_contracts: false, ..config.clone() };
                nodes.insert(Provider::connect(config).await?)
            }
        };
        *place = ask(provider, registry, name).await?;
        effects.put(REGISTERED, key(provider.chain_id()), address_text(*place));
    }
    Ok(contracts)
}

async fn ask(provider: &Provider, registry: Address, name: &str) -> Result<Address, Error> {
    let call = Registry::getContractCall { name: B256::right_padding_from(name.as_bytes()) };
    let head = provider.head().await?;
    let answer = provider.call(registry, &Bytes::from(call.abi_encode()), head.block()).await?;
    match Registry::getContractCall::abi_decode_returns(&answer) {
        Ok(address) if !address.is_zero() => Ok(address),
        Ok(_) => Err(Error::Config(format!("the registry at {registry} has no {name}"))),
        Err(_) => Err(Error::Config(format!("there is no Audius registry at {registry}"))),
    }
}
