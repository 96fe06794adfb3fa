//! `hopline up`

mod detached;
mod interrupts;
mod telling;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use hopline::topo::launch::{Ending, Homes, Launch, Report, supervise};
use hopline::topo::{Bind, Endpoint, Plan};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Answer;
use crate::trouble::Bad;
use crate::{names, output};

pub(super) use interrupts::{Interrupts, interrupted};
use telling::Telling;

/// Longer than anybody waits.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Start all nodes of a mesh and watch over them
///
/// Each node is a process of its own. One that ends is started again; all end with their supervisor,
/// however that ends. Ctrl-C has them leave without loss; once more, and they are not waited for. Where a link does not come up, the rest runs and what is missing is told. State and logs are under $XDG_STATE_HOME/hopline (~/.local/state/hopline).
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The topology file
    file: PathBuf,
    /// Return once the mesh is up, and leave it running
    #[arg(long)]
    detach: bool,
    /// Say that a link is missing after so long [default: 30s, and 100ms for each node]
    #[arg(long, value_name = "TIME", value_parser = super::duration)]
    wait: Option<Duration>,
    /// Be the supervisor that `--detach` leaves behind
    #[arg(long, hide = true, conflicts_with = "detach")]
    supervisor: bool,
}

impl Up {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        if self.supervisor {
            return detached::supervisor(&self.file, self.wait).await;
        }
        let plan = Plan::new(&names::topology_to_run(&self.file)?.topology);
        if self.detach {
            return detached::start(&self.file, &plan, self.wait).await;
        }
        write_log("warn");
        let mut telling = Telling::new(&plan, &self.file);
        let launch = launch(names::absolute(&self.file)?, plan, names::homes()?, self.wait)?;
        watch_over(launch, CancellationToken::new(), |report| {
            if let Some(line) = telling.line(report) {
                output::message(&line);
            }
        })
        .await?;
        output::message("stopped");
        Ok(Answer::Yes)
    }
}

/// The launch of a plan with this very program. `wait` is how long the mesh may take to be whole.
pub(super) fn launch(
    file: PathBuf,
    plan: Plan,
    homes: Homes,
    wait: Option<Duration>,
) -> anyhow::Result<Launch> {
    for node in plan.nodes.values() {
        if matches!(node.bind, Bind::At(Endpoint::Mem(_))) {
            let message = format!("node `{}` listens at a `mem://` endpoint", node.name);
            let help = "that is for nodes of one process, as in tests; write `bind = \"auto\"`";
            return Err(Bad::new(message).help(help).into());
        }
    }
    let program = std::env::current_exe().context("this program's file is not known")?;
    let nodes = u32::try_from(plan.nodes.len())?;
    let usual = Duration::from_secs(30) + Duration::from_millis(100) * nodes;
    Ok(Launch {
        arguments: vec!["node".into(), "--supervised".into(), file.clone().into()],
        file,
        plan,
        program,
        homes,
        patience: wait.unwrap_or(usual).min(LONGEST),
    })
}

/// Runs a mesh until `stop` is cancelled or this process is told to end, and does not wait for the nodes to leave if it is
/// told so again by Ctrl-C.
pub(super) async fn watch_over(
    launch: Launch,
    stop: CancellationToken,
    mut tell: impl FnMut(&Report),
) -> anyhow::Result<()> {
    let (reports, mut told) = mpsc::channel(4096);
    let mut interrupts = interrupted()?;
    let mut is_stopping = false;
    let ending = Ending { leave: stop, ..Ending::default() };
    let mut supervise = std::pin::pin!(supervise(launch, ending.clone(), reports));
    let result = loop {
        tokio::select! {
            biased;
            Some(report) = told.recv() => {
                is_stopping |= matches!(report, Report::Stopping);
                tell(&report);
            }
            result = &mut supervise => break result,
            is_ctrl_c = interrupts.is_ctrl_c() => {
                if is_ctrl_c && (is_stopping || ending.leave.is_cancelled()) {
                    ending.at_once.cancel();
                }
                ending.leave.cancel();
            }
        }
    };
    while let Ok(report) = told.try_recv() {
        tell(&report);
    }
    Ok(result?)
}

/// Writes what happens to stderr, from the level `default` on, or as `HOPLINE_LOG` asks for.
pub(super) fn write_log(default: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("HOPLINE_LOG");
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    // Whoever read the log may have gone, and that is no reason to end.
    let log = log.log_internal_errors(false);
    // A log that is set up already is as good.
    let _ = log.with_ansi(false).with_writer(std::io::stderr).try_init();
}
