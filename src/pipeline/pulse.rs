//! What the loop is doing right now, for those who watch whether it moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What the loop can be doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Waiting for blocks.
    Fetch,
    /// Loading rows and running handlers.
    Apply,
    /// Waiting for the database to take what is unwritten.
    Write,
    /// Building the indexes that the initial sync left out.
    Indexes,
}

impl Doing {
    const ALL: [Self; 4] = [Self::Fetch, Self::Apply, Self::Write, Self::Indexes];

    /// The word for it in messages and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Apply => "apply",
            Self::Write => "write",
            Self::Indexes => "indexes",
        }
    }
}

/// Shared between the loop, which sets it, and those who watch. Clones are the same.
#[derive(Clone, Debug)]
pub struct Pulse(Arc<State>);

#[derive(Debug)]
struct State {
    begun: Instant,
    doing: AtomicU8,
    /// Milliseconds after `begun`.
    since: AtomicU64,
    store_rows: AtomicUsize,
    store_bytes: AtomicUsize,
}

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(State {
            begun: Instant::now(),
            doing: AtomicU8::new(Doing::Fetch as u8),
            since: AtomicU64::new(0),
            store_rows: AtomicUsize::new(0),
            store_bytes: AtomicUsize::new(0),
        }))
    }
}

impl Pulse {
    /// What the loop is doing, and for how long.
    pub fn doing(&self) -> (Doing, Duration) {
        let since = Duration::from_millis(self.0.since.load(Ordering::Relaxed));
        let doing = Doing::ALL[usize::from(self.0.doing.load(Ordering::Relaxed))];
        (doing, self.0.begun.elapsed().saturating_sub(since))
    }

    /// Rows and bytes in memory when the loop last looked.
    pub fn store(&self) -> (usize, usize) {
        (self.0.store_rows.load(Ordering::Relaxed), self.0.store_bytes.load(Ordering::Relaxed))
    }

    /// Notes what is being done from now on.
    pub(super) fn begins(&self, doing: Doing) {
        let since = u64::try_from(self.0.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.since.store(since, Ordering::Relaxed);
        self.0.doing.store(doing as u8, Ordering::Relaxed);
    }

    /// Notes what the store holds.
    pub(super) fn holds(&self, rows: usize, bytes: usize) {
        self.0.store_rows.store(rows, Ordering::Relaxed);
        self.0.store_bytes.store(bytes, Ordering::Relaxed);
    }
}
