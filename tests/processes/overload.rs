//! More than a mesh of processes can carry, for a while.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hopline::core::{Dealer, DealerOptions, Endpoint, Identity, SendError};
use hopline::mesh::client::{Client, ClientOptions, Incoming};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use crate::ledger::ledger;
use crate::sandbox::until;
use crate::stage::Stage;

const MIB: u64 = 1024 * 1024;

/// Four nodes whose clients send to `east`, all over the link between `hub` and `east`.
const STAR: &str = r#"
[mesh]
name = "star"

[defaults]
bind = "auto"
limits = { queue_bytes = "4MiB", window_bytes = "512KiB", flow_bytes = "2MiB" }

[nodes.hub]

[nodes.east]
upstream = ["hub"]

[nodes."s{n}"]
count = 4
upstream = ["hub"]
"#;
const SENDERS: [&str; 4] = ["s1", "s2", "s3", "s4"];

/// What may wait for one link and be unacknowledged on it, and what one node may have on its way to another, by the file.
const LINK: u64 = 4 * MIB + MIB / 2;
const FLOW: u64 = 2 * MIB;
/// What a process may take besides: buffers of its connections, and what its allocator keeps.
const BESIDES: u64 = 16 * MIB;

/// What the link in the middle carries in a second, and what is sent.
const CARRIED: u64 = 2_000_000;
const OFFERED: u64 = 5 * CARRIED;
const MESSAGE: usize = 32 * 1024;
/// For how long. All queues are full after a second, and then each second brings as much that has no place: a process
/// that kept it would be over its cap within six, so that a minute shows no more.
const OVERLOAD: Duration = Duration::from_secs(10);
/// News of the mesh are with all nodes by then. Behind all that waits for the link they would need longer.
const NEWS: Duration = Duration::from_millis(1_500);

/// What has become of all messages.
#[derive(Default)]
struct Tally {
    offered: AtomicU64,
    sent: AtomicU64,
    arrived: AtomicU64,
    told: AtomicU64,
}

impl Tally {
    fn read(&self) -> [u64; 3] {
        [&self.sent, &self.arrived, &self.told].map(|it| it.load(Ordering::SeqCst))
    }
}

async fn client(at: &Endpoint, name: &str) -> Client {
    Client::connect(at, ClientOptions::named(name).unwrap()).await.unwrap()
}

/// Offers its share until `end`, and hears for ever what comes back. What its node does not read is not sent.
async fn flood(mut dealer: Dealer, end: Instant, tally: Arc<Tally>) {
    let message = json!({ "destination": "bob", "content": "x".repeat(MESSAGE) }).to_string();
    let message = Bytes::from(message);
    let each = MESSAGE as u64 * SENDERS.len() as u64 * 1_000_000 / OFFERED;
    let mut tick = interval(Duration::from_micros(each));
    loop {
        tokio::select! {
            error = dealer.recv() => {
                let error: Value = serde_json::from_slice(&error[0]).unwrap();
                // The receiver's own queue is as small as the others: a burst may fill that too.
                let why = error["message"].as_str().unwrap();
                assert!(["queue full", "receiver slow"].contains(&why), "{why}");
                tally.told.fetch_add(1, Ordering::SeqCst);
            }
            _ = tick.tick(), if Instant::now() < end => {
                tally.offered.fetch_add(1, Ordering::SeqCst);
                match dealer.sender().try_send(vec![message.clone()]).await {
                    Ok(()) => tally.sent.fetch_add(1, Ordering::SeqCst),
                    Err(SendError::Full { .. }) => continue,
                    Err(error) => panic!("{error}"),
                };
            }
        }
    }
}

async fn hear(mut bob: Client, tally: Arc<Tally>) {
    while let Ok(incoming) = bob.recv().await {
        assert!(matches!(incoming, Incoming::Message(_)), "{incoming:?}");
        tally.arrived.fetch_add(1, Ordering::SeqCst);
    }
}

/// Bytes of memory that a process has.
fn resident(pid: u32) -> u64 {
    let ps = Command::new("ps").args(["-o", "rss=", "-p", &pid.to_string()]).output().unwrap();
    let kib: u64 = String::from_utf8(ps.stdout).unwrap().trim().parse().unwrap();
    kib * 1024
}

