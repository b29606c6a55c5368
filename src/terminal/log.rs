//! Log lines on stderr, as text or JSON. The only global state of the program.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::Printer;
use crate::cli::LogFormat;
use crate::failure::{Failure, FailureKind};
use crate::settings::{Settings, Verbosity};

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
    let started = match settings.log_format {
        LogFormat::Text => builder.with_target(settings.verbosity > Verbosity::Normal).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| Failure::new(FailureKind::Usage, error))
}

/// Libraries only speak up when something is wrong; this program says what it does.
const fn default_filter(verbosity: Verbosity) -> &'static str {
    match verbosity {
        Verbosity::Quiet => "warn",
        Verbosity::Normal => "warn,audius_etl=info",
        Verbosity::Debug => "warn,audius_etl=debug",
        Verbosity::Trace => "info,audius_etl=trace",
    }
}

/// Hands finished lines to the printer, which clears a progress bar before it writes.
#[derive(Clone)]
struct LogWriter(Printer);

impl io::Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.log_bytes(bytes)?;
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
    use super::*;

    #[test]
    fn every_verbosity_has_a_filter_that_parses() {
        let all = [Verbosity::Quiet, Verbosity::Normal, Verbosity::Debug, Verbosity::Trace];
        for verbosity in all {
            assert!(EnvFilter::try_new(default_filter(verbosity)).is_ok(), "{verbosity:?}");
        }
    }
}
