//! Stopping a mesh from outside.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::error::LaunchError;
use super::farewell::ENDS;
use super::homes::Homes;
use super::lock::Lock;
use super::place::Place;
use super::process::{Identity, State};
use super::records::SupervisorRecord;
use super::running::{self, Found, Running, leftovers};
use super::store;
use crate::plan::Plan;

/// How long a supervisor may take to stop its mesh: whoever starts again is told so before.
const PATIENCE: Duration = ENDS.saturating_add(Duration::from_secs(10));

/// What was done to stop a mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// Its supervisor was told to stop it, and has.
    Stopped {
        /// The mesh.
        mesh: String,
        /// How many nodes it had, as far as it is known.
        nodes: Option<usize>,
    },
    /// Its supervisor had ended without stopping it; what was left behind is gone now.
    Cleaned,
    /// There was nothing to be stopped.
    Nothing,
}

/// Stops the mesh of the topology file at `file`, an absolute path, and waits until it is gone. What is on its way in it is
/// waited for, unless it is to end `at_once`.
///
/// # Errors
/// [`LaunchError`] where the supervisor cannot be told from another process, or does not end.
///
/// # Cancel safety
/// Once polled, the mesh may be stopped although the future was dropped.
pub async fn stop(homes: &Homes, file: &Path, at_once: bool) -> Result<Stopped, LaunchError> {
    if let Some((place, supervisor)) = running::supervisor_of(homes, file)? {
        let process = &supervisor.process;
        match (process.state().await, at_once) {
            // It would obey once it goes on, whenever that is.
            (Some(State::Stopped), false) => {
                return Err(LaunchError::Silent { pid: process.pid });
            }
            // Its nodes end when it does.
            (Some(State::Stopped), true) => {
                process.kill();
                until_ended(process).await?;
            }
            (Some(State::Runs) | None, _) => {
                return stop_running(&place, supervisor, at_once).await;
            }
        }
    }
    let Found::Leftovers(place) = Running::find(homes, file)? else {
        return Ok(Stopped::Nothing);
    };
    let Some(lock) = Lock::take(&place.lock())? else {
        return Ok(Stopped::Nothing);
    };
    leftovers(&place, at_once).await?;
    store::remove(&place.ports())?;
    lock.sign(&place.lock(), None)?;
    Ok(Stopped::Cleaned)
}

async fn until_ended(process: &Identity) -> Result<(), LaunchError> {
    let deadline = Instant::now() + PATIENCE;
    while process.is_alive().await {
        if Instant::now() >= deadline {
            return Err(LaunchError::DoesNotEnd { pid: process.pid });
        }
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Nothing but the supervisor's process is needed for this, whatever became of the rest of the state.
async fn stop_running(
    place: &Place,
    supervisor: SupervisorRecord,
    at_once: bool,
) -> Result<Stopped, LaunchError> {
    let lock = place.lock();
    let process = &supervisor.process;
    if !process.is_alive().await {
        return Err(LaunchError::UnknownHolder { lock });
    }
    let plan: Option<Plan> = store::read(&place.plan()).ok().flatten();
    process.terminate();
    let deadline = Instant::now() + PATIENCE;
    // With it ends its lock, unless somebody else has that by then.
    while process.is_alive().await {
        if Instant::now() >= deadline {
            return Err(LaunchError::DoesNotEnd { pid: process.pid });
        }
        if at_once {
            // As somebody who presses Ctrl-C until it ends.
            process.interrupt();
        }
        sleep(Duration::from_millis(10)).await;
    }
    Ok(Stopped::Stopped { mesh: supervisor.mesh, nodes: plan.map(|plan| plan.nodes.len()) })
}
