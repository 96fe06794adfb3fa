//! `hopline node`

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use hopline::mesh::name::NodeName;
use hopline::topo::Plan;
use hopline::topo::launch::{next_run, read_key, run_alone, run_supervised};

use super::Answer;
use super::up::{interrupted, write_log};
use crate::trouble::Bad;
use crate::{names, output, trouble};

/// Run one node in the foreground, without a supervisor
///
/// For containers, units and other machines. It dials its neighbours at the addresses in the file, until
/// they answer, and leaves without loss on Ctrl-C or SIGTERM: at once where nothing is on its way, and in a minute at most.
/// A second Ctrl-C ends it. It has no control socket: `status`,
/// `trace` and the other verbs that talk to a running mesh see only meshes that `hopline up` started.
#[derive(Debug, Args)]
pub(crate) struct Node {
    /// The topology file
    file: PathBuf,
    /// The node
    name: String,
    /// The file that holds the mesh key [default: `key_file` in the topology]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Do what is said on stdin: for `hopline up`
    #[arg(long, hide = true)]
    supervised: bool,
}

impl Node {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        write_log(if self.supervised { "info" } else { "warn" });
        if self.supervised {
            let mut stop = interrupted()?;
            let overdue = || std::process::exit(i32::from(trouble::OURS));
            let ran = run_supervised(async move { stop.recv().await }, overdue).await?;
            return Ok(if ran { Answer::Yes } else { Answer::No });
        }
        let plan = Plan::new(&names::topology_to_run(&self.file)?.topology);
        let node = names::node(&plan, &self.name)?;
        let key = read_key(&self.key_file(&plan)?)?;
        let (mut stop, name) = (interrupted()?, self.name.clone());
        let stop = async move { stop.recv().await };
        let incarnation = match self.next_run(&plan, &node) {
            Ok(incarnation) => Some(incarnation),
            // The time alone does, save where the clock was set back.
            Err(error) => {
                tracing::warn!(%node, "the number of the run is not kept: {error:#}");
                None
            }
        };
        let run = run_alone(&plan, &self.name, key, incarnation, stop, |endpoint| {
            output::message(&format!("{name}: ready at {endpoint}"));
        });
        let mut more = interrupted()?;
        tokio::select! {
            biased;
            ran = run => ran.map(|()| Answer::Yes).map_err(Into::into),
            () = more.insisted() => bail!("ended at once: what was on its way is lost"),
        }
    }

    fn next_run(&self, plan: &Plan, node: &NodeName) -> anyhow::Result<u64> {
        Ok(next_run(&names::homes()?, &names::absolute(&self.file)?, plan, node)?)
    }

    fn key_file(&self, plan: &Plan) -> anyhow::Result<PathBuf> {
        if let Some(file) = &self.key_file {
            return Ok(file.clone());
        }
        let dir = names::absolute(&self.file)?;
        let dir = dir.parent().context("a file is in a directory")?;
        match &plan.key_file {
            Some(file) => Ok(dir.join(file)),
            None => Err(Bad::new("the nodes of a mesh need its key to know each other")
                .help(
                    "write `key_file = \"FILE\"` under [mesh], or give --key-file FILE; \
                     `(umask 077; openssl rand -hex 32 > FILE)` makes one",
                )
                .into()),
        }
    }
}
