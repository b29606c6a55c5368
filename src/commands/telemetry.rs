//! The options of every command that runs for long, and what they start: the server of metrics and
//! health, word to the service manager, and a look at the balances now and then.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::context::Context;
use crate::chain::Activity;
use crate::db::{Database, status};
use crate::eth::Provider;
use crate::failure::{Failure, FailureKind};
use crate::follow::FollowStatus;
use crate::pipeline::Pulse;
use crate::quantity;
use crate::telemetry::notify::{ServiceManager, Watching};
use crate::telemetry::{Balances, Limits, Server, Telemetry, Work, serve};

/// Between two looks at the balances in the database.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// The option of every command that runs for long.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Monitoring")]
pub struct MetricsArgs {
    /// Serve /metrics, /health and /ready here, for example 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics_addr: Option<SocketAddr>,
}

/// Options of `index`.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Monitoring")]
pub struct TelemetryArgs {
    /// Where it is served.
    #[command(flatten)]
    pub metrics: MetricsArgs,

    /// Blocks that a chain may be behind its head while /ready says 200
    #[arg(long, value_name = "BLOCKS", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(i64).range(0..))]
    pub ready_lag: i64,

    /// Time without an answer of any node until /health says 503
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = quantity::duration)]
    pub stall_fetch: Duration,

    /// Time in the handlers of one batch until /health says 503
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = quantity::duration)]
    pub stall_apply: Duration,

    /// Time with unwritten rows and no commit until /health says 503
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = quantity::duration)]
    pub stall_write: Duration,

    /// Time in which Ethereum does not go on although there is work, until /health says 503
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = quantity::duration)]
    pub stall_ethereum: Duration,
}

impl TelemetryArgs {
    const fn limits(&self) -> Limits {
        Limits {
            fetch: self.stall_fetch,
            apply: self.stall_apply,
            write: self.stall_write,
            ethereum: self.stall_ethereum,
            ready_lag: self.ready_lag,
        }
    }

    /// Starts to watch a run, as far as it was asked for.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub(crate) async fn start(&self, context: &Context) -> Result<Monitor, Failure> {
        self.metrics.start(context, self.limits()).await
    }
}

impl MetricsArgs {
    /// Starts to watch a command that goes through `work` and asks nodes at least every `pause`.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub(crate) async fn watch(
        &self,
        context: &Context,
        work: &Work,
        pause: Duration,
    ) -> Result<Monitor, Failure> {
        let limit = Duration::from_secs(300);
        let limits = Limits {
            fetch: limit,
            apply: limit,
            write: limit,
            ethereum: limit + pause,
            ready_lag: 10,
        };
        let monitor = self.start(context, limits).await?;
        monitor.telemetry.works(work.clone());
        Ok(monitor)
    }

    async fn start(&self, context: &Context, limits: Limits) -> Result<Monitor, Failure> {
        let (activity, pulse) = (Activity::default(), Pulse::default());
        let telemetry = Telemetry::new(limits, activity.clone(), pulse.clone());
        let server = match self.metrics_addr {
            None => None,
            Some(address) => {
                let server = serve(address, telemetry.clone()).await.map_err(|error| {
                    Failure::new(FailureKind::Usage, error).hint(format!(
                        "--metrics-addr has to be free on this machine; it is {address}"
                    ))
                })?;
                context.printer.note(&format!("metrics: http://{}/metrics", server.address()));
                Some(server)
            }
        };
        let manager = service_manager(context);
        let is_watched = server.is_some() || manager.is_some();
        let told = telemetry.clone();
        Ok(Monitor {
            telemetry,
            is_watched,
            telling: tokio::spawn(async move { told.tell_stalls().await }),
            activity,
            pulse,
            manager,
            watching: None,
            looking: None,
            following: None,
            _server: server,
        })
    }
}

fn service_manager(context: &Context) -> Option<ServiceManager> {
    let (socket, watchdog) = context.environment.service_manager();
    let opened = ServiceManager::open(&socket?, watchdog.map(Duration::from_micros));
    opened.inspect_err(|error| tracing::warn!(%error, "NOTIFY_SOCKET cannot be reached")).ok()
}

/// Everything that watches a run. Dropped, it watches no more.
#[derive(Debug)]
pub(crate) struct Monitor {
    /// Listens to the run.
    pub(crate) telemetry: Telemetry,
    /// Whether anybody asks.
    is_watched: bool,
    telling: JoinHandle<()>,
    /// For the readers of the core chain.
    pub(crate) activity: Activity,
    /// For the pipeline.
    pub(crate) pulse: Pulse,
    manager: Option<ServiceManager>,
    watching: Option<Watching>,
    looking: Option<JoinHandle<()>>,
    following: Option<JoinHandle<()>>,
    _server: Option<Server>,
}

impl Monitor {
    /// Tells the service manager that the run is up, and begins to look at the balances.
    pub(crate) fn is_up(&mut self, database: &Database) {
        if let Some(manager) = self.manager.take() {
            self.watching = Some(manager.watch(self.telemetry.clone()));
        }
        if !self.is_watched {
            return;
        }
        let (telemetry, database) = (self.telemetry.clone(), database.clone());
        self.looking = Some(tokio::spawn(look(telemetry, database)));
    }

    /// Listens to what follows Ethereum.
    pub(crate) fn follows(
        &mut self,
        provider: Provider,
        mut status: watch::Receiver<FollowStatus>,
    ) {
        let telemetry = self.telemetry.clone();
        telemetry.follows_ethereum(provider);
        self.following = Some(tokio::spawn(async move {
            while status.changed().await.is_ok() {
                telemetry.saw_ethereum(*status.borrow_and_update());
            }
        }));
    }

    /// The run has ended.
    pub(crate) fn ends(&self) {
        self.telemetry.ends();
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        for task in self.looking.iter().chain(&self.following).chain([&self.telling]) {
            task.abort();
        }
    }
}

async fn look(telemetry: Telemetry, database: Database) {
    loop {
        match status::balances(&database).await {
            Ok(found) => telemetry.saw_balances(Balances {
                wallets: found.wallets,
                oldest_seconds: found.oldest_seconds,
                waiting: found.waiting,
            }),
            Err(error) => tracing::debug!(%error, "cannot look at the balances"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
