//! The server process of a private cluster: making the cluster, starting, finding and stopping.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::account::Account;
use super::layout::{self, Layout, SETTINGS_FILE, SUPERUSER};
use super::programs::Programs;
use super::{Error, Options};

/// Lines of a log that go into an error message.
const LOG_LINES: usize = 5;

/// A cluster on disk and, once started, its server.
#[derive(Debug)]
pub(super) struct Server {
    layout: Layout,
    account: Account,
    programs: Programs,
    options: Options,
    /// Held shared as long as we use the cluster.
    users: File,
    /// Held while starting and stopping.
    starting: Option<File>,
    started_here: bool,
    left: bool,
}

/// What a running server says about itself in `postmaster.pid`.
struct Running {
    pid: u32,
    port: u16,
    socket: PathBuf,
}

impl Server {
    /// Makes the cluster of a data folder if there is none, and enters as one of its users. Nobody
    /// else starts or stops the server until [`Server::release_start_lock`].
    pub(super) fn prepare(data_dir: &Path, options: Options) -> Result<Self, Error> {
        let (layout, account) = Layout::prepare(data_dir)?;
        let starting = layout::open_lock(&layout.start_lock)?;
        lock_to_start(&starting, &layout)?;
        let users = layout::open_lock(&layout.users_lock)?;
        users.lock_shared().map_err(Error::io("cannot lock the private cluster"))?;
        let version = fs::read_to_string(layout.data.join("PG_VERSION")).ok();
        let needed = version.as_deref().map(|version| (version.trim(), layout.data.as_path()));
        let programs = Programs::find(needed)?;
        let server = Self {
            layout,
            account,
            programs,
            options,
            users,
            starting: Some(starting),
            started_here: false,
            left: false,
        };
        if version.is_none() {
            server.initialize()?;
        }
        Ok(server)
    }

    /// Lets others start and stop the server again.
    pub(super) fn release_start_lock(&mut self) -> Result<(), Error> {
        match self.starting.take() {
            Some(lock) => lock.unlock().map_err(Error::io("cannot unlock the private cluster")),
            None => Ok(()),
        }
    }

    pub(super) const fn started_here(&self) -> bool {
        self.started_here
    }

    /// The URL of the running server.
    pub(super) fn url(&self) -> Result<String, Error> {
        let running = self.running().ok_or_else(|| failure("postgres", "it is not running"))?;
        Ok(layout::url(&running.socket, running.port))
    }

    /// Starts the server, unless it runs.
    pub(super) fn start_unless_running(&mut self) -> Result<(), Error> {
        if self.running().is_some() {
            return Ok(());
        }
        self.clear_foreign_locks()?;
        self.write_as_owner(
            &self.layout.data.join(SETTINGS_FILE),
            &self.layout.settings(&self.options.settings),
        )?;
        // The log tells of this start only, so that a failure is not explained by an old one.
        self.write_as_owner(&self.layout.log, "")?;
        let status = self
            .program("pg_ctl")
            .args(["start", "-s", "-w", "-t", "600", "-D"])
            .arg(&self.layout.data)
            .arg("-l")
            .arg(&self.layout.log)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(Error::io("cannot run pg_ctl"))?;
        if !status.success() {
            let log = fs::read_to_string(&self.layout.log).unwrap_or_default();
            if log.contains("is still in use") {
                return Err(Error::StillInUse { data: self.layout.data.clone() });
            }
            return Err(failure("postgres", &log));
        }
        self.started_here = true;
        let pid = self.running().map(|running| running.pid.to_string()).unwrap_or_default();
        self.write_as_owner(&self.layout.started, &pid)
    }

