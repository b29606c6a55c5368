//! `audius-etl probe`: what the configured nodes can do.

use std::time::Duration;

use clap::Args;
use comfy_table::Cell;
use futures::future::join_all;
use serde_json::json;

use super::context::Context;
use super::ethereum::EthArgs;
use crate::chain::{CoreProbe, probe_core};
use crate::eth::{EthProbe, probe_ethereum};
use crate::failure::{Failure, FailureKind};
use crate::quantity;
use crate::terminal::table::plain;
use crate::terminal::{printable, standing};

/// Look at the configured nodes and tell what they can do
///
/// Asks every core node and every Ethereum endpoint on its own: whether it answers and how fast,
/// which chain it serves, its head and how far that is behind the best, which calls work, the widest
/// range of logs and the largest multicall it takes, and whether heads come over the websocket. The
/// searches begin small and end at the first refusal. Ends with code 4 if none is usable, of the
/// core chain or of Ethereum, wherever nodes were named.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct ProbeArgs {
    /// Core node as http(s)://host:port; may be repeated
    #[arg(long, value_name = "URL", hide_default_value = true)]
    pub source: Vec<String>,

    /// How to ask Ethereum.
    #[command(flatten)]
    pub ethereum: EthArgs,

    /// Time that any answer may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = quantity::duration)]
    pub patience: Duration,

    /// Print JSON instead of tables
    #[arg(long)]
    pub json: bool,
}

const EXAMPLES: &str = "\
Examples:
  Compare core nodes before naming one as --source:
    audius-etl probe --source https://node1.example.org --source https://node2.example.org
  See what the plan of an Ethereum provider allows:
    audius-etl probe --eth-http https://eth.example.org
  From cron, with the nodes of the configuration file:
    audius-etl --config /etc/audius-etl.toml -q probe > /dev/null || echo 'no usable node'";

pub(crate) async fn run(args: ProbeArgs, context: &Context) -> Result<(), Failure> {
    if args.source.is_empty() && !args.ethereum.is_given() {
        return Err(Failure::usage("no node to look at")
            .hint("name core nodes with --source, Ethereum endpoints with --eth-http"));
    }
    let patience = args.patience;
    let now = chrono::DateTime::<chrono::Utc>::from(crate::telemetry::now()).timestamp();
    let config = args.ethereum.config();
    let core = args.source.iter().map(|url| probe_core(url, patience));
    let ethereum = args.ethereum.eth_http.iter().enumerate().map(|(index, url)| {
        // The websocket belongs to the first endpoint.
        let ws = config.ws.as_deref().filter(|_| index == 0);
        probe_ethereum(url, ws, &config.contracts, patience, now)
    });
    let (core, ethereum) = tokio::join!(join_all(core), join_all(ethereum));
    let core = core.into_iter().collect::<Result<Vec<_>, _>>()?;
    let ethereum = ethereum.into_iter().collect::<Result<Vec<_>, _>>()?;
    let shown = if args.json { as_json(&core, &ethereum) } else { as_tables(&core, &ethereum) };
    context.printer.data(&shown)?;
    for (what, none) in [
        ("core node", !core.is_empty() && !core.iter().any(CoreProbe::is_usable)),
        ("Ethereum endpoint", !ethereum.is_empty() && !ethereum.iter().any(EthProbe::is_usable)),
    ] {
        if none {
            return Err(Failure::new(FailureKind::Chain, format!("no {what} is usable")));
        }
    }
    Ok(())
}

/// How far each head is behind the best, as far as it is known.
fn lags<T: Copy + Ord + std::ops::Sub<Output = T>>(heads: &[Option<T>]) -> Vec<Option<T>> {
    let best = heads.iter().flatten().max().copied();
    heads.iter().map(|head| best.zip(*head).map(|(best, head)| best - head)).collect()
}

fn as_json(core: &[CoreProbe], ethereum: &[EthProbe]) -> String {
    let core_heads: Vec<_> = core.iter().map(|found| found.head).collect();
    let eth_heads: Vec<_> = ethereum.iter().map(|found| found.head).collect();
    let core: Vec<_> = core
        .iter()
        .zip(lags(&core_heads))
        .map(|(found, lag)| with_lag(json!(found), json!(lag), found.is_usable()))
        .collect();
    let ethereum: Vec<_> = ethereum
        .iter()
        .zip(lags(&eth_heads))
        .map(|(found, lag)| with_lag(json!(found), json!(lag), found.is_usable()))
        .collect();
    format!("{:#}", json!({ "core": core, "ethereum": ethereum }))
}

