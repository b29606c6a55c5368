//! Progress of a run: a bar where a person watches, a log line now and then where nobody does.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::info;

use super::Printer;
use super::pace::Pace;
use super::standing::bytes;
use super::table::grouped;
use crate::chain::ReadGauge;
use crate::pipeline::event::{Outcome, PipelineEvent, Start, Summary};

/// Between two updates of the bar: ten a second are as many as an eye can use.
const REDRAW: Duration = Duration::from_millis(100);

/// A run that ends sooner shows no bar at all.
const FIRST_DRAW: Duration = Duration::from_millis(250);

/// Between two log lines where there is no bar.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Shows the progress of a run until every sender of `events` is gone; returns the sums of the run.
/// `observe` sees every event first. `input` tells how much of an archive has been read, `doing`
/// what goes on beside the blocks, such as the building of an index.
///
/// [`Summary::time`] has the elapsed time from the call to the last event.
pub async fn follow(
    printer: &Printer,
    mut events: mpsc::Receiver<PipelineEvent>,
    input: Option<ReadGauge>,
    doing: &watch::Receiver<Option<String>>,
    mut observe: impl FnMut(&PipelineEvent),
) -> Summary {
    let mut run = Run { input, ..Run::new(Instant::now()) };
    let mut bar = None;
    let mut ticks = interval(REDRAW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => {
                    observe(&event);
                    run.observe(event);
                }
                None => break,
            },
            now = ticks.tick() => {
                run.sample(now);
                run.doing.clone_from(&doing.borrow());
                match run.due(now, printer.is_interactive()) {
                    Some(Due::Bar) => {
                        printer.keep_bars_on_one_line();
                        draw(bar.get_or_insert_with(|| new_bar(printer)), &run);
                    }
                    Some(Due::LogLine) => run.log(now),
                    None => {}
                }
            }
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    run.sums.time.elapsed = run.begun.elapsed();
    run.sums
}

fn new_bar(printer: &Printer) -> ProgressBar {
    printer.bars().add(ProgressBar::no_length())
}

fn draw(bar: &ProgressBar, run: &Run) {
    let template =
        if run.goal().is_some() { "{bar:20} {wide_msg}" } else { "{spinner} {wide_msg}" };
    let style = ProgressStyle::with_template(template).expect("the templates above are valid");
    bar.set_style(style.progress_chars("━╸─"));
    if let Some((done, all)) = run.goal() {
        bar.set_length(all);
        bar.set_position(done);
    }
    bar.set_message(run.line());
    bar.tick();
}

/// What is to be shown at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Bar,
    LogLine,
}

/// What is known of a run while it goes on.
struct Run {
    begun: Instant,
    logged: Instant,
    start: Start,
    head: Option<i64>,
    sums: Summary,
    /// How much of an archive has been read.
    input: Option<ReadGauge>,
    /// How much of it the blocks needed that are done.
    input_done: u64,
    /// What goes on beside the blocks.
    doing: Option<String>,
    transactions: Pace,
    /// Of what [`Self::goal`] counts.
    goal: Pace,
}

impl Run {
    fn new(now: Instant) -> Self {
        Self {
            begun: now,
            logged: now,
            start: Start::default(),
            head: None,
            sums: Summary::default(),
            input: None,
            input_done: 0,
            doing: None,
            transactions: Pace::new(now),
            goal: Pace::new(now),
        }
    }

    fn observe(&mut self, event: PipelineEvent) {
        match event {
            PipelineEvent::Started(start) => {
                self.sums.chain_id.clone_from(&start.chain_id);
                self.sums.resumed_from = start.resumed_from;
                self.start = start;
            }
            PipelineEvent::Head { height } => self.head = self.head.max(Some(height)),
            PipelineEvent::Applied(part)
                if self.start.chain_id.is_some() && part.chain_id != self.start.chain_id =>
            {
                let first_height = part.first_height.unwrap_or(0);
                let chain_id = part.chain_id.clone();
                self.start = Start { chain_id, first_height, ..Start::default() };
                self.head = None;
                self.sums.absorb(&part);
            }
            PipelineEvent::Applied(part)
            | PipelineEvent::Committed(part)
            | PipelineEvent::IndexBuilt(part)
            | PipelineEvent::Refused(part) => {
                self.sums.absorb(&part);
            }
        }
    }

