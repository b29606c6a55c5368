//! One chain behind several endpoints: failover in order, headers, calls, logs.

mod bucket;
mod endpoint;
mod logs;
mod probe;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes, U64};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use self::endpoint::{Endpoint, Parsed};
use super::abi;
use super::classify::Class;
use super::config::{Contracts, EthConfig};
use super::error::{Error, Fault};
use super::heads::Heads;

pub use self::endpoint::EndpointStats;
pub use self::logs::LogPage;
pub use self::probe::{EthProbe, probe_ethereum};
pub use self::wire::{BlockRef, Header, Log, Transaction};

/// Which logs to read: from any of the addresses, with any of the first topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter {
    /// Contracts that log.
    pub addresses: Vec<Address>,
    /// First topics.
    pub topics: Vec<B256>,
}

impl LogFilter {
    /// Everything that changes an AUDIO balance: transfers, and what happens to stakes.
    pub fn balances(contracts: &Contracts) -> Self {
        let addresses = vec![contracts.audio, contracts.staking, contracts.delegate_manager];
        Self { addresses, topics: abi::BALANCE_EVENTS.to_vec() }
    }
}

/// One chain behind several endpoints. Clones share everything.
#[derive(Clone, Debug)]
pub struct Provider {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: EthConfig,
    endpoints: Vec<Endpoint>,
    chain_id: AtomicU64,
    /// Holders per call that the nodes are known to take; see `multicall`.
    chunk: AtomicUsize,
    calls: AtomicU64,
    splits: AtomicU64,
}

/// An answer that is waited for.
type Asked<'a, T> = BoxFuture<'a, Result<T, Fault>>;

/// Whether a fault that less in one request might cure goes back to the caller, who can ask for
/// less, or counts against the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Divisible {
    Yes,
    /// A timeout is the endpoint's fault, all else the request's.
    ExceptTimeouts,
    No,
}

impl Divisible {
    /// Whether a fault of this class goes back to the caller.
    const fn returns(self, class: Class) -> bool {
        class.asks_for_less()
            && match self {
                Self::Yes => true,
                Self::ExceptTimeouts => !matches!(class, Class::Timeout),
                Self::No => false,
            }
    }
}

impl Provider {
    /// Checks the endpoints: that one answers, that all which answer serve the wanted chain, and
    /// that the contracts are there. Endpoints that do not answer are checked before their first
    /// use.
    ///
    /// # Errors
    /// No usable URL, another chain, a missing contract, or no endpoint that answers within the
    /// retry limit.
    pub async fn connect(config: EthConfig) -> Result<Self, Error> {
        if config.http.is_empty() {
            return Err(Error::Config("no Ethereum endpoint given".to_owned()));
        }
        let endpoints =
            config.http.iter().map(|url| Endpoint::new(url, config.rps, logs::FIRST_SPAN));
        let endpoints = endpoints.collect::<Result<Vec<_>, _>>()?;
        let shared = Shared {
            endpoints,
            chain_id: AtomicU64::new(config.chain_id.unwrap_or(0)),
            chunk: AtomicUsize::new(config.chunk.max(1)),
            calls: AtomicU64::new(0),
            splits: AtomicU64::new(0),
            config,
        };
        let provider = Self { shared: Arc::new(shared) };
        for endpoint in &provider.shared.endpoints {
            match provider.verify(endpoint).await {
                Ok(()) => {}
                Err(Trouble::Endpoint(fault)) => {
                    tracing::warn!(endpoint = endpoint.shown, %fault, "endpoint does not answer");
                    endpoint.failed(&fault);
                }
                Err(Trouble::Settings(error)) => return Err(error),
            }
        }
        provider.head().await?;
        Ok(provider)
    }

    /// The id of the chain.
    pub fn chain_id(&self) -> u64 {
        self.shared.chain_id.load(Ordering::Relaxed)
    }

    /// The contracts that are read.
    pub fn contracts(&self) -> &Contracts {
        &self.shared.config.contracts
    }

    /// How nodes are asked.
    pub fn config(&self) -> &EthConfig {
        &self.shared.config
    }

    /// What each endpoint did so far.
    pub fn stats(&self) -> Vec<EndpointStats> {
        self.shared.endpoints.iter().map(Endpoint::stats).collect()
    }

    /// When an endpoint last answered anything.
    pub fn last_answer(&self) -> Option<std::time::Instant> {
        self.shared.endpoints.iter().filter_map(Endpoint::answered).max().map(Instant::into_std)
    }

