//! A client of the broker: registers, asks who is there, writes to somebody, and prints what comes.
//!
//! `cargo run -p hopline-core --example broker_client` brings its own broker and shows two clients;
//! `cargo run -p hopline-core --example broker_client -- tcp://127.0.0.1:5555 ann bob` is ann, who
//! writes to bob; `-- tcp://127.0.0.1:5555 bob` is bob, who waits for one message.

use std::time::Duration;

use hopline_core::{Dealer, DealerEvent, DealerOptions, Endpoint, Identity, Router};
use serde_json::{Value, json};
use tokio::task::JoinSet;

#[path = "broker.rs"]
#[expect(dead_code, reason = "this program has a `main` of its own")]
mod broker;

type Done = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// How long the other side may leave a client without a word.
const PATIENCE: Duration = Duration::from_secs(30);

struct Client {
    dealer: Dealer,
    name: String,
}

impl Client {
    fn connect(
        endpoint: &Endpoint,
        name: &str,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let identity = Some(Identity::try_from(name)?);
        let options = DealerOptions { identity, ..DealerOptions::default() };
        Ok(Self { dealer: Dealer::connect(endpoint, options)?, name: name.to_owned() })
    }

    /// Sends a request. Its reply comes as a message of its own, after those to earlier requests.
    async fn ask(&self, request: Value) -> Done {
        Ok(self.dealer.send_msg(request.to_string()).await?)
    }

    /// The next message of this type. A broker knows nothing of a client whose connection was lost,
    /// so whenever there is a new one the client says its name again.
    async fn expect(
        &mut self,
        kind: &str,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        loop {
            match tokio::time::timeout(PATIENCE, self.dealer.recv_event()).await? {
                DealerEvent::Up => {
                    self.ask(json!({"type": "register", "name": self.name})).await?;
                }
                DealerEvent::Message(frames) => {
                    // What is no JSON is shown, and is no message of any type.
                    let text = String::from_utf8_lossy(&frames[0]);
                    report(&format!("{} <- {text}", self.name));
                    let message: Value = serde_json::from_str(&text).unwrap_or_default();
                    if message["type"] == kind {
                        return Ok(message);
                    }
                    if message["type"] == "error" {
                        return Err(message["message"].to_string().into());
                    }
                }
                DealerEvent::Down(cause) => report(&format!("{}: {cause}", self.name)),
                DealerEvent::Retrying { cause, .. } => report(&format!("{}: {cause}", self.name)),
            }
        }
    }
}

/// Writes to somebody and to all, and leaves.
async fn talk(mut client: Client, target: String) -> Done {
    client.expect("registration_ack").await?;
    client.ask(json!({"type": "list_clients"})).await?;
    let list = client.expect("client_list").await?;
    report(&format!("{}: {} clients", client.name, list["total"]));
    client.ask(json!({"type": "direct_message", "target": target, "content": "hi"})).await?;
    client.expect("delivery_confirmation").await?;
    client.ask(json!({"type": "broadcast", "content": ["to", "all"]})).await?;
    client.expect("broadcast_confirmation").await?;
    client.ask(json!({"type": "ping"})).await?;
    client.expect("pong").await?;
    client.dealer.shutdown().await;
    Ok(())
}

#[tokio::main]
async fn main() -> Done {
    let mut args = std::env::args().skip(1);
    if let Some(endpoint) = args.next() {
        let mut client = Client::connect(&endpoint.parse()?, &args.next().unwrap_or("ann".into()))?;
        if let Some(target) = args.next() {
            return talk(client, target).await;
        }
        client.expect("direct_message").await?;
        return Ok(());
    }
    let port: Endpoint = "mem://broker".parse()?;
    let mut tasks = JoinSet::new();
    tasks.spawn(broker::Broker::run(Router::bind(&port, Default::default()).await?));
    let mut bob = Client::connect(&port, "bob")?;
    bob.expect("registration_ack").await?;
    talk(Client::connect(&port, "ann")?, "bob".into()).await?;
    bob.expect("direct_message").await?;
    bob.expect("broadcast").await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example talks to people")]
fn report(text: &str) {
    println!("{text}");
}
