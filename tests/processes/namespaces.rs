//! Nodes in network namespaces of their own, where a cable can be pulled without a word.

use std::io::{ErrorKind, Write as _};
use std::process::{Child, Command};

use hopline::core::Endpoint;
use tokio::time::Instant;

use crate::alone::{started, write_key};
use crate::drain::{Receiver, Sender};
use crate::sandbox::Sandbox;
use crate::stage::{SILENCE, send_until, until_accounted};

const NODES: [&str; 4] = ["a", "b", "c", "d"];
/// Who dials whom, at which cost.
const LINKS: [(usize, usize, u32); 4] = [(1, 0, 10), (2, 0, 20), (3, 1, 10), (3, 2, 20)];
/// The addresses of nodes, of the two ends of each cable, and of the ends of those that lead to the test.
const NODE: &str = "10.213.0";
const CABLE: &str = "10.213.1";
const OUTSIDE: &str = "10.213.2";

/// A namespace for each node, cables between neighbours, and one from each end of the mesh to the test.
struct Namespaces {
    prefix: String,
    nodes: Vec<Child>,
}

impl Namespaces {
    /// None where the machine does not let anybody make them. Where it does, all of it must work.
    fn new() -> Option<Self> {
        let spaces = Self { prefix: format!("hl{}", std::process::id()), nodes: Vec::new() };
        if !are_allowed(&spaces.name("t")) {
            return None;
        }
        for (number, node) in NODES.iter().enumerate() {
            ip(&format!("netns add {}", spaces.name(node)));
            spaces.within(node, "link set lo up");
            spaces.within(node, &format!("addr add {NODE}.{}/32 dev lo", number + 1));
        }
        for (number, (dialler, listener, _)) in LINKS.into_iter().enumerate() {
            let (low, high) = (number * 4 + 1, number * 4 + 2);
            let (from, to) = (NODES[dialler], NODES[listener]);
            let (name, other) = (spaces.name(from), spaces.name(to));
            let peer = format!("type veth peer name to-{from} netns {other}");
            ip(&format!("link add to-{to} netns {name} {peer}"));
            spaces.within(from, &format!("addr add {CABLE}.{low}/30 dev to-{to}"));
            spaces.within(to, &format!("addr add {CABLE}.{high}/30 dev to-{from}"));
            spaces.within(to, &format!("link set to-{from} up"));
            spaces.plug(number);
        }
        for (number, node) in [(0, "a"), (1, "d")] {
            let (low, high) = (number * 4 + 1, number * 4 + 2);
            let (name, outside) = (spaces.name(node), spaces.name(&format!("{node}o")));
            ip(&format!("link add out netns {name} type veth peer name {outside}"));
            spaces.within(node, &format!("addr add {OUTSIDE}.{low}/30 dev out"));
            spaces.within(node, "link set out up");
            ip(&format!("addr add {OUTSIDE}.{high}/30 dev {outside}"));
            ip(&format!("link set {outside} up"));
        }
        Some(spaces)
    }

    fn name(&self, node: &str) -> String {
        format!("{}{node}", self.prefix)
    }

    fn within(&self, node: &str, what: &str) {
        ip(&format!("-n {} {what}", self.name(node)));
    }

    /// Pulls a cable at the dialler's end: nobody is told, and all connections stay open.
    fn pull(&self, link: usize) {
        let (dialler, listener, _) = LINKS[link];
        self.within(NODES[dialler], &format!("link set to-{} down", NODES[listener]));
    }

    fn plug(&self, link: usize) {
        let (dialler, listener, _) = LINKS[link];
        let (from, to) = (NODES[dialler], NODES[listener]);
        self.within(from, &format!("link set to-{to} up"));
        let there = format!("{NODE}.{}/32 via {CABLE}.{}", listener + 1, link * 4 + 2);
        self.within(from, &format!("route replace {there}"));
    }

