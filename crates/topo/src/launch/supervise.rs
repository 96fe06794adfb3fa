//! The supervisor of a mesh: starts all nodes, tells each where the others are, and watches over them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hopline_core::Endpoint;
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::NodeStatus;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::agreement::{Lack, disagreement_of, missing};
use super::desk::{self, Desk};
use super::error::{Failure, LaunchError};
use super::farewell::Ending;
use super::fleet::Fleet;
use super::homes::Homes;
use super::keeper::{News, Orders};
use super::lock::Lock;
use super::place::Place;
use super::process::Identity;
use super::records::{ProcessRecord, ProcessState, SupervisorRecord};
use super::report::Report;
use super::running::{self, leftovers};
use super::troubles::Troubles;
use super::uncounted::has_guests;
use super::{key, sockets, store};
use crate::plan::Plan;

/// How often nodes are asked whether the mesh is whole, while it starts.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// A mesh to be launched.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The topology file, as an absolute path without links: it tells one running mesh from another.
    pub file: PathBuf,
    /// What is to run.
    pub plan: Plan,
    /// The program that runs a node.
    pub program: PathBuf,
    /// Its arguments; the node's name is added as the last.
    pub arguments: Vec<OsString>,
    /// Where state and sockets go.
    pub homes: Homes,
    /// How long the mesh may take to be whole.
    pub patience: Duration,
}

/// Runs a mesh until it is told to end, then stops it and takes its state away.
///
/// Reports that nobody listens to are dropped. A mesh whose nodes all listen and that lacks a link when its
/// time is over is left running: [`Report::NotWhole`].
///
/// # Errors
/// [`LaunchError`] where a node does not start, or does not answer; everything that was started is stopped
/// again.
///
/// # Cancel safety
/// If the future is dropped, all nodes are ended at once, and their state stays behind for the next
/// launch to clean.
pub async fn supervise(
    launch: Launch,
    ending: Ending,
    reports: mpsc::Sender<Report>,
) -> Result<(), LaunchError> {
    let place = Place::new(&launch.homes.state, &launch.plan.mesh, &launch.file);
    if let Some((_, record)) = running::supervisor_of(&launch.homes, &launch.file)? {
        return Err(already(&launch, Some(&record)));
    }
    store::make(&place)?;
    let Some(lock) = Lock::take(&place.lock())? else {
        return Err(already(&launch, None));
    };
    // Who waits for a mesh to start is told so only once it is sure that it does.
    let _ = reports.try_send(Report::Starting);
    match ending.leave.run_until_cancelled(leftovers(&place, false)).await {
        Some(cleaned) => cleaned?,
        None => return Ok(()),
    }
    let sockets = sockets::make(&launch.homes)?;
    let record = SupervisorRecord {
        process: Identity::of(std::process::id()).await,
        mesh: launch.plan.mesh.to_string(),
        file: launch.file.clone(),
        sockets: sockets.clone(),
    };
    let lock_file = place.lock();
    if let Err(error) = lock.sign(&lock_file, Some(&record)) {
        store::remove_dir(&sockets)?;
        return Err(error);
    }
    let mut supervisor = Supervisor::new(launch, place, sockets, reports);
    supervisor.at_once = ending.at_once;
    let ran = supervisor.run(&record, &ending.leave).await;
    let stopped = supervisor.stop().await;
    let stopped = stopped.and_then(|()| lock.sign(&lock_file, None));
    drop(lock);
    ran.and(stopped)
}

fn already(launch: &Launch, record: Option<&SupervisorRecord>) -> LaunchError {
    let mesh = record.map_or_else(|| launch.plan.mesh.to_string(), |record| record.mesh.clone());
    let pid = record.map(|record| record.process.pid);
    LaunchError::AlreadyRuns { mesh, pid, file: launch.file.clone() }
}

pub(super) struct Supervisor {
    pub(super) launch: Launch,
    pub(super) place: Place,
    pub(super) sockets: PathBuf,
    reports: mpsc::Sender<Report>,
    pub(super) orders: watch::Sender<Orders>,
    pub(super) processes: BTreeMap<NodeName, ProcessRecord>,
    pub(super) statuses: BTreeMap<NodeName, NodeStatus>,
    /// Why nodes could not start the last time, until they can.
    pub(super) failures: BTreeMap<NodeName, Failure>,
    troubles: Troubles,
    is_whole: bool,
    pub(super) has_lost_counts: bool,
    pub(super) fleet: Fleet,
    pub(super) leave: CancellationToken,
    pub(super) at_once: CancellationToken,
    /// What keepers tell once the mesh is told to end.
    pub(super) news: Option<mpsc::Receiver<(NodeName, News)>>,
}

