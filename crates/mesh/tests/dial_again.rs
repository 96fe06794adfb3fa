//! A neighbour that does not answer is dialled ever less often, and at once when somebody says that it is there.

use std::time::Duration;

use hopline_core::Endpoint;
use hopline_mesh::brain::{Event, Liveness, Settings};
use hopline_mesh::name::NodeName;
use hopline_mesh::node::{NodeConfig, RoutingNode};
use hopline_mesh::wire::hello::MeshKey;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_neighbour_of_which_is_said_again_where_it_is_is_dialled_at_once() {
    let neighbour = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = neighbour.local_addr().unwrap().port();
    let endpoint = Endpoint::Tcp { host: "127.0.0.1".to_owned(), port };
    let far = NodeName::parse("far").unwrap();
    let near = NodeName::parse("near").unwrap();
    let at = "mem://dials-again".parse().unwrap();
    let node = RoutingNode::start(NodeConfig::new("m", near, at, MeshKey::new([7; 32])));
    let node = node.await.unwrap();
    node.dial(far.clone(), endpoint.clone()).await.unwrap();
    // Each connection is closed at once.
    let dialled = async || timeout(PATIENCE, neighbour.accept()).await.unwrap().map(drop).unwrap();
    let mut pause = Duration::ZERO;
    let mut last = Instant::now();
    while pause < Duration::from_millis(1200) {
        dialled().await;
        pause = last.elapsed();
        last = Instant::now();
    }
    // The next pause would be twice as long, give or take a quarter.
    node.dial(far, endpoint).await.unwrap();
    dialled().await;
    assert!(last.elapsed() < pause, "{:?} after {pause:?}", last.elapsed());
    node.shutdown().await;
}

/// A link to where the neighbour is no more is down at once: nobody waits for its silence.
#[tokio::test]
async fn a_neighbour_that_is_elsewhere_now_has_no_link_where_it_was() {
    let node = async |name: &str, at: &str| {
        let name = NodeName::parse(name).unwrap();
        let config = NodeConfig::new("m", name, at.parse().unwrap(), MeshKey::new([7; 32]));
        let liveness = Liveness { silence: 10 * PATIENCE, ..config.settings.liveness };
        let settings = Settings { liveness, ..config.settings };
        RoutingNode::start(NodeConfig { settings, ..config }).await.unwrap()
    };
    let far = node("far", "mem://moves-away").await;
    let near = node("near", "mem://stays").await;
    let mut told = near.events();
    let mut next = async || timeout(PATIENCE, told.recv()).await.unwrap().unwrap();
    near.dial(far.name().clone(), far.endpoint().clone()).await.unwrap();
    while !matches!(next().await, Event::LinkUp(_)) {}
    near.dial(far.name().clone(), "mem://nobody-yet".parse().unwrap()).await.unwrap();
    while !matches!(next().await, Event::LinkDown(_)) {}
    for node in [near, far] {
        node.shutdown().await;
    }
}
