//! The Rust client of the broker dialect at real nodes, which are one broker.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use hopline_core::Identity;
use hopline_mesh::client::{AskError, BrokerClient, BrokerEvent, BrokerOptions, Note};
use hopline_testkit::{Mesh, PATIENCE};
use serde_json::{Value, json};
use tokio::time::timeout;

const PAIR: &str = "[mesh]\nname = 'pair'\n[nodes.top]\n[nodes.east]\nupstream = 'top'\n";

async fn client(mesh: &Mesh, node: &str, name: &str) -> BrokerClient {
    let identity = Some(Identity::try_from(format!("id-{name}").as_str()).unwrap());
    let options = BrokerOptions { identity, timeout: PATIENCE, ..BrokerOptions::named(name) };
    BrokerClient::connect(&mesh.endpoint(node).unwrap(), options).await.unwrap()
}

async fn next(client: &mut BrokerClient) -> BrokerEvent {
    timeout(PATIENCE, client.recv()).await.expect("it comes in time").unwrap()
}

fn direct(event: BrokerEvent) -> Note {
    match event {
        BrokerEvent::Direct(note) => note,
        BrokerEvent::Broadcast(_) | BrokerEvent::Other(_) => panic!("{event:?}"),
    }
}

#[tokio::test]
async fn clients_at_two_nodes_have_one_broker() {
    let mesh = Mesh::from_text("pair.toml", PAIR).await.unwrap();
    let (mut ann, mut bob) =
        (client(&mesh, "east", "ann").await, client(&mesh, "top", "bob").await);
    assert_eq!(ann.client_id().as_deref(), Some("id-ann"));
    ann.send_to("bob", json!({"n": [1]})).await.unwrap();
    let note = direct(next(&mut bob).await);
    assert_eq!((note.from.as_str(), note.content), ("ann", json!({"n": [1]})));
    assert!(note.timestamp > 1e9);

    assert_eq!(bob.broadcast("all").await, Ok(1));
    assert!(matches!(next(&mut ann).await, BrokerEvent::Broadcast(note) if note.content == "all"));

    let mut names: Vec<_> =
        bob.list_clients().await.unwrap().clients.into_iter().map(|it| it.name).collect();
    names.sort();
    assert_eq!(names, ["ann", "bob"]);
    let here = bob.list_clients_here().await.unwrap();
    assert_eq!((here.total, here.clients[0].name.as_str()), (1, "bob"));
    assert!(here.clients[0].connected_since <= here.clients[0].last_activity);

    let message = "Target client 'eve' not found".to_owned();
    assert_eq!(bob.send_to("eve", Value::Null).await, Err(AskError::Refused { message }));
    assert_eq!(bob.ping().await.unwrap().stats.errors, 1);
    ann.register("eve").await.unwrap();
    bob.send_to("eve", Value::Null).await.unwrap();
    assert_eq!(direct(next(&mut ann).await).content, Value::Null);
    mesh.shutdown().await;
}

#[tokio::test]
async fn a_client_of_a_node_that_was_restarted_is_found_under_its_last_name() {
    let mut mesh = Mesh::from_text("pair.toml", PAIR).await.unwrap();
    let (mut ann, bob) = (client(&mesh, "east", "ann").await, client(&mesh, "top", "bob").await);
    ann.register("eve").await.unwrap();
    mesh.stop_node("east").await.unwrap();
    mesh.start_node("east").await.unwrap();
    // Whatever it asks first is asked when it has registered again, or was lost with the node.
    while let Err(error) = ann.ping().await {
        assert_eq!(error, AskError::Lost);
    }
    mesh.converged().await.unwrap();
    bob.send_to("eve", 1).await.unwrap();
    assert_eq!(direct(next(&mut ann).await).content, 1);
    mesh.shutdown().await;
}

#[tokio::test]
async fn what_json_clients_send_is_an_event_and_no_reply() {
    let mesh = Mesh::from_text("pair.toml", PAIR).await.unwrap();
    let mut ann = client(&mesh, "east", "ann").await;
    let bob = mesh.client_at("bob", "top").await.unwrap();
    mesh.converged().await.unwrap();
    let mut forged = hopline_mesh::client::Outgoing::new("id-ann", r#"{"type":"pong"}"#);
    forged.content_type = Some("application/json".to_owned());
    bob.send_message(forged).await.unwrap();
    let BrokerEvent::Other(message) = next(&mut ann).await else { panic!("no event") };
    assert_eq!((&message["type"], &message["original_sender"]), (&json!("pong"), &json!("bob")));
    assert_eq!(ann.ping().await.unwrap().stats.errors, 0);
    mesh.shutdown().await;
}