impl Supervisor {
    fn new(launch: Launch, place: Place, sockets: PathBuf, reports: mpsc::Sender<Report>) -> Self {
        Self {
            processes: BTreeMap::new(),
            launch,
            place,
            sockets,
            reports,
            orders: watch::Sender::default(),
            statuses: BTreeMap::new(),
            failures: BTreeMap::new(),
            troubles: Troubles::default(),
            is_whole: false,
            has_lost_counts: false,
            fleet: Fleet::default(),
            leave: CancellationToken::new(),
            at_once: CancellationToken::new(),
            news: None,
        }
    }

    /// Starts the mesh and watches over it until `stop` is cancelled.
    async fn run(
        &mut self,
        record: &SupervisorRecord,
        stop: &CancellationToken,
    ) -> Result<(), LaunchError> {
        let key = self.key()?;
        store::write(&self.place.plan(), &self.launch.plan)?;
        store::remove(&self.place.uncounted())?;
        store::write(&self.place.supervisor(), record)?;
        let mut desk = Desk::open(&desk::socket(&self.sockets))?;
        let mut news = self.start_all(key)?;
        let ran = self.become_whole(stop, &mut news).await;
        if ran.is_ok() {
            self.watch_over(stop, &mut news, &mut desk).await;
        }
        self.news = Some(news);
        ran
    }

    /// The mesh key, as it is on disk.
    pub(super) fn key(&self) -> Result<[u8; 32], LaunchError> {
        match &self.launch.plan.key_file {
            Some(named) => {
                let dir = self.launch.file.parent().unwrap_or(&self.launch.file);
                key::read_key(&dir.join(named))
            }
            None => key::own_key(&self.place),
        }
    }

