//! What the integration tests share: running the built binary in a place of its own, and reading
//! the source tree.

pub(crate) mod anvil;
pub(crate) mod blocks;
pub(crate) mod db;
pub(crate) mod fake_node;
pub(crate) mod fault_proxy;
pub(crate) mod relay;
pub(crate) mod service;

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A temporary folder in which the built binary runs with nothing of the caller's environment but
/// `PATH`.
pub(crate) struct TestEnv {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        // Open to others: a private cluster made by root runs as the user postgres.
        let open = std::fs::Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().permissions(open).tempdir().unwrap();
        Self { folder, variables: Vec::new() }
    }

    /// The folder the binary runs in.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Sets an environment variable for the runs that follow.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path().join(name), content).unwrap();
        self
    }

    /// The command for the binary, ready to run or to spawn.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_audius-etl"));
        command.args(args).current_dir(self.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Run {
        Run { output: self.command(args).output().unwrap(), folder: self.path().to_owned() }
    }
}

/// The end of a run of the binary.
pub(crate) struct Run {
    output: Output,
    folder: PathBuf,
}

impl Run {
    /// The end of a run that was started by hand.
    pub(crate) fn new(output: Output, env: &TestEnv) -> Self {
        Self { output, folder: env.path().to_owned() }
    }

    /// The exit code; a run ended by a signal fails the test.
    pub(crate) fn code(&self) -> i32 {
        self.output.status.code().unwrap_or_else(|| panic!("ended by a signal: {self:?}"))
    }

    pub(crate) fn stdout(&self) -> String {
        self.normalized(&self.output.stdout)
    }

    pub(crate) fn stderr(&self) -> String {
        self.normalized(&self.output.stderr)
    }

    /// Exit code, stdout and stderr, for a snapshot.
    pub(crate) fn transcript(&self) -> String {
        let (code, stdout, stderr) = (self.code(), self.stdout(), self.stderr());
        format!("exit code: {code}\n--- stdout\n{stdout}--- stderr\n{stderr}")
    }

    /// Text with what differs between machines and runs replaced: the folder, times, the version.
    fn normalized(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        let text = text.replace(&self.folder.display().to_string(), "[DIR]");
        let text = text.replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
        let time = regex::Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").unwrap();
        time.replace_all(&text, "[TIME]").into_owned()
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (stdout, stderr) = (self.stdout(), self.stderr());
        write!(f, "{}\n--- stdout\n{stdout}--- stderr\n{stderr}", self.output.status)
    }
}

/// The folder of the crate's sources.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder of the crate whose name ends in `.rs`, with their text, in order of
/// their paths.
pub(crate) fn rust_files(folder: &str) -> Vec<(String, String)> {
    let pattern = root().join(folder).join("**/*.rs");
    let paths = glob::glob(pattern.to_str().unwrap()).unwrap();
    paths
        .map(|path| {
            let path = path.unwrap();
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}
