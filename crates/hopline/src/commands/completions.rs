//! `hopline completions`

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Answer, Cli};
use crate::output;

/// Write completions for a shell
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> anyhow::Result<Answer> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "hopline", &mut script);
        output::data(&String::from_utf8(script)?)?;
        Ok(Answer::Yes)
    }
}