    /// Stops using the cluster; the last user stops the server, if one of us started it.
    pub(super) fn leave(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.left, true) {
            return Ok(());
        }
        let locking = || Error::io("cannot lock the private cluster");
        if self.starting.is_none() {
            let starting = layout::open_lock(&self.layout.start_lock)?;
            lock_to_start(&starting, &self.layout)?;
            self.starting = Some(starting);
        }
        self.users.unlock().map_err(locking())?;
        let alone = self.users.try_lock().is_ok();
        let stop = alone && !self.options.leave_running && self.is_ours();
        let stopped = if stop { self.stop() } else { Ok(()) };
        if alone {
            self.users.unlock().map_err(locking())?;
        }
        self.release_start_lock()?;
        stopped
    }

    fn stop(&self) -> Result<(), Error> {
        let output = self
            .program("pg_ctl")
            .args(["stop", "-s", "-w", "-t", "300", "-m", "fast", "-D"])
            .arg(&self.layout.data)
            .output()
            .map_err(Error::io("cannot run pg_ctl"))?;
        if output.status.success() || self.running().is_none() {
            return Ok(());
        }
        Err(failure("pg_ctl stop", &String::from_utf8_lossy(&output.stderr)))
    }

    /// Makes the cluster beside its place and moves it there, so that a folder called `data` is
    /// always complete.
    fn initialize(&self) -> Result<(), Error> {
        let unfinished = self.layout.home.join("data.new");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)
                .map_err(Error::io(format!("cannot remove {}", unfinished.display())))?;
        }
        let output = self
            .program("initdb")
            .args(["-A", "trust", "-E", "UTF8", "--locale=C", "-U", SUPERUSER, "-D"])
            .arg(&unfinished)
            .output()
            .map_err(Error::io("cannot run initdb"))?;
        if !output.status.success() {
            return Err(failure("initdb", &String::from_utf8_lossy(&output.stderr)));
        }
        let conf = unfinished.join("postgresql.conf");
        let editing = || Error::io(format!("cannot edit {}", conf.display()));
        let text = fs::read_to_string(&conf).map_err(editing())?;
        fs::write(&conf, format!("{text}\ninclude_if_exists = '{SETTINGS_FILE}'\n"))
            .map_err(editing())?;
        fs::rename(&unfinished, &self.layout.data)
            .map_err(Error::io(format!("cannot move {}", unfinished.display())))
    }

    /// The server that runs on our data folder, if one does.
    fn running(&self) -> Option<Running> {
        let running = self.pid_file()?;
        self.runs_here(running.pid).then_some(running)
    }

    fn pid_file(&self) -> Option<Running> {
        let text = fs::read_to_string(self.layout.data.join("postmaster.pid")).ok()?;
        let lines: Vec<&str> = text.lines().collect();
        Some(Running {
            pid: lines.first()?.trim().parse().ok()?,
            port: lines.get(3).and_then(|port| port.trim().parse().ok()).unwrap_or(5432),
            socket: lines
                .get(4)
                .map(|socket| socket.trim())
                .filter(|socket| !socket.is_empty())
                .map_or_else(|| self.layout.socket.clone(), PathBuf::from),
        })
    }

    /// Whether process `pid` is a server of this cluster. A server works in its data folder, which
    /// tells it from a process that was given the number of a dead server. Where there is no
    /// `/proc`, `pg_ctl` has to do.
    fn runs_here(&self, pid: u32) -> bool {
        if Path::new("/proc/self/cwd").exists() {
            return fs::read_link(format!("/proc/{pid}/cwd"))
                .is_ok_and(|folder| folder == self.layout.data);
        }
        self.program("pg_ctl")
            .args(["status", "-D"])
            .arg(&self.layout.data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Removes lock files whose number now belongs to a process that is not ours, or to a dead one
    /// that nobody has collected, as happens in containers: PostgreSQL itself would take either for
    /// a running server. Those whose process is gone it clears away itself.
    fn clear_foreign_locks(&self) -> Result<(), Error> {
        for file in [self.layout.data.join("postmaster.pid"), self.layout.socket_lock()] {
            let Some(pid) = first_number(&file) else { continue };
            if !Path::new(&format!("/proc/{pid}")).exists() {
                continue;
            }
            if self.backends_remain() {
                return Err(Error::StillInUse { data: self.layout.data.clone() });
            }
            tracing::debug!(pid, file = %file.display(), "removing the lock file of a dead server");
            fs::remove_file(&file)
                .map_err(Error::io(format!("cannot remove {}", file.display())))?;
        }
        Ok(())
    }

    /// Whether any process still works in the data folder.
    fn backends_remain(&self) -> bool {
        fs::read_dir("/proc").into_iter().flatten().any(|entry| {
            entry
                .and_then(|entry| fs::read_link(entry.path().join("cwd")))
                .is_ok_and(|folder| folder == self.layout.data)
        })
    }

    /// Whether the running server was started by a process of this program.
    fn is_ours(&self) -> bool {
        let started = first_number(&self.layout.started);
        self.running().is_some_and(|running| Some(running.pid) == started)
    }

    fn program(&self, name: &str) -> Command {
        self.account.command(&self.programs.path(name), &self.layout.home)
    }

    fn write_as_owner(&self, path: &Path, text: &str) -> Result<(), Error> {
        fs::write(path, text).map_err(Error::io(format!("cannot write {}", path.display())))?;
        self.account.give(path)
    }
}

/// Waits for the right to start and stop the server.
fn lock_to_start(lock: &File, layout: &Layout) -> Result<(), Error> {
    let locking = || Error::io("cannot lock the private cluster");
    match lock.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            tracing::info!(
                lock = %layout.start_lock.display(),
                "another process starts or stops the private PostgreSQL; waiting for its lock"
            );
            lock.lock().map_err(locking())
        }
        Err(TryLockError::Error(error)) => Err(locking()(error)),
    }
}

/// The number on the first line of a file, if the file is there and has one.
fn first_number(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.lines().next()?.trim().parse().ok()
}

/// The failure of a program, with what it said: from its first complaint on, if it names one.
fn failure(program: &'static str, said: &str) -> Error {
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let complains =
        |line: &&str| ["FATAL:", "PANIC:", "ERROR:"].iter().any(|word| line.contains(word));
    let first = lines.iter().position(complains).unwrap_or(lines.len().saturating_sub(LOG_LINES));
    let message = lines[first..].iter().take(LOG_LINES).copied().collect::<Vec<_>>().join("; ");
    Error::Program { program, message }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.leave() {
            tracing::warn!(%error, "cannot stop the private PostgreSQL");
        }
    }
}
