//! A neighbour with another key, over real connections: how often it dials.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::time::Duration;

use hopline_mesh::brain::Event;
use hopline_mesh::name::NodeName;
use hopline_mesh::node::{NodeConfig, RoutingNode};
use hopline_mesh::wire::hello::MeshKey;
use hopline_testkit::PATIENCE;
use tokio::time::{Instant, timeout};

/// So many dials in a row are refused.
const DIALS: u32 = 7;

/// A node at a free port of the loopback.
async fn node(name: &str, key: u8) -> RoutingNode {
    let bind = "tcp://127.0.0.1:0".parse().unwrap();
    let name = NodeName::parse(name).unwrap();
    RoutingNode::start(NodeConfig::new("m", name, bind, MeshKey::new([key; 32]))).await.unwrap()
}

/// Scenario 71 over TCP: each dial gets as far as the key and is refused there. That is no success: each wait is twice the
/// one before, less a quarter for jitter, so that a minute holds some twenty dials and not a thousand. At the other end
/// no more connections are open than one, and the link with the right key is not touched.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_71_a_neighbour_with_another_key_dials_ever_more_rarely() {
    let (a, b, wrong) = (node("a", 7).await, node("b", 7).await, node("w", 8).await);
    let (mut events, mut refusals) = (a.events(), wrong.events());
    let neighbour = || NodeName::parse("a").unwrap();
    b.dial(neighbour(), a.endpoint().clone()).await.unwrap();
    while !matches!(timeout(PATIENCE, events.recv()).await.unwrap(), Ok(Event::LinkUp(_))) {}

    let began = Instant::now();
    wrong.dial(neighbour(), a.endpoint().clone()).await.unwrap();
    let mut refused = 0;
    while refused < DIALS {
        if let Event::LinkRefused { reason, .. } =
            timeout(PATIENCE, refusals.recv()).await.unwrap().unwrap()
        {
            assert_eq!(reason, "wrong key");
            refused += 1;
        }
    }
    let waits = (0..DIALS - 1).map(|wait| Duration::from_millis(50) * 2_u32.pow(wait));
    let least = waits.sum::<Duration>().mul_f64(0.75);
    assert!(began.elapsed() >= least, "{DIALS} dials in {:?}", began.elapsed());

    let status = a.status().await.unwrap();
    let links: Vec<_> = status.links.iter().map(|it| (it.neighbour.as_str(), it.up)).collect();
    assert_eq!(links, [("b", true)]);
    assert!(status.clients.is_empty() && status.pending <= 1, "{} are pending", status.pending);
    while let Ok(event) = events.try_recv() {
        assert!(!matches!(event, Event::LinkUp(_) | Event::LinkDown(_)), "{event:?}");
    }
    for node in [wrong, b, a] {
        node.shutdown().await;
    }
}
