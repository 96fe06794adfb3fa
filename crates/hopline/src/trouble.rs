//! What went wrong, how it is told, and the exit code for it.

use std::fmt;
use std::io::IsTerminal;

use hopline::topo::Problems;
use hopline::topo::launch::{AloneError, LaunchError};

use crate::output;

/// It is done.
pub(crate) const DONE: u8 = 0;
/// The answer is no, or the input is bad.
pub(crate) const BAD: u8 = 1;
/// The fault is ours, or the machine's.
pub(crate) const OURS: u8 = 2;

/// Something that its user can put right.
#[derive(Debug)]
pub(crate) struct Bad {
    message: String,
    help: Option<String>,
}

impl Bad {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    pub(crate) fn maybe_help(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Bad {}

/// What is told of an error: the text, what to do about it, and the exit code.
pub(crate) fn describe(error: &anyhow::Error) -> (String, Option<String>, u8) {
    let text = format!("{error:#}");
    if let Some(bad) = error.downcast_ref::<Bad>() {
        return (text, bad.help.clone(), BAD);
    }
    if let Some(alone) = error.downcast_ref::<AloneError>() {
        let code = match alone {
            AloneError::Ended(_) => OURS,
            AloneError::UnknownNode(_) | AloneError::AutoBind(_) | AloneError::Start { .. } => BAD,
        };
        return (text, alone.help().map(str::to_owned), code);
    }
    if let Some(launch) = error.downcast_ref::<LaunchError>() {
        let code = match launch {
            LaunchError::NoHome
            | LaunchError::AlreadyRuns { .. }
            | LaunchError::Key { .. }
            | LaunchError::KeyFile { .. }
            | LaunchError::LongSocketPath { .. }
            | LaunchError::Node { .. }
            | LaunchError::Silent { .. }
            | LaunchError::NotWhole { .. } => BAD,
            LaunchError::State { .. }
            | LaunchError::Damaged { .. }
            | LaunchError::DamagedRunning { .. }
            | LaunchError::Random(_)
            | LaunchError::DoesNotEnd { .. }
            | LaunchError::UnknownHolder { .. } => OURS,
        };
        return (text, launch.help(), code);
    }
    (text, None, OURS)
}

/// Tells an error on stderr; gives back the exit code for it.
pub(crate) fn report(error: &anyhow::Error) -> u8 {
    if output::is_broken_pipe(error) {
        return DONE;
    }
    if let Some(problems) = error.downcast_ref::<Problems>() {
        output::message(&problems.render(color()));
        return BAD;
    }
    let (text, help, code) = describe(error);
    output::message(&format!("error: {text}"));
    if let Some(help) = help {
        output::message(&format!("  help: {help}"));
    }
    code
}

/// Whether messages are coloured.
pub(crate) fn color() -> bool {
    is_colored(&std::io::stderr())
}

/// Whether text for `stream` is coloured: for a terminal whose user did not say no.
pub(crate) fn is_colored(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
}
