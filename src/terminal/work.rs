//! A bar for work that goes through something, a log line now and then where nobody watches.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::info;

use super::Printer;
use super::pace::Pace;
use super::progress::short;
use super::table::grouped;
use crate::telemetry::{Standing, Work};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Work that ends sooner shows no bar at all.
const FIRST_DRAW: Duration = Duration::from_millis(250);

/// Between two log lines where there is no bar.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Shows how far `work` has come until `doing` ends.
pub async fn follow<T>(printer: &Printer, work: &Work, doing: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let (mut pace, mut logged) = (Pace::new(begun), begun);
    let mut bar: Option<ProgressBar> = None;
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(doing);
    let ended = loop {
        tokio::select! {
            ended = &mut doing => break ended,
            now = looks.tick() => {
                let standing = work.standing();
                pace.sample(now, standing.done);
                if printer.is_interactive() && now - begun >= FIRST_DRAW {
                    printer.keep_bars_on_one_line();
                    draw(bar.get_or_insert_with(|| new_bar(printer)), &standing, &pace);
                } else if !printer.is_interactive() && now - logged >= LOG_EVERY {
                    logged = now;
                    log(&standing, &pace);
                }
            }
        }
    };
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    ended
}

fn new_bar(printer: &Printer) -> ProgressBar {
    printer.bars().add(ProgressBar::no_length())
}

fn draw(bar: &ProgressBar, standing: &Standing, pace: &Pace) {
    let template =
        if standing.all.is_some() { "{bar:20} {wide_msg}" } else { "{spinner} {wide_msg}" };
    let style = ProgressStyle::with_template(template).expect("the templates above are valid");
    bar.set_style(style.progress_chars("━╸─"));
    if let Some(all) = standing.all {
        bar.set_length(all.max(1));
        bar.set_position(standing.done.min(all));
    }
    bar.set_message(line(standing, pace));
    bar.tick();
}

fn line(standing: &Standing, pace: &Pace) -> String {
    let Standing { unit, done, all, doing, counts, .. } = standing;
    let mut parts = Vec::new();
    if !doing.is_empty() {
        parts.push(doing.clone());
    }
    parts.push(match all {
        Some(all) => format!("{}/{} {unit}", grouped(*done), grouped(*all)),
        None => format!("{} {unit}", grouped(*done)),
    });
    if pace.rate() > 0 {
        parts.push(format!("{}/s", grouped(pace.rate())));
    }
    if let Some(left) = left(standing, pace) {
        parts.push(format!("{} left", short(left)));
    }
    parts.extend(counts.iter().map(|(what, count)| format!("{} {what}", grouped(*count))));
    parts.join(" · ")
}

fn left(standing: &Standing, pace: &Pace) -> Option<Duration> {
    pace.time_for(standing.all?.saturating_sub(standing.done))
}

fn log(standing: &Standing, pace: &Pace) {
    info!(
        job = standing.job,
        doing = (!standing.doing.is_empty()).then_some(&standing.doing),
        unit = standing.unit,
        done = standing.done,
        all = standing.all,
        per_s = pace.rate(),
        seconds_left = left(standing, pace).map(|left| left.as_secs()),
        "working"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_what_is_done_how_fast_and_how_long_it_takes() {
        let begun = Instant::now();
        let mut pace = Pace::new(begun);
        let work = Work::new("record", "blocks");
        work.expects(10_000);
        work.reached(4_000);
        work.does("height 4000");
        work.counts("MB", 12);
        pace.sample(begun + Duration::from_secs(4), 4_000);
        assert_eq!(
            line(&work.standing(), &pace),
            "height 4000 · 4,000/10,000 blocks · 1,000/s · 6 s left · 12 MB"
        );
    }
}
