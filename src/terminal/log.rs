//! Log lines on stderr, as text or JSON. The only global state of the program.
//!
//! Lines that repeat in quick succession are cut short: of one message at most [`BURST`] lines
//! appear per [`WINDOW`], and the next line that appears says how many did not. Debug and trace
//! messages are asked for, so they always appear.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tracing::callsite::Identifier;
use tracing::field::Field;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::format::{Format, JsonFields, Writer, debug_fn};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use super::{Printer, printable};
use crate::args::LogFormat;
use crate::failure::{Failure, FailureKind};
use crate::settings::{Settings, Verbosity};

/// Lines of one message within a window.
const BURST: u32 = 20;

/// The time over which repeats are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// Starts logging for the process. Fails on a filter that is none, or when called twice.
pub fn init(settings: &Settings, printer: &Printer) -> Result<(), Failure> {
    let directives =
        settings.log_filter.as_deref().unwrap_or_else(|| default_filter(settings.verbosity));
    let filter = EnvFilter::try_new(directives).map_err(|error| {
        Failure::new(FailureKind::Usage, error)
            .hint("AUDIUS_ETL_LOG takes filters such as `info` or `audius_etl::writer=debug`")
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(LogWriter(printer.clone()))
        .with_ansi(printer.is_colored());
    let format = Format::default();
    let started = match settings.log_format {
        LogFormat::Text => {
            let format = format.with_target(settings.verbosity > Verbosity::Normal);
            let limited = Limited::new(format, Notice::Text);
            builder.fmt_fields(text_fields()).event_format(limited).try_init()
        }
        LogFormat::Json => {
            let format = format.json().flatten_event(true).with_span_list(false);
            let limited = Limited::new(format, Notice::Json);
            builder.fmt_fields(JsonFields::new()).event_format(limited).try_init()
        }
    };
    started.map_err(|error| Failure::new(FailureKind::Usage, error))
}

/// Fields of lines for people, as the library writes them, but for what would forge a line or move the
/// cursor: values come from nodes and senders.
fn text_fields() -> impl for<'a> FormatFields<'a> + 'static {
    let write = |writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug| {
        let text = format!("{value:?}");
        let (name, text) = (field.name(), printable(&text));
        match name {
            "message" => write!(writer, "{text}"),
            _ if writer.has_ansi_escapes() => {
                write!(writer, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m{text}")
            }
            _ => write!(writer, "{name}={text}"),
        }
    };
    debug_fn(write).delimited(" ")
}

/// Libraries only speak up when something is wrong; this program says what it does. The driver
/// quotes parameters of a URL that it does not know, which may be secrets.
const fn default_filter(verbosity: Verbosity) -> &'static str {
    match verbosity {
        Verbosity::Quiet => "warn,sqlx_postgres::options=error",
        Verbosity::Normal => "warn,sqlx_postgres::options=error,audius_etl=info",
        Verbosity::Debug => "warn,sqlx_postgres::options=error,audius_etl=debug",
        Verbosity::Trace => "info,sqlx_postgres::options=error,audius_etl=trace",
    }
}

/// How a line about lines that did not appear looks.
#[derive(Clone, Copy, Debug)]
enum Notice {
    Text,
    Json,
}

/// A format whose repeats are cut short.
struct Limited<F> {
    inner: F,
    notice: Notice,
    repeats: Mutex<Repeats>,
}

impl<F> Limited<F> {
    fn new(inner: F, notice: Notice) -> Self {
        Self { inner, notice, repeats: Mutex::default() }
    }
}

impl<S, N, F> FormatEvent<S, N> for Limited<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if *event.metadata().level() <= Level::INFO {
            let callsite = event.metadata().callsite();
            let mut repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
            match repeats.judge(callsite, Instant::now()) {
                Judgement::Hide => return Ok(()),
                Judgement::Show { hidden: 0 } => {}
                Judgement::Show { hidden } => self.notice.write(&mut writer, hidden)?,
            }
        }
        self.inner.format_event(context, writer, event)
    }
}

impl Notice {
    fn write(self, writer: &mut Writer<'_>, hidden: u64) -> fmt::Result {
        match self {
            Self::Text => writeln!(writer, "({hidden} lines like the next one did not appear)"),
            Self::Json => {
                let line = json!({
                    "level": "INFO",
                    "message": "lines like the next one did not appear",
                    "lines": hidden,
                });
                writeln!(writer, "{line}")
            }
        }
    }
}