    fn start(&mut self, sandbox: &Sandbox, file: &str, node: &str) {
        let hopline = sandbox.command(&["node", file, node]);
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(node)]).arg(hopline.get_program());
        command.args(hopline.get_args());
        command.env_clear().envs(hopline.get_envs().filter_map(|(key, value)| Some((key, value?))));
        self.nodes.push(started(command, node));
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            let _ = node.kill();
            let _ = node.wait();
        }
        for node in NODES {
            let _ = run_ip(&format!("netns del {}", self.name(node)));
        }
    }
}

/// Whether the machine lets this test make network namespaces. A machine without `ip` is no answer, in CI.
fn are_allowed(name: &str) -> bool {
    match run_ip(&format!("netns add {name}")) {
        Ok(()) => {
            ip(&format!("netns del {name}"));
            true
        }
        Err(error) => {
            let is_ci = std::env::var_os("CI").is_some();
            assert!(
                !(is_ci && error.kind() == ErrorKind::NotFound),
                "this test needs `ip`: {error}"
            );
            // Past what the test harness keeps to itself.
            let said = format!(
                "NOT RUN: {error}: no network namespaces on this machine; links that are cut stand for them\n"
            );
            std::io::stderr().write_all(said.as_bytes()).unwrap();
            false
        }
    }
}

fn ip(arguments: &str) {
    let done = run_ip(arguments);
    assert!(done.is_ok(), "ip {arguments}: {done:?}");
}

fn run_ip(arguments: &str) -> std::io::Result<()> {
    let output = Command::new("ip").args(arguments.split_whitespace()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(std::io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// The diamond, each node at an address of its own.
fn topology() -> String {
    let mut text = "[mesh]\nname = \"spaces\"\nkey_file = \"key\"\nopen = true\n".to_owned();
    for (number, node) in NODES.iter().enumerate() {
        let upstreams = LINKS.iter().filter(|(dialler, ..)| *dialler == number);
        let upstreams = upstreams.map(|(_, listener, cost)| {
            format!("{{ node = \"{}\", cost = {cost} }}", NODES[*listener])
        });
        text.push_str(&format!(
            "[nodes.{node}]\nbind = \"tcp://*:555{0}\"\naddress = \"tcp://{NODE}.{0}:555{0}\"\n\
             upstream = [{1}]\n",
            number + 1,
            upstreams.collect::<Vec<_>>().join(", "),
        ));
    }
    text + "[[access.attach]]\nallow = \"*\"\n[[access.send]]\nallow = \"*\"\n"
}

/// Scenario 31 with cables that are pulled: no FIN, no RST, and nobody who says so. The others go round it within what is
/// promised, and come back when the cable is in again; no message is unknown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_31_a_cable_that_is_pulled_is_gone_round() {
    let Some(mut spaces) = Namespaces::new() else {
        return;
    };
    let mut sandbox = Sandbox::new();
    write_key(&sandbox);
    let file = sandbox.file("spaces.toml", &topology()).display().to_string();
    NODES.iter().for_each(|node| spaces.start(&sandbox, &file, node));
    let at = |place: &str| -> Endpoint { format!("tcp://{OUTSIDE}.{place}").parse().unwrap() };
    let mut dave = Receiver::attach_unheard(&at("5:5554"), "dave").await;
    let mut alice = Sender::attach(&at("1:5551"), "alice", "dave").await;
    send_until(&mut alice, &mut dave, &["a", "b", "d"]).await;
    for link in [0, 2] {
        spaces.pull(link);
        let pulled = Instant::now();
        send_until(&mut alice, &mut dave, &["a", "c", "d"]).await;
        assert!(pulled.elapsed() < SILENCE, "{:?}", pulled.elapsed());
        spaces.plug(link);
        send_until(&mut alice, &mut dave, &["a", "b", "d"]).await;
    }
    until_accounted(&mut alice, &mut dave).await;
    assert!(alice.told.values().any(|reason| reason == "in doubt"), "{:?}", alice.told);
}
