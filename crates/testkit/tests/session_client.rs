//! The Rust client of the session dialect at real nodes.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::sync::Arc;

use hopline_mesh::client::{
    AskError, BrokerClient, BrokerOptions, ConnectError, SessionClient, SessionOptions,
};
use hopline_mesh::dialect::session::{Data, DataHandler};
use hopline_mesh::name::NodeName;
use hopline_mesh::node::{NodeConfig, RoutingNode};
use hopline_mesh::wire::hello::MeshKey;
use hopline_testkit::{Mesh, PATIENCE};
use serde_json::{Value, json};

const PAIR: &str = "[mesh]\nname = 'pair'\n[nodes.top]\n[nodes.east]\nupstream = 'top'\n";

fn named(name: &str) -> SessionOptions {
    SessionOptions { timeout: PATIENCE, ..SessionOptions::named(name).unwrap() }
}

#[tokio::test]
async fn a_session_counts_its_texts_and_ends_with_bye() {
    let mesh = Mesh::from_text("pair.toml", PAIR).await.unwrap();
    let top = mesh.endpoint("top").unwrap();
    let ann = SessionClient::connect(&top, named("ann")).await.unwrap();
    let packed = SessionOptions { compress_over: Some(0), ..named("bob") };
    let bob = SessionClient::connect(&top, packed).await.unwrap();
    assert_eq!(ann.session_id().as_deref(), Some("ann"));
    for client in [&ann, &bob] {
        for number in 1..=3 {
            let ack = client.data("h\u{e9}").await.unwrap();
            assert_eq!((ack.original_size, ack.message_number), (3, number));
            assert_eq!(ack.echo, "h\u{e9}");
            assert!(ack.processed_at > 1e9);
        }
    }
    assert_eq!(ann.ping().await.unwrap().client_count, 2);
    bob.bye().await.unwrap();
    assert_eq!(ann.ping().await.unwrap().client_count, 1);
    mesh.shutdown().await;
}

#[tokio::test]
async fn requests_at_the_same_time_get_each_its_own_reply() {
    let mesh = Mesh::from_text("pair.toml", PAIR).await.unwrap();
    let ann = SessionClient::connect(&mesh.endpoint("top").unwrap(), named("ann")).await.unwrap();
    let (one, other, pong) = tokio::join!(ann.data("one"), ann.data("other"), ann.ping());
    assert_eq!((one.unwrap().echo, other.unwrap().echo), ("one".into(), "other".into()));
    assert_eq!(pong.unwrap().client_count, 1);
    mesh.shutdown().await;
}

#[tokio::test]
async fn whose_identity_is_taken_is_told_so() {
    let mesh = Mesh::from_text("pair.toml", PAIR).await.unwrap();
    let top = mesh.endpoint("top").unwrap();
    let ann = SessionClient::connect(&top, named("ann")).await.unwrap();
    match SessionClient::connect(&top, named("ann")).await.unwrap_err() {
        ConnectError::Refused { reason } => assert_eq!(reason, "name in use"),
        error => panic!("{error}"),
    }
    assert_eq!(ann.data("x").await.unwrap().message_number, 1);
    mesh.shutdown().await;
}

/// At a node that does not speak its dialect, or with a name that is longer than a message may be, a client is refused
/// and does not wait for its whole time.
#[tokio::test]
async fn who_is_not_taken_in_is_told_why() {
    let text = ["json", "broker", "session"]
        .map(|dialect| format!("[nodes.{dialect}]\ndialects = ['{dialect}']\n"));
    let text = format!("[mesh]\nname = 'three'\n{}", text.concat());
    let mesh = Mesh::from_text("three.toml", &text).await.unwrap();
    let refused = |error| match error {
        ConnectError::Refused { reason } => reason,
        error => panic!("{error}"),
    };
    for (node, why) in [
        ("json", "Malformed message: one frame is expected, not 2"),
        ("broker", "Unknown message type: HELLO"),
    ] {
        let endpoint = mesh.endpoint(node).unwrap();
        let error = SessionClient::connect(&endpoint, named("ann")).await.unwrap_err();
        assert_eq!(refused(error), why);
    }
    let speaks = [
        ("json", "Malformed message: `destination` is missing"),
        ("session", "Invalid message format"),
    ];
    for (node, why) in speaks {
        let endpoint = mesh.endpoint(node).unwrap();
        let error = BrokerClient::connect(&endpoint, registering("ann")).await.unwrap_err();
        assert_eq!(refused(error), why);
    }
    let long = "x".repeat(17 << 20);
    let endpoint = mesh.endpoint("broker").unwrap();
    let error = BrokerClient::connect(&endpoint, registering(&long)).await.unwrap_err();
    assert_eq!(refused(error), "the request is over the limits of a message");
    mesh.shutdown().await;
}

fn registering(name: &str) -> BrokerOptions {
    BrokerOptions { timeout: PATIENCE, ..BrokerOptions::named(name) }
}

#[tokio::test]
async fn a_node_that_was_restarted_is_greeted_again() {
    let mut mesh = Mesh::from_text("pair.toml", PAIR).await.unwrap();
    let ann = SessionClient::connect(&mesh.endpoint("east").unwrap(), named("ann")).await.unwrap();
    for number in 1..=3 {
        assert_eq!(ann.data("x").await.unwrap().message_number, number);
    }
    mesh.stop_node("east").await.unwrap();
    // It waits for the new session, or finds out that the old one is gone, and is asked again.
    let (ack, ()) = tokio::join!(
        async {
            match ann.data("y").await {
                Err(AskError::Lost) => ann.data("y").await,
                said => said,
            }
        },
        async { mesh.start_node("east").await.unwrap() }
    );
    assert_eq!(ack.unwrap().message_number, 1, "a new session has counted nothing");
    mesh.shutdown().await;
}

/// A handler whose replies are longer than what is sent plain.
#[derive(Debug)]
struct Long;

impl DataHandler for Long {
    fn handle(&self, data: &Data<'_>) -> Value {
        json!({"said": data.text.repeat(5_000)})
    }
}

#[tokio::test]
async fn compressed_replies_are_read_up_to_a_limit() {
    let port = "mem://long-replies".parse().unwrap();
    let name = NodeName::parse("top").unwrap();
    let mut config = NodeConfig::new("long", name, port, MeshKey::new([7; 32]));
    config.data_handler = Arc::new(Long);
    let node = RoutingNode::start(config).await.unwrap();
    let ann = SessionClient::connect(node.endpoint(), named("ann")).await.unwrap();
    assert_eq!(ann.say("ab").await.unwrap(), json!({"said": "ab".repeat(5_000)}));
    assert!(matches!(ann.data("ab").await, Err(AskError::Malformed { .. })));

    let wary = SessionOptions { inflated: 9_000, ..named("bob") };
    let bob = SessionClient::connect(node.endpoint(), wary).await.unwrap();
    let why = "the payload is larger than 9000 bytes when inflated".to_owned();
    assert_eq!(bob.say("ab").await, Err(AskError::Malformed { why }));
    assert_eq!(bob.say("a").await.unwrap()["said"], "a".repeat(5_000), "and it goes on");
    node.shutdown().await;
}
