//! How far a comparison has come: a bar, or a log line now and then where nobody watches.

use std::pin::pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::info;

use super::Printer;
use super::progress::short;
use super::table::{grouped, per_second};
use crate::compare::Progress;
use crate::telemetry::Work;

/// Between two updates of the bar.
const REDRAW: Duration = Duration::from_millis(100);

/// A comparison that ends sooner shows no bar at all.
const FIRST_DRAW: Duration = Duration::from_millis(250);

/// Between two log lines where there is no bar.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Shows the progress of a comparison until it ends, and notes it in `work` for those who watch.
pub async fn follow<T>(
    printer: &Printer,
    progress: &Progress,
    work: &Work,
    doing: impl Future<Output = T>,
) -> T {
    let mut doing = pin!(doing);
    let begun = Instant::now();
    let mut logged = begun;
    let mut bar: Option<ProgressBar> = None;
    let mut ticks = interval(REDRAW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = &mut doing => {
                note(progress, work);
                if let Some(bar) = bar {
                    bar.finish_and_clear();
                }
                return ended;
            }
            now = ticks.tick() => {
                let elapsed = now - begun;
                note(progress, work);
                if printer.is_interactive() && elapsed >= FIRST_DRAW {
                    let bar = bar.get_or_insert_with(|| new_bar(printer));
                    bar.set_length(progress.expected().max(1));
                    bar.set_position(progress.done());
                    bar.set_message(line(progress, elapsed));
                } else if !printer.is_interactive() && now - logged >= LOG_EVERY {
                    logged = now;
                    info!(
                        rows = progress.done(),
                        expected = progress.expected(),
                        rows_per_s = per_second(progress.done(), elapsed),
                        differences = progress.differences(),
                        doing = progress.doing(),
                        "comparing"
                    );
                }
            }
        }
    }
}

fn note(progress: &Progress, work: &Work) {
    work.expects(progress.expected());
    work.reached(progress.done());
    work.does(progress.doing());
    work.counts("differences", progress.differences());
}

fn new_bar(printer: &Printer) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:20} {wide_msg}")
        .expect("the template is valid")
        .progress_chars("━╸─");
    printer.bars().add(ProgressBar::no_length().with_style(style))
}

/// Rows, rate, time left and differences.
fn line(progress: &Progress, elapsed: Duration) -> String {
    let (done, expected) = (progress.done(), progress.expected());
    let rate = per_second(done, elapsed);
    let mut parts = vec![progress.doing(), format!("{} rows/s", grouped(rate))];
    if let Some(left) = (expected - done).checked_div(rate) {
        parts.push(format!("{} left", short(Duration::from_secs(left))));
    }
    parts.push(format!("{} differences", grouped(progress.differences())));
    parts.join(" · ")
}