/// Scenario 54: five times what a link carries is sent, for long enough to fill all queues many times. Each process
/// stays under what its limits add up to, links stay up, news of the mesh are on time, what is too much is not read, or
/// refused, told and counted, and the ledger balances.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_54_too_much_costs_no_more_memory_than_is_declared_and_no_link() {
    let stage = Stage::up(STAR);
    let tally = Arc::new(Tally::default());
    let mut tasks = JoinSet::new();
    tasks.spawn(hear(client(&stage.at("east"), "bob").await, Arc::clone(&tally)));
    let mut floods = Vec::new();
    for node in SENDERS {
        let identity = Identity::new(format!("of-{node}")).ok();
        let options = DealerOptions { identity, ..DealerOptions::default() };
        floods.push(Dealer::connect(&stage.at(node), options).unwrap());
    }
    stage.until_converged().await;
    stage.impair("east--hub", &["--rate", "2MB/s"]).finish();

    let nodes: Vec<&str> = SENDERS.into_iter().chain(["hub", "east"]).collect();
    let pid = |node: &&str| stage.process(node).unwrap().pid;
    let pids: Vec<u32> = nodes.iter().map(pid).collect();
    let before: Vec<u64> = pids.iter().map(|pid| resident(*pid)).collect();
    let mut most = BTreeMap::new();
    let end = Instant::now() + OVERLOAD;
    for dealer in floods {
        tasks.spawn(flood(dealer, end, Arc::clone(&tally)));
    }
    let (mut news, mut slowest) = (0, Duration::ZERO);
    let mut look = interval(Duration::from_millis(250));
    while Instant::now() < end {
        look.tick().await;
        for ((node, pid), before) in nodes.iter().zip(&pids).zip(&before) {
            let more = resident(*pid).saturating_sub(*before);
            let most = most.entry(*node).or_insert(0);
            *most = more.max(*most);
        }
        news += 1;
        let newcomer = client(&stage.at("east"), &format!("news-{news}")).await;
        let came = Instant::now();
        stage.until_converged().await;
        slowest = slowest.max(came.elapsed());
        drop(newcomer);
    }
    for (node, most) in &most {
        let links = if *node == "hub" { nodes.len() as u64 - 1 } else { 1 };
        let declared = links * LINK + FLOW + BESIDES;
        assert!(*most < declared, "{node} took {most} bytes, not under {declared}");
    }
    let [sent, arrived, told] = tally.read();
    let offered = tally.offered.load(Ordering::SeqCst);
    assert!(offered > 4 * arrived, "{arrived} of {offered} arrived");
    assert!(told > arrived / 4 && sent < offered, "{told} were told, {sent} of {offered} sent");
    assert!(arrived * MESSAGE as u64 > CARRIED * OVERLOAD.as_secs() / 2, "{arrived} arrived");
    assert!(news > 10 && slowest < NEWS, "{slowest:?} for one of {news} news");

    stage.impair("east--hub", &["--clear"]).finish();
    until("each has arrived or was told", || async {
        let [sent, arrived, told] = tally.read();
        arrived + told == sent
    })
    .await;
    stage.until_converged().await;
    let [sent, arrived, told] = tally.read();
    let file = stage.file.display().to_string();
    until("nothing is under way", || async {
        let ledger = ledger(&stage.sandbox, &file);
        ledger["under_way"] == 0 && ledger["waiting"] == 0
    })
    .await;
    let statuses = stage.statuses().await;
    let count = |counter: &str| {
        let counts = statuses.values().filter_map(|it| it.counters.get(counter));
        counts.sum::<u64>()
    };
    let refused = count("queue full") + count("receiver slow");
    assert!(refused >= told, "{told} were refused, {refused} counted");
    assert_eq!(count("returned"), told);
    assert!(count("delivered") >= arrived && arrived < sent);
    for node in nodes {
        let log = stage.sandbox.running(&stage.file).place.log(&node.parse().unwrap());
        let log = std::fs::read_to_string(log).unwrap();
        assert!(!log.contains("link down"), "{node}: {log}");
    }
}
