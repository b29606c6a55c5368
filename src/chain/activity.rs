//! What reading a chain did so far: calls by node, the head, and when a node was last heard. Counted
//! by those who call, read by whoever watches.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Shared by everything that reads one chain; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Activity(Arc<Mutex<Reading>>);

/// How reading a chain stands.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Calls by node, the URLs redacted.
    pub nodes: BTreeMap<String, NodeCalls>,
    /// The node in use, redacted.
    pub active: Option<String>,
    /// When a node last answered anything.
    pub last_answer: Option<Instant>,
    /// The highest head that a node named; 0 for none.
    pub head: i64,
    /// When that head was first named.
    pub head_since: Option<Instant>,
}

/// What was asked of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeCalls {
    /// Calls by method, whatever came of them.
    pub requests: BTreeMap<&'static str, u64>,
    /// Calls that failed, by kind.
    pub errors: BTreeMap<&'static str, u64>,
    /// Time spent waiting for answers, failed ones included.
    pub waited: Duration,
}

impl Activity {
    /// How things stand.
    pub fn reading(&self) -> Reading {
        self.lock().clone()
    }

    /// Notes a call and how it ended: `error` is its kind, if it failed.
    pub(super) fn called(
        &self,
        node: &str,
        method: &'static str,
        waited: Duration,
        error: Option<&'static str>,
    ) {
        let mut reading = self.lock();
        if error.is_none() {
            reading.last_answer = Some(Instant::now());
        }
        if !reading.nodes.contains_key(node) {
            reading.nodes.insert(node.to_owned(), NodeCalls::default());
        }
        let calls = reading.nodes.get_mut(node).expect("inserted above when absent");
        *calls.requests.entry(method).or_default() += 1;
        if let Some(class) = error {
            *calls.errors.entry(class).or_default() += 1;
        }
        calls.waited += waited;
    }

    /// Notes that a stream sent something.
    pub(super) fn heard(&self) {
        self.lock().last_answer = Some(Instant::now());
    }

    /// Notes the node in use.
    pub(super) fn uses(&self, node: &str) {
        self.lock().active = Some(node.to_owned());
    }

    /// Forgets the head: another chain is read from now on.
    pub(super) fn begins_chain(&self) {
        let mut reading = self.lock();
        (reading.head, reading.head_since) = (0, None);
    }

    /// Notes a head that a node named.
    pub(super) fn saw_head(&self, head: i64) {
        let mut reading = self.lock();
        if head > reading.head {
            reading.head = head;
            reading.head_since = Some(Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Reading> {
        // Every change is complete at any point where it could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
