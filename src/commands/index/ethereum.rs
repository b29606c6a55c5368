//! The Ethereum side of an index run: options, and running beside the core chain or alone.

use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::commands::context::Context;
use crate::commands::ethereum::EthArgs;
use crate::commands::telemetry::Monitor;
use crate::db::Database;
use crate::db::start::{ChainPosition, StartState};
use crate::failure::Failure;
use crate::follow::{End, FollowConfig, FollowStatus, Follower, Wallets};
use crate::quantity;
use crate::store::Effects;
use crate::terminal::Printer;
use crate::writer::{Lane, WriterHandle};

/// Between two lines about progress.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// Options of `index` about Ethereum.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Ethereum")]
pub struct FollowArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "a text here would replace the help of the options")]
    pub nodes: EthArgs,

    /// Block after which to begin where there is no earlier run [default: the head]
    ///
    /// An earlier run is one of this program's, or the reference's in
    /// `eth_indexer_checkpoints`.
    #[arg(long, value_name = "BLOCK")]
    pub eth_start: Option<u64>,

    /// Go back to this block first, where an earlier run is above it
    ///
    /// For a database whose Ethereum checkpoint came from a node that lied. Balances that were
    /// read above the block are read again.
    #[arg(long, value_name = "BLOCK")]
    pub eth_rewind_to: Option<u64>,

    /// Time between two looks at the head while no websocket announces one
    #[arg(long, value_name = "TIME", default_value = "6s", value_parser = pause)]
    pub eth_poll: Duration,

    /// Time that a head may stay below the last one before that counts as a rollback, and not as a
    /// node that lags
    #[arg(long, hide = true, value_name = "TIME", default_value = "20s", value_parser = pause)]
    pub eth_patience: Duration,
}

impl FollowArgs {
    fn config(&self, once: bool) -> FollowConfig {
        FollowConfig {
            start: self.eth_start,
            rewind_to: self.eth_rewind_to,
            once,
            poll: self.eth_poll,
            patience: self.eth_patience,
            ..FollowConfig::default()
        }
    }
}

fn pause(text: &str) -> Result<Duration, String> {
    let pause = quantity::duration(text)?;
    let (least, most) = (Duration::from_millis(10), Duration::from_secs(3_600));
    if (least..=most).contains(&pause) {
        Ok(pause)
    } else {
        Err("must be between 10ms and 1h".to_owned())
    }
}

/// A follower, ready to run.
pub(super) struct Ethereum {
    follower: Follower,
    stored: Vec<ChainPosition>,
    printer: Printer,
    once: bool,
}

/// Connects to the nodes, if any are named.
pub(super) async fn open(
    args: &FollowArgs,
    once: bool,
    database: &Database,
    start: &StartState,
    handle: &WriterHandle,
    context: &Context,
) -> Result<Option<Ethereum>, Failure> {
    if !args.nodes.is_given() {
        return Ok(None);
    }
    let mut effects = Effects::default();
    let connecting = args.nodes.connect(database, &mut effects);
    let provider = context.interrupt.wait("a node of Ethereum", connecting).await?;
    let wallets = Wallets::open(database).await?;
    let writer = handle.on(Lane::Ethereum);
    let follower = Follower::new(provider, wallets, writer, args.config(once), effects);
    let (stored, printer) = (start.ethereum.clone(), context.printer.clone());
    Ok(Some(Ethereum { follower, stored, printer, once }))
}

impl Ethereum {
    /// Lets those who watch the run see how following stands.
    pub(super) fn watched_by(&self, monitor: &mut Monitor) {
        monitor.follows(self.follower.provider(), self.follower.status());
        for position in &self.stored {
            monitor.telemetry.stands_at(&position.chain, position.height, position.block_time);
        }
    }

    /// Runs to the end, with a line about progress now and then. `true` if it was interrupted.
    pub(super) async fn run(self, cancel: &CancellationToken) -> Result<bool, Failure> {
        let status = self.follower.status();
        let mut following = Box::pin(self.follower.run(self.stored, cancel.clone()));
        let mut ticks = interval_at(Instant::now() + REPORT_EVERY, REPORT_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut shown = FollowStatus::default();
        let ended = loop {
            tokio::select! {
                ended = &mut following => break ended,
                _ = ticks.tick() => {
                    let now = *status.borrow();
                    if now != shown {
                        self.printer.note(&line(&now));
                        shown = now;
                    }
                }
            }
        };
        self.printer.note(&line(&status.borrow()));
        Ok(ended? == End::Interrupted)
    }

    /// Runs beside other work until both have ended; an error of one ends the other. Where both go
    /// to their head and stop, it runs afterwards: wallets that the work brings are read, too.
    pub(super) async fn beside<T>(
        self,
        work: impl Future<Output = Result<T, Failure>>,
        stop: &CancellationToken,
    ) -> Result<(T, bool), Failure> {
        if self.once {
            let worked = work.await?;
            return Ok((worked, self.run(stop).await?));
        }
        let work = async {
            let ended = work.await;
            if ended.is_err() {
                stop.cancel();
            }
            ended
        };
        let following = async {
            let ended = self.run(stop).await;
            if ended.is_err() {
                stop.cancel();
            }
            ended
        };
        let (worked, followed) = tokio::join!(work, following);
        Ok((worked?, followed?))
    }
}

fn line(status: &FollowStatus) -> String {
    let FollowStatus { head, processed, reorganisations, balances, .. } = *status;
    let processed = processed.map_or(0, |block| block.number);
    let mut line = format!("ethereum: block {processed} of {head}, {balances} balances read");
    if reorganisations > 0 {
        line.push_str(&format!(", {reorganisations} reorganisations"));
    }
    line
}
