//! Hierarchical routing with ROUTERs and DEALERs: west and east below top, clients at both. Each node
//! that handles a message (one frame, a JSON object with `destination`) appends itself to `route_path`
//! and hands it to a client, to the node that its table names, or to its upstream. Not a mesh: tables
//! are written by hand, any client may call itself a node. `cargo run --example routing_nodes`
use std::{collections::BTreeMap, time::Duration};

use hopline_core::{Dealer, DealerOptions, Endpoint, Frames, Identity, Router};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

type Failed = Box<dyn std::error::Error>;
const SECOND: Duration = Duration::from_secs(1);
const NODES: [&str; 3] = ["west_router", "top_router", "east_router"];

struct Node {
    name: &'static str,
    router: Router,
    upstream: Option<Dealer>,
    table: BTreeMap<&'static str, &'static str>,
}

impl Node {
    async fn start(name: &'static str, upstream: Option<Dealer>) -> Result<Self, Failed> {
        let router = Router::bind(&Endpoint::Mem(name.to_owned()), Default::default()).await?;
        Ok(Self { name, router, upstream, table: BTreeMap::new() })
    }

    /// From now on, what is for `destination` goes to `next_hop`: a node, a client, or `upstream`.
    fn update_routing_table(&mut self, destination: &'static str, next_hop: &'static str) {
        self.table.insert(destination, next_hop);
    }

    async fn run(mut self) {
        loop {
            let (from, frames) = tokio::select! {
                (peer, frames) = self.router.recv() => (Some(peer.to_string()), frames),
                Some(frames) = async { Some(self.upstream.as_mut()?.recv().await) } => (None, frames),
            };
            self.handle(from.as_deref(), &frames).await;
        }
    }

    /// A message of a peer, or of the upstream.
    async fn handle(&self, from: Option<&str>, frames: &Frames) {
        let text = String::from_utf8_lossy(&frames[0]);
        let object = serde_json::from_str::<Map<String, Value>>(&text).ok();
        let mut message = Value::Object(object.clone().unwrap_or_default());
        if let Some(client) = from.filter(|from| !NODES.contains(from)) {
            message["route_path"] = json!([]);
            message["original_sender"] = json!(client);
        }
        if let Some(path) = message["route_path"].as_array_mut() {
            path.push(json!(self.name));
        }
        let mut original = object.map_or(json!(text), Value::Object);
        if let Some(fields) = original.as_object_mut() {
            fields.retain(|key, _| key != "route_path" && key != "original_sender");
        }
        let mut said = match message["destination"].as_str() {
            Some(to) if to == self.name => json!({"type": "node_info", "node": to}),
            Some(_) if self.pass(&message, from.is_none()).await => return,
            to => json!({"type": "routing_error", "original_message": original, "message":
                to.map_or("Malformed message".into(), |to| format!("Unknown destination: {to}"))}),
        };
        let sender = message["original_sender"].as_str().unwrap_or_default();
        // Nobody is told what has become of a node's own words.
        if !sender.is_empty() && !NODES.contains(&sender) {
            (said["destination"], said["original_sender"]) = (json!(sender), json!(self.name));
            said["route_path"] = json!([self.name]);
            self.pass(&said, false).await;
        }
    }

    /// Sends a message on, unless nobody takes it within a second. What is from above stays below.
    async fn pass(&self, message: &Value, is_from_above: bool) -> bool {
        let frames: Frames = vec![message.to_string().into()];
        let to = message["destination"].as_str().unwrap_or_default();
        let next_hop = self.table.get(to).copied().filter(|hop| *hop != "upstream");
        let below = self.router.sender();
        for peer in [Some(to), next_hop].into_iter().flatten().flat_map(Identity::try_from) {
            let sent = timeout(SECOND, below.send_multipart(&peer, frames.clone())).await;
            if sent.is_ok_and(|sent| sent.is_ok()) {
                return true;
            }
        }
        let Some(above) = self.upstream.as_ref().filter(|_| !is_from_above) else { return false };
        timeout(SECOND, above.send_multipart(frames)).await.is_ok_and(|sent| sent.is_ok())
    }
}

fn dial(name: &str, node: &str) -> Result<Dealer, Failed> {
    let options = DealerOptions { identity: Some(Identity::try_from(name)?), ..Default::default() };
    Ok(Dealer::connect(&Endpoint::Mem(node.to_owned()), options)?)
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example talks to people")]
async fn main() -> Result<(), Failed> {
    let mut top = Node::start("top_router", None).await?;
    top.update_routing_table("alice", "east_router");
    top.update_routing_table("bob", "west_router");
    let mut nodes = tokio::task::JoinSet::new();
    nodes.spawn(top.run());
    for name in ["east_router", "west_router"] {
        nodes.spawn(Node::start(name, Some(dial(name, "top_router")?)).await?.run());
    }
    let mut clients = [dial("alice", "east_router")?, dial("bob", "west_router")?];
    for (from, text, to) in [
        (1, r#"{"destination": "top_router"}"#, 1),
        (0, r#"{"destination": "bob", "content": 1, "original_sender": "eve"}"#, 1),
        (1, r#"{"destination": "nobody", "content": [2]}"#, 1),
        (1, "nonsense", 1),
        (1, r#"{"destination": "alice", "content": "thanks"}"#, 0),
    ] {
        clients[from].send_msg(text).await?;
        println!("{text} ->\n  {}", String::from_utf8_lossy(&clients[to].recv().await[0]));
    }
    Ok(())
}
