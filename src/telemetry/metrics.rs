//! The metrics, from what was observed. Names follow Prometheus' conventions: base units, `_total`
//! for what only rises, and one prefix.

use std::time::{Duration, SystemTime};

use super::exposition::{Exposition, Kind, Label};
use super::health::{self, Chain};
use super::{Shared, State, Telemetry, Work, process};
use crate::chain::Reading;
use crate::pipeline::event::{Outcome, Summary};

use Kind::{Counter, Gauge};

impl Telemetry {
    /// Every metric in the text format of Prometheus.
    pub fn metrics(&self) -> String {
        let reading = self.0.activity.reading();
        let mut text = Exposition::default();
        let state = self.state();
        text.family(
            "audius_etl_build_info",
            Gauge,
            "Version of the program and the commit it was built from, if known; always 1.",
            [(
                vec![
                    ("version", env!("CARGO_PKG_VERSION")),
                    ("commit", option_env!("AUDIUS_ETL_COMMIT").unwrap_or_default()),
                ],
                1,
            )],
        );
        heights(&mut text, &health::chains(&state, &reading));
        stages(&mut text, &self.0, &state, &reading);
        work(&mut text, &state.sums);
        writing(&mut text, &self.0, &state);
        nodes(&mut text, &state, &reading);
        ethereum(&mut text, &state);
        job(&mut text, &state);
        drop(state);
        process::render(&mut text, unix_seconds(self.0.begun_at));
        text.finish()
    }
}

fn heights(text: &mut Exposition, chains: &[Chain]) {
    type Read = fn(&Chain) -> Option<f64>;
    #[expect(clippy::cast_precision_loss, reason = "heights are far below 2^52")]
    const FAMILIES: [(&str, &str, Read); 6] = [
        ("audius_etl_head_height", "Highest block that a node named.", |chain| {
            chain.head.map(|height| height as f64)
        }),
        ("audius_etl_processed_height", "Highest block that went through the handlers.", |chain| {
            chain.processed.map(|height| height as f64)
        }),
        ("audius_etl_committed_height", "Highest block in the database.", |chain| {
            chain.committed.map(|height| height as f64)
        }),
        ("audius_etl_blocks_behind", "Blocks between the head and the database.", |chain| {
            chain.lag.map(|lag| lag as f64)
        }),
        (
            "audius_etl_head_age_seconds",
            "Age of the newest block known; grows on a quiet chain.",
            |chain| chain.head_age_seconds,
        ),
        ("audius_etl_since_progress_seconds", "Time since the chain last went on here.", |chain| {
            chain.since_progress_seconds
        }),
    ];
    for (name, help, read) in FAMILIES {
        let samples = chains
            .iter()
            .filter_map(|chain| Some((vec![("chain", chain.chain.as_str())], read(chain)?)));
        text.family(name, Gauge, help, samples);
    }
}

fn stages(text: &mut Exposition, shared: &Shared, state: &State, reading: &Reading) {
    let stalls = health::stalls(shared, state, reading);
    let stage = |stage| vec![("stage", stage)];
    text.family(
        "audius_etl_stalled_seconds",
        Gauge,
        "How long a stage has had work and finished none of it; 0 where it moves or is idle.",
        stalls.iter().map(|stall| (stage(stall.stage), stall.stalled_seconds)),
    );
    text.family(
        "audius_etl_stall_limit_seconds",
        Gauge,
        "From when on a stage counts as stalled in /health.",
        stalls.iter().map(|stall| (stage(stall.stage), stall.limit_seconds)),
    );
    let time = &state.sums.time;
    let seconds = Duration::as_secs_f64;
    text.family(
        "audius_etl_stage_seconds_total",
        Counter,
        "Time spent per stage; stages overlap.",
        [
            (stage("fetch"), seconds(&time.fetch)),
            (stage("decode"), seconds(&time.decode)),
            (stage("load"), seconds(&time.load)),
            (stage("apply"), seconds(&time.apply)),
            (stage("write"), seconds(&time.write)),
            (stage("indexes"), seconds(&time.indexes)),
        ],
    );
    text.family(
        "audius_etl_stalled_on_seconds_total",
        Counter,
        "Time in which handlers were idle: no block was there, or too much was unwritten.",
        [
            (stage("fetch"), seconds(&time.stalled_on_fetch)),
            (stage("write"), seconds(&time.stalled_on_write)),
        ],
    );
}

