//! Where a private cluster keeps what: its folders, its socket, its settings file and its URL.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Error;
use super::account::Account;

/// The database of the cluster.
pub const DATABASE: &str = "audius";

/// The superuser of the cluster, whatever user runs it.
pub(super) const SUPERUSER: &str = "postgres";

/// The port, which over a unix socket is only part of the socket's name.
const PORT: u16 = 5432;

/// The longest path of a unix socket: 108 bytes of the kernel's structure less the closing zero.
const SOCKET_PATH_MAX: usize = 107;

/// Where root's clusters live whose data folder the user postgres cannot get to.
const SYSTEM_FOLDER: &str = "/var/lib/audius-etl";

/// The settings file of ours, which `postgresql.conf` includes.
pub(super) const SETTINGS_FILE: &str = "audius-etl.conf";

/// Bounds of `shared_buffers` in MB, which else are an eighth of the machine's memory: indexes that
/// fit are what keeps a long run as fast as its beginning.
const BUFFERS: (u64, u64) = (128, 1024);

/// Settings for bulk loading that survive a crash: `fsync`, `full_page_writes` and
/// `synchronous_commit` keep their defaults. Minimal WAL does without what only replicas need.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "''"),
    ("unix_socket_permissions", "0700"),
    ("max_connections", "60"),
    ("work_mem", "16MB"),
    ("maintenance_work_mem", "256MB"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("wal_buffers", "32MB"),
    // Every page is written whole once after a checkpoint, and a bulk load touches pages at random.
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "15min"),
    ("log_checkpoints", "off"),
    ("jit", "off"),
    ("timezone", "'UTC'"),
    ("log_timezone", "'UTC'"),
];

/// The paths of a cluster.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The folder of everything, `<data-dir>/postgres` or what that links to.
    pub(super) home: PathBuf,
    /// PostgreSQL's own folder.
    pub(super) data: PathBuf,
    /// The folder of the socket.
    pub(super) socket: PathBuf,
    /// What the server says.
    pub(super) log: PathBuf,
    /// Held while somebody starts or stops the server.
    pub(super) start_lock: PathBuf,
    /// Held, shared, by everyone who uses the cluster.
    pub(super) users_lock: PathBuf,
    /// Process number of the server that we started, to tell it from one started by hand.
    pub(super) started: PathBuf,
}

impl Layout {
    /// Makes the folders for the cluster of `data_dir`.
    pub(super) fn prepare(data_dir: &Path) -> Result<(Self, Account), Error> {
        let wanted = data_dir.join("postgres");
        if wanted.is_symlink() && !wanted.exists() {
            fs::remove_file(&wanted)
                .map_err(Error::io(format!("cannot remove the dead link {}", wanted.display())))?;
        }
        create_all(&wanted)?;
        let mut home = absolute(&wanted)?;
        let probe = home.join("users.lock");
        open_lock(&probe)?;
        let account = Account::choose(&probe)?;
        account.give(&home)?;
        if !account.reaches(&home) {
            home = Self::move_out(&home)?;
            account.give(&home)?;
            tracing::info!(
                folder = %home.display(),
                "the user postgres cannot get into the data folder; the cluster lives elsewhere"
            );
        }
        let layout = Self::of(&home);
        let folder_owner = |path: &Path| fs::metadata(path).map(|data| data.uid());
        make_private_folder(&layout.socket)?;
        account.give(&layout.socket)?;
        if folder_owner(&layout.socket).ok() != Some(account.uid()) {
            return Err(Error::ForeignFolder { path: layout.socket });
        }
        Ok((layout, account))
    }

    /// Puts a folder under `/var/lib` in place of `home`, which becomes a link to it.
    fn move_out(home: &Path) -> Result<PathBuf, Error> {
        let target = unused_folder(&Path::new(SYSTEM_FOLDER).join(fingerprint(home)))?;
        let doing = || Error::io(format!("cannot link {} to {}", home.display(), target.display()));
        fs::remove_file(home.join("users.lock")).map_err(doing())?;
        // Fails, as it should, on a folder that holds a cluster already.
        fs::remove_dir(home).map_err(doing())?;
        std::os::unix::fs::symlink(&target, home).map_err(doing())?;
        Ok(target)
    }

    fn of(home: &Path) -> Self {
        let mut socket = home.join("run");
        if socket_file(&socket).as_os_str().len() > SOCKET_PATH_MAX {
            socket = Path::new("/tmp").join(format!("audius-etl-{}", fingerprint(home)));
        }
        Self {
            home: home.to_owned(),
            data: home.join("data"),
            socket,
            log: home.join("server.log"),
            start_lock: home.join("start.lock"),
            users_lock: home.join("users.lock"),
            started: home.join("started"),
        }
    }

    /// The file by which a server claims its socket.
    pub(super) fn socket_lock(&self) -> PathBuf {
        self.socket.join(format!(".s.PGSQL.{PORT}.lock"))
    }

