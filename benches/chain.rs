//! A chain of nodes over real sockets beside the same chain of bare `zeromq` sockets, both in this
//! process, measured in turn in one run: `alice -> 1 or 3 nodes -> bob`.
//!
//! Throughput: 64-byte messages, at most 500 on their way. Round trip: one at a time, there and back.
//! Quote the ratios; the absolute figures are this machine's on that day.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::{Duration, Instant};

use hopline_core::Endpoint;
use hopline_mesh::brain::{Event, LinkConfig};
use hopline_mesh::client::{Client, ClientOptions, Incoming};
use hopline_mesh::name::NodeName;
use hopline_mesh::node::{NodeConfig, RoutingNode};
use hopline_mesh::wire::hello::MeshKey;
use tokio::task::JoinSet;
use zeromq::{
    DealerSocket, RouterSocket, Socket, SocketOptions, SocketRecv, SocketSend, ZmqMessage,
};

/// Messages in one measurement of throughput.
const MESSAGES: usize = 50_000;
/// Messages on their way at a time.
const WINDOW: usize = 500;
/// Round trips in one measurement.
const TRIPS: usize = 2_000;
/// Measurements of each, taken in turn; the median counts.
const ROUNDS: usize = 5;

const PAYLOAD: [u8; 64] = [7; 64];

/// Both ends of a chain.
trait Chain {
    async fn send(&mut self);
    async fn receive(&mut self);
    async fn send_back(&mut self);
    async fn receive_back(&mut self);
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    println!(
        "{:<10} {:>14} {:>14} {:>7}   {:>11} {:>11} {:>7}",
        "chain", "hopline msg/s", "bare msg/s", "ratio", "hopline rt", "bare rt", "ratio"
    );
    for nodes in [1, 3] {
        let mut hopline = Hopline::start(nodes).await;
        let mut bare = Bare::start(nodes).await;
        let mut figures = [const { Vec::new() }; 4];
        for _ in 0..ROUNDS {
            figures[0].push(throughput(&mut hopline).await);
            figures[1].push(throughput(&mut bare).await);
            figures[2].push(round_trip(&mut hopline).await);
            figures[3].push(round_trip(&mut bare).await);
        }
        let [ours, theirs, our_trip, their_trip] = figures.map(median);
        println!(
            "{:<10} {ours:>14.0} {theirs:>14.0} {:>7.2}   {:>8.0} us {:>8.0} us {:>7.2}",
            format!("{nodes} node(s)"),
            ours / theirs,
            our_trip * 1e6,
            their_trip * 1e6,
            our_trip / their_trip,
        );
        hopline.end().await;
    }
}

/// Messages a second.
async fn throughput(chain: &mut impl Chain) -> f64 {
    let start = now();
    let mut sent = 0;
    for received in 0..MESSAGES {
        while sent < MESSAGES && sent - received < WINDOW {
            chain.send().await;
            sent += 1;
        }
        chain.receive().await;
    }
    MESSAGES as f64 / start.elapsed().as_secs_f64()
}

