//! The `hopline` program.

mod attach;
mod commands;
mod names;
mod output;
mod table;
mod trouble;
mod way;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = match commands::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; all else is bad input.
            let code = if error.use_stderr() {
                trouble::BAD
            } else {
                trouble::DONE
            };
            // Whoever asked has gone away if this fails.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return ExitCode::from(trouble::report(&error.into())),
    };
    let code = match runtime.block_on(commands::run(cli)) {
        Ok(commands::Answer::Yes) => trouble::DONE,
        Ok(commands::Answer::No) => trouble::BAD,
        Err(error) => trouble::report(&error),
    };
    // A read of stdin that nobody waits for must not keep the program.
    runtime.shutdown_background();
    ExitCode::from(code)
}

/// How many threads work: one a core, and four at least.
///
/// The transport takes two locks that wait without giving their thread back: `zeromq` 0.7 holds its cache
/// of a single peer while it waits for an entry of its map, which may just have been granted to a task
/// that no thread is left to run. With two threads that was seen to stop a node in one of 300 starts.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(4, |cores| cores.get().max(4))
}
