//! The Rust client of the session dialect, with a server whose every word is the test's own. Time is virtual.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::time::Duration;

use hopline_core::{Endpoint, Frames, PeerId, Router, RouterEvent, RouterOptions};
use hopline_mesh::client::{AskError, ConnectError, SessionClient, SessionOptions};
use serde_json::{Value, json};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

fn named(name: &str) -> SessionOptions {
    SessionOptions { timeout: PATIENCE, ..SessionOptions::named(name).unwrap() }
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it comes in time")
}

/// A server whose every word the test says itself.
struct Script {
    router: Router,
    endpoint: Endpoint,
}

impl Script {
    async fn start(name: &str) -> Self {
        let endpoint: Endpoint = format!("mem://session-script-{name}").parse().unwrap();
        let router = Router::bind(&endpoint, RouterOptions::default()).await.unwrap();
        Self { router, endpoint }
    }

    /// The next message, and its header.
    async fn heard(&mut self) -> (PeerId, Value) {
        loop {
            if let RouterEvent::Message(from, frames) = soon(self.router.recv_event()).await {
                return (from, serde_json::from_slice(&frames[0]).unwrap());
            }
        }
    }

    async fn say(&self, to: PeerId, kind: &str, asked: &Value, payload: Value) {
        let header = json!({"version": "1.0", "type": kind, "reply_to": asked["id"]});
        let frames: Frames = vec![header.to_string().into(), payload.to_string().into()];
        self.router.sender().send_to(to, frames).await.unwrap();
    }

    async fn welcome(&mut self) -> PeerId {
        let (from, hello) = self.heard().await;
        assert_eq!(hello["type"], "HELLO");
        self.say(from, "WELCOME", &hello, json!({"session_id": "s"})).await;
        from
    }

    /// Connects a client with this much patience.
    async fn client(&mut self, patience: Duration) -> SessionClient {
        let options = SessionOptions { timeout: patience, ..named("ann") };
        let endpoint = self.endpoint.clone();
        let (client, _) = tokio::join!(SessionClient::connect(&endpoint, options), self.welcome());
        client.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_over_a_lost_connection_ends_and_the_next_begins_with_hello() {
    let mut server = Script::start("lost").await;
    let ann = server.client(PATIENCE).await;
    for _ in 0..3 {
        let (said, ()) = tokio::join!(ann.data("x"), async {
            let (from, asked) = server.heard().await;
            assert_eq!(asked["type"], "DATA");
            server.router.sender().close(from);
        });
        assert_eq!(said, Err(AskError::Lost));
        let (pong, ()) = tokio::join!(ann.ping(), async {
            server.welcome().await;
            let (from, asked) = server.heard().await;
            assert_eq!(asked["type"], "PING");
            let pong = json!({"server_time": 1.5, "client_count": 3});
            server.say(from, "PONG", &asked, pong).await;
        });
        assert_eq!(pong.unwrap().client_count, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_comes_too_late_is_nobodys() {
    let mut server = Script::start("late").await;
    let ann = server.client(Duration::from_millis(50)).await;
    let said = ann.ping().await;
    assert_eq!(said, Err(AskError::Timeout { after: Duration::from_millis(50) }));
    let (from, late) = server.heard().await;
    assert_eq!(late["type"], "PING");
    server.say(from, "PONG", &late, json!({"server_time": 1.5, "client_count": 1})).await;
    let (pong, ()) = tokio::join!(ann.ping(), async {
        let (from, asked) = server.heard().await;
        server.say(from, "PONG", &asked, json!({"server_time": 1.5, "client_count": 2})).await;
    });
    assert_eq!(pong.unwrap().client_count, 2);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_says_welcome_connecting_ends_in_time() {
    let server = Script::start("silent").await;
    match SessionClient::connect(&server.endpoint, named("ann")).await.unwrap_err() {
        ConnectError::Timeout { endpoint, after } => {
            assert_eq!((endpoint, after), (server.endpoint, PATIENCE));
        }
        error => panic!("{error}"),
    }
    let nobody = "mem://nobody-is-here".parse().unwrap();
    let error = SessionClient::connect(&nobody, named("ann")).await.unwrap_err();
    assert!(matches!(error, ConnectError::Timeout { .. }));
}

#[tokio::test(start_paused = true)]
async fn what_a_server_refuses_or_muddles_is_told() {
    let mut server = Script::start("muddled").await;
    let ann = server.client(PATIENCE).await;
    for (kind, payload, expected) in [
        ("ERROR", json!({"error": "no"}), AskError::Refused { message: "no".into() }),
        ("PONG", json!({}), AskError::Malformed { why: "PONG instead of DATA_ACK".into() }),
    ] {
        let (said, ()) = tokio::join!(ann.data("x"), async {
            let (from, asked) = server.heard().await;
            server.say(from, "ERROR", &json!({"id": "unknown"}), json!({"error": "stray"})).await;
            server.say(from, kind, &asked, payload).await;
        });
        assert_eq!(said, Err(expected));
    }
    let large = "x".repeat(17 << 20);
    assert_eq!(ann.data(&large).await, Err(AskError::TooLarge));
}

#[tokio::test(start_paused = true)]
async fn whom_a_server_refuses_after_a_while_is_told_until_it_is_taken_in_again() {
    let mut server = Script::start("refuses").await;
    let ann = server.client(PATIENCE).await;
    let (said, ()) = tokio::join!(ann.ping(), async {
        let (from, _) = server.heard().await;
        server.router.sender().close(from);
    });
    assert_eq!(said, Err(AskError::Lost));
    let (said, ()) = tokio::join!(ann.ping(), async {
        let (from, hello) = server.heard().await;
        server.say(from, "ERROR", &hello, json!({"error": "full"})).await;
    });
    assert_eq!(said, Err(AskError::NotTakenIn { message: "full".into() }));
    assert_eq!(ann.session_id(), None);
    server.welcome().await;
    let pong = loop {
        let mut asked = std::pin::pin!(ann.ping());
        let said = soon(async {
            loop {
                tokio::select! {
                    biased;
                    said = &mut asked => return said,
                    (from, asked) = server.heard() => {
                        let pong = json!({"server_time": 1.5, "client_count": 1});
                        server.say(from, "PONG", &asked, pong).await;
                    }
                }
            }
        });
        match said.await {
            Ok(pong) => break pong,
            // It has not heard of the welcome yet.
            Err(error) => assert_eq!(error, AskError::NotTakenIn { message: "full".into() }),
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(pong.client_count, 1);
}