fn work(text: &mut Exposition, sums: &Summary) {
    text.single("audius_etl_blocks_total", Counter, "Blocks processed.", Some(sums.blocks));
    text.family(
        "audius_etl_transactions_total",
        Counter,
        "Transactions processed, by type.",
        sums.transactions.iter().map(|(kind, count)| (vec![("type", *kind)], *count)),
    );
    text.single("audius_etl_plays_total", Counter, "Single plays processed.", Some(sums.plays));
    text.single(
        "audius_etl_duplicate_transactions_total",
        Counter,
        "Transactions whose hash had been indexed before.",
        Some(sums.duplicates),
    );
    let outcomes = sums.entities.pairs().flat_map(|(entity, action, counts)| {
        Outcome::ALL
            .into_iter()
            .filter(|outcome| counts.get(*outcome) > 0)
            .map(move |outcome| (call(entity, action, outcome), counts.get(outcome)))
    });
    text.family(
        "audius_etl_entity_transactions_total",
        Counter,
        "Entity transactions by handler and what became of them.",
        outcomes,
    );
    let refusals = sums.entities.refusals().map(|(entity, action, outcome, code, count)| {
        let mut labels = call(entity, action, outcome);
        labels.push(("reason", code));
        (labels, count)
    });
    text.family(
        "audius_etl_rejects_total",
        Counter,
        "Entity transactions that were not applied, by handler and reason.",
        refusals,
    );
    if sums.signatures.checked > 0 {
        let differing = sums.signatures.checked - sums.signatures.matching;
        text.family(
            "audius_etl_signatures_total",
            Counter,
            "Signatures checked against the signer that the transaction names.",
            [
                (vec![("result", "match")], sums.signatures.matching),
                (vec![("result", "differ")], differing),
            ],
        );
    }
}

/// What a command other than `index` works through.
fn job(text: &mut Exposition, state: &State) {
    let Some(standing) = state.work.as_ref().map(Work::standing) else { return };
    let of = || vec![("job", standing.job), ("unit", standing.unit)];
    text.family(
        "audius_etl_job_done",
        Gauge,
        "What a command has worked through.",
        [(of(), standing.done)],
    );
    text.family(
        "audius_etl_job_expected",
        Gauge,
        "What a command has to work through, where that is known.",
        standing.all.map(|all| (of(), all)),
    );
    let counts = standing.counts.iter();
    text.family(
        "audius_etl_job_results_total",
        Counter,
        "What came of the work, by name.",
        counts.map(|(what, count)| (vec![("job", standing.job), ("result", *what)], *count)),
    );
}

fn call<'a>(entity: &'a str, action: &'a str, outcome: Outcome) -> Vec<Label<'a>> {
    vec![("entity", entity), ("action", action), ("outcome", outcome.name())]
}

fn writing(text: &mut Exposition, shared: &Shared, state: &State) {
    text.histogram(
        "audius_etl_write_seconds",
        "Time of a durable transaction, retries included.",
        &state.writes,
    );
    text.single(
        "audius_etl_write_retries_total",
        Counter,
        "Database transactions that were started over.",
        Some(state.write_retries),
    );
    text.single(
        "audius_etl_last_write_timestamp_seconds",
        Gauge,
        "When the database last took something.",
        state.last_write.map(unix_seconds),
    );
    text.family(
        "audius_etl_rows_written_total",
        Counter,
        "Rows written, by table.",
        state.sums.rows.iter().map(|(table, count)| (vec![("table", *table)], *count)),
    );
    text.single(
        "audius_etl_sanitized_values_total",
        Counter,
        "Values cleaned because PostgreSQL cannot hold them (NUL, lone surrogates).",
        Some(state.sums.sanitized_values),
    );
    text.single(
        "audius_etl_refused_transactions_total",
        Counter,
        "Transactions that are left out because the database refused their data.",
        Some(state.sums.refused_by_database),
    );
    text.single(
        "audius_etl_plays_left_out_total",
        Counter,
        "Plays without a usable track id, kept in etl_plays only.",
        Some(state.plays_left_out),
    );
    let (rows, bytes) = shared.pulse.store();
    let pending = state.pending();
    text.single(
        "audius_etl_store_objects",
        Gauge,
        "Rows in memory when the loop last looked.",
        Some(rows),
    );
    text.single(
        "audius_etl_store_bytes",
        Gauge,
        "Approximate bytes of the rows in memory when the loop last looked.",
        Some(bytes),
    );
    text.single(
        "audius_etl_unwritten_rows",
        Gauge,
        "Rows handed to the writer and not yet durable.",
        Some(pending.rows()),
    );
    text.single(
        "audius_etl_unwritten_bytes",
        Gauge,
        "Approximate bytes handed to the writer and not yet durable.",
        Some(pending.bytes),
    );
}

