//! How far a command that works through something has come: set by the command, shown by a bar, and
//! served with the metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The work of one command. Clones are the same.
#[derive(Clone, Debug)]
pub struct Work(Arc<Mutex<Standing>>);

/// How work stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The command.
    pub job: &'static str,
    /// What is worked through: `blocks`, `users`.
    pub unit: &'static str,
    /// So many of them are done.
    pub done: u64,
    /// Of so many, where that is known.
    pub all: Option<u64>,
    /// What is being done right now, in a few words.
    pub doing: String,
    /// What came of it, by name.
    pub counts: BTreeMap<&'static str, u64>,
}

impl Work {
    /// Work of the command `job` that goes through `unit`.
    pub fn new(job: &'static str, unit: &'static str) -> Self {
        let (doing, counts) = (String::new(), BTreeMap::new());
        Self(Arc::new(Mutex::new(Standing { job, unit, done: 0, all: None, doing, counts })))
    }

    /// There are so many to do.
    pub fn expects(&self, all: u64) {
        self.lock().all = Some(all);
    }

    /// So many are done by now.
    pub fn reached(&self, done: u64) {
        self.lock().done = done;
    }

    /// What is being done from now on.
    pub fn does(&self, doing: impl Into<String>) {
        self.lock().doing = doing.into();
    }

    /// So much of `what` came of it by now.
    pub fn counts(&self, what: &'static str, count: u64) {
        self.lock().counts.insert(what, count);
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        // Every change is complete at any point where it could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