    /// Notes how far the run has come.
    fn sample(&mut self, now: Instant) {
        self.transactions.sample(now, self.sums.transactions_total());
        let reached = self.input.as_ref().zip(self.sums.last_height);
        if let Some(read) = reached.and_then(|(input, height)| input.reached(height)) {
            self.input_done = read;
        }
        if let Some((done, _)) = self.goal() {
            self.goal.sample(now, done);
        }
    }

    /// Transactions a second, lately.
    fn rate(&self) -> u64 {
        self.transactions.rate()
    }

    /// How much is done and how much there is to do, when an end is in sight: blocks, or bytes of an
    /// archive that is read to its end.
    fn goal(&self) -> Option<(u64, u64)> {
        let Some(last) = self.start.last_height.or(self.head) else { return self.bytes() };
        let all = u64::try_from(last - self.start.first_height + 1).ok()?;
        let done = self.sums.last_height.map_or(0, |height| height - self.start.first_height + 1);
        Some((u64::try_from(done).unwrap_or(0).min(all), all))
    }

    fn bytes(&self) -> Option<(u64, u64)> {
        let total = self.input.as_ref()?.reading().total.filter(|total| *total > 0)?;
        Some((self.input_done.min(total), total))
    }

    /// Time to the goal at the present rate.
    fn remaining(&self) -> Option<Duration> {
        let (done, all) = self.goal()?;
        self.goal.time_for(all - done)
    }

    /// Entity transactions that had no effect for a reason of their own.
    fn rejects(&self) -> u64 {
        let totals = self.sums.entities.totals();
        let without = [Outcome::Rejected, Outcome::Skipped, Outcome::Poison, Outcome::Error];
        without.map(|outcome| totals.get(outcome)).iter().sum()
    }

    /// What to show now, given whether a person watches.
    fn due(&self, now: Instant, interactive: bool) -> Option<Due> {
        if interactive {
            (now - self.begun >= FIRST_DRAW).then_some(Due::Bar)
        } else {
            (now - self.logged >= LOG_EVERY).then_some(Due::LogLine)
        }
    }

    fn line(&self) -> String {
        if let Some(doing) = &self.doing {
            return doing.clone();
        }
        let mut parts = Vec::with_capacity(5);
        let count = |height: i64| grouped(u64::try_from(height).unwrap_or(0));
        let height = count(self.sums.last_height.or(self.start.resumed_from).unwrap_or(0));
        match (self.start.last_height.or(self.head), self.bytes()) {
            (Some(last), _) => parts.push(format!("height {height}/{}", count(last))),
            (None, Some((read, total))) => {
                parts.push(format!("height {height}"));
                parts.push(format!("{} % of {}", read * 100 / total, bytes(total)));
            }
            (None, None) => parts.push(format!("height {height}")),
        }
        parts.push(format!("{} tx/s", grouped(self.rate())));
        if let Some(remaining) = self.remaining() {
            parts.push(format!("{} left", short(remaining)));
        }
        parts.push(format!("{} rejects", grouped(self.rejects())));
        parts.join(" · ")
    }

    fn log(&mut self, now: Instant) {
        self.logged = now;
        info!(
            height = self.sums.last_height.or(self.start.resumed_from).unwrap_or(0),
            last = self.start.last_height.or(self.head),
            committed = self.sums.committed_height,
            doing = self.doing,
            read_percent = self.bytes().map(|(read, total)| read * 100 / total),
            tx_per_s = self.rate(),
            rejects = self.rejects(),
            seconds_left = self.remaining().map(|left| left.as_secs()),
            "indexing"
        );
    }
}

