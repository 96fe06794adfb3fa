//! A message broker on one ROUTER: clients register names, send to each other, and to everybody.
//! A message is one frame, a JSON object with `type`. Nodes of a mesh speak the same, mesh-wide.
//! `cargo run -p hopline-core --example broker` shows one; `-- ENDPOINT` behind it runs one there.
use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use hopline_core::{Dealer, Endpoint, PeerId, Router, RouterEvent, RouterSender};
use serde_json::{Map, Value, json};

pub(crate) struct Broker {
    sender: RouterSender,
    /// What each says it is, its name once registered, what a list shows once it has said something.
    peers: BTreeMap<PeerId, (String, Option<String>, Option<Value>)>,
    stats: Value,
}

impl Broker {
    pub(crate) async fn run(mut router: Router) {
        let stats = json!({"received": 0, "sent": 0, "errors": 0});
        let mut broker = Self { sender: router.sender(), peers: BTreeMap::new(), stats };
        loop {
            match router.recv_event().await {
                RouterEvent::Attached(peer) => {
                    let id = peer.identity.map_or(peer.id.to_string(), |said| said.to_string());
                    broker.peers.insert(peer.id, (id, None, None));
                }
                RouterEvent::Message(from, frames) => {
                    count(&mut broker.stats["received"]);
                    let reply = broker.answer(from, &frames[0]).await.unwrap_or_else(|why| {
                        count(&mut broker.stats["errors"]);
                        json!({"type": "error", "message": why, "timestamp": now()})
                    });
                    broker.send(from, &reply).await;
                }
                RouterEvent::Detached { peer, .. } => drop(broker.peers.remove(&peer)),
            }
        }
    }

    async fn answer(&mut self, from: PeerId, frame: &[u8]) -> Result<Value, String> {
        let request = serde_json::from_slice::<Map<String, Value>>(frame)
            .map_err(|error| format!("Message processing error: {error}"))?;
        let text = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
        let field = |key: &str| request.get(key).filter(|it| !it.is_null()).map(text);
        let (kind, target, at) = (field("type"), field("target"), now());
        let unnamed = || json!({"name": "unnamed", "connected_since": at, "message_count": 0});
        let (id, name, shown) = self.peers.entry(from).or_default();
        let shown = shown.get_or_insert_with(unnamed);
        count(&mut shown["message_count"]);
        shown["last_activity"] = json!(at);
        let message = json!({"type": kind, "from": name.as_deref().unwrap_or("unknown"),
            "content": request.get("content"), "timestamp": at});
        Ok(match kind.as_deref().unwrap_or("None") {
            "register" => {
                let new = request.get("name").map_or("unnamed".into(), text);
                (shown["name"], *name) = (json!(new), Some(new.clone()));
                json!({"type": "registration_ack", "status": "success", "client_id": id,
                    "message": format!("Registered as {new}")})
            }
            "direct_message" => {
                let mut named = self.peers.iter().filter(|(_, (_, name, _))| name.is_some());
                let to = named.find(|(_, (_, name, _))| *name == target).map(|(peer, _)| *peer);
                let why = format!("Target client '{}' ", target.as_deref().unwrap_or("None"));
                let to = to.ok_or_else(|| why.clone() + "not found")?;
                self.send(to, &message).await.then_some(()).ok_or_else(|| why + "does not read")?;
                json!({"type": "delivery_confirmation", "target": target, "status": "delivered"})
            }
            "broadcast" => {
                let known = self.peers.iter().filter(|(_, (_, _, shown))| shown.is_some());
                let mut recipients = 0;
                for to in known.map(|(to, _)| *to).filter(|to| *to != from).collect::<Vec<_>>() {
                    recipients += u32::from(self.send(to, &message).await);
                }
                json!({"type": "broadcast_confirmation", "recipients": recipients})
            }
            "list_clients" => {
                let clients: Vec<_> =
                    self.peers.values().filter_map(|(.., it)| it.clone()).collect();
                json!({"type": "client_list", "total": clients.len(), "clients": clients})
            }
            "ping" => json!({"type": "pong", "timestamp": at, "stats": self.stats}),
            kind => return Err(format!("Unknown message type: {kind}")),
        })
    }

    /// What does not fit into a slow reader's queue is not sent: nobody else waits for that one.
    async fn send(&mut self, to: PeerId, message: &Value) -> bool {
        let sent = self.sender.try_send_to(to, vec![message.to_string().into()]).await.is_ok();
        sent.then(|| count(&mut self.stats["sent"])).is_some()
    }
}

fn count(counter: &mut Value) {
    *counter = json!(counter.as_u64().map(|count| count + 1));
}

fn now() -> f64 {
    UNIX_EPOCH.elapsed().map_or(0.0, |since| since.as_secs_f64())
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example talks to people")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = std::env::args().nth(1);
    let port: Endpoint = endpoint.as_deref().unwrap_or("mem://broker").parse()?;
    let router = Router::bind(&port, Default::default()).await?;
    println!("listening on {}", router.endpoints()[0]);
    let mut broker = tokio::task::JoinSet::new();
    broker.spawn(Broker::run(router));
    if endpoint.is_some() {
        broker.join_next().await;
    }
    let mut client = Dealer::connect(&port, Default::default())?;
    for request in [r#"{"type": "register", "name": "ann"}"#, r#"{"type": "ping"}"#, "hi"] {
        client.send_msg(request).await?;
        println!("{request}\n  -> {}", String::from_utf8_lossy(&client.recv().await[0]));
    }
    Ok(())
}
