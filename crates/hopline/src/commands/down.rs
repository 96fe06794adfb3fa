//! `hopline down`

use std::path::PathBuf;

use clap::Args;
use hopline::topo::launch::{Stopped, stop};

use super::{Answer, patiently};
use crate::attach::no_file;
use crate::way::count;
use crate::{names, output};

/// Stop a mesh
///
/// Its nodes leave without loss, which takes as long as what is on its way needs, a minute at most. That no mesh of the file
/// runs is no error: what is wanted is so.
#[derive(Debug, Args)]
pub(crate) struct Down {
    /// The topology file
    file: PathBuf,
    /// Do not wait for what is on its way: it is lost
    #[arg(long)]
    now: bool,
}

impl Down {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let file = names::absolute(&self.file)?;
        let homes = names::homes()?;
        let waits = "waiting for nodes to leave, which takes as long as messages are on their way (`--now` loses them)";
        let said = match patiently(stop(&homes, &file, self.now), waits).await? {
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