    /// Waits until the mesh is whole, its time is over, or it is stopped.
    async fn become_whole(
        &mut self,
        stop: &CancellationToken,
        news: &mut mpsc::Receiver<(NodeName, News)>,
    ) -> Result<(), LaunchError> {
        let deadline = Instant::now() + self.launch.patience;
        let mut ask = interval(ASK_EVERY);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = sleep_until(deadline) => {
                    let lack = self.lack().unwrap_or_else(|| self.first_silent());
                    return self.out_of_time(lack);
                }
                Some((node, told)) = news.recv() => {
                    match told {
                        News::Failed(failure) => return Err(self.failed(node, failure)),
                        // One that has listened before is started again, as at any other time.
                        News::Ended(reason, _) if !self.has_listened(&node) => {
                            return Err(self.failed(node, Failure::Other { reason }));
                        }
                        told => self.take(&node, told)?,
                    }
                    if self.see_whether_whole() {
                        return Ok(());
                    }
                }
                _ = ask.tick() => {
                    if self.all_listen() {
                        self.orders.send_modify(|orders| orders.asked += 1);
                    }
                }
            }
        }
    }

    /// A link that does not come up is no reason to stop the rest; a node that does not answer is.
    fn out_of_time(&self, lack: Lack) -> Result<(), LaunchError> {
        let within = self.launch.patience;
        if self.all_listen() && matches!(lack, Lack::LinkDown { .. }) {
            self.report(Report::NotWhole { within, lack });
            return Ok(());
        }
        Err(LaunchError::NotWhole { within, lack })
    }

    /// Whether the mesh is whole, or was before; the first time this is told.
    fn see_whether_whole(&mut self) -> bool {
        if !self.is_whole && self.all_listen() && self.lack().is_none() {
            self.is_whole = true;
            self.report(Report::Whole { place: self.place.clone() });
        }
        self.is_whole
    }

    async fn watch_over(
        &mut self,
        stop: &CancellationToken,
        news: &mut mpsc::Receiver<(NodeName, News)>,
        desk: &mut Desk,
    ) {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                // One at a time, in the order in which they came.
                Some((word, answer)) = desk.recv() => {
                    let said = self.obey(word, news, stop).await;
                    // Whoever asked may have gone.
                    let _ = answer.send(said);
                }
                Some((node, told)) = news.recv() => {
                    self.note(&node, told);
                    self.see_whether_whole();
                }
            }
        }
    }

    /// The same as [`Self::take`]: state that cannot be written, on a full disk, is no reason to stop a mesh.
    pub(super) fn note(&mut self, node: &NodeName, news: News) {
        if let Err(error) = self.take(node, news) {
            let cause = std::error::Error::source(&error);
            tracing::error!(%error, cause, "the state is not up to date");
        }
    }

    /// Notes what a node's keeper tells, and tells those whom it concerns.
    pub(super) fn take(&mut self, node: &NodeName, news: News) -> Result<(), LaunchError> {
        let Some(record) = self.processes.get_mut(node) else {
            return Ok(());
        };
        let mut has_ended = false;
        match news {
            News::Started(process) => {
                record.state = ProcessState::Starting;
                record.process = Some(process);
            }
            News::Ready(endpoint) => {
                record.state = ProcessState::Up;
                record.endpoint = Some(endpoint.clone());
                self.failures.remove(node);
                self.tell_addresses()?;
                self.report(Report::Ready { node: node.clone(), endpoint });
            }
            News::Status(status) => {
                self.troubles.read(&status).into_iter().for_each(|report| self.report(report));
                let has_guests = has_guests(&self.launch.plan, &status);
                self.statuses.insert(node.clone(), *status);
                return if has_guests { self.lose_counts() } else { Ok(()) };
            }
            News::Prepared(number, restart) => {
                self.fleet.prepared(node, number, restart);
                return Ok(());
            }
            News::Switched(number) => {
                self.fleet.switched(node, number);
                return Ok(());
            }
            News::Again | News::Gone => {
                let is_over = matches!(news, News::Gone);
                record.state = if is_over { ProcessState::Stopped } else { ProcessState::Starting };
                has_ended = record.process.take().is_some();
                record.endpoint = None;
                self.statuses.remove(node);
                if is_over {
                    self.fleet.remove(node);
                }
            }
            News::Failed(failure) => {
                self.failures.insert(node.clone(), failure.clone());
                self.report(Report::Failed { node: node.clone(), failure });
                return Ok(());
            }
            News::Ended(how, again_in) => {
                record.state = ProcessState::Restarting;
                has_ended = record.process.take().is_some();
                record.restarts += 1;
                record.last_end = Some(how.clone());
                self.statuses.remove(node);
                self.report(Report::Ended { node: node.clone(), how, again_in });
            }
        }
        if has_ended {
            self.lose_counts()?;
        }
        self.write_processes()
    }

    /// Tells all nodes where the others are: what the plan says others dial, else where they listen.
    pub(super) fn tell_addresses(&mut self) -> Result<(), LaunchError> {
        let listening = self.listening();
        store::write(&self.place.ports(), &listening)?;
        let nodes = self.launch.plan.nodes.iter();
        let addresses = nodes.filter_map(|(node, plan)| {
            let heard = listening.get(node);
            let process = self.processes.get(node).and_then(|record| record.process.as_ref());
            let endpoint = plan.address.as_ref().or(heard)?.clone();
            Some((node.clone(), (endpoint, process.map(|process| process.pid))))
        });
        let addresses = Arc::new(addresses.collect());
        self.orders.send_modify(|orders| orders.addresses = addresses);
        Ok(())
    }

    /// Where nodes listen, or did the last time.
    pub(super) fn listening(&self) -> BTreeMap<NodeName, Endpoint> {
        let records = self.processes.iter();
        records
            .filter_map(|(node, record)| Some((node.clone(), record.endpoint.clone()?)))
            .collect()
    }

    fn has_listened(&self, node: &NodeName) -> bool {
        let record = self.processes.get(node);
        record.is_some_and(|record| record.endpoint.is_some())
    }

    fn all_listen(&self) -> bool {
        let mut records = self.processes.values();
        records.all(|record| record.state == ProcessState::Up)
    }

    fn lack(&self) -> Option<Lack> {
        let plan = &self.launch.plan;
        missing(plan, &self.statuses).or_else(|| disagreement_of(plan, &self.statuses))
    }

    fn first_silent(&self) -> Lack {
        let mut nodes = self.processes.iter();
        let silent = nodes.find(|(_, record)| record.state != ProcessState::Up);
        let node = silent.or_else(|| self.processes.iter().next());
        Lack::Silent(node.map_or_else(|| self.launch.plan.mesh.clone(), |(node, _)| node.clone()))
    }

    fn failed(&self, node: NodeName, failure: Failure) -> LaunchError {
        let holder = match &failure {
            Failure::AddressTaken { endpoint } => {
                running::who_listens_at(&self.launch.homes, endpoint, &self.place)
            }
            Failure::Other { .. } => None,
        };
        let log = self.place.log(&node);
        LaunchError::Node { node, failure, holder, log }
    }

    pub(super) fn write_processes(&self) -> Result<(), LaunchError> {
        store::write(&self.place.processes(), &self.processes)
    }

    pub(super) fn report(&self, report: Report) {
        // A listener that is slow, or not there, misses reports; they are all in the state as well.
        let _ = self.reports.try_send(report);
    }
}
