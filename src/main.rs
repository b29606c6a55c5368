//! The `audius-etl` binary: the runtime, the signals and the exit code. Everything else is in the
//! library.

use std::future::pending;
use std::process::ExitCode;

use audius_etl::cli;
use audius_etl::interrupt::{Interrupt, Signals};
use audius_etl::settings::Environment;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("the system can start the threads of the runtime");
    let code = runtime.block_on(async {
        let interrupt = Interrupt::default();
        // Before anything else happens: from here on a signal ends the program in order.
        let signals = Signals::catch();
        let argv = std::env::args_os().collect();
        let second = async {
            match signals {
                Ok(signals) => signals.second(&interrupt).await,
                Err(_uncaught) => pending().await,
            }
        };
        tokio::select! {
            code = cli::run(argv, Environment::of_process(), interrupt.clone()) => code,
            () = second => 130,
        }
    });
    // Not a plain drop: that would wait for work which the second signal said to abandon.
    runtime.shutdown_background();
    ExitCode::from(code)
}
