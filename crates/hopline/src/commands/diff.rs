//! `hopline diff`

use std::path::PathBuf;

use clap::Args;
use hopline::topo::Change;
use hopline::topo::change::LISTED;

use super::Answer;
use crate::{names, output};

/// Show what differs between two topology files, and which routes move
///
/// Every pair of nodes, and of planned clients, that is in both files is compared, in both directions.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The topology file as it was
    old: PathBuf,
    /// The topology file as it is to be
    new: PathBuf,
    /// List every route that moves, not only the first
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Exit with 1 where there is a difference
    #[arg(long)]
    exit_code: bool,
}

impl Diff {
    pub(crate) fn run(self) -> anyhow::Result<Answer> {
        let old = names::topology(&self.old)?.topology;
        let new = names::topology(&self.new)?.topology;
        let change = Change::listing(&old, &new, if self.all { usize::MAX } else { LISTED });
        if self.json {
            output::json(&change)?;
        } else {
            output::data(&change.to_string())?;
        }
        Ok(if self.exit_code && !change.is_empty() { Answer::No } else { Answer::Yes })
    }
}
