//! What runs: read from the state that supervisors keep.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hopline_core::Endpoint;
use hopline_mesh::name::NodeName;
use tokio::time::{Instant, sleep};

use super::error::LaunchError;
use super::homes::Homes;
use super::lock::Lock;
use super::place::{self, Place};
use super::records::{ProcessRecord, SupervisorRecord};
use super::{key, store};
use crate::plan::Plan;

/// How long the nodes of a supervisor that was killed may take to notice.
const NOTICE: Duration = Duration::from_secs(6);

/// A mesh that runs.
#[derive(Debug, Clone)]
pub struct Running {
    /// Its state directory.
    pub place: Place,
    /// Its supervisor.
    pub supervisor: SupervisorRecord,
    /// The plan that it runs by.
    pub plan: Plan,
    /// The process of each node.
    pub processes: BTreeMap<NodeName, ProcessRecord>,
}

/// What the state says about the mesh of a file.
#[derive(Debug, Clone)]
pub enum Found {
    /// It runs.
    Running(Box<Running>),
    /// It does not.
    Nothing,
    /// It does not, but its supervisor ended without stopping it, and left this behind.
    Leftovers(Place),
}

impl Running {
    /// Looks for the mesh of the topology file at `file`, an absolute path. The file need not be there.
    ///
    /// # Errors
    /// [`LaunchError`] where the state cannot be read.
    pub fn find(homes: &Homes, file: &Path) -> Result<Found, LaunchError> {
        let mut found = Found::Nothing;
        for place in places(homes, file)? {
            let record: Option<SupervisorRecord> = store::read(&place.supervisor())?;
            let Some(supervisor) = record else { continue };
            if !Lock::is_held(&place.lock())? {
                found = Found::Leftovers(place);
                continue;
            }
            // A supervisor that starts, or ends, has not all of it.
            let plan: Option<Plan> = store::read(&place.plan())?;
            let processes = store::read(&place.processes())?.unwrap_or_default();
            if let Some(plan) = plan {
                let running = Self { place, supervisor, plan, processes };
                return Ok(Found::Running(Box::new(running)));
            }
        }
        Ok(found)
    }

    /// The mesh key.
    ///
    /// # Errors
    /// As [`read_key`](super::read_key).
    pub fn key(&self) -> Result<[u8; 32], LaunchError> {
        key::own_key(&self.place)
    }
}

/// The state directories of `file`: one, or more where the mesh was renamed in the file.
fn places(homes: &Homes, file: &Path) -> Result<Vec<Place>, LaunchError> {
    let suffix = place::suffix(file);
    let mut places = all_places(homes)?;
    places.retain(|place| {
        let name = place.dir().file_name().unwrap_or_default();
        name.to_string_lossy().ends_with(&suffix)
    });
    Ok(places)
}

/// All state directories, in the order of their names.
fn all_places(homes: &Homes) -> Result<Vec<Place>, LaunchError> {
    let entries = match fs::read_dir(&homes.state) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(store::state(&homes.state, "read")(error)),
    };
    let mut dirs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    dirs.sort();
    Ok(dirs.into_iter().map(Place::at).collect())
}

/// The supervisor that runs a mesh of `file`, under whatever name.
pub(super) fn supervisor_of(
    homes: &Homes,
    file: &Path,
) -> Result<Option<SupervisorRecord>, LaunchError> {
    for place in places(homes, file)? {
        if Lock::is_held(&place.lock())?
            && let Some(record) = store::read(&place.supervisor())?
        {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// The file of the mesh, not that of `but`, one of whose nodes listens at `endpoint`.
pub(super) fn who_listens_at(homes: &Homes, endpoint: &Endpoint, but: &Place) -> Option<PathBuf> {
    all_places(homes).ok()?.into_iter().find_map(|place| {
        let is_other = place != *but && Lock::is_held(&place.lock()).ok()?;
        let ports: BTreeMap<NodeName, Endpoint> = store::read(&place.ports()).ok()??;
        let listens = is_other && ports.values().any(|port| port.collides(endpoint));
        let record: SupervisorRecord = store::read(&place.supervisor()).ok()??;
        listens.then_some(record.file)
    })
}

/// Ends and removes what a supervisor left behind that ended without stopping its mesh. The lock must be
/// the caller's. What each node listened at stays, so that it is found there again.
pub(super) async fn leftovers(place: &Place) -> Result<(), LaunchError> {
    let processes: BTreeMap<NodeName, ProcessRecord> =
        store::read(&place.processes())?.unwrap_or_default();
    let deadline = Instant::now() + NOTICE;
    for process in processes.values().filter_map(|record| record.process.as_ref()) {
        // A node ends by itself when its supervisor does; it is only waited for.
        while process.is_alive().await {
            if Instant::now() >= deadline {
                process.kill();
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
    store::remove(&place.processes())?;
    let record: Option<SupervisorRecord> = store::read(&place.supervisor())?;
    if let Some(record) = record {
        store::remove_dir(&record.sockets)?;
    }
    store::remove(&place.supervisor())
}