    /// `eth_call`s sent so far, and how often one had to be split.
    pub fn calls(&self) -> (u64, u64) {
        (self.shared.calls.load(Ordering::Relaxed), self.shared.splits.load(Ordering::Relaxed))
    }

    /// The newest block of the endpoint that answers.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn head(&self) -> Result<Header, Error> {
        self.header_tagged("latest").await
    }

    /// The newest block that can no longer be replaced.
    ///
    /// # Errors
    /// [`Error::Unreachable`]; [`Error::Refused`] by nodes that know no finality.
    pub async fn finalized(&self) -> Result<Header, Error> {
        self.header_tagged("finalized").await
    }

    async fn header_tagged(&self, tag: &str) -> Result<Header, Error> {
        let (method, params) = ("eth_getBlockByNumber", &json!([tag, false]));
        let ask = move |endpoint| self.present(endpoint, method, params, Class::Transient);
        self.failover(method, Divisible::No, ask).await
    }

    /// The header of a height; `None` where no endpoint has it.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn header_at(&self, number: u64) -> Result<Option<Header>, Error> {
        let params = json!([format!("{number:#x}"), false]);
        self.if_there("eth_getBlockByNumber", &params).await
    }

    /// The header of a height, from the second endpoint if it can be.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn second_header_at(&self, number: u64) -> Result<Option<Header>, Error> {
        let (method, params) = ("eth_getBlockByNumber", &json!([format!("{number:#x}"), false]));
        let ask = move |endpoint| self.present(endpoint, method, params, Class::Missing);
        match self.failover_from(1, method, Divisible::No, ask).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The header of a block; `None` where no endpoint has it.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn header_of(&self, hash: B256) -> Result<Option<Header>, Error> {
        self.if_there("eth_getBlockByHash", &json!([hash, false])).await
    }

    /// A transaction; `None` where no endpoint has it.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn transaction(&self, hash: B256) -> Result<Option<Transaction>, Error> {
        self.if_there("eth_getTransactionByHash", &json!([hash])).await
    }

    /// What the call of a transaction returns in the state before its block; of one that waits, in
    /// the newest state.
    ///
    /// # Errors
    /// [`Error::Unreachable`]; [`Error::Refused`] where the call reverts, or no endpoint has the
    /// state any more ([`Error::is_missing`]).
    pub async fn replay(&self, transaction: &Transaction) -> Result<Bytes, Error> {
        let Transaction { from, to, value, input, block_number } = transaction;
        let before = block_number.map(|number| number.saturating_sub(U64::from(1)));
        let block = before.map_or_else(|| json!("latest"), |number| json!(number));
        let call = json!({"from": from, "to": to, "value": value, "input": input});
        let (method, params) = ("eth_call", &json!([call, block]));
        let ask = move |endpoint| self.present(endpoint, method, params, Class::Missing);
        self.failover(method, Divisible::No, ask).await
    }

    /// The result that an endpoint has; `None` when those that answer do not have it.
    async fn if_there<T: Parsed>(
        &self,
        method: &'static str,
        params: &Value,
    ) -> Result<Option<T>, Error> {
        let ask = move |endpoint| self.present(endpoint, method, params, Class::Missing);
        match self.failover(method, Divisible::No, ask).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A result that must be there; where it is not, the fault has the class `absent`.
    fn present<'a, T: Parsed>(
        &'a self,
        endpoint: &'a Endpoint,
        method: &'static str,
        params: &'a Value,
        absent: Class,
    ) -> Asked<'a, T> {
        async move {
            let found: Option<T> = endpoint.call(method, params, self.deadline(), None).await?;
            found.ok_or_else(|| Fault::own(absent, "the node does not have it"))
        }
        .boxed()
    }

    /// Calls a contract in the state after a block, which must be on the node's present chain.
    ///
    /// # Errors
    /// [`Error::Unreachable`]; [`Error::Refused`] where every endpoint that answers refuses, for
    /// example because the block is orphaned ([`Error::is_missing`]).
    pub async fn call(&self, to: Address, data: &Bytes, at: BlockRef) -> Result<Bytes, Error> {
        self.call_read(to, data, at, Divisible::No, |answer| Ok(answer.clone())).await
    }

    /// Calls a contract and reads the answer; one that cannot be read counts against the endpoint.
    pub(super) async fn call_read<T: Send>(
        &self,
        to: Address,
        data: &Bytes,
        at: BlockRef,
        divisible: Divisible,
        read: impl Fn(&Bytes) -> Result<T, Fault> + Send + Sync,
    ) -> Result<T, Error> {
        let read = &read;
        let ask = move |endpoint| {
            async move { read(&self.called(endpoint, to, data, at).await?) }.boxed()
        };
        self.failover("eth_call", divisible, ask).await
    }

    /// The answer of one endpoint to a call at a block: by its hash, or where the endpoint takes none
    /// by its number, with a look before and after that it is still this block.
    async fn called(
        &self,
        endpoint: &Endpoint,
        to: Address,
        data: &Bytes,
        at: BlockRef,
    ) -> Result<Bytes, Fault> {
        self.shared.calls.fetch_add(1, Ordering::Relaxed);
        let call = async |block: &Value| {
            let params = wire::CallParams { to, data, block };
            endpoint.call::<Bytes>("eth_call", &params, self.deadline(), None).await
        };
        if endpoint.takes_hashes.load(Ordering::Relaxed) {
            let by_hash = call(&json!({"blockHash": at.hash, "requireCanonical": true})).await;
            match by_hash {
                Err(fault) if fault.class == Class::ByNumber => {
                    tracing::info!(endpoint = endpoint.shown, %fault, "calls name blocks by number");
                    endpoint.takes_hashes.store(false, Ordering::Relaxed);
                }
                answered => return answered,
            }
        }
        self.check_block(endpoint, at).await?;
        let answer = call(&json!(format!("{:#x}", at.number))).await?;
        self.check_block(endpoint, at).await?;
        Ok(answer)
    }

    /// Makes sure that an endpoint has a block on its chain.
    async fn check_block(&self, endpoint: &Endpoint, at: BlockRef) -> Result<(), Fault> {
        let params = json!([format!("{:#x}", at.number), false]);
        let found: Option<Header> =
            endpoint.call("eth_getBlockByNumber", &params, self.deadline(), None).await?;
        match found {
            Some(header) if header.hash == at.hash => Ok(()),
            _ => Err(Fault::own(Class::Missing, format!("block {at} is not on the node's chain"))),
        }
    }

    /// Follows the head over the websocket; `None` where no websocket was given.
    pub fn subscribe_heads(&self) -> Option<Heads> {
        let url = self.shared.config.ws.as_deref()?;
        Some(Heads::start(url, self.shared.config.head_timeout))
    }

    fn deadline(&self) -> Duration {
        self.shared.config.deadline
    }

    pub(super) fn chunk(&self) -> &AtomicUsize {
        &self.shared.chunk
    }

    pub(super) fn count_split(&self) {
        self.shared.splits.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks the endpoints in order until one answers; pauses when none does, and starts again.
    async fn failover<'a, T>(
        &'a self,
        method: &'static str,
        divisible: Divisible,
        ask: impl Fn(&'a Endpoint) -> Asked<'a, T> + Sync,
    ) -> Result<T, Error> {
        self.failover_from(0, method, divisible, ask).await
    }

    /// [`Provider::failover`] in the order that begins with the endpoint at `first`.
    async fn failover_from<'a, T>(
        &'a self,
        first: usize,
        method: &'static str,
        divisible: Divisible,
        ask: impl Fn(&'a Endpoint) -> Asked<'a, T> + Sync,
    ) -> Result<T, Error> {
        let mut rounds = 0;
        loop {
            let (endpoint, fault) = match self.round(first, method, &ask).await {
                Ok(answer) => return Ok(answer),
                Err(Trouble::Settings(error)) => return Err(error),
                Err(Trouble::Endpoint(failed)) => failed,
            };
            rounds += 1;
            let settled =
                matches!(fault.class, Class::Missing | Class::Reverted | Class::Unsupported)
                    || divisible.returns(fault.class);
            if settled {
                return Err(Error::Refused { method, endpoint, source: fault.into() });
            }
            if rounds >= self.shared.config.retry.limit {
                return Err(Error::Unreachable { method, endpoint, rounds, source: fault.into() });
            }
            sleep(self.pause(rounds)).await;
        }
    }

    /// Asks each endpoint that may be asked now, in order. Fails with what is worth most to know:
    /// that a node refuses the request as such, rather than that another is down.
    async fn round<'a, T>(
        &'a self,
        first: usize,
        method: &'static str,
        ask: &(impl Fn(&'a Endpoint) -> Asked<'a, T> + Sync),
    ) -> Result<T, Trouble<(String, Fault)>> {
        let mut worst: Option<(String, Fault)> = None;
        let (before, from) = {
            let endpoints = self.shared.endpoints.as_slice();
            endpoints.split_at(first % endpoints.len())
        };
        for endpoint in from.iter().chain(before) {
            if endpoint.paused_until(Instant::now()).is_some() {
                continue;
            }
            let asked = match self.verify(endpoint).await {
                Ok(()) => ask(endpoint).await,
                Err(Trouble::Endpoint(fault)) => Err(fault),
                Err(Trouble::Settings(error)) => Err(shut(&error)),
            };
            match asked {
                Ok(answer) => {
                    endpoint.succeeded();
                    return Ok(answer);
                }
                Err(fault) => {
                    tracing::trace!(endpoint = endpoint.shown, method, %fault, "refused");
                    note(endpoint, &fault);
                    if worst.as_ref().is_none_or(|(_, known)| says_more(&fault, known)) {
                        worst = Some((endpoint.shown.clone(), fault));
                    }
                }
            }
        }
        Err(Trouble::Endpoint(worst.unwrap_or_else(|| {
            let first = &self.shared.endpoints[0];
            (first.shown.clone(), Fault::own(Class::Transient, "every endpoint is paused"))
        })))
    }

    /// How long to wait before the next round: until the first endpoint may be asked again, but at
    /// least a little.
    fn pause(&self, rounds: u32) -> Duration {
        let now = Instant::now();
        let free =
            self.shared.endpoints.iter().map(|endpoint| {
                endpoint.paused_until(now).map_or(Duration::ZERO, |until| until - now)
            });
        free.min().unwrap_or_default().max(self.shared.config.retry.delay(rounds))
    }

    /// Makes sure, once per endpoint, that it serves the right chain and has the contracts.
    async fn verify(&self, endpoint: &Endpoint) -> Result<(), Trouble<Fault>> {
        if endpoint.verified.load(Ordering::Acquire) {
            return Ok(());
        }
        let deadline = self.deadline();
        let no_params: [(); 0] = [];
        let found: U64 = endpoint.call("eth_chainId", &no_params, deadline, None).await?;
        let found: u64 = found.to();
        let wanted =
            self.shared.chain_id.compare_exchange(0, found, Ordering::Relaxed, Ordering::Relaxed);
        if let Err(expected) = wanted
            && expected != found
        {
            let endpoint = endpoint.shown.clone();
            return Err(Trouble::Settings(Error::WrongChain { endpoint, expected, found }));
        }
        let check = self.config().check_contracts;
        for (contract, address) in self.contracts().named().into_iter().filter(|_| check) {
            let code: Bytes =
                endpoint.call("eth_getCode", &(address, "latest"), deadline, None).await?;
            if code.is_empty() {
                let endpoint = endpoint.shown.clone();
                return Err(Trouble::Settings(Error::NoCode { endpoint, contract, address }));
            }
        }
        endpoint.verified.store(true, Ordering::Release);
        Ok(())
    }
}

