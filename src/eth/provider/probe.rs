//! What an Ethereum endpoint can do, found out with few and small requests, for `audius-etl probe`.

use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, Bytes, U64, U160, keccak256};
use alloy::sol_types::SolCall;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::endpoint::{Endpoint, PairFault};
use super::logs::{FIRST_SPAN, may_be_the_batch};
use super::wire::Header;
use crate::eth::abi::{Multicall3, Token};
use crate::eth::config::Contracts;
use crate::eth::error::{Error, Fault};
use crate::eth::heads::Heads;

/// Ranges of blocks that are tried, narrow ones first; the first refusal ends the search.
const SPANS: [u64; 9] = [1, 10, 100, 500, 1_000, 2_000, 5_000, 10_000, 50_000];

/// Holders per multicall that are tried, in the same way. A holder is three sub-calls.
const HOLDERS: [u32; 6] = [10, 50, 100, 200, 500, 1_000];

/// Pause between two requests of a search: a plan's budget is not for us to use up.
const PAUSE: Duration = Duration::from_millis(100);

/// What was found out about an endpoint.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EthProbe {
    /// The URL without secrets.
    pub endpoint: String,
    /// Why it cannot be used; nothing where it can.
    pub problem: Option<String>,
    /// The chain it serves.
    pub chain_id: Option<u64>,
    /// Its head.
    pub head: Option<u64>,
    /// Age of the head's block in seconds.
    pub head_age_seconds: Option<i64>,
    /// Time of an answer to `eth_blockNumber`, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Most blocks that one `eth_getLogs` took.
    pub log_span: Option<u64>,
    /// Why it did not take more; nothing where it took all that was tried.
    pub log_limit: Option<String>,
    /// Most holders whose balances one multicall read.
    pub multicall_holders: Option<u32>,
    /// Why it did not read more.
    pub multicall_limit: Option<String>,
    /// How several calls in one request are taken; nothing where they are.
    pub batches: Option<String>,
    /// Whether heads come over the websocket.
    pub websocket: Option<String>,
}

impl EthProbe {
    /// Whether balances can be read from it.
    pub const fn is_usable(&self) -> bool {
        self.problem.is_none()
    }
}

/// Looks at the endpoint at `url`, and at the websocket at `ws` if there is one.
///
/// # Errors
/// The URL is none. An endpoint that does not answer is a finding, not an error.
pub async fn probe_ethereum(
    url: &str,
    ws: Option<&str>,
    contracts: &Contracts,
    patience: Duration,
    now: i64,
) -> Result<EthProbe, Error> {
    let endpoint = Endpoint::new(url, None, FIRST_SPAN)?;
    let heads = ws.map(|ws| (Heads::start(ws, patience), Instant::now()));
    let mut found = EthProbe { endpoint: endpoint.shown.clone(), ..EthProbe::default() };
    if let Err(fault) = look(&endpoint, contracts, patience, now, &mut found).await {
        found.problem = Some(told(&fault));
        return Ok(found);
    }
    if let Some((heads, since)) = heads {
        found.websocket = Some(websocket(heads, since, patience).await);
    }
    Ok(found)
}

async fn look(
    endpoint: &Endpoint,
    contracts: &Contracts,
    patience: Duration,
    now: i64,
    found: &mut EthProbe,
) -> Result<(), Fault> {
    let nothing: [(); 0] = [];
    let chain: U64 = endpoint.call("eth_chainId", &nothing, patience, None).await?;
    found.chain_id = Some(chain.to());
    // The first answer has the time of connecting in it.
    let started = Instant::now();
    let _height: U64 = endpoint.call("eth_blockNumber", &nothing, patience, None).await?;
    found.latency_ms = Some(started.elapsed().as_secs_f64() * 1_000.0);
    let head: Header =
        endpoint.call("eth_getBlockByNumber", &("latest", false), patience, None).await?;
    found.head = Some(head.number);
    found.head_age_seconds = i64::try_from(head.timestamp).ok().map(|time| (now - time).max(0));
    found.batches = batches(endpoint, patience).await?;
    log_span(endpoint, contracts, head.number, patience, found).await?;
    let code: Bytes =
        endpoint.call("eth_getCode", &(contracts.multicall, "latest"), patience, None).await?;
    if code.is_empty() {
        found.multicall_limit = Some(format!("no Multicall3 at {}", contracts.multicall));
        return Ok(());
    }
    multicall(endpoint, contracts, patience, found).await
}

