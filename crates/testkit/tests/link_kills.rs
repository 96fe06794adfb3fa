//! Links that are killed over real sockets, one after the other, while messages are on their way.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use hopline_mesh::brain::Event;
use hopline_mesh::client::{Client, Incoming, Outgoing};
use hopline_mesh::ledger::Ledger as Books;
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::MessageId;
use hopline_mesh::wire::control::NodeStatus;
use hopline_testkit::{Mesh, PATIENCE, assert_route};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

/// Two ways from `west` to `east`: over `north`, and dearer over `south`.
const DIAMOND: &str = r#"
[mesh]
name = "diamond"

[nodes.east]

[nodes.north]
upstream = ["east"]

[nodes.south]
upstream = [{ node = "east", cost = 20 }]

[nodes.west]
upstream = ["north", { node = "south", cost = 20 }]

[clients]
alice = "west"
anna = "west"
bob = "east"
bill = "east"
"#;

/// How often a link is killed.
const KILLS: usize = 10;
/// The confirmed messages that are sent about each kill, and how many at a time.
const CONFIRMED: usize = 1_000;
const AT_A_TIME: usize = 5;
/// The `at_most_once` messages that are sent for each confirmed one.
const BESIDE: usize = 4;
/// The size of a payload, in bytes.
const PAYLOAD: usize = 1_000;

/// What became of the messages of one class.
#[derive(Debug, Default)]
struct Ledger {
    sent: BTreeSet<MessageId>,
    /// What the sender was told of each: `delivered`, or the reason of an error.
    told: BTreeMap<MessageId, Vec<String>>,
    /// How often each was received, and how often marked as one that may have been received before.
    received: BTreeMap<MessageId, (usize, usize)>,
    /// Those of `sent` that neither arrived nor came back.
    unknown: BTreeSet<MessageId>,
}

impl Ledger {
    fn sent(&mut self, id: MessageId) {
        if !self.told.contains_key(&id) && !self.received.contains_key(&id) {
            self.unknown.insert(id);
        }
        self.sent.insert(id);
    }

    fn told(&mut self, incoming: Incoming) {
        let (id, word) = match incoming {
            Incoming::Delivered(delivery) => (delivery.id, "delivered".to_owned()),
            Incoming::Failed(failure) => (failure.id, failure.reason),
            Incoming::Message(message) => panic!("nobody writes to a sender: {message:?}"),
        };
        self.unknown.remove(&id);
        self.told.entry(id).or_default().push(word);
    }

    fn received(&mut self, incoming: Incoming) {
        let message = incoming.message().unwrap();
        self.unknown.remove(&message.id);
        let (times, marked) = self.received.entry(message.id).or_default();
        *times += 1;
        *marked += usize::from(message.may_repeat);
    }

    fn received_twice(&self) -> Vec<&MessageId> {
        let twice = self.received.iter().filter(|(_, (times, _))| *times > 1);
        twice.map(|(id, _)| id).collect()
    }

    fn told_twice(&self) -> Vec<(&MessageId, &Vec<String>)> {
        self.told.iter().filter(|(_, told)| told.len() > 1).collect()
    }

    /// How many were told this.
    fn count(&self, word: &str) -> usize {
        self.told.values().filter(|told| told[0] == word).count()
    }
}

type Shared = Arc<Mutex<Ledger>>;

/// Sends messages of about a kilobyte, `at_a_time` each five milliseconds, as long as there are fewer than `limit`
/// says; and hears what becomes of them.
async fn sends(
    mut client: Client,
    message: Outgoing,
    at_a_time: usize,
    limit: watch::Receiver<usize>,
    ledger: Shared,
) {
    let mut tick = interval(Duration::from_millis(5));
    let mut sent = 0;
    loop {
        tick.tick().await;
        while let Some(Ok(incoming)) = client.recv().now_or_never() {
            ledger.lock().unwrap().told(incoming);
        }
        for _ in 0..at_a_time {
            if sent < *limit.borrow() {
                let id = client.send_message(message.clone()).await.unwrap();
                ledger.lock().unwrap().sent(id);
                sent += 1;
            }
        }
    }
}

async fn receives(mut client: Client, ledger: Shared) {
    while let Ok(incoming) = client.recv().await {
        ledger.lock().unwrap().received(incoming);
    }
}

