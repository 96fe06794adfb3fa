//! The `hopline` program.

mod attach;
mod commands;
mod deadline;
mod names;
mod output;
mod table;
mod trouble;
mod unreached;
mod way;
mod why;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = match commands::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; all else is bad input.
            let code = if error.use_stderr() { trouble::BAD } else { trouble::DONE };
            // Whoever asked has gone away if this fails.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    // Without it a node takes fewer clients, and says so to those that are too many.
    let _ = hopline::core::raise_descriptor_limit();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return ExitCode::from(trouble::report(&error.into())),
    };
    let code = match runtime.block_on(commands::run(cli)) {
        Ok(commands::Answer::Yes) => trouble::DONE,
        Ok(commands::Answer::No) => trouble::BAD,
        Ok(commands::Answer::Unknown) => trouble::OURS,
        Err(error) => trouble::report(&error),
    };
    // A read of stdin that nobody waits for must not keep the program.
    runtime.shutdown_background();
    ExitCode::from(code)
}
