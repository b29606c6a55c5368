//! Ending early: the signals that ask for it, the one token that tells everybody, and the one list
//! of what is being waited for.
//!
//! A command may be dropped at any of its waits: what it has not committed, the next start does
//! again. So a signal ends it at once, wherever it stands, and nothing that waits has to know about
//! signals. The exception is a *section* that has something to bring to an end, such as the flush
//! of `index`: it looks at the token itself and is given the time that it takes. Unless it is stuck:
//! what waits for somebody else inside a section enters itself in the list of waits, and a wait
//! that goes on for a second after the signal ends the section, too.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// How long a wait inside a section may go on after the signal.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a section without a flush may take after the signal: to tell a server to stop a query,
/// to give back what is leased, to say how far it came.
pub const MOMENT: Duration = Duration::from_millis(1_500);

/// After this time a wait is told of.
const SAY_AFTER: Duration = Duration::from_secs(1);

/// The wish for an early end, and who has to be asked before it is granted. Clones share all of it;
/// the default is one that nobody triggers.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    token: CancellationToken,
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Number of the next entry.
    next: u64,
    /// When the first signal came.
    asked: Option<Instant>,
    /// Open sections, with how long they may go on after the signal.
    sections: BTreeMap<u64, Option<Duration>>,
    waits: BTreeMap<u64, Wait>,
}

#[derive(Debug)]
struct Wait {
    what: Cow<'static, str>,
    since: Instant,
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// When the command is to be dropped, as things stand, and because of which wait.
    fn due(&self) -> Option<(Instant, Option<&str>)> {
        let asked = self.asked?;
        let mut limits = self.sections.values().map(|limit| limit.map(|limit| asked + limit));
        // One section that takes its time is enough; without any there is nothing to end.
        let sections = limits.try_fold(asked, |all, one| Some(all.max(one?)));
        let waits = self.waits.values();
        let stuck = waits.map(|wait| (wait.since.max(asked) + PATIENCE, Some(&*wait.what)));
        stuck.chain(sections.map(|at| (at, None))).min_by_key(|(at, _)| *at)
    }
}

impl Interrupt {
    /// Cancelled by the first signal.
    pub const fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Asks everybody to end, as the first signal does.
    pub fn trigger(&self) {
        self.state.send_modify(|state| {
            state.asked.get_or_insert_with(Instant::now);
        });
        self.token.cancel();
    }

    /// Opens a section that ends by itself once the token is cancelled, and has something to bring
    /// to an end first, however long that takes.
    #[must_use = "the section ends when this is dropped"]
    pub fn section(&self) -> Entry {
        self.enter(|state, number| {
            state.sections.insert(number, None);
        })
    }

    /// Opens a section that gets a [`MOMENT`] after the signal.
    #[must_use = "the section ends when this is dropped"]
    pub fn moment(&self) -> Entry {
        self.enter(|state, number| {
            state.sections.insert(number, Some(MOMENT));
        })
    }

    /// Enters a wait for somebody else in the list.
    #[must_use = "the wait ends when this is dropped"]
    pub fn waiting(&self, what: impl Into<Cow<'static, str>>) -> Entry {
        let wait = Wait { what: what.into(), since: Instant::now() };
        self.enter(|state, number| {
            state.waits.insert(number, wait);
        })
    }

    /// Waits for somebody else; says so if it takes long.
    pub async fn wait<T>(
        &self,
        what: impl Into<Cow<'static, str>>,
        awaited: impl Future<Output = T>,
    ) -> T {
        let what = what.into();
        let _waiting = self.waiting(what.clone());
        tokio::pin!(awaited);
        tokio::select! {
            biased;
            ended = &mut awaited => return ended,
            () = sleep(SAY_AFTER) => tracing::info!("waiting for {what}"),
        }
        awaited.await
    }

    fn enter(&self, insert: impl FnOnce(&mut State, u64)) -> Entry {
        let mut number = 0;
        self.state.send_modify(|state| {
            number = state.number();
            insert(state, number);
        });
        Entry { state: Arc::clone(&self.state), number }
    }