/// Waits until a condition holds.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let mut look = interval(Duration::from_millis(5));
    let held = timeout(PATIENCE, async {
        while !holds() {
            look.tick().await;
        }
    });
    assert!(held.await.is_ok(), "{what}: not within {PATIENCE:?}");
}

/// Waits until each message was received, or its sender told; says what there is to know where that does not come.
///
/// To look must cost next to nothing: whoever counts what is received takes the same lock.
async fn all_known(mesh: &Mesh, ledger: &Shared) {
    let mut look = interval(Duration::from_millis(5));
    let known = timeout(PATIENCE, async {
        while !ledger.lock().unwrap().unknown.is_empty() {
            look.tick().await;
        }
    });
    if known.await.is_err() {
        let statuses = mesh.statuses().await.unwrap();
        let ledger = ledger.lock().unwrap();
        let unknown: Vec<u64> = ledger.unknown.iter().map(|id| id.counter).collect();
        let (told, received) = (ledger.told.len(), ledger.received.len());
        panic!("{told} told, {received} received, not known {unknown:?}: {statuses:#?}");
    }
}

/// Waits until a node says that its link to a neighbour is down.
async fn down(events: &mut broadcast::Receiver<Event>, neighbour: &str) {
    let told = timeout(PATIENCE, async {
        loop {
            let event = events.recv().await.unwrap();
            if matches!(event, Event::LinkDown(it) if it.as_str() == neighbour) {
                return;
            }
        }
    });
    assert!(told.await.is_ok(), "the link to {neighbour} is not down");
}

/// Kills a link in one of two ways, and lets it come up again when both ends know.
async fn kill(mesh: &Mesh, (one, other): (&str, &str), by_reset: bool) {
    let mut events = [one, other].map(|end| mesh.node(end).unwrap().events());
    let link = format!("{one}--{other}");
    if by_reset {
        mesh.reset(&link).await.unwrap();
    } else {
        mesh.black_hole(&link).unwrap();
    }
    down(&mut events[0], other).await;
    down(&mut events[1], one).await;
    mesh.heal(&link).await.unwrap();
}

/// Scenarios 26 and 27 over real sockets: the better way breaks ten times, five times by RST in the middle of a
/// frame, five times because nothing passes any more. No message is unknown, and none is handed over twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_26_27_ten_links_are_killed_under_load_and_no_message_is_unknown() {
    let topology = hopline_topo::parse("diamond.toml", DIAMOND).unwrap().topology;
    let mesh = Mesh::over_tcp(topology).await.unwrap();
    let (confirmed, once) = (Shared::default(), Shared::default());
    let (limit, limited) = watch::channel(0);
    let (limit_once, limited_once) = watch::channel(0);
    let message = |to| Outgoing::new(to, vec![7; PAYLOAD]);
    let client = |name| mesh.client(name);
    let mut tasks = JoinSet::new();
    tasks.spawn(receives(client("bob").await.unwrap(), confirmed.clone()));
    tasks.spawn(receives(client("bill").await.unwrap(), once.clone()));
    let (alice, anna) = (client("alice").await.unwrap(), client("anna").await.unwrap());
    mesh.converged().await.unwrap();
    let to_bob = message("bob").confirmed();
    tasks.spawn(sends(alice, to_bob, AT_A_TIME, limited, confirmed.clone()));
    let beside = BESIDE * AT_A_TIME;
    tasks.spawn(sends(anna, message("bill"), beside, limited_once, once.clone()));

    let links = [("west", "north"), ("north", "east")];
    for number in 0..KILLS {
        assert_route!(mesh, "alice" -> "bob", via ["west", "north", "east"]);
        limit.send_replace((number + 1) * CONFIRMED);
        limit_once.send_replace((number + 1) * CONFIRMED * BESIDE);
        let sent = || confirmed.lock().unwrap().sent.len();
        until("some are sent", || sent() > number * CONFIRMED + CONFIRMED / 5).await;
        kill(&mesh, links[number / 2 % 2], number % 2 == 0).await;
        until("all are sent", || sent() == (number + 1) * CONFIRMED).await;
        mesh.converged().await.unwrap();
    }

    let told = || confirmed.lock().unwrap().told.len();
    until("all confirmed ones have an end", || told() == KILLS * CONFIRMED).await;
    let sent = || once.lock().unwrap().sent.len();
    until("all others are sent", || sent() == KILLS * CONFIRMED * BESIDE).await;
    all_known(&mesh, &once).await;
    let is_quiet = |status: &NodeStatus| status.waiting == 0 && status.kept == 0;
    mesh.until(|statuses| statuses.values().all(is_quiet)).await.unwrap();
    let ledger: Books = mesh.statuses().await.unwrap().values().sum();
    assert!(ledger.is_balanced() && ledger.is_quiet(), "{ledger:?}");

    mesh.shutdown().await;

    assert_confirmed(&confirmed.lock().unwrap());
    assert_at_most_once(&once.lock().unwrap());
}