/// Seconds for one message there and one back.
async fn round_trip(chain: &mut impl Chain) -> f64 {
    let start = now();
    for _ in 0..TRIPS {
        chain.send().await;
        chain.receive().await;
        chain.send_back().await;
        chain.receive_back().await;
    }
    start.elapsed().as_secs_f64() / TRIPS as f64
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// Nodes of a mesh in a row, a native client at each end.
struct Hopline {
    nodes: Vec<RoutingNode>,
    alice: Client,
    bob: Client,
}

impl Hopline {
    async fn start(count: usize) -> Self {
        let name = |index: usize| NodeName::parse(&format!("n{index}")).expect("a name");
        let any: Endpoint = "tcp://127.0.0.1:0".parse().expect("an endpoint");
        let mut nodes: Vec<RoutingNode> = Vec::new();
        for index in 0..count {
            let key = MeshKey::new([1; 32]);
            let mut config = NodeConfig::new("bench", name(index), any.clone(), key);
            if index > 0 {
                config = config.upstream(name(index - 1), 10);
            }
            if index + 1 < count {
                let link = LinkConfig::accepting(10);
                config = config.link(name(index + 1), link);
            }
            let node = RoutingNode::start(config).await.expect("a node");
            if let Some(before) = nodes.last() {
                let mut events = node.events();
                let endpoint = before.endpoint().clone();
                node.dial(name(index - 1), endpoint).await.expect("running");
                while !matches!(events.recv().await, Ok(Event::LinkUp(_))) {}
            }
            nodes.push(node);
        }
        let options = |name: &str| ClientOptions::named(name).expect("a name");
        let alice = Client::connect(nodes[0].endpoint(), options("alice")).await.expect("alice");
        let bob = Client::connect(nodes[count - 1].endpoint(), options("bob")).await.expect("bob");
        for (client, to) in [(&alice, "bob"), (&bob, "alice")] {
            while client.trace(to, Duration::from_secs(5)).await.is_err() {}
        }
        Self { nodes, alice, bob }
    }

    async fn end(self) {
        for node in self.nodes {
            node.shutdown().await;
        }
    }
}

impl Chain for Hopline {
    async fn send(&mut self) {
        self.alice.send("bob", &PAYLOAD[..]).await.expect("sent");
    }

    async fn receive(&mut self) {
        expect_message(self.bob.recv().await.expect("running"));
    }

    async fn send_back(&mut self) {
        self.bob.send("alice", &PAYLOAD[..]).await.expect("sent");
    }

    async fn receive_back(&mut self) {
        expect_message(self.alice.recv().await.expect("running"));
    }
}

fn expect_message(incoming: Incoming) {
    if let Incoming::Failed(failure) = incoming {
        panic!("{failure}");
    }
}

/// Bare sockets in a row: each relay hands every message on as it is.
struct Bare {
    alice: DealerSocket,
    bob: DealerSocket,
    _relays: JoinSet<()>,
}

impl Bare {
    async fn start(count: usize) -> Self {
        let mut relays = JoinSet::new();
        let mut routers = Vec::new();
        let mut endpoints = Vec::new();
        for _ in 0..count {
            let mut router = RouterSocket::new();
            endpoints.push(router.bind("tcp://127.0.0.1:0").await.expect("bound").to_string());
            routers.push(router);
        }
        let alice = dealer("alice", &endpoints[0]).await;
        let bob = dealer("bob", &endpoints[count - 1]).await;
        for (index, router) in routers.into_iter().enumerate() {
            let next = match endpoints.get(index + 1) {
                Some(endpoint) => Some(dealer("relay", endpoint).await),
                None => None,
            };
            let first = index == 0;
            relays.spawn(relay(router, next, first));
        }
        Self { alice, bob, _relays: relays }
    }
}

async fn dealer(identity: &str, endpoint: &str) -> DealerSocket {
    let mut options = SocketOptions::default();
    options.peer_identity(identity.parse().expect("an identity"));
    let mut dealer = DealerSocket::with_options(options);
    dealer.connect(endpoint).await.expect("connected");
    dealer
}

/// From the left to the right, and back. The last relay gives to bob, the first to alice.
async fn relay(router: RouterSocket, next: Option<DealerSocket>, first: bool) {
    let (mut back, mut inbound) = router.split();
    let Some(next) = next else {
        // The last one: what comes from bob goes left, everything else to bob.
        loop {
            let message = inbound.recv().await.expect("a message");
            let from_bob = message.get(0).is_some_and(|from| from.as_ref() == b"bob");
            let to = match (from_bob, first) {
                (true, true) => "alice",
                (true, false) => "relay",
                (false, _) => "bob",
            };
            back.send(addressed(to, message)).await.expect("sent");
        }
    };
    let (mut right, mut from_right) = next.split();
    let rightwards = async move {
        loop {
            let mut message = inbound.recv().await.expect("a message");
            right.send(message.split_off(1)).await.expect("sent");
        }
    };
    let leftwards = async move {
        let to = if first { "alice" } else { "relay" };
        loop {
            let mut message = from_right.recv().await.expect("a message");
            message.push_front(to.into());
            back.send(message).await.expect("sent");
        }
    };
    tokio::join!(rightwards, leftwards);
}

fn addressed(to: &'static str, mut message: ZmqMessage) -> ZmqMessage {
    let mut message = message.split_off(1);
    message.push_front(to.into());
    message
}

impl Chain for Bare {
    async fn send(&mut self) {
        self.alice.send(PAYLOAD.to_vec().into()).await.expect("sent");
    }

    async fn receive(&mut self) {
        self.bob.recv().await.expect("a message");
    }

    async fn send_back(&mut self) {
        self.bob.send(PAYLOAD.to_vec().into()).await.expect("sent");
    }

    async fn receive_back(&mut self) {
        self.alice.recv().await.expect("a message");
    }
}
