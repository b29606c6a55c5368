//! The way to stdout and stderr: what goes where, how much of it, in which colour, and that lines
//! never cut through a progress bar.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use indicatif::{MultiProgress, ProgressDrawTarget};
use terminal_size::{Width, terminal_size_of};

use super::line;
use super::printable::{harmless, printable_lines};
use super::redact::redacted;
use crate::args::{Color, LogFormat};
use crate::failure::{Failure, FailureKind};
use crate::settings::{self, Settings, Verbosity};

/// Writes for one run of the program. Clones write to the same place.
#[derive(Clone, Debug)]
pub struct Printer {
    verbosity: Verbosity,
    color: bool,
    color_data: bool,
    interactive: bool,
    /// Whether every line on stderr is a JSON object.
    json: bool,
    /// Columns of the terminal when a bar was last drawn; 0 before that.
    columns: Arc<AtomicU16>,
    bars: MultiProgress,
}

impl Printer {
    /// A printer that keeps to the user's choice of amount and colour.
    pub fn new(settings: &Settings) -> Self {
        let terminal = io::stderr().is_terminal();
        let color = match settings.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !settings.no_color,
        };
        let color_data = match settings.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stdout().is_terminal() && !settings.no_color,
        };
        let json = settings.log_format == LogFormat::Json;
        // With debug messages scrolling past, a bar would only flicker.
        let interactive = terminal && settings.verbosity == Verbosity::Normal && !json;
        let target = if interactive {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bars = MultiProgress::with_draw_target(target);
        Self {
            verbosity: settings.verbosity,
            color,
            color_data,
            interactive,
            json,
            columns: Arc::default(),
            bars,
        }
    }

    /// A printer for the time before there are settings; `json` if the log is to be JSON.
    pub fn early(json: bool) -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        Self {
            verbosity: Verbosity::Normal,
            color: false,
            color_data: false,
            interactive: false,
            json,
            columns: Arc::default(),
            bars,
        }
    }

    /// Whether a person watches stderr, so that a bar makes sense.
    pub const fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// Whether text on stderr is coloured.
    pub const fn is_colored(&self) -> bool {
        self.color
    }

    /// Whether data on stdout is coloured.
    pub fn is_data_colored(&self) -> bool {
        self.color_data
    }

    /// Where progress bars are drawn; hidden unless [`Self::is_interactive`].
    pub const fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Makes up for a terminal that was resized: a bar that wrapped when it became narrower would
    /// stay as a line of its own.
    pub fn keep_bars_on_one_line(&self) {
        let Some((Width(columns), _)) = terminal_size_of(io::stderr()) else { return };
        let before = self.columns.swap(columns, Ordering::Relaxed);
        if before == columns || before == 0 {
            return;
        }
        let wrapped = usize::from(before.saturating_sub(1) / columns.max(1));
        drop(self.bars.clear());
        let erase = "\x1b[1A\x1b[2K".repeat(wrapped);
        drop(io::stderr().lock().write_all(format!("\r\x1b[2K{erase}").as_bytes()));
    }

    /// Writes `text` and a line end to stdout: the data a command was asked for.
    ///
    /// A reader that went away is not an error, it has seen enough; any other failure to write is.
    pub fn data(&self, text: &str) -> Result<(), Failure> {
        let text = harmless(text);
        match self.bars.suspend(|| writeln!(io::stdout().lock(), "{text}")) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::new(FailureKind::Data, error).hint("standard output is not writable"))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Stdout for data that is too large to be one text. Nothing else may be written to it then.
    pub fn data_stream(&self) -> Box<dyn Write + Send> {
        Box::new(io::stdout())
    }

    /// Writes `text` and a line end to stderr unless `-q` was given: something a person wants to
    /// know that is neither data nor a log line.
    pub fn note(&self, text: &str) {
        if self.verbosity > Verbosity::Quiet {
            self.always(text);
        }
    }

    /// The same even with `-q`: what must be known, such as why a process does not end yet.
    pub fn always(&self, text: &str) {
        if self.json { self.stderr(&line::note(text)) } else { self.stderr(text) }
    }

    /// Whether somebody is there to answer a question.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks on stderr for a word that only a person types on purpose, and returns whether it came.
    /// Waits for a line of standard input on a thread of its own, which a cancelled wait leaves
    /// behind.
    pub async fn confirm(&self, question: &str, word: &'static str) -> bool {
        self.stderr(&format!("{question} Type `{word}` to go on:"));
        let answer = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            io::stdin().read_line(&mut line).map(|_| line)
        });
        matches!(answer.await, Ok(Ok(line)) if line.trim() == word)
    }

    /// Prints a failure with its causes and hints.
    pub fn failure(&self, failure: &Failure) {
        self.stderr(&if self.json {
            line::failure(failure)
        } else {
            render_failure(failure, self.color)
        });
    }

    /// Prints why the command line was not understood, or the help or version it asked for, and
    /// returns the exit code.
    pub fn refusal(&self, error: settings::Error) -> u8 {
        match error {
            // Clap knows which stream the text belongs to and whether to colour it. When even that
            // stream is gone, there is nobody left to tell.
            settings::Error::Usage(error) => {
                let code = if error.use_stderr() { FailureKind::Usage.exit_code() } else { 0 };
                // It quotes words of the command line, which may be URLs with secrets.
                let text = error.render().to_string();
                if error.use_stderr() && self.json {
                    self.stderr(&line::refusal(&text, code));
                    return code;
                }
                if error.use_stderr() && redacted(&text) != text {
                    self.stderr(text.trim_end());
                    return code;
                }
                error.print().map_or(code, |()| code)
            }
            other => {
                let failure = Failure::from(other);
                self.failure(&failure);
                failure.exit_code()
            }
        }
    }

    /// Writes bytes of the log to stderr as they are.
    pub(super) fn log_bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(bytes);
        let text = redacted(&text);
        let text = harmless(&text);
        self.bars.suspend(|| io::stderr().lock().write_all(text.as_bytes()))
    }

    fn stderr(&self, text: &str) {
        let text = redacted(text);
        let text = harmless(&text);
        // Losing stderr must not end a run that has work to finish.
        self.bars.suspend(|| writeln!(io::stderr().lock(), "{text}")).ok();
    }
}

