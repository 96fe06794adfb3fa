//! A mesh of processes with somebody who sends numbers through it and somebody who receives them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use hopline::core::Endpoint;
use hopline::mesh::name::NodeName;
use hopline::mesh::wire::control::NodeStatus;
use hopline::topo::launch::{Identity, Running};
use tokio::time::{Instant, interval};

use crate::drain::{Receiver, Sender};
use crate::sandbox::{PATIENCE, Sandbox, until};
use crate::supervised::signal;

/// By then a link on which nothing comes is gone round: a second of silence, as is promised, and what a machine takes that
/// does much else.
pub(crate) const SILENCE: Duration = Duration::from_secs(4);

/// A mesh as processes.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) file: PathBuf,
    running: Running,
}

impl Stage {
    pub(crate) fn up(topology: &str) -> Self {
        let mut sandbox = Sandbox::new();
        let file = sandbox.file("mesh.toml", topology);
        sandbox.data(&["up", "--detach", &file.display().to_string()]);
        let running = sandbox.running(&file);
        Self { sandbox, file, running }
    }

    pub(crate) fn at(&self, node: &str) -> Endpoint {
        self.running.processes[node].endpoint.clone().unwrap()
    }

    /// The process of a node, as it is now.
    pub(crate) fn process(&self, node: &str) -> Option<Identity> {
        self.sandbox.running(&self.file).processes[node].process.clone()
    }

    /// Kills a node, and waits until it is there again and all agree.
    pub(crate) async fn kill(&self, node: &str) {
        let before = self.process(node);
        signal("-KILL", before.as_ref().unwrap());
        until("it is started again", || async {
            let now = self.process(node);
            now.is_some() && now != before
        })
        .await;
        self.until_converged().await;
    }

    pub(crate) async fn until_converged(&self) {
        assert_eq!(self.running.converged(PATIENCE).await, Ok(()));
    }

    /// What a node says of itself.
    pub(crate) async fn status(&self, node: &str) -> NodeStatus {
        self.statuses().await.remove(node).unwrap()
    }

    /// What all nodes say of themselves.
    pub(crate) async fn statuses(&self) -> BTreeMap<NodeName, NodeStatus> {
        self.running.statuses(PATIENCE).await
    }

    /// Has a link suffer something, as an operator would, while the test goes on.
    pub(crate) fn impair(&self, link: &str, what: &[&str]) -> Order {
        Order::of(self, &[&["impair", link], what].concat())
    }
}

/// An order under way.
#[must_use = "it must have been carried out"]
pub(crate) struct Order(Child);

impl Order {
    /// This verb with these arguments, for the mesh of a stage.
    pub(crate) fn of(stage: &Stage, arguments: &[&str]) -> Self {
        let file = stage.file.display().to_string();
        let (verb, arguments) = arguments.split_first().unwrap();
        let mut command = stage.sandbox.command(&[verb, file.as_str()]);
        let order = command.args(arguments).stdout(Stdio::null());
        Self(order.spawn().unwrap())
    }

    pub(crate) fn finish(mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

/// Sends a number each millisecond until one has come this way.
pub(crate) async fn send_until(sender: &mut Sender, receiver: &mut Receiver, way: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    let mut tick = interval(Duration::from_millis(1));
    while receiver.way != way {
        assert!(Instant::now() < deadline, "the last one came by {:?}", receiver.way);
        tick.tick().await;
        sender.send().await.unwrap();
        receiver.hear(Duration::ZERO).await;
    }
}

/// Sends so many numbers, one each millisecond.
pub(crate) async fn send_many(sender: &mut Sender, receiver: &mut Receiver, count: usize) {
    let mut tick = interval(Duration::from_millis(1));
    for _ in 0..count {
        tick.tick().await;
        sender.send().await.unwrap();
        receiver.hear(Duration::ZERO).await;
    }
}

/// Waits until each message has arrived or its sender was told. Of those that are in doubt some have arrived, of the
/// others that came back none.
pub(crate) async fn until_accounted(sender: &mut Sender, receiver: &mut Receiver) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        sender.hear(Duration::from_millis(20)).await;
        receiver.hear(Duration::from_millis(20)).await;
        let arrived: BTreeSet<u32> = receiver.numbers.iter().map(|(_, number)| *number).collect();
        let is_open = |it: &&u32| !arrived.contains(it) && !sender.told.contains_key(it);
        let open: Vec<_> = sender.sent.values().filter(is_open).collect();
        if open.is_empty() {
            let returned = sender.told.iter().filter(|(_, reason)| *reason != "in doubt");
            let both: Vec<_> = returned.filter(|(number, _)| arrived.contains(number)).collect();
            assert!(both.is_empty(), "came back and arrived: {both:?}");
            return;
        }
        assert!(Instant::now() < deadline, "unknown: {open:?}");
    }
}