    /// The settings file, with `extra` settings last, where they win.
    pub(super) fn settings(&self, extra: &[(String, String)]) -> String {
        let mut text = String::from("# Written at every start; changes are lost.\n");
        let buffers = shared_buffers(&fs::read_to_string("/proc/meminfo").unwrap_or_default());
        let own = SETTINGS.iter().map(|&(name, value)| (name, value));
        let own = own.chain([("shared_buffers", buffers.as_str())]);
        let extra = extra.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in own.chain(extra) {
            writeln!(text, "{name} = {value}").expect("writing to a string cannot fail");
        }
        let socket = self.socket.display().to_string().replace('\'', "''");
        writeln!(text, "port = {PORT}\nunix_socket_directories = '{socket}'")
            .expect("writing to a string cannot fail");
        text
    }
}

/// The setting for a machine by its `/proc/meminfo`.
fn shared_buffers(memory: &str) -> String {
    let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let total = total.and_then(|total| total.trim().strip_suffix("kB")?.trim().parse().ok());
    let megabytes = total.map_or(0, |total: u64| total / 1024 / 8);
    format!("{}MB", megabytes.clamp(BUFFERS.0, BUFFERS.1))
}

/// The URL of a server with its socket in `folder`, in the form that psql and every driver read.
pub(super) fn url(folder: &Path, port: u16) -> String {
    let mut host = String::new();
    for byte in folder.as_os_str().as_encoded_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                host.push(char::from(*byte));
            }
            other => write!(host, "%{other:02X}").expect("writing to a string cannot fail"),
        }
    }
    let port = if port == PORT { String::new() } else { format!("&port={port}") };
    format!("postgresql:///{DATABASE}?host={host}{port}&user={SUPERUSER}")
}

/// Opens a lock file, making it if need be.
pub(super) fn open_lock(path: &Path) -> Result<fs::File, Error> {
    fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(Error::io(format!("cannot open {}", path.display())))
}

fn socket_file(folder: &Path) -> PathBuf {
    folder.join(format!(".s.PGSQL.{PORT}"))
}

fn create_all(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::io(format!("cannot create {}", path.display())))
}

/// Makes `path`, or the first free name of the form `path-2`. One that is there belongs to a data
/// folder that was removed: whoever removed it does not expect its rows to come back.
fn unused_folder(path: &Path) -> Result<PathBuf, Error> {
    if let Some(parent) = path.parent() {
        create_all(parent)?;
    }
    let mut candidate = path.to_owned();
    for number in 2_u32.. {
        match fs::create_dir(&candidate) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                candidate = PathBuf::from(format!("{}-{number}", path.display()));
            }
            other => {
                other.map_err(Error::io(format!("cannot create {}", candidate.display())))?;
                break;
            }
        }
    }
    Ok(candidate)
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    fs::canonicalize(path).map_err(Error::io(format!("cannot resolve {}", path.display())))
}

/// Makes a folder that only its owner can enter; one that is there already is left as it is.
fn make_private_folder(path: &Path) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::io(format!("cannot create {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}

/// A short name for a path that is the same in every run.
fn fingerprint(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    digest.iter().take(8).fold(String::new(), |name, byte| name + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_gets_an_eighth_of_the_memory_within_bounds() {
        let of = |megabytes: u64| shared_buffers(&format!("MemTotal:  {} kB\n", megabytes * 1024));
        assert_eq!([512, 4096, 65536].map(of), ["128MB", "512MB", "1024MB"]);
        assert_eq!(shared_buffers("nothing of use"), "128MB");
    }

    #[test]
    fn a_folder_too_deep_for_a_socket_gets_one_under_tmp() {
        let short = Layout::of(Path::new("/data/x/postgres"));
        assert_eq!(short.socket, Path::new("/data/x/postgres/run"));
        let deep = Layout::of(&Path::new("/data").join("d".repeat(90)));
        assert!(deep.socket.starts_with("/tmp"), "{}", deep.socket.display());
        assert!(socket_file(&deep.socket).as_os_str().len() <= SOCKET_PATH_MAX);
    }

    #[test]
    fn the_folder_of_a_removed_data_folder_is_not_used_again() {
        let parent = tempfile::tempdir().unwrap();
        let wanted = parent.path().join("made/x");
        assert_eq!(unused_folder(&wanted).unwrap(), wanted);
        assert_eq!(unused_folder(&wanted).unwrap(), parent.path().join("made/x-2"));
        assert_eq!(unused_folder(&wanted).unwrap(), parent.path().join("made/x-3"));
    }

    #[test]
    fn the_url_escapes_what_a_url_cannot_hold() {
        assert_eq!(
            url(Path::new("/a b/ü&c"), PORT),
            "postgresql:///audius?host=/a%20b/%C3%BC%26c&user=postgres"
        );
        assert_eq!(
            url(Path::new("/a"), 6000),
            "postgresql:///audius?host=/a&port=6000&user=postgres"
        );
    }

    #[test]
    fn the_settings_keep_what_makes_a_crash_harmless() {
        let text = Layout::of(Path::new("/d")).settings(&[("jit".into(), "on".into())]);
        for name in ["fsync", "full_page_writes", "synchronous_commit"] {
            assert!(!text.contains(name), "{name}");
        }
        assert!(text.find("jit = off") < text.find("jit = on"));
        assert!(text.contains("unix_socket_directories = '/d/run'"));
    }
}
