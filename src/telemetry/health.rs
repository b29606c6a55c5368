//! Whether a run is alive and caught up: pure judgement over what was observed, and its JSON.

use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::{ChainState, Shared, State, Telemetry, now};
use crate::chain::Reading;
use crate::pipeline::Doing;
use crate::writer::Lane;

/// The answer of `/health` and `/ready`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `ok`; `degraded` where the database refused transactions, which are left out; or `stalled`.
    pub status: &'static str,
    /// Whether every chain is caught up.
    pub ready: bool,
    /// Why it is not alive or not ready, for people.
    pub reasons: Vec<String>,
    /// The stage that is stalled for longest beyond its limit.
    #[serde(flatten)]
    pub stall: Option<Stall>,
    /// What the core chain's loop is doing.
    pub doing: &'static str,
    /// The chains, by id.
    pub chains: Vec<Chain>,
    /// When the database last took something, RFC 3339.
    pub last_write: Option<String>,
    /// Age of the balance that was read longest ago.
    pub oldest_balance_age_seconds: Option<f64>,
    /// `connected`, `disconnected`, or nothing where none is used.
    pub websocket: Option<&'static str>,
    /// Since the process began.
    pub uptime_seconds: f64,
}

/// A stage beyond its limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stall {
    /// `fetch`, `apply`, `write` or `ethereum`.
    pub stage: &'static str,
    /// For how long.
    pub stalled_seconds: f64,
    /// How long it may take.
    pub limit_seconds: f64,
}

impl Stall {
    /// What it means, for the log.
    pub(super) fn meaning(&self) -> &'static str {
        match self.stage {
            "fetch" => "no node answers",
            "apply" => "a batch does not come to an end",
            "write" => "the database takes nothing of what is unwritten",
            _ => "Ethereum does not go on",
        }
    }
}

/// Where one chain stands.
#[derive(Clone, Debug, Serialize)]
pub struct Chain {
    /// Chain id.
    pub chain: String,
    /// Highest block that a node named.
    pub head: Option<i64>,
    /// Highest block that went through the handlers.
    pub processed: Option<i64>,
    /// Highest block in the database.
    pub committed: Option<i64>,
    /// Blocks between head and database; of Ethereum between head and what is processed.
    pub lag: Option<i64>,
    /// Age of the head.
    pub head_age_seconds: Option<f64>,
    /// Since the chain last went on here.
    pub since_progress_seconds: Option<f64>,
}

impl Telemetry {
    /// How the run stands now.
    pub fn report(&self) -> Report {
        let reading = self.0.activity.reading();
        let state = self.state();
        let stalls = stalls(&self.0, &state, &reading);
        let stall = worst(stalls);
        let chains = chains(&state, &reading);
        let mut reasons: Vec<String> = stall
            .iter()
            .map(|stall| {
                format!(
                    "{} is stalled for {:.0} s, its limit is {:.0} s",
                    stall.stage, stall.stalled_seconds, stall.limit_seconds
                )
            })
            .collect();
        // Where chains are followed; other commands have their work.
        if chains.is_empty() && state.work.is_none() {
            reasons.push("no chain is known yet".to_owned());
        }
        for chain in &chains {
            let limit = self.0.limits.ready_lag;
            match chain.lag {
                None if chain.head.is_some() => {
                    reasons.push(format!("nothing of {} is in the database yet", chain.chain));
                }
                None => reasons.push(format!("the head of {} is not known yet", chain.chain)),
                Some(lag) if lag > limit => reasons.push(format!(
                    "{} is {lag} blocks behind its head, more than {limit}",
                    chain.chain
                )),
                Some(_) => {}
            }
        }
        let (doing, _) = self.0.pulse.doing();
        if doing == Doing::Indexes {
            reasons.push("indexes that the initial sync left out are being built".to_owned());
        }
        let refused = Some(state.sums.refused_by_database)
            .filter(|count| *count > 0)
            .map(|count| format!("the database refused {count} transactions, which are left out"));
        let websocket = state.ethereum.as_ref().and_then(|ethereum| ethereum.status.websocket);
        Report {
            status: match (&stall, state.sums.refused_by_database) {
                (Some(_), _) => "stalled",
                (None, 0) => "ok",
                (None, _) => "degraded",
            },
            ready: reasons.is_empty(),
            reasons: reasons.into_iter().chain(refused).collect(),
            stall,
            doing: if state.ended { "nothing" } else { doing.name() },
            chains,
            last_write: state.last_write.map(rfc3339),
            oldest_balance_age_seconds: state.balances.and_then(|found| found.oldest_seconds),
            websocket: websocket.map(|stands| if stands { "connected" } else { "disconnected" }),
            uptime_seconds: self.0.begun.elapsed().as_secs_f64(),
        }
    }
}