fn nodes(text: &mut Exposition, state: &State, reading: &Reading) {
    let stats = state.ethereum.as_ref().map(|ethereum| ethereum.provider.stats());
    let stats = stats.unwrap_or_default();
    let at = |chain, endpoint| vec![("chain", chain), ("endpoint", endpoint)];
    let core = reading.nodes.iter().flat_map(|(node, calls)| {
        calls.requests.iter().map(move |(method, count)| {
            let mut labels = at("core", node);
            labels.push(("method", *method));
            (labels, *count)
        })
    });
    let ethereum = stats.iter().map(|stats| (at("ethereum", &stats.endpoint), stats.requests));
    text.family(
        "audius_etl_rpc_requests_total",
        Counter,
        "Requests to nodes, whatever came of them.",
        core.chain(ethereum),
    );
    let core = reading.nodes.iter().flat_map(|(node, calls)| {
        calls.errors.iter().map(move |(class, count)| {
            let mut labels = at("core", node);
            labels.push(("class", *class));
            (labels, *count)
        })
    });
    let ethereum = stats.iter().flat_map(|stats| {
        stats.faults.iter().map(move |(class, count)| {
            let mut labels = at("ethereum", &stats.endpoint);
            labels.push(("class", *class));
            (labels, *count)
        })
    });
    text.family(
        "audius_etl_rpc_errors_total",
        Counter,
        "Requests to nodes that failed, by kind of failure.",
        core.chain(ethereum),
    );
    let waited = |(node, calls): (_, &crate::chain::NodeCalls)| {
        (at("core", node), calls.waited.as_secs_f64())
    };
    text.family(
        "audius_etl_rpc_seconds_total",
        Counter,
        "Time spent waiting for answers of nodes.",
        reading.nodes.iter().map(|(node, calls)| waited((node.as_str(), calls))),
    );
    text.family(
        "audius_etl_node_in_use",
        Gauge,
        "1 for the core node that blocks come from.",
        reading.nodes.keys().map(|node| {
            (at("core", node), u8::from(reading.active.as_deref() == Some(node.as_str())))
        }),
    );
}

fn ethereum(text: &mut Exposition, state: &State) {
    let ethereum = state.ethereum.as_ref();
    let status = ethereum.map(|ethereum| ethereum.status);
    let websocket = status.filter(|status| status.websocket.is_some());
    text.single(
        "audius_etl_websocket_connected",
        Gauge,
        "1 while the subscription to new heads stands.",
        status.and_then(|status| status.websocket).map(u8::from),
    );
    text.single(
        "audius_etl_websocket_reconnects_total",
        Counter,
        "Websocket connections that ended.",
        websocket.map(|status| status.reconnects),
    );
    text.single(
        "audius_etl_websocket_headers_total",
        Counter,
        "Headers received over the websocket.",
        websocket.map(|status| status.headers),
    );
    text.single(
        "audius_etl_reorganisations_total",
        Counter,
        "Reorganisations of Ethereum that were met.",
        status.map(|status| status.reorganisations),
    );
    text.single(
        "audius_etl_balances_read_total",
        Counter,
        "Balances read on Ethereum.",
        status.map(|status| status.balances),
    );
    let provider = ethereum.map(|ethereum| &ethereum.provider);
    text.single(
        "audius_etl_multicalls_total",
        Counter,
        "Multicalls sent.",
        provider.map(|provider| provider.calls().0),
    );
    text.single(
        "audius_etl_multicall_splits_total",
        Counter,
        "Multicalls that had to be divided because a node refused them whole.",
        provider.map(|provider| provider.calls().1),
    );
    let balances = state.balances.unwrap_or_default();
    text.single(
        "audius_etl_oldest_balance_age_seconds",
        Gauge,
        "Age of the balance that was read longest ago.",
        balances.oldest_seconds,
    );
    text.single(
        "audius_etl_balance_wallets",
        Gauge,
        "Wallets with a balance, as the planner estimates.",
        balances.wallets,
    );
    text.single(
        "audius_etl_balances_waiting",
        Gauge,
        "Wallets that wait to be read again after a failure.",
        balances.waiting,
    );
}

fn unix_seconds(at: SystemTime) -> f64 {
    at.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