fn with_lag(
    mut found: serde_json::Value,
    lag: serde_json::Value,
    usable: bool,
) -> serde_json::Value {
    found["behind_best"] = lag;
    found["usable"] = usable.into();
    found
}

/// One table per endpoint, a line per finding: answers of nodes are too long for columns.
fn as_tables(core: &[CoreProbe], ethereum: &[EthProbe]) -> String {
    let core_lags = lags(&core.iter().map(|found| found.head).collect::<Vec<_>>());
    let eth_lags = lags(&ethereum.iter().map(|found| found.head).collect::<Vec<_>>());
    let core = core.iter().zip(core_lags).map(|(found, lag)| core_table(found, lag));
    let ethereum = ethereum.iter().zip(eth_lags).map(|(found, lag)| ethereum_table(found, lag));
    core.chain(ethereum).collect::<Vec<_>>().join("\n\n")
}

fn core_table(found: &CoreProbe, lag: Option<i64>) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    lines(
        &format!("core node {}", found.endpoint),
        found.problem.as_deref(),
        &[
            ("chain", text(&found.chain_id)),
            ("head", shown_head(found.head, lag)),
            (
                "synced",
                found
                    .synced
                    .map(|synced| if synced { "yes" } else { "no" }.to_owned())
                    .unwrap_or_default(),
            ),
            ("latency", shown_latency(found.latency_ms)),
            ("protocol", found.protocol.unwrap_or_default().to_owned()),
            ("GetBlock", text(&found.get_block)),
            ("GetBlocks", text(&found.get_blocks)),
            ("StreamBlocks", text(&found.stream_blocks)),
        ],
    )
}

fn ethereum_table(found: &EthProbe, lag: Option<u64>) -> String {
    let most = |most: Option<String>, limit: &Option<String>| match (most, limit) {
        (Some(most), Some(limit)) => format!("{most} ({limit})"),
        (Some(most), None) => format!("{most}, all that was tried"),
        (None, limit) => limit.clone().unwrap_or_default(),
    };
    let age = found.head_age_seconds.map(|age| {
        #[expect(clippy::cast_precision_loss, reason = "ages are far below 2^52 seconds")]
        let age = age as f64;
        format!(", {} old", standing::duration(age))
    });
    lines(
        &format!("Ethereum {}", found.endpoint),
        found.problem.as_deref(),
        &[
            ("chain", found.chain_id.map(|id| id.to_string()).unwrap_or_default()),
            ("head", shown_head(found.head, lag) + &age.unwrap_or_default()),
            ("latency", shown_latency(found.latency_ms)),
            (
                "eth_getLogs",
                most(found.log_span.map(|span| format!("{span} blocks")), &found.log_limit),
            ),
            (
                "multicall",
                most(
                    found.multicall_holders.map(|holders| format!("{holders} holders")),
                    &found.multicall_limit,
                ),
            ),
            ("batches", found.batches.clone().unwrap_or_default()),
            ("websocket", found.websocket.clone().unwrap_or_default()),
        ],
    )
}

fn lines(title: &str, problem: Option<&str>, findings: &[(&str, String)]) -> String {
    let verdict = problem.map_or_else(|| "usable".to_owned(), |_| "not usable".to_owned());
    let mut table = plain([&printable(title), verdict.as_str()]);
    for (what, finding) in findings.iter().filter(|(_, finding)| !finding.is_empty()) {
        table.add_row([Cell::new(what), Cell::new(printable(finding))]);
    }
    if let Some(problem) = problem {
        table.add_row([Cell::new("problem"), Cell::new(printable(problem))]);
    }
    table.trim_fmt()
}

fn shown_head<T: std::fmt::Display + PartialEq + Default>(
    head: Option<T>,
    lag: Option<T>,
) -> String {
    match (head, lag) {
        (Some(head), Some(lag)) if lag == T::default() => format!("{head}, the best"),
        (Some(head), Some(lag)) => format!("{head}, {lag} behind the best"),
        (head, _) => head.map(|head| head.to_string()).unwrap_or_default(),
    }
}

fn shown_latency(latency: Option<f64>) -> String {
    latency.map(|latency| format!("{latency:.1} ms")).unwrap_or_default()
}
