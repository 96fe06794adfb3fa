//! The keepers of all nodes: started, told, and what their nodes have answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use hopline_core::Endpoint;
use hopline_mesh::name::NodeName;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::error::LaunchError;
use super::keeper::{Keeper, News, Step, Task};
use super::records::{ProcessRecord, ProcessState};
use super::share::Share;
use super::supervise::Supervisor;
use super::words::Setup;
use super::{sockets, store};
use crate::topology::Bind;

/// How many news of nodes wait at most; their keepers wait with more.
const NEWS: usize = 256;

/// The keepers of all nodes.
#[derive(Default)]
pub(super) struct Fleet {
    kept: BTreeMap<NodeName, Kept>,
    keepers: JoinSet<()>,
    /// What every keeper starts with.
    start: Option<Start>,
    /// The number of the last change.
    pub(super) number: u64,
}

/// The mesh key, and where keepers tell what they have to tell.
type Start = ([u8; 32], mpsc::Sender<(NodeName, News)>);

/// A node that has a keeper.
struct Kept {
    task: watch::Sender<Task>,
    stop: CancellationToken,
    prepared: u64,
    restart: Vec<String>,
    switched: u64,
}

impl Fleet {
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(super) fn has(&self, node: &NodeName) -> bool {
        self.kept.contains_key(node)
    }

    /// The mesh key that every node has started with.
    pub(super) fn key(&self) -> Option<[u8; 32]> {
        self.start.as_ref().map(|(key, _)| *key)
    }

    /// A node can go by a change, but for this.
    pub(super) fn prepared(&mut self, node: &NodeName, number: u64, restart: Vec<String>) {
        if let Some(kept) = self.kept.get_mut(node) {
            (kept.prepared, kept.restart) = (number, restart);
        }
    }

    /// A node goes by a change.
    pub(super) fn switched(&mut self, node: &NodeName, number: u64) {
        if let Some(kept) = self.kept.get_mut(node) {
            kept.switched = number;
        }
    }

    /// What a node needs a restart for to go by the last change; none where it has not answered.
    pub(super) fn restart(&self, node: &NodeName) -> Option<&[String]> {
        let kept = self.kept.get(node).filter(|kept| kept.prepared == self.number)?;
        Some(&kept.restart)
    }

    /// Whether a node goes by the last change.
    pub(super) fn has_switched(&self, node: &NodeName) -> bool {
        self.kept.get(node).is_some_and(|kept| kept.switched == self.number)
    }

    /// Tells a node's keeper how far the last change is.
    pub(super) fn tell(&self, node: &NodeName, share: &Arc<Share>, step: Step) {
        if let Some(kept) = self.kept.get(node) {
            let (number, share) = (self.number, share.clone());
            kept.task.send_replace(Task { number, share, step });
        }
    }

    /// Tells a node's keeper to let it leave, for good.
    pub(super) fn stop(&self, node: &NodeName) {
        if let Some(kept) = self.kept.get(node) {
            kept.stop.cancel();
        }
    }

    /// A node has no keeper any more.
    pub(super) fn remove(&mut self, node: &NodeName) {
        self.kept.remove(node);
    }

    /// Waits until all keepers have ended.
    pub(super) async fn ended(&mut self) {
        self.start = None;
        while self.keepers.join_next().await.is_some() {}
    }
}

impl Supervisor {
    /// Starts all nodes, and gives back what their keepers will tell.
    pub(super) fn start_all(
        &mut self,
        key: [u8; 32],
    ) -> Result<mpsc::Receiver<(NodeName, News)>, LaunchError> {
        let (tell, news) = mpsc::channel(NEWS);
        self.fleet.start = Some((key, tell));
        let nodes: Vec<NodeName> = self.launch.plan.nodes.keys().cloned().collect();
        self.start_nodes(&nodes)?;
        Ok(news)
    }

    /// Starts nodes of the plan that do not run.
    pub(super) fn start_nodes(&mut self, nodes: &[NodeName]) -> Result<(), LaunchError> {
        let known: BTreeMap<NodeName, Endpoint> =
            store::read_or_rebuild(&self.place.ports())?.unwrap_or_default();
        for node in nodes {
            self.start_node(node, known.get(node).cloned());
        }
        self.write_processes()
    }

    fn start_node(&mut self, node: &NodeName, previous: Option<Endpoint>) {
        let Some((key, news)) = self.fleet.start.clone() else { return };
        let nodes = &self.launch.plan.nodes;
        let Some(plan) = nodes.get(node) else { return };
        // Where it listened may be another's now.
        let is_anothers = |endpoint: &Endpoint| {
            let mut others = nodes.values().filter(|other| other.name != *node);
            others.any(|it| matches!(&it.bind, Bind::At(bind) if bind.collides(endpoint)))
        };
        let previous = previous.filter(|endpoint| !is_anothers(endpoint));
        let control = sockets::control_socket(&self.sockets, node);
        let share = Share::new(&self.launch.plan, plan);
        let number = self.fleet.number;
        let task = Task { number, share: Arc::new(share.clone()), step: Step::Switch };
        let (told, task) = watch::channel(task);
        let stop = self.leave.child_token();
        let keeper = Keeper {
            program: self.launch.program.clone(),
            arguments: self.launch.arguments.clone(),
            place: self.place.clone(),
            setup: Setup {
                mesh: self.launch.plan.mesh.clone(),
                share,
                previous,
                key,
                incarnation: 0,
                control: control.clone(),
                runtime_dir: self.sockets.clone(),
            },
            orders: self.orders.subscribe(),
            task,
            since: number,
            stop: stop.clone(),
            at_once: self.at_once.clone(),
            news,
        };
        let record = ProcessRecord {
            state: ProcessState::Starting,
            process: None,
            endpoint: None,
            control,
            restarts: 0,
            last_end: None,
        };
        self.processes.insert(node.clone(), record);
        let kept = Kept { task: told, stop, prepared: 0, restart: Vec::new(), switched: number };
        self.fleet.kept.insert(node.clone(), kept);
        self.fleet.keepers.spawn(keeper.keep());
    }
}
