//! What runs: read from the state that supervisors keep.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hopline_core::Endpoint;
use hopline_mesh::name::NodeName;
use tokio::time::{Instant, sleep};

use super::error::LaunchError;
use super::farewell::ENDS;
use super::homes::Homes;
use super::lock::Lock;
use super::place::{self, Place};
use super::process::State;
use super::records::{ProcessRecord, ProcessState, SupervisorRecord};
use super::sockets::control_socket;
use super::{key, store, uncounted};
use crate::plan::Plan;

/// How long a node of a supervisor that was killed may take to end if it is stopped: it cannot notice.
const NOTICE: Duration = Duration::from_secs(11);

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
    /// Whether counts of messages are lost: a node's run has ended, or a node that is not in the plan has taken part.
    pub has_lost_counts: bool,
    /// The file of the processes, where it is damaged: then only where they can be asked is known of them.
    pub damaged: Option<PathBuf>,
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
    /// Takes the mesh for a test that cuts links; none where another test has it.
    ///
    /// # Errors
    /// [`LaunchError`] where the state cannot be written.
    pub fn take_for_test(&self) -> Result<Option<Lock>, LaunchError> {
        Lock::take(&self.place.test())
    }

    /// Looks for the mesh of the topology file at `file`, an absolute path. The file need not be there.
    ///
    /// # Errors
    /// [`LaunchError`] where the state cannot be read.
    pub fn find(homes: &Homes, file: &Path) -> Result<Found, LaunchError> {
        let mut found = Found::Nothing;
        for place in places(homes, file)? {
            let Some(supervisor) = supervisor_at(&place)? else {
                if has_record(&place) {
                    found = Found::Leftovers(place);
                }
                continue;
            };
            // A supervisor that starts, or ends, has not all of it.
            let plan: Option<Plan> =
                store::read(&place.plan()).map_err(|error| unusable(error, &supervisor))?;
            let Some(plan) = plan else { continue };
            let (processes, damaged) = match store::read(&place.processes()) {
                Ok(processes) => (processes.unwrap_or_default(), None),
                Err(LaunchError::Damaged { path, .. }) => {
                    (presumed(&plan, &supervisor.sockets), Some(path))
                }
                Err(error) => return Err(error),
            };
            let has_lost_counts = uncounted::has_lost(&place);
            let running = Self { place, supervisor, plan, processes, has_lost_counts, damaged };
            return Ok(Found::Running(Box::new(running)));
        }
        Ok(found)
    }

    /// The same mesh with the plan and the processes that it has now, as far as they can be read.
    pub(super) fn as_it_is(&self) -> Self {
        let plan = store::read(&self.place.plan()).ok().flatten();
        let processes = store::read(&self.place.processes()).ok().flatten();
        Self {
            plan: plan.unwrap_or_else(|| self.plan.clone()),
            processes: processes.unwrap_or_else(|| self.processes.clone()),
            ..self.clone()
        }
    }

    /// The nodes that somebody has stopped: they are not started again until somebody says so.
    #[must_use]
    pub fn stopped(&self) -> BTreeSet<NodeName> {
        let records = self.processes.iter();
        let stopped = records.filter(|(_, record)| record.state == ProcessState::Stopped);
        stopped.map(|(node, _)| node.clone()).collect()
    }

    /// The nodes that are in the plan no more, and still have a process: they are about to leave.
    #[must_use]
    pub fn leaving(&self) -> BTreeSet<NodeName> {
        let nodes = self.processes.keys();
        nodes.filter(|node| !self.plan.nodes.contains_key(*node)).cloned().collect()
    }

    /// What is expected to run: the plan without the nodes that somebody has [stopped](Self::stopped), and without
    /// their links.
    #[must_use]
    pub fn expected(&self) -> Plan {
        let stopped = self.stopped();
        let mut plan = self.plan.clone();
        plan.nodes.retain(|node, _| !stopped.contains(node));
        for node in plan.nodes.values_mut() {
            node.dials.retain(|dial| !stopped.contains(&dial.node));
            node.accepts.retain(|dial| !stopped.contains(&dial.node));
        }
        plan
    }

    /// The mesh key.
    ///
    /// # Errors
    /// As [`read_key`](super::read_key).
    pub fn key(&self) -> Result<[u8; 32], LaunchError> {
        key::read_key(&self.place.key())
    }
}

/// What must be so of the processes of a mesh that runs, though the state does not say it.
fn presumed(plan: &Plan, sockets: &Path) -> BTreeMap<NodeName, ProcessRecord> {
    let record = |node: &NodeName| ProcessRecord {
        state: ProcessState::Up,
        process: None,
        endpoint: None,
        control: control_socket(sockets, node),
        restarts: 0,
        last_end: None,
    };
    plan.nodes.keys().map(|node| (node.clone(), record(node))).collect()
}

/// That the state of a mesh that runs is damaged.
fn unusable(error: LaunchError, supervisor: &SupervisorRecord) -> LaunchError {
    match error {
        LaunchError::Damaged { path, source } => {
            LaunchError::DamagedRunning { path, file: supervisor.file.clone(), source }
        }
        error => error,
    }
}

/// The supervisor that holds the lock of `place`; none where nobody does, or where it has not said yet who
/// it is.
fn supervisor_at(place: &Place) -> Result<Option<SupervisorRecord>, LaunchError> {
    if !Lock::is_held(&place.lock())? {
        return Ok(None);
    }
    let record = record_at(place)?;
    if record.is_none() && has_record(place) {
        return Err(LaunchError::UnknownHolder { lock: place.lock() });
    }
    Ok(record)
}

/// Whether a supervisor has been there that did not stop its mesh, or has not yet.
fn has_record(place: &Place) -> bool {
    fs::exists(place.supervisor()).is_ok_and(|exists| exists)
}

/// The last supervisor of `place`, as its own file says, or else the lock.
fn record_at(place: &Place) -> Result<Option<SupervisorRecord>, LaunchError> {
    match store::read(&place.supervisor()) {
        Ok(Some(record)) => Ok(Some(record)),
        Ok(None) | Err(LaunchError::Damaged { .. }) => Ok(Lock::signed_by(&place.lock())),
        Err(error) => Err(error),
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

/// The supervisor that runs a mesh of `file`, under whatever name, and its place.
pub(super) fn supervisor_of(
    homes: &Homes,
    file: &Path,
) -> Result<Option<(Place, SupervisorRecord)>, LaunchError> {
    for place in places(homes, file)? {
        if let Some(record) = supervisor_at(&place)? {
            return Ok(Some((place, record)));
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
/// the caller's. Nodes that leave yet are waited for, unless they are to end `at_once`. What each node listened at stays, so that it is found there again.
pub(super) async fn leftovers(place: &Place, at_once: bool) -> Result<(), LaunchError> {
    let processes: BTreeMap<NodeName, ProcessRecord> =
        store::read_or_rebuild(&place.processes())?.unwrap_or_default();
    let (notice, ends) = (Instant::now() + NOTICE, Instant::now() + ENDS);
    for process in processes.values().filter_map(|record| record.process.as_ref()) {
        // A node ends by itself when its supervisor does; it is only waited for.
        while let Some(state) = process.state().await {
            let now = Instant::now();
            if at_once || now >= ends || (now >= notice && state == State::Stopped) {
                process.kill();
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
    store::remove(&place.processes())?;
    if let Some(record) = record_at(place)? {
        store::remove_dir(&record.sockets)?;
    }
    store::remove(&place.supervisor())
}
