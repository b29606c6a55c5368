//! The `audius-etl` binary: the runtime, the signals and the exit code. Everything else is in the
//! library.

use std::future::pending;
use std::io;
use std::process::ExitCode;

use audius_etl::cli;
use audius_etl::settings::Environment;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the system can start the threads of the runtime");
    let code = runtime.block_on(async {
        let cancel = CancellationToken::new();
        // Before anything else happens: from here on a signal ends the program in order.
        let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        let argv = std::env::args_os().collect();
        tokio::select! {
            code = cli::run(argv, Environment::of_process(), cancel.clone()) => code,
            () = second_signal(signals, &cancel) => 130,
        }
    });
    // Not a plain drop: that would wait for work which the second signal said to abandon.
    runtime.shutdown_background();
    ExitCode::from(code)
}

/// Cancels `cancel` at the first SIGINT or SIGTERM and returns at the second.
async fn second_signal(
    signals: (io::Result<Signal>, io::Result<Signal>),
    cancel: &CancellationToken,
) {
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else { return pending().await };
    for _ in 0..2 {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if cancel.is_cancelled() {
            return;
        }
        cancel.cancel();
    }
}
