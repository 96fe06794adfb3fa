//! The Rust client of the broker dialect, with the broker that core has as an example, and with one whose every word is
//! the test's own. Time is virtual.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::time::Duration;

use hopline_core::{Endpoint, Identity, PeerId, Router, RouterEvent, RouterOptions};
use hopline_mesh::client::{
    AskError, BrokerClient, BrokerEvent, BrokerOptions, ConnectError, Note,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

#[path = "../../core/examples/broker.rs"]
#[expect(dead_code, reason = "as a program it has a `main`")]
mod broker;

const PATIENCE: Duration = Duration::from_secs(20);

fn named(name: &str) -> BrokerOptions {
    let identity = Some(Identity::try_from(name).unwrap());
    BrokerOptions { identity, timeout: PATIENCE, ..BrokerOptions::named(name) }
}

fn refused(message: &str) -> AskError {
    AskError::Refused { message: message.to_owned() }
}

async fn bind(name: &str) -> (Router, Endpoint) {
    let endpoint = format!("mem://broker-client-{name}").parse().unwrap();
    (Router::bind(&endpoint, RouterOptions::default()).await.unwrap(), endpoint)
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it comes in time")
}

fn note(event: BrokerEvent) -> Note {
    match event {
        BrokerEvent::Direct(note) | BrokerEvent::Broadcast(note) => note,
        BrokerEvent::Other(other) => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn clients_write_to_each_other_and_to_all_and_are_listed() {
    let (router, endpoint) = bind("pair").await;
    let mut tasks = JoinSet::new();
    tasks.spawn(broker::Broker::run(router));
    let mut ann = BrokerClient::connect(&endpoint, named("ann")).await.unwrap();
    let mut bob = BrokerClient::connect(&endpoint, named("bob")).await.unwrap();
    assert_eq!(ann.client_id().as_deref(), Some("ann"));

    ann.send_to("bob", json!({"n": 1})).await.unwrap();
    let got = soon(bob.recv()).await.unwrap();
    assert!(matches!(&got, BrokerEvent::Direct(note) if note.timestamp > 1e9));
    let got = note(got);
    assert_eq!((got.from.as_str(), got.content), ("ann", json!({"n": 1})));

    assert_eq!(bob.broadcast("all").await, Ok(1));
    let got = soon(ann.recv()).await.unwrap();
    assert!(matches!(got, BrokerEvent::Broadcast(_)));
    assert_eq!(note(got).content, "all");

    assert_eq!(ann.send_to("eve", 1).await, Err(refused("Target client 'eve' not found")));
    ann.register("eve").await.unwrap();
    bob.send_to("eve", Value::Null).await.unwrap();
    assert_eq!(note(soon(ann.recv()).await.unwrap()).content, Value::Null);

    let list = ann.list_clients().await.unwrap();
    let shown: Vec<_> =
        list.clients.iter().map(|it| (it.name.as_str(), it.message_count)).collect();
    assert_eq!(shown, [("eve", 5), ("bob", 3)]);
    assert_eq!((list.total, list.missing.len()), (2, 0));
    let pong = ann.ping().await.unwrap();
    assert_eq!((pong.stats.received, pong.stats.errors), (9, 1));

    bob.shutdown().await;
    soon(async { while ann.list_clients().await.unwrap().total == 2 {} }).await;
}

#[tokio::test(start_paused = true)]
async fn replies_to_requests_at_the_same_time_come_to_who_asked() {
    let (router, endpoint) = bind("many").await;
    let mut tasks = JoinSet::new();
    tasks.spawn(broker::Broker::run(router));
    let mut ann = BrokerClient::connect(&endpoint, named("ann")).await.unwrap();
    let (to_self, pong, missing, list, all) = tokio::join!(
        ann.send_to("ann", "me"),
        ann.ping(),
        ann.send_to("nobody", 1),
        ann.list_clients(),
        ann.broadcast(2),
    );
    assert_eq!((to_self, all), (Ok(()), Ok(0)));
    assert_eq!(missing, Err(refused("Target client 'nobody' not found")));
    assert_eq!((pong.unwrap().stats.received, list.unwrap().total), (3, 1));
    assert_eq!(note(soon(ann.recv()).await.unwrap()).content, "me");
}

/// A broker whose every word the test says itself.
struct Script {
    router: Router,
    endpoint: Endpoint,
}

impl Script {
    async fn start(name: &str) -> Self {
        let (router, endpoint) = bind(name).await;
        Self { router, endpoint }
    }

    async fn heard(&mut self) -> (PeerId, Value) {
        loop {
            if let RouterEvent::Message(from, frames) = soon(self.router.recv_event()).await {
                return (from, serde_json::from_slice(&frames[0]).unwrap());
            }
        }
    }

    async fn say(&self, to: PeerId, said: &Value) {
        self.router.sender().send_to(to, vec![said.to_string().into()]).await.unwrap();
    }

    /// Takes in a client, and says what it registers.
    async fn welcome(&mut self) -> (PeerId, Value) {
        let (from, asked) = self.heard().await;
        assert_eq!(asked["type"], "register");
        self.say(from, &json!({"type": "registration_ack", "client_id": "c"})).await;
        (from, asked["name"].clone())
    }

    async fn client(&mut self, patience: Duration) -> (BrokerClient, PeerId) {
        let options = BrokerOptions { timeout: patience, ..named("ann") };
        let endpoint = self.endpoint.clone();
        let (client, (peer, name)) =
            tokio::join!(BrokerClient::connect(&endpoint, options), self.welcome());
        assert_eq!(name, "ann");
        (client.unwrap(), peer)
    }
}

fn confirmation() -> Value {
    json!({"type": "broadcast_confirmation", "recipients": 7})
}

#[tokio::test(start_paused = true)]
async fn a_request_that_has_timed_out_keeps_its_place() {
    let mut broker = Script::start("late").await;
    let (ann, peer) = broker.client(Duration::from_secs(1)).await;
    let after = Duration::from_secs(1);
    assert_eq!(ann.broadcast("early").await, Err(AskError::Timeout { after }));
    assert_eq!(broker.heard().await.1["content"], "early");
    let (said, ()) = tokio::join!(ann.broadcast("late"), async {
        assert_eq!(broker.heard().await.1["content"], "late");
        broker.say(peer, &json!({"type": "broadcast_confirmation", "recipients": 1})).await;
        broker.say(peer, &confirmation()).await;
    });
    assert_eq!(said, Ok(7), "the first reply is the first request's");
    assert_eq!(ann.ping().await, Err(AskError::Timeout { after }));
    assert_eq!(broker.heard().await.1["type"], "ping");
    let (said, ()) = tokio::join!(ann.broadcast("again"), async {
        broker.heard().await;
        broker.say(peer, &json!({"type": "error", "message": "no ping"})).await;
        broker.say(peer, &confirmation()).await;
    });
    assert_eq!(said, Ok(7), "an error is the oldest request's too");
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_before_the_request_is_sent_leaves_no_place_behind() {
    let mut broker = Script::start("unsent").await;
    let (ann, peer) = broker.client(Duration::from_secs(1)).await;
    broker.router.sender().close(peer);
    // It registers, and has no answer: requests wait, and nobody waits for these any more.
    let (again, asked) = broker.heard().await;
    assert_eq!(asked["type"], "register");
    for _ in 0..3 {
        let error = ann.broadcast("unsent").await.unwrap_err();
        assert!(matches!(error, AskError::Timeout { .. } | AskError::Lost), "{error}");
    }
    broker.say(again, &json!({"type": "registration_ack", "client_id": "c"})).await;
    let (said, ()) = tokio::join!(ann.broadcast("sent"), async {
        assert_eq!(broker.heard().await.1["content"], "sent");
        broker.say(again, &confirmation()).await;
    });
    assert_eq!(said, Ok(7));
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_registers_again_and_has_no_old_requests() {
    let mut broker = Script::start("lost").await;
    let (mut ann, mut peer) = broker.client(PATIENCE).await;
    let (taken, ()) = tokio::join!(ann.register("eve"), async {
        assert_eq!(broker.heard().await.1["name"], "eve");
        broker.say(peer, &json!({"type": "registration_ack", "client_id": "c"})).await;
    });
    assert_eq!(taken, Ok(()));
    for round in 0..3 {
        let (one, other, ()) = tokio::join!(ann.broadcast("one"), ann.ping(), async {
            broker.heard().await;
            broker.heard().await;
            broker.router.sender().close(peer);
        });
        assert_eq!((one, other), (Err(AskError::Lost), Err(AskError::Lost)));
        let (said, ()) = tokio::join!(ann.broadcast("new"), async {
            let (again, name) = broker.welcome().await;
            assert_eq!(name, "eve", "the last name that was taken");
            peer = again;
            assert_eq!(broker.heard().await.1["content"], "new");
            let event =
                json!({"type": "broadcast", "from": "b", "content": round, "timestamp": 1.5});
            broker.say(peer, &event).await;
            broker.say(peer, &confirmation()).await;
        });
        assert_eq!(said, Ok(7));
        assert_eq!(note(soon(ann.recv()).await.unwrap()).content, round);
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_does_not_take_a_client_says_why() {
    let mut broker = Script::start("refuses").await;
    let endpoint = broker.endpoint.clone();
    let (client, ()) = tokio::join!(BrokerClient::connect(&endpoint, named("ann")), async {
        let (from, _) = broker.heard().await;
        broker.say(from, &json!({"type": "error", "message": "name in use"})).await;
    });
    match client.unwrap_err() {
        ConnectError::Refused { reason } => assert_eq!(reason, "name in use"),
        error => panic!("{error}"),
    }
}

#[tokio::test(start_paused = true)]
async fn events_wait_in_order_and_nothing_is_read_meanwhile() {
    let mut broker = Script::start("events").await;
    let (mut ann, peer) = broker.client(Duration::from_secs(1)).await;
    let event =
        |content| json!({"type": "broadcast", "from": "b", "content": content, "timestamp": 1.5});
    let (said, ()) = tokio::join!(ann.ping(), async {
        broker.heard().await;
        for number in 0..1_500 {
            broker.say(peer, &event(number)).await;
        }
        broker.say(peer, &json!({"type": "pong"})).await;
    });
    assert!(matches!(said, Err(AskError::Timeout { .. })), "{said:?}");
    for number in 0..1_500 {
        assert_eq!(note(soon(ann.recv()).await.unwrap()).content, number);
    }
    let pong = json!({"type": "pong", "timestamp": 1.5,
        "stats": {"received": 1, "sent": 2, "errors": 3}});
    let (said, ()) = tokio::join!(ann.ping(), async {
        broker.heard().await;
        broker.say(peer, &pong).await;
    });
    assert_eq!(said.unwrap().stats.errors, 3);
}