/// A duration in its two largest units: `42 s`, `3 min 5 s`, `2 h 10 min`.
pub(super) fn short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn applied(height: i64, blocks: u64, transactions: u64) -> PipelineEvent {
        PipelineEvent::Applied(Box::new(Summary {
            last_height: Some(height),
            blocks,
            transactions: BTreeMap::from([("manage_entity", transactions)]),
            ..Summary::default()
        }))
    }

    fn started(last_height: Option<i64>) -> PipelineEvent {
        PipelineEvent::Started(Start { first_height: 1, last_height, ..Start::default() })
    }

    #[test]
    fn the_line_shows_heights_rate_time_left_and_rejects() {
        let begun = Instant::now();
        let mut run = Run::new(begun);
        run.observe(started(Some(1_000)));
        run.observe(applied(100, 100, 4_000));
        run.sample(begun + Duration::from_secs(2));
        assert_eq!(run.line(), "height 100/1,000 · 2,000 tx/s · 18 s left · 0 rejects");
    }

    #[test]
    fn without_an_end_in_sight_there_is_no_time_left() {
        let begun = Instant::now();
        let mut run = Run::new(begun);
        run.observe(started(None));
        run.observe(applied(100, 100, 4_000));
        run.sample(begun + Duration::from_secs(2));
        assert_eq!(run.line(), "height 100 · 2,000 tx/s · 0 rejects");
    }

    #[test]
    fn the_rate_follows_the_last_seconds_only() {
        let begun = Instant::now();
        let mut run = Run::new(begun);
        run.observe(started(None));
        run.observe(applied(100, 100, 1_000_000));
        for second in 1..=40 {
            run.sample(begun + Duration::from_secs(second));
        }
        assert_eq!(run.rate(), 0);
    }

    #[test]
    fn a_head_below_the_start_is_no_goal() {
        let mut run = Run::new(Instant::now());
        let start = Start { first_height: 500, ..Start::default() };
        run.observe(PipelineEvent::Started(start));
        run.observe(PipelineEvent::Head { height: 100 });
        assert_eq!(run.goal(), None);
    }

    #[test]
    fn a_short_run_shows_no_bar() {
        let run = Run::new(Instant::now());
        assert_eq!(run.due(run.begun + Duration::from_millis(249), true), None);
        assert_eq!(run.due(run.begun + Duration::from_millis(250), true), Some(Due::Bar));
    }

    #[test]
    fn where_nobody_watches_a_line_is_logged_every_ten_seconds() {
        let mut run = Run::new(Instant::now());
        let after = |seconds| run.begun + Duration::from_secs(seconds);
        let (ninth, tenth, nineteenth, twentieth) = (after(9), after(10), after(19), after(20));
        assert_eq!(run.due(ninth, false), None);
        assert_eq!(run.due(tenth, false), Some(Due::LogLine));
        run.log(tenth);
        assert_eq!(run.due(nineteenth, false), None);
        assert_eq!(run.due(twentieth, false), Some(Due::LogLine));
    }

    #[test]
    fn durations_show_two_units() {
        let texts = [42, 185, 7_800].map(|seconds| short(Duration::from_secs(seconds)));
        assert_eq!(texts, ["42 s", "3 min 5 s", "2 h 10 min"]);
    }

    #[tokio::test]
    async fn following_a_run_adds_up_what_it_reports() {
        let (sender, receiver) = mpsc::channel(8);
        let printer = Printer::early(false);
        let send = async move {
            for event in [started(Some(20)), applied(10, 10, 30), applied(20, 10, 40)] {
                sender.send(event).await.unwrap();
            }
        };
        let (_told, doing) = watch::channel(None);
        let (sums, ()) = tokio::join!(follow(&printer, receiver, None, &doing, |_event| {}), send);
        assert_eq!((sums.blocks, sums.transactions_total()), (20, 70));
        assert_eq!(sums.last_height, Some(20));
    }
}
