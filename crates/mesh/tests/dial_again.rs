//! A neighbour that does not answer is dialled ever less often, and at once when somebody says that it is there.

use std::time::Duration;

use hopline_core::Endpoint;
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
