//! A supervisor without a terminal, and the program that starts it and waits until the mesh is up.
//!
//! The supervisor writes one line to its stdout: that the mesh is whole, or why it is not.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use hopline::topo::Plan;
use hopline::topo::launch::{Found, Place, Report, Running, open_supervisor_log};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::telling::Telling;
use super::{launch, watch_over, write_log};
use crate::commands::Answer;
use crate::trouble::{self, Bad};
use crate::{names, output};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Whole {},
    Failed { message: String, help: Option<String>, code: u8 },
}

/// Starts a supervisor and waits until its mesh is whole.
pub(super) async fn start(file: &Path, plan: &Plan) -> anyhow::Result<Answer> {
    let (homes, absolute) = (names::homes()?, names::absolute(file)?);
    let place = Place::new(&homes.state, &plan.mesh, &absolute);
    let log = open_supervisor_log(&place)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["up", "--supervisor"]).arg(&absolute);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    let mut child = command.spawn().context("the supervisor cannot be started")?;
    let stdout = child.stdout.take().context("the supervisor has no stdout")?;
    let line = BufReader::new(stdout).lines().next_line().await?;
    let mut telling = Telling::new(plan, file);
    match line.as_deref().map(serde_json::from_str::<Word>) {
        Some(Ok(Word::Whole {})) => {}
        Some(Ok(Word::Failed { message, help, code })) => {
            if code == trouble::BAD {
                return Err(Bad::new(message).maybe_help(help).into());
            }
            anyhow::bail!(message);
        }
        Some(Err(_)) | None => {
            let log = place.supervisor_log();
            anyhow::bail!("the supervisor has ended; its log is {}", log.display());
        }
    }
    if let Found::Running(running) = Running::find(&homes, &absolute)? {
        for (node, record) in running.processes {
            if let Some(endpoint) = record.endpoint {
                telling.listens(node, endpoint);
            }
        }
    }
    output::message(&telling.whole(&telling.stop_detached()));
    Ok(Answer::Yes)
}

/// Is the supervisor that [`start`] started.
pub(super) async fn supervisor(file: &Path) -> anyhow::Result<Answer> {
    // A session of its own: what the terminal of who started it sends, or its end, is not for it. It
    // fails only where there is one already.
    let _ = rustix::process::setsid();
    write_log("info");
    let stop = CancellationToken::new();
    let ran = run(file, stop).await;
    if let Err(error) = &ran {
        let (message, help, code) = match error.downcast_ref::<hopline::topo::Problems>() {
            Some(problems) => (problems.render(false), None, trouble::BAD),
            None => trouble::describe(error),
        };
        // Once the mesh was whole nobody listens any more; the log has it.
        let _ = say(&Word::Failed { message, help, code });
    }
    ran
}

async fn run(file: &Path, stop: CancellationToken) -> anyhow::Result<Answer> {
    let plan = Plan::new(&names::topology(file)?.topology);
    let launch = launch(names::absolute(file)?, plan, names::homes()?)?;
    watch_over(launch, stop.clone(), |report| {
        tracing::info!("{report}");
        let is_whole = matches!(report, Report::Whole { .. });
        // Who waited for the mesh has gone away, and would not know that it runs.
        if is_whole && say(&Word::Whole {}).is_err() {
            stop.cancel();
        }
    })
    .await?;
    Ok(Answer::Yes)
}

fn say(word: &Word) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(word)?;
    line.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&line)?;
    stdout.flush()
}
