//! Beginning anew what a server broke off: a replica that must replay what a snapshot still needs,
//! a connection that went away.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::Error;

/// Before each further attempt: long enough for a replica to catch up, short enough to wait for.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(300), Duration::from_millis(700), Duration::from_millis(1_500)];

/// Runs `attempt` until it succeeds or fails for good, at most once more than there are pauses.
/// `forget` is called before each further attempt.
///
/// # Errors
/// The last error; [`Error::Replica`] where a replica broke off every attempt.
pub(crate) async fn again<T>(
    cancel: &CancellationToken,
    what: &str,
    mut forget: impl FnMut(),
    mut attempt: impl AsyncFnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    for pause in PAUSES {
        match attempt().await {
            Err(error) if error.may_pass() => {
                let error = in_one_line(&error);
                warn!(what, error, pause_ms = pause.as_millis(), "broken off, begun anew");
            }
            ended => return ended,
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = cancel.cancelled() => return Err(Error::Interrupted),
        }
        forget();
    }
    let times = PAUSES.len() + 1;
    attempt().await.map_err(|error| match error {
        error if !error.is_recovery_conflict() => error,
        Error::Database { side, source } => Error::Replica { side, times, source },
        error => error,
    })
}

/// The messages of an error and its causes in one line.
fn in_one_line(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