    /// Ends when the command is to be dropped; tells what it was waiting for inside a section.
    pub async fn gives_up(&self) -> Option<String> {
        let mut changes = self.state.subscribe();
        loop {
            let due = {
                let state = changes.borrow_and_update();
                state.due().map(|(at, what)| (at, what.map(str::to_owned)))
            };
            tokio::select! {
                // `self` holds the sender, so there is always a next change to wait for.
                _ = changes.changed() => {}
                what = at(due) => return what,
            }
        }
    }
}

async fn at(due: Option<(Instant, Option<String>)>) -> Option<String> {
    match due {
        Some((at, what)) => {
            sleep_until(at).await;
            what
        }
        None => pending().await,
    }
}

/// A section or a wait; dropping it ends it.
#[derive(Debug)]
pub struct Entry {
    state: Arc<watch::Sender<State>>,
    number: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.state.send_modify(|state| {
            state.sections.remove(&self.number);
            state.waits.remove(&self.number);
        });
    }
}

/// The signals that ask for an early end. From the moment they are caught they do not end the
/// process by themselves any more.
#[derive(Debug)]
pub struct Signals(Vec<Signal>);

impl Signals {
    /// Catches SIGINT, SIGTERM and, unless `nohup` told us to ignore it, SIGHUP.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn catch() -> io::Result<Self> {
        let hangup = (!ignores_hangup()).then(SignalKind::hangup);
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()].into_iter().chain(hangup);
        kinds.map(signal).collect::<Result<_, _>>().map(Self)
    }

    /// Triggers `interrupt` at the first signal and returns at the second.
    pub async fn second(mut self, interrupt: &Interrupt) {
        for _ in 0..2 {
            let received = self.0.iter_mut().map(|signal| Box::pin(signal.recv()));
            futures::future::select_all(received).await;
            if interrupt.token().is_cancelled() {
                return;
            }
            interrupt.trigger();
        }
    }
}

/// Whether whoever started us set SIGHUP to be ignored. Without `/proc` nobody can tell.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long after the signal the command is dropped, and what it waited for.
    fn due(interrupt: &Interrupt) -> Option<(Duration, Option<String>)> {
        let state = interrupt.state.borrow();
        let (at, what) = state.due()?;
        Some((at - state.asked?, what.map(str::to_owned)))
    }

    #[test]
    fn outside_of_sections_a_signal_ends_everything_at_once() {
        let interrupt = Interrupt::default();
        let _waiting = interrupt.waiting("a node");
        assert_eq!(due(&interrupt), None);
        interrupt.trigger();
        assert!(interrupt.token().is_cancelled());
        assert_eq!(due(&interrupt), Some((Duration::ZERO, None)));
    }

    #[test]
    fn a_section_is_given_its_time_unless_it_waits_for_somebody_else() {
        let interrupt = Interrupt::default();
        let section = interrupt.section();
        let waiting = interrupt.waiting("the database");
        interrupt.trigger();
        assert_eq!(due(&interrupt), Some((PATIENCE, Some("the database".to_owned()))));
        drop(waiting);
        assert_eq!(due(&interrupt), None);
        drop(section);
        assert_eq!(due(&interrupt), Some((Duration::ZERO, None)));
    }

    #[test]
    fn a_moment_is_over_soon_and_a_section_outlasts_it() {
        let interrupt = Interrupt::default();
        let (_moment, section) = (interrupt.moment(), interrupt.section());
        interrupt.trigger();
        assert_eq!(due(&interrupt), None);
        drop(section);
        assert_eq!(due(&interrupt), Some((MOMENT, None)));
    }

    #[tokio::test]
    async fn whoever_waits_for_the_end_hears_of_it() {
        let interrupt = Interrupt::default();
        let other = interrupt.clone();
        let waits = tokio::spawn(async move { other.gives_up().await });
        let section = interrupt.section();
        interrupt.trigger();
        drop(section);
        assert_eq!(waits.await.unwrap(), None);
    }
}