/// The stage that is beyond its limit for longest.
pub(super) fn worst(stalls: Vec<Stall>) -> Option<Stall> {
    stalls
        .into_iter()
        .filter(|stall| stall.stalled_seconds > stall.limit_seconds)
        .max_by(|a, b| a.stalled_seconds.total_cmp(&b.stalled_seconds))
}

/// How long each stage has had work and not finished any of it; 0 where it has none.
pub(super) fn stalls(shared: &Shared, state: &State, reading: &Reading) -> Vec<Stall> {
    let limits = shared.limits;
    let (doing, lasting) = shared.pulse.doing();
    let is = |stage: Doing| doing == stage && !state.ended;
    let fetch = if is(Doing::Fetch) && state.live {
        let silent = reading.last_answer.map_or(shared.begun.elapsed(), |at| at.elapsed());
        silent.min(lasting)
    } else {
        Duration::ZERO
    };
    let apply = if is(Doing::Apply) { lasting } else { Duration::ZERO };
    let unwritten = state.unwritten_since.filter(|_| state.pending().rows() > 0 && !state.ended);
    let write = unwritten.map_or(Duration::ZERO, |since| since.elapsed());
    let mut all = vec![
        stall("fetch", fetch, limits.fetch),
        stall("apply", apply, limits.apply),
        stall("write", write, limits.write),
    ];
    if let Some(ethereum) = state.ethereum.as_ref().filter(|_| !state.ended) {
        let silent =
            ethereum.provider.last_answer().map_or(shared.begun.elapsed(), |at| at.elapsed());
        // A chain without new blocks is quiet: only blocks that are there and not processed count.
        let status = &ethereum.status;
        let behind = status.processed.is_some_and(|block| block.number < status.head);
        let stuck = if behind { ethereum.progress.elapsed() } else { Duration::ZERO };
        all.push(stall("ethereum", silent.max(stuck), limits.ethereum));
    }
    all
}

fn stall(stage: &'static str, stalled: Duration, limit: Duration) -> Stall {
    Stall { stage, stalled_seconds: stalled.as_secs_f64(), limit_seconds: limit.as_secs_f64() }
}

pub(super) fn chains(state: &State, reading: &Reading) -> Vec<Chain> {
    state
        .chains
        .iter()
        .map(|(id, chain)| {
            let is_core = state.core.as_ref() == Some(id);
            let named = Some(reading.head).filter(|head| is_core && *head > 0);
            // An archive has no head of its own; what it has is all there is.
            let head = named.or(chain.head).max(chain.processed);
            let head = head.filter(|_| !is_core || !state.live || reading.head > 0);
            // A core chain that was left for the next one has no head to be behind.
            let is_left = !is_core && state.core.is_some() && Lane::of_chain(id) == Lane::Core;
            let head = if is_left { chain.processed } else { head };
            // Blocks of Ethereum that touch no wallet are noted now and then, not one by one.
            let is_ethereum = Lane::of_chain(id) == Lane::Ethereum;
            let done = if is_ethereum { chain.processed } else { chain.committed };
            let lag = head.zip(done).map(|(head, done)| head - done);
            Chain {
                chain: id.clone(),
                head,
                processed: chain.processed,
                committed: chain.committed,
                lag: lag.map(|lag| lag.max(0)),
                head_age_seconds: head_age(chain, head, is_core, reading),
                since_progress_seconds: chain.progress.map(|at| at.elapsed().as_secs_f64()),
            }
        })
        .collect()
}

/// The age of the head: of its block where that is processed, else since a node first named it.
fn head_age(
    chain: &ChainState,
    head: Option<i64>,
    is_core: bool,
    reading: &Reading,
) -> Option<f64> {
    let block = chain.block_time.map(|time| {
        let now = DateTime::<Utc>::from(now()).timestamp_micros();
        Duration::from_micros(u64::try_from(now - time.micros()).unwrap_or(0)).as_secs_f64()
    });
    let named =
        reading.head_since.filter(|_| is_core).map(|at: Instant| at.elapsed().as_secs_f64());
    match (head == chain.processed, named) {
        (false, Some(named)) => Some(block.map_or(named, |block| block.min(named))),
        _ => block,
    }
}

fn rfc3339(at: SystemTime) -> String {
    DateTime::<Utc>::from(at).to_rfc3339_opts(SecondsFormat::Millis, true)
}