/// What appeared lately, by the place in the code that says it.
#[derive(Debug, Default)]
struct Repeats(HashMap<Identifier, Window>);

#[derive(Debug)]
struct Window {
    begun: Instant,
    shown: u32,
    hidden: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judgement {
    /// Show it, after so many that did not appear.
    Show {
        hidden: u64,
    },
    Hide,
}

impl Repeats {
    fn judge(&mut self, callsite: Identifier, now: Instant) -> Judgement {
        let window = self.0.entry(callsite).or_insert(Window { begun: now, shown: 0, hidden: 0 });
        if now.saturating_duration_since(window.begun) >= WINDOW {
            let hidden = window.hidden;
            *window = Window { begun: now, shown: 1, hidden: 0 };
            return Judgement::Show { hidden };
        }
        if window.shown < BURST {
            window.shown += 1;
            return Judgement::Show { hidden: 0 };
        }
        window.hidden += 1;
        Judgement::Hide
    }
}

/// Hands finished lines to the printer, which hides secrets and clears a progress bar before it
/// writes.
#[derive(Clone)]
struct LogWriter(Printer);

impl io::Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !bytes.is_empty() {
            self.0.log_bytes(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for LogWriter {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing_subscriber::fmt::format;

    use super::*;

    #[test]
    fn every_verbosity_has_a_filter_that_parses() {
        let all = [Verbosity::Quiet, Verbosity::Normal, Verbosity::Debug, Verbosity::Trace];
        for verbosity in all {
            assert!(EnvFilter::try_new(default_filter(verbosity)).is_ok(), "{verbosity:?}");
        }
    }

    /// What a run of log calls writes.
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(act: impl FnOnce()) -> Vec<String> {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::DEBUG)
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .fmt_fields(text_fields())
            .event_format(Limited::new(format().without_time(), Notice::Text))
            .finish();
        tracing::subscriber::with_default(subscriber, act);
        let bytes = sink.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn repeats_of_one_message_are_cut_short_and_others_are_not() {
        let lines = logged(|| {
            for number in 0..100 {
                tracing::warn!(number, "the node failed");
            }
            tracing::warn!("something else");
        });
        let repeats = lines.iter().filter(|line| line.contains("the node failed")).count();
        assert_eq!(repeats, 20);
        assert!(lines.last().unwrap().contains("something else"), "{lines:?}");
    }

    #[test]
    fn values_of_others_forge_no_line() {
        let sent = "x\x1b[31m\nERROR forged";
        let lines = logged(|| tracing::warn!(entity = %sent, chain = sent, "call {sent}"));
        let shown = r"x\u{1b}[31m\nERROR forged";
        let quoted = format!("{sent:?}");
        let expected = format!("call {shown} entity={shown} chain={quoted}");
        assert_eq!(lines.len(), 1);
        assert!(lines[0].ends_with(&expected), "{lines:?}");
    }

    #[test]
    fn debug_messages_always_appear() {
        let lines = logged(|| (0..100).for_each(|number| tracing::debug!(number, "detail")));
        assert_eq!(lines.len(), 100);
    }

    #[test]
    fn the_first_line_of_the_next_window_tells_what_was_hidden() {
        let mut repeats = Repeats::default();
        let callsite = tracing::callsite::Identifier(&CALLSITE);
        let begun = Instant::now();
        let judged: Vec<_> = (0..25).map(|_| repeats.judge(callsite.clone(), begun)).collect();
        assert_eq!(judged[19], Judgement::Show { hidden: 0 });
        assert_eq!(judged[24], Judgement::Hide);
        let later = begun + WINDOW;
        assert_eq!(repeats.judge(callsite.clone(), later), Judgement::Show { hidden: 5 });
        assert_eq!(repeats.judge(callsite, later), Judgement::Show { hidden: 0 });
    }

    /// A place in the code, for tests.
    struct Place;

    static CALLSITE: Place = Place;

    impl tracing::callsite::Callsite for Place {
        fn set_interest(&self, _interest: tracing::subscriber::Interest) {}

        fn metadata(&self) -> &tracing::Metadata<'_> {
            unreachable!("nobody asks")
        }
    }
}
