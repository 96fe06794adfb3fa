//! The ledger of a mesh of processes: what has become of all messages, by what each node counts.

use std::collections::BTreeSet;
use std::time::Duration;

use hopline::mesh::client::{Client, ClientOptions, Incoming, Outgoing};
use hopline::mesh::wire::MessageId;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::drain::DIAMOND;
use crate::sandbox::{PATIENCE, Sandbox, until};

/// What is not the end of a message.
const OPEN: [&str; 2] = ["waiting", "under_way"];

/// The ledger as `status` shows it, which balances whenever it is asked for.
pub(crate) fn ledger(sandbox: &Sandbox, file: &str) -> Value {
    let status = sandbox.json(&["status", file, "--json"]);
    let nodes = status["nodes"].as_array().unwrap().iter();
    for ledger in nodes.map(|node| &node["ledger"]).chain([&status["ledger"]]) {
        let count = |key: &str| ledger[key].as_u64().unwrap();
        let ended = ["delivered", "returned", "in_doubt", "superseded", "counted"].map(count);
        let ended = ended.iter().sum::<u64>();
        let open = OPEN.map(count).iter().sum::<u64>();
        assert_eq!(count("sent") + count("arrived_after_all"), ended + open, "{ledger}");
        assert_eq!(ledger["unaccounted"], 0, "{ledger}");
    }
    assert_eq!(status["ledger_complete"], true);
    status["ledger"].clone()
}

/// What a client was handed, or heard of its own messages, until nothing came for a while.
async fn heard(client: &mut Client) -> Vec<Incoming> {
    let mut heard = Vec::new();
    while let Ok(Ok(incoming)) = timeout(Duration::from_millis(100), client.recv()).await {
        heard.push(incoming);
    }
    heard
}

/// Both classes, to somebody who is there and to somebody who is not, over a way whose links are cut and healed. The
/// ledger balances all the time, in the end every message has ended, and it agrees with what the clients know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_is_delivered_returned_in_doubt_or_counted() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.file("diamond.toml", DIAMOND).display().to_string();
    sandbox.data(&["up", "--detach", &file]);
    let running = sandbox.running(file.as_ref());
    let client = async |node: &str, name: &str| {
        let at = running.processes[node].endpoint.clone().unwrap();
        Client::connect(&at, ClientOptions::named(name).unwrap()).await.unwrap()
    };
    let (mut alice, mut dave) = (client("a", "alice").await, client("d", "dave").await);
    assert_eq!(alice.converged(PATIENCE).await, Ok(()));
    let mut sent: BTreeSet<MessageId> = BTreeSet::new();
    for round in 0..6 {
        for number in 0..60 {
            let to = if number % 6 == 5 { "nobody" } else { "dave" };
            let message = Outgoing::new(to, number.to_string());
            let message = if number % 3 == 0 { message.confirmed() } else { message };
            sent.insert(alice.send_message(message).await.unwrap());
        }
        let way = if round % 2 == 0 { "--cut" } else { "--heal" };
        sandbox.data(&["impair", &file, "a--b", way]);
        ledger(&sandbox, &file);
    }
    let (mut delivered, mut told) = (BTreeSet::new(), BTreeSet::new());
    let deadline = Instant::now() + PATIENCE;
    while sent.iter().any(|id| !delivered.contains(id) && !told.contains(id)) {
        assert!(Instant::now() < deadline, "of {} some are unknown", sent.len());
        delivered.extend(heard(&mut dave).await.iter().map(id));
        told.extend(heard(&mut alice).await.iter().map(id));
    }
    until("every message has ended", || async {
        let ledger = ledger(&sandbox, &file);
        OPEN.iter().all(|key| ledger[*key] == 0)
    })
    .await;
    let ledger = ledger(&sandbox, &file);
    let count = |key: &str| ledger[key].as_u64().unwrap();
    assert!(count("sent") >= sent.len() as u64, "{ledger}");
    assert!(count("delivered") >= (delivered.len() + told.len()) as u64, "{ledger}");
    assert!(count("returned") >= 60, "of nobody: {ledger}");
    assert!(count("arrived_after_all") <= sent.len() as u64, "{ledger}");
    let shown = sandbox.data(&["status", &file]);
    let line = shown.lines().find(|line| line.starts_with("messages: ")).unwrap();
    assert!(line.contains(" returned"), "{line}");
    assert!(!line.contains("waiting") && !line.contains("UNACCOUNTED"), "{line}");
}

/// The message that it is, or is about.
fn id(incoming: &Incoming) -> MessageId {
    match incoming {
        Incoming::Message(message) => message.id,
        Incoming::Failed(failure) => failure.id,
        Incoming::Delivered(delivery) => delivery.id,
    }
}
