//! The private PostgreSQL cluster: made, started and stopped by the program.

/// Why the private cluster cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No PostgreSQL programs on this machine.
    #[error("no PostgreSQL server programs found; install them (apt-get install postgresql)")]
    NoBinaries,
}