/// The text of a failure: the message, its causes, the ways out.
fn render_failure(failure: &Failure, color: bool) -> String {
    let paint = |code: &str, text: &str| {
        if color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let mut chain = failure.chain().into_iter().map(|said| printable_lines(&said));
    let mut lines =
        vec![format!("{} {}", paint("1;31", "error:"), chain.next().unwrap_or_default())];
    lines.extend(chain.map(|cause| format!("  {} {cause}", paint("2", "because:"))));
    let hints = failure.hints().iter().map(|hint| printable_lines(hint));
    lines.extend(hints.map(|hint| format!("{} {hint}", paint("1;36", "hint:"))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the archive blocks.pb")]
    struct Open(#[source] io::Error);

    #[test]
    fn a_failure_prints_message_causes_and_hints() {
        let failure = Failure::new(FailureKind::Data, Open(io::Error::other("permission denied")))
            .hint("check who owns the file");
        insta::assert_snapshot!(render_failure(&failure, false), @"
        error: cannot open the archive blocks.pb
          because: permission denied
        hint: check who owns the file
        ");
    }

    #[test]
    fn what_others_say_forges_no_line() {
        let failure = Failure::usage("the node says \x1b[2J\nerror: forged").hint("x\u{9b}y");
        let text = render_failure(&failure, false);
        let lines: Vec<_> = text.lines().collect();
        let said = ["error: the node says \\u{1b}[2J", "  | error: forged", "hint: x\\u{9b}y"];
        assert_eq!(lines, said);
    }

    #[test]
    fn colour_is_only_added_when_asked_for() {
        let failure = Failure::usage("no");
        assert!(!render_failure(&failure, false).contains('\x1b'));
        assert!(render_failure(&failure, true).starts_with("\x1b[1;31merror:\x1b[0m no"));
    }
}
