//! Progress and result of a sweep.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::info;

use super::Printer;
use super::pace::Pace;
use super::progress::short;
use super::table::{grouped, per_second, plain};
use crate::sweep::Tally;

/// Between two looks at how far things are.
const LOOK: Duration = Duration::from_millis(100);

/// Between two log lines where there is no bar.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Reasons that a summary lists.
const REASONS: usize = 10;

/// How far a sweep is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Wallets read.
    pub wallets: u64,
    /// `eth_call`s sent.
    pub calls: u64,
}

/// Shows how far a full pass over `due` wallets is, until `work` ends.
pub async fn watch<T>(
    printer: &Printer,
    due: u64,
    look: impl Fn() -> Swept,
    work: impl Future<Output = T>,
) -> T {
    let mut pass = Pass::new(due, Instant::now());
    let mut bar = None;
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(work);
    let ended = loop {
        tokio::select! {
            ended = &mut work => break ended,
            now = looks.tick() => {
                pass.sample(now, look());
                if printer.is_interactive() {
                    printer.keep_bars_on_one_line();
                    draw(bar.get_or_insert_with(|| new_bar(printer, due)), &pass);
                } else if pass.log_due(now) {
                    pass.log();
                }
            }
        }
    };
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    ended
}

fn new_bar(printer: &Printer, due: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:20} {wide_msg}");
    let style = style.expect("the template is valid").progress_chars("━╸─");
    printer.bars().add(ProgressBar::new(due).with_style(style))
}

fn draw(bar: &ProgressBar, pass: &Pass) {
    bar.set_position(pass.swept.wallets.min(pass.due));
    bar.set_message(pass.line());
    bar.tick();
}

struct Pass {
    due: u64,
    logged: Instant,
    swept: Swept,
    pace: Pace,
}

impl Pass {
    fn new(due: u64, now: Instant) -> Self {
        Self { due, logged: now, swept: Swept::default(), pace: Pace::new(now) }
    }

    fn sample(&mut self, now: Instant, swept: Swept) {
        self.swept = swept;
        self.pace.sample(now, swept.wallets);
    }

    fn rate(&self) -> u64 {
        self.pace.rate()
    }

    fn remaining(&self) -> Option<Duration> {
        self.pace.time_for(self.due.saturating_sub(self.swept.wallets))
    }

    fn line(&self) -> String {
        let mut line = format!(
            "{}/{} wallets · {} wallets/s · {} calls",
            grouped(self.swept.wallets),
            grouped(self.due),
            grouped(self.rate()),
            grouped(self.swept.calls),
        );
        if let Some(remaining) = self.remaining() {
            line = format!("{line} · {} left", short(remaining));
        }
        line
    }

    fn log_due(&mut self, now: Instant) -> bool {
        let due = now - self.logged >= LOG_EVERY;
        if due {
            self.logged = now;
        }
        due
    }

    fn log(&self) {
        info!(
            wallets = self.swept.wallets,
            due = self.due,
            calls = self.swept.calls,
            wallets_per_s = self.rate(),
            seconds_left = self.remaining().map(|left| left.as_secs()),
            "sweeping"
        );
    }
}

/// What a sweep did, for people.
pub fn render(tally: &Tally, calls: u64, splits: u64, elapsed: Duration) -> String {
    let mut text = format!(
        "swept {} wallets in {:.1} s ({} wallets/s)\n{} balances stored",
        grouped(tally.asked),
        elapsed.as_secs_f64(),
        grouped(per_second(tally.asked, elapsed)),
        grouped(tally.stored),
    );
    if let Some(at) = tally.at {
        text = format!("{text}, read at block {}", at.number);
    }
    let s = if calls == 1 { "" } else { "s" };
    text = format!("{text}\n{} call{s} of Multicall3", grouped(calls));
    if splits > 0 {
        text = format!("{text}, {} of them too large and halved", grouped(splits));
    }
    if tally.failed.is_empty() {
        return text;
    }
    let mut reasons: Vec<_> = tally.failed.iter().collect();
    reasons.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let hidden = reasons.len().saturating_sub(REASONS);
    let mut table = plain(["not stored because", "wallets", "for example"]);
    for (reason, (count, example)) in reasons.into_iter().take(REASONS) {
        table.add_row([reason.chars().take(60).collect(), grouped(*count), example.clone()]);
    }
    if hidden > 0 {
        table.add_row([format!("({hidden} more reasons)"), String::new(), String::new()]);
    }
    format!("{text}\n\n{table}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_wallets_rate_calls_and_time_left() {
        let begun = Instant::now();
        let mut pass = Pass::new(100_000, begun);
        let swept = Swept { wallets: 40_000, calls: 200 };
        pass.sample(begun + Duration::from_secs(4), swept);
        let wanted = "40,000/100,000 wallets · 10,000 wallets/s · 200 calls · 6 s left";
        assert_eq!(pass.line(), wanted);
    }

    #[test]
    fn before_anything_is_read_there_is_no_time_left() {
        let pass = Pass::new(10, Instant::now());
        assert_eq!(pass.line(), "0/10 wallets · 0 wallets/s · 0 calls");
    }

    #[test]
    fn the_result_lists_reasons_most_frequent_first() {
        let mut tally = Tally { asked: 10, stored: 7, batches: 1, ..Tally::default() };
        tally.failed.insert("balanceOf failed".to_owned(), (1, "0xa".to_owned()));
        tally.failed.insert("refused".to_owned(), (2, "0xb".to_owned()));
        let text = render(&tally, 3, 1, Duration::from_secs(2));
        assert!(
            text.starts_with("swept 10 wallets in 2.0 s (5 wallets/s)\n7 balances stored\n"),
            "{text}"
        );
        assert!(text.contains("3 calls of Multicall3, 1 of them too large and halved"), "{text}");
        assert!(text.find("refused").unwrap() < text.find("balanceOf failed").unwrap(), "{text}");
    }
}
