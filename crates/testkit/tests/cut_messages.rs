//! Clients that go in the middle of what they say, over real sockets.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::collections::BTreeMap;

use hopline_core::Endpoint;
use hopline_mesh::client::Client;
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::NodeStatus;
use hopline_testkit::{Mesh, PATIENCE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::timeout;

const REGIONS: &str = r#"
[mesh]
name = "regions"

[nodes.top]

[nodes.east]
upstream = ["top"]

[nodes.west]
upstream = ["top"]
limits = { unfinished = "6MiB" }

[clients]
alice = "west"
bob = "east"
"#;

/// The bytes of a long message's text, more than what systems hold between two ends.
const LONG: usize = 4 << 20;
/// The most that the system may hold of what was written and not read, about.
const ON_THE_WAY: u32 = 64 << 10;

/// A client of one frame a message, byte by byte.
struct Raw(TcpStream);

impl Raw {
    /// Shakes hands as `name`.
    async fn attach(endpoint: &Endpoint, name: &str) -> Self {
        let Endpoint::Tcp { host, port } = endpoint else { panic!("not over TCP") };
        let address = lookup_host((host.as_str(), *port)).await.unwrap().next().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_send_buffer_size(ON_THE_WAY).unwrap();
        let mut raw = Self(socket.connect(address).await.unwrap());
        let mut greeting = b"\xFF\0\0\0\0\0\0\0\0\x7F\x03\x00NULL".to_vec();
        greeting.resize(64, 0);
        let mut ready = b"\x05READY".to_vec();
        for (key, value) in [("Socket-Type", "DEALER"), ("Identity", name)] {
            ready.push(u8::try_from(key.len()).unwrap());
            ready.extend(key.as_bytes());
            ready.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
            ready.extend(value.as_bytes());
        }
        raw.write(&greeting).await;
        raw.read(64).await;
        raw.write(&[&[4, u8::try_from(ready.len()).unwrap()], ready.as_slice()].concat()).await;
        let head = raw.read(2).await;
        raw.read(head[1].into()).await;
        raw
    }

    async fn write(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.0.write_all(bytes)).await.unwrap().unwrap();
    }

    async fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        timeout(PATIENCE, self.0.read_exact(&mut bytes)).await.unwrap().unwrap();
        bytes
    }
}

/// A long message to bob as it is on the wire; `more` says that another frame follows.
fn long(more: bool) -> Vec<u8> {
    let text = "x".repeat(LONG);
    let body = format!(r#"{{"destination":"bob","content":"{text}"}}"#).into_bytes();
    let mut frame = vec![2 | u8::from(more)];
    frame.extend((body.len() as u64).to_be_bytes());
    frame.extend(body);
    frame
}

fn count(statuses: &BTreeMap<NodeName, NodeStatus>, counter: &str) -> u64 {
    statuses["west"].counters.get(counter).copied().unwrap_or_default()
}

/// The next message that is handed to a client.
async fn next(client: &mut Client) -> Vec<u8> {
    let message = timeout(PATIENCE, client.recv()).await.unwrap().unwrap().message().unwrap();
    message.payload[0].to_vec()
}

/// Scenario 55: the sender of a long message goes when its node has much of it: in a frame, in a frame's head, between
/// two frames; by closing and by a reset. Nothing of it enters the mesh, it is counted, its room is free again, and so
/// is its sender's name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_55_of_a_message_whose_sender_goes_in_the_middle_nothing_enters_the_mesh() {
    let topology = hopline_topo::parse("regions.toml", REGIONS).unwrap().topology;
    let mesh = Mesh::over_tcp(topology).await.unwrap();
    let (alice, mut bob) = (mesh.client("alice").await.unwrap(), mesh.client("bob").await.unwrap());
    mesh.converged().await.unwrap();
    let west = mesh.endpoint("west").unwrap();
    let (whole, first) = (long(false), long(true));
    let in_a_head = [first.as_slice(), &whole[..5]].concat();
    let cuts = [&whole[..whole.len() / 2], &whole[..whole.len() - 1], &in_a_head, &first];
    let mut aborted = 0;
    for said in cuts {
        for by_reset in [false, true] {
            let before = count(&mesh.statuses().await.unwrap(), "accepted");
            let mut anna = Raw::attach(&west, "anna").await;
            // By far most of it is with the node once it is written.
            anna.write(said).await;
            if by_reset {
                anna.0.set_zero_linger().unwrap();
            }
            drop(anna);
            aborted += 1;
            mesh.until(|statuses| count(statuses, "aborted") == aborted).await.unwrap();
            assert_eq!(count(&mesh.statuses().await.unwrap(), "accepted"), before);
            alice.send("bob", "after it").await.unwrap();
            assert_eq!(next(&mut bob).await, b"after it");
        }
    }
    // What was cut so often was a message: whole, it arrives. Two at a time need the room that the others had.
    let mut anna = Raw::attach(&west, "anna").await;
    let mut arthur = Raw::attach(&west, "arthur").await;
    tokio::join!(anna.write(&whole), arthur.write(&whole));
    for _ in 0..2 {
        let arrived = next(&mut bob).await;
        assert!(arrived.len() >= LONG, "{} bytes", arrived.len());
    }
    mesh.until(|statuses| statuses.values().all(|status| status.waiting == 0)).await.unwrap();
    mesh.shutdown().await;
}
