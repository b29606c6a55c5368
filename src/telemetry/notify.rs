//! Word to systemd: ready, alive, stopping (the protocol of `sd_notify`). Alive is said only while
//! nothing is stalled, so that a stalled process is started over.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::Telemetry;

/// How often the status line is renewed where no watchdog asks for more.
const STATUS_EVERY: Duration = Duration::from_secs(10);

/// The service manager that started this process.
#[derive(Debug)]
pub struct ServiceManager {
    socket: UnixDatagram,
    address: SocketAddr,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// Reaches the socket that `NOTIFY_SOCKET` names; `watchdog` is the time within which it wants
    /// to hear from us.
    ///
    /// # Errors
    /// There is no such socket.
    pub fn open(name: &str, watchdog: Option<Duration>) -> io::Result<Self> {
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, address, watchdog })
    }

    /// Says that the service is up, then keeps saying that it is alive. The task ends when it is
    /// dropped, with a last word that the service stops.
    pub fn watch(self, telemetry: Telemetry) -> Watching {
        self.say("READY=1");
        let every = self.watchdog.map_or(STATUS_EVERY, |limit| limit / 2);
        let manager = std::sync::Arc::new(self);
        let said = std::sync::Arc::clone(&manager);
        let task = tokio::spawn(async move {
            let mut ticks = interval(every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let report = telemetry.report();
                let alive = if report.stall.is_none() { "WATCHDOG=1\n" } else { "" };
                said.say(&format!("{alive}STATUS={}", status(&report)));
            }
        });
        Watching { manager, task }
    }

    fn say(&self, text: &str) {
        // Nobody listening is no reason to stop; systemd draws its own conclusions.
        if let Err(error) = self.socket.send_to_addr(text.as_bytes(), &self.address) {
            tracing::debug!(%error, "the service manager does not listen");
        }
    }
}

/// Keeps the service manager informed. Dropped, it says that the service stops.
#[derive(Debug)]
pub struct Watching {
    manager: std::sync::Arc<ServiceManager>,
    task: JoinHandle<()>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
        self.manager.say("STOPPING=1");
    }
}

/// One line for `systemctl status`.
fn status(report: &super::Report) -> String {
    let chains: Vec<String> = report
        .chains
        .iter()
        .map(|chain| {
            let height = chain.committed.unwrap_or(0);
            match chain.lag {
                Some(lag) => format!("{} at {height}, {lag} behind", chain.chain),
                None => format!("{} at {height}", chain.chain),
            }
        })
        .collect();
    let stalled = report.stall.as_ref().map(|stall| format!("{} stalled; ", stall.stage));
    format!("{}{}", stalled.unwrap_or_default(), chains.join(", "))
}