/// What is said to two calls in one request, where that is no two answers.
async fn batches(endpoint: &Endpoint, patience: Duration) -> Result<Option<String>, Fault> {
    let nothing: [(); 0] = [];
    let (id, height) = (("eth_chainId", &nothing), ("eth_blockNumber", &nothing));
    match endpoint.pair::<U64, U64>(id, height, patience, None).await {
        Ok(_both) => Ok(None),
        Err(PairFault { fault, is_whole: true }) if may_be_the_batch(fault.class) => {
            Ok(Some(format!("no batches: {}", told(&fault))))
        }
        Err(PairFault { fault, .. }) => Err(fault),
    }
}

/// Asks for the transfers to an address that has none, so that ranges are tried and not answers.
async fn log_span(
    endpoint: &Endpoint,
    contracts: &Contracts,
    head: u64,
    patience: Duration,
    found: &mut EthProbe,
) -> Result<(), Fault> {
    let transfer = keccak256("Transfer(address,address,uint256)");
    let nobody = B256::repeat_byte(0xdd);
    for span in SPANS {
        // A chain that is shorter takes any range.
        let from = (head + 1).saturating_sub(span);
        let filter = json!({
            "address": contracts.audio,
            "topics": [transfer, nobody],
            "fromBlock": format!("{from:#x}"),
            "toBlock": format!("{head:#x}"),
        });
        match endpoint
            .call::<Vec<IgnoredAny>>("eth_getLogs", &(filter,), patience, Some(span))
            .await
        {
            Ok(_none) => found.log_span = Some(span.min(head + 1)),
            Err(fault) if found.log_span.is_none() => return Err(fault),
            Err(fault) => {
                found.log_limit = Some(told(&fault));
                return Ok(());
            }
        }
        if span > head {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn multicall(
    endpoint: &Endpoint,
    contracts: &Contracts,
    patience: Duration,
    found: &mut EthProbe,
) -> Result<(), Fault> {
    for holders in HOLDERS {
        let calls = (0..holders * 3).map(|number| Multicall3::Call3 {
            target: contracts.audio,
            allowFailure: true,
            callData: Token::balanceOfCall { account: Address::from(U160::from(number + 1)) }
                .abi_encode()
                .into(),
        });
        let data = Bytes::from(Multicall3::aggregate3Call { calls: calls.collect() }.abi_encode());
        let call = json!({ "to": contracts.multicall, "data": data });
        match endpoint.call::<Bytes>("eth_call", &(call, "latest"), patience, None).await {
            Ok(_answer) => found.multicall_holders = Some(holders),
            Err(fault) => {
                found.multicall_limit = Some(told(&fault));
                return Ok(());
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn websocket(mut heads: Heads, since: Instant, patience: Duration) -> String {
    let mut hint = heads.latest();
    let mut was_open = false;
    while hint.received == 0 && since.elapsed() < patience {
        hint = heads.next(patience.saturating_sub(since.elapsed())).await;
        was_open |= hint.opened;
        if hint.reconnects > 0 {
            break;
        }
    }
    match (hint.connected, hint.received, was_open) {
        (_, 1.., _) => "heads come".to_owned(),
        (true, 0, _) => format!("subscribed, no head within {} s", patience.as_secs()),
        (false, 0, true) => "connects, does not answer the subscription".to_owned(),
        (false, 0, false) => "cannot be reached".to_owned(),
    }
}

/// A fault in few words: its kind, what the node said, and how long it asks us to wait.
fn told(fault: &Fault) -> String {
    let wait = fault.retry_after.map(|wait| format!(", retry after {} s", wait.as_secs()));
    format!("{fault}{}", wait.unwrap_or_default())
}