/// Each was delivered, once, and its sender told so, once.
fn assert_confirmed(ledger: &Ledger) {
    assert_eq!(ledger.count("delivered"), KILLS * CONFIRMED);
    assert_eq!(ledger.told_twice(), []);
    assert_eq!(ledger.received_twice(), Vec::<&MessageId>::new());
    assert_eq!(ledger.received.len(), KILLS * CONFIRMED);
}

/// Each was delivered, or came back, or is in doubt and may have been.
fn assert_at_most_once(ledger: &Ledger) {
    assert_eq!(ledger.told_twice(), []);
    assert_eq!(ledger.received_twice(), Vec::<&MessageId>::new());
    let returned = ledger.told.iter().filter(|(_, told)| told[0] != "in doubt");
    let both: Vec<_> = returned.filter(|(id, _)| ledger.received.contains_key(id)).collect();
    assert_eq!(both, [], "came back and were delivered all the same");
    let only_told = ledger.told.keys().filter(|id| !ledger.received.contains_key(id)).count();
    assert_eq!(ledger.received.len() + only_told, KILLS * CONFIRMED * BESIDE);
    assert!(ledger.count("in doubt") > 0, "no kill met a message");
}

/// How many messages `west` has handed to neighbours.
fn forwarded(statuses: &BTreeMap<NodeName, NodeStatus>) -> u64 {
    let west = statuses.iter().find(|(node, _)| node.as_str() == "west");
    west.and_then(|(_, status)| status.counters.get("forwarded").copied()).unwrap_or_default()
}

/// Scenario 55: a long message is cut in the middle, by the end of its link or of its sender. Nothing of it is handed
/// over; the sender that is there is told, and whatever it took on the way is free again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_55_a_long_message_that_is_cut_arrives_whole_or_not_at_all() {
    const LONG: usize = 8 << 20;
    let topology = hopline_topo::parse("diamond.toml", DIAMOND).unwrap().topology;
    let mesh = Mesh::over_tcp(topology).await.unwrap();
    let (mut alice, mut bob) =
        (mesh.client("alice").await.unwrap(), mesh.client("bob").await.unwrap());
    mesh.converged().await.unwrap();
    let long = Bytes::from(vec![7; LONG]);
    let (mut told, mut round) = (0, 0);
    // Now and then a long message is through before the link is cut.
    while round < 6 || told == 0 {
        assert!(round < 100, "no long message was cut");
        round += 1;
        if round % 2 == 0 {
            let before = forwarded(&mesh.statuses().await.unwrap());
            alice.send("bob", long.clone()).await.unwrap();
            mesh.until(|statuses| forwarded(statuses) > before).await.unwrap();
            mesh.reset("north--west").await.unwrap();
        } else {
            let anna = mesh.client("anna").await.unwrap();
            mesh.converged().await.unwrap();
            anna.send("bob", long.clone()).await.unwrap();
            // It is on its way to its node, or not yet.
            drop(anna);
        }
        mesh.converged().await.unwrap();
        // As many as two windows of bytes, one after the other: nothing of the long one is in their way.
        for number in 0..4 {
            alice.send_confirmed(Outgoing::new("bob", vec![number; 512 << 10])).await.unwrap();
        }
        let last = |message: &hopline_mesh::client::Message| message.payload[0][0] == 3;
        loop {
            let message = timeout(PATIENCE, bob.recv()).await.unwrap().unwrap().message().unwrap();
            let length = message.payload[0].len();
            assert!(length == LONG || length == 512 << 10, "{length} bytes of a message");
            if last(&message) {
                break;
            }
        }
        while let Some(Ok(Incoming::Failed(failure))) = alice.recv().now_or_never() {
            assert_eq!(failure.reason, "in doubt");
            told += 1;
        }
    }
    let is_quiet = |status: &NodeStatus| status.waiting == 0 && status.kept == 0;
    mesh.until(|statuses| statuses.values().all(is_quiet)).await.unwrap();
    mesh.shutdown().await;
}
