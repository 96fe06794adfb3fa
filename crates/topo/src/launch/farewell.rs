//! The end of a mesh, and of a node's process: it may take as long as it says that it is leaving, and is killed if it hangs.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use hopline_mesh::node::RoutingNode;
use tokio::io::{BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio_util::sync::CancellationToken;

use super::error::LaunchError;
use super::report::Report;
use super::silence::awake_for;
use super::store;
use super::supervise::Supervisor;

/// A node that was told to end, and has said nothing for so long, hangs.
pub(super) const HANGS: Duration = Duration::from_secs(9);

/// A node that was told to end has ended after so long, or hangs: it leaves, its sockets close, and the last that it says
/// is waited for.
pub(super) const ENDS: Duration =
    RoutingNode::LEAVES_WITHIN.saturating_add(Duration::from_secs(5)).saturating_add(HANGS);

/// How a mesh is told to end.
#[derive(Debug, Clone, Default)]
pub struct Ending {
    /// Its nodes are to leave, without loss.
    pub leave: CancellationToken,
    /// They are not waited for any more: those that have not left yet are killed.
    pub at_once: CancellationToken,
}

/// Waits until the process of a node has ended whose stdin is closed. Gives back how it ended, or nothing where it had to
/// be killed.
pub(super) async fn farewell(
    child: &mut Child,
    lines: &mut Lines<BufReader<ChildStdout>>,
    at_once: &CancellationToken,
) -> Option<io::Result<ExitStatus>> {
    let mut is_open = true;
    loop {
        tokio::select! {
            biased;
            ended = child.wait() => return Some(ended),
            () = at_once.cancelled() => break,
            line = lines.next_line(), if is_open => {
                is_open = matches!(line, Ok(Some(_)));
            }
            () = awake_for(HANGS) => break,
        }
    }
    // The only thing that can go wrong is that it has ended.
    let _ = child.kill().await;
    None
}

impl Supervisor {
    /// Lets all nodes leave, waits until they have, and takes the state of the running mesh away.
    pub(super) async fn stop(mut self) -> Result<(), LaunchError> {
        if !self.fleet.is_empty() {
            self.report(Report::Stopping);
        }
        self.leave.cancel();
        let mut news = self.news.take();
        let mut next = async || news.as_mut()?.recv().await;
        loop {
            tokio::select! {
                biased;
                Some((node, told)) = next() => self.note(&node, told),
                () = self.fleet.ended() => break,
            }
        }
        store::remove(&self.place.processes())?;
        store::remove(&self.place.ports())?;
        store::remove(&self.place.uncounted())?;
        store::remove(&self.place.supervisor())?;
        store::remove_dir(&self.sockets)
    }
}
