//! What a command gets from the process around it.

use std::ffi::OsString;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::interrupt::Interrupt;
use crate::settings::{Environment, Settings};
use crate::terminal::Printer;

/// What every command gets from the process around it.
#[derive(Clone, Debug)]
pub struct Context {
    /// The resolved options that all commands share.
    pub settings: Settings,
    /// The way to stdout and stderr.
    pub printer: Printer,
    /// The wish for an early end. A command that has nothing to bring to an end need not look: it
    /// is dropped.
    pub interrupt: Interrupt,
    /// The token of `interrupt`, for its sections: stop taking up work, flush, and end with
    /// [`Failure::interrupted`](crate::failure::Failure::interrupted).
    pub cancel: CancellationToken,
    /// The command line as it was typed.
    pub argv: Arc<[OsString]>,
    /// The environment, for `config`.
    pub environment: Environment,
    /// Everything that can be typed, for commands that tell about it.
    pub program: clap::Command,
}
