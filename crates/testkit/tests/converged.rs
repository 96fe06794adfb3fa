//! A client waits until the mesh has converged.

use std::time::Duration;

use hopline_mesh::agreement::Lack;
use hopline_testkit::{Mesh, PATIENCE};

const REGIONS: &str = r#"
    [mesh]
    name = "regions"
    [nodes]
    top = { bind = "auto" }
    east = { bind = "auto", upstream = "top" }
    west = { bind = "auto", upstream = "top" }
"#;

#[tokio::test]
async fn a_client_knows_when_all_nodes_that_it_reaches_agree() {
    let mesh = Mesh::from_text("regions.toml", REGIONS).await.unwrap();
    let alice = mesh.client_at("alice", "east").await.unwrap();
    assert_eq!(alice.converged(PATIENCE).await, Ok(()));
    let status = mesh.node("west").unwrap().status().await.unwrap();
    let there = mesh.node("east").unwrap().status().await.unwrap();
    assert_eq!(status.attachments, there.attachments, "west knows of alice");

    mesh.cut("top--west").await.unwrap();
    assert_eq!(alice.converged(PATIENCE).await, Ok(()));
    assert_eq!(mesh.node("east").unwrap().status().await.unwrap().reachable.len(), 2);

    mesh.shutdown().await;
    assert_eq!(alice.converged(Duration::from_millis(50)).await, Err(Lack::Detached));
}
