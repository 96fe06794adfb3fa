//! `hopline down`

use std::path::PathBuf;

use clap::Args;
use hopline::topo::launch::{Stopped, stop};

use super::Answer;
use crate::attach::no_file;
use crate::way::count;
use crate::{names, output};

/// Stop a mesh
///
/// That no mesh of the file runs is no error: what is wanted is so.
#[derive(Debug, Args)]
pub(crate) struct Down {
    /// The topology file
    file: PathBuf,
}

impl Down {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let file = names::absolute(&self.file)?;
        let said = match stop(&names::homes()?, &file).await? {
            Stopped::Stopped { mesh, nodes } => match nodes {
                Some(nodes) => format!("{mesh}: stopped ({})", count(nodes, "node")),
                None => format!("{mesh}: stopped"),
            },
            Stopped::Cleaned => format!(
                "no mesh of {} runs; its supervisor had ended without stopping it, and what it left \
                 behind is gone now",
                self.file.display()
            ),
            Stopped::Nothing if !self.file.exists() => return Err(no_file(&self.file).into()),
            Stopped::Nothing => format!("no mesh of {} runs", self.file.display()),
        };
        output::message(&said);
        Ok(Answer::Yes)
    }
}
