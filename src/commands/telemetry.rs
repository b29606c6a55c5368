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
use crate::telemetry::notify::{ServiceManager, Watching};
use crate::telemetry::{Balances, Limits, Server, Telemetry, serve};

/// Between two looks at the balances in the database.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Options of every command that runs for long.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Monitoring")]
pub struct TelemetryArgs {
    /// Serve /metrics, /health and /ready here, for example 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics_addr: Option<SocketAddr>,

    /// Blocks that a chain may be behind its head while /ready says 200
    #[arg(long, value_name = "BLOCKS", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(i64).range(0..))]
    pub ready_lag: i64,

    /// Seconds without an answer of any node until /health says 503
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub stall_fetch: u64,

    /// Seconds in the handlers of one batch until /health says 503
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub stall_apply: u64,

    /// Seconds with unwritten rows and no commit until /health says 503
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub stall_write: u64,

    /// Seconds without a block of Ethereum until /health says 503
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub stall_ethereum: u64,
}

impl TelemetryArgs {
    const fn limits(&self) -> Limits {
        Limits {
            fetch: Duration::from_secs(self.stall_fetch),
            apply: Duration::from_secs(self.stall_apply),
            write: Duration::from_secs(self.stall_write),
            ethereum: Duration::from_secs(self.stall_ethereum),
            ready_lag: self.ready_lag,
        }
    }

    /// Starts to watch a run, as far as it was asked for.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub(crate) async fn start(&self, context: &Context) -> Result<Monitor, Failure> {
        let (activity, pulse) = (Activity::default(), Pulse::default());
        let telemetry = Telemetry::new(self.limits(), activity.clone(), pulse.clone());
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
        Ok(Monitor {
            telemetry: is_watched.then_some(telemetry),
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
    /// Nothing where nobody asks.
    pub(crate) telemetry: Option<Telemetry>,
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
        let Some(telemetry) = &self.telemetry else { return };
        if let Some(manager) = self.manager.take() {
            self.watching = Some(manager.watch(telemetry.clone()));
        }
        let (telemetry, database) = (telemetry.clone(), database.clone());
        self.looking = Some(tokio::spawn(look(telemetry, database)));
    }

    /// Listens to what follows Ethereum.
    pub(crate) fn follows(
        &mut self,
        provider: Provider,
        mut status: watch::Receiver<FollowStatus>,
    ) {
        let Some(telemetry) = self.telemetry.clone() else { return };
        telemetry.follows_ethereum(provider);
        self.following = Some(tokio::spawn(async move {
            while status.changed().await.is_ok() {
                telemetry.saw_ethereum(*status.borrow_and_update());
            }
        }));
    }

    /// The run has ended.
    pub(crate) fn ends(&self) {
        if let Some(telemetry) = &self.telemetry {
            telemetry.ends();
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        for task in self.looking.iter().chain(&self.following) {
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