/// A failure that concerns one endpoint, or the settings as a whole.
enum Trouble<T> {
    Endpoint(T),
    Settings(Error),
}

impl From<Fault> for Trouble<Fault> {
    fn from(fault: Fault) -> Self {
        Self::Endpoint(fault)
    }
}

/// What an endpoint that was checked late and found wrong counts as.
fn shut(error: &Error) -> Fault {
    Fault::own(Class::Denied, error.to_string())
}

/// Pauses the endpoint, unless the fault is about the request.
fn note(endpoint: &Endpoint, fault: &Fault) {
    let about_request =
        matches!(fault.class, Class::Missing | Class::Reverted | Class::Unsupported)
            || fault.class.asks_for_less()
                && !matches!(fault.class, Class::Timeout | Class::HalveAndWait);
    if !about_request {
        endpoint.failed(fault);
    }
}

/// Whether `fault` tells the caller more than `known`: how to ask instead, before that a block is
/// missing, before that a server is ill.
const fn says_more(fault: &Fault, known: &Fault) -> bool {
    weight(fault.class) > weight(known.class)
}

const fn weight(class: Class) -> u8 {
    match class {
        Class::Suggested { .. } | Class::Structural { .. } => 5,
        Class::Density | Class::DensityOnce | Class::TooLarge | Class::TooMuchGas => 4,
        Class::HalveAndWait | Class::Timeout => 2,
        Class::Reverted | Class::Unsupported | Class::ByNumber => 3,
        Class::Missing => 1,
        Class::Rate | Class::Billing | Class::Denied | Class::Transient | Class::Unknown => 2,
    }
}
