//! A supervisor without a terminal, and the program that starts it and waits until the mesh is up.
//!
//! The supervisor writes lines to its stdout, the last of which says that the mesh is whole, or why it is
//! not.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

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
    /// It runs, and after all the time it had lacks this.
    NotWhole {
        lack: String,
    },
    /// Something that who waits may want to know meanwhile.
    Meanwhile {
        line: String,
    },
    Failed {
        message: String,
        help: Option<String>,
        code: u8,
    },
}

/// Starts a supervisor and waits until its mesh is whole, or has had its time. It is left running even if it
/// lacks a link, and then the answer is no.
pub(super) async fn start(
    file: &Path,
    plan: &Plan,
    wait: Option<Duration>,
) -> anyhow::Result<Answer> {
    let (homes, absolute) = (names::homes()?, names::absolute(file)?);
    let place = Place::new(&homes.state, &plan.mesh, &absolute);
    let log = open_supervisor_log(&place)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["up", "--supervisor"]).arg(&absolute);
    if let Some(wait) = wait {
        command.arg("--wait").arg(format!("{}s", wait.as_secs_f64()));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    let mut child = command.spawn().context("the supervisor cannot be started")?;
    let stdout = child.stdout.take().context("the supervisor has no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    let mut telling = Telling::new(plan, file);
    let lack = loop {
        let line = lines.next_line().await?;
        match line.as_deref().map(serde_json::from_str::<Word>) {
            Some(Ok(Word::Meanwhile { line })) => output::message(&line),
            Some(Ok(Word::Whole {})) => break None,
            Some(Ok(Word::NotWhole { lack })) => break Some(lack),
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
    };
    if let Found::Running(running) = Running::find(&homes, &absolute)? {
        for (node, record) in running.processes {
            if let Some(endpoint) = record.endpoint {
                telling.listens(node, endpoint);
            }
        }
    }
    let how_to_stop = telling.stop_detached();
    let (text, answer) = match lack {
        None => (telling.whole(&how_to_stop), Answer::Yes),
        Some(lack) => (telling.not_whole(lack, &how_to_stop), Answer::No),
    };
    output::message(&text);
    Ok(answer)
}

/// Is the supervisor that [`start`] started.
pub(super) async fn supervisor(file: &Path, wait: Option<Duration>) -> anyhow::Result<Answer> {
    // A session of its own: what the terminal of who started it sends, or its end, is not for it. It
    // fails only where there is one already.
    let _ = rustix::process::setsid();
    write_log("info");
    let stop = CancellationToken::new();
    let ran = run(file, wait, stop).await;
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

async fn run(
    file: &Path,
    wait: Option<Duration>,
    stop: CancellationToken,
) -> anyhow::Result<Answer> {
    let plan = Plan::new(&names::topology(file)?.topology);
    let launch = launch(names::absolute(file)?, plan, names::homes()?, wait)?;
    let mut is_waited_for = true;
    watch_over(launch, stop.clone(), |report| {
        tracing::info!("{report}");
        if !is_waited_for {
            return;
        }
        let word = match report {
            Report::Whole { .. } => Word::Whole {},
            Report::NotWhole { lack, .. } => Word::NotWhole { lack: lack.to_string() },
            Report::Trouble { .. } => Word::Meanwhile { line: report.to_string() },
            Report::Starting
            | Report::Ready { .. }
            | Report::Ended { .. }
            | Report::Failed { .. }
            | Report::Stopping => return,
        };
        is_waited_for = matches!(word, Word::Meanwhile { .. });
        // Who waited for the mesh has gone away, and would not know that it runs.
        if say(&word).is_err() {
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
