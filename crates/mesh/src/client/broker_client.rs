//! A client of the broker dialect.

mod dialogue;
mod event;

use std::path::PathBuf;
use std::time::Duration;

use hopline_core::{DealerOptions, Endpoint, Identity, Limits};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;

pub use self::event::{BrokerEvent, BrokerPong, BrokerStats, ClientList, ListedClient, Note};

use self::dialogue::{Broker, Request};
use super::error::{AskError, ConnectError, RecvError};
use super::session_client::typed;
use super::talk::Talk;

/// How many events wait for [`BrokerClient::recv`]; then the connection is not read.
const EVENTS: usize = 1000;

/// How a [`BrokerClient`] connects.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// The name to register.
    pub name: String,
    /// The identity, which is the client's id too; none lets the broker make one.
    pub identity: Option<Identity>,
    /// How long connecting may take, and each request. Default 10 s: a mesh gives a direct message up after 5 s.
    pub timeout: Duration,
    /// What the broker may make the client hold.
    pub limits: Limits,
    /// Where private sockets are made: a short path. Default `$XDG_RUNTIME_DIR`, else the system's
    /// directory for temporary files.
    pub runtime_dir: Option<PathBuf>,
}

impl BrokerOptions {
    /// A client that registers this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            identity: None,
            timeout: Duration::from_secs(10),
            limits: Limits::default(),
            runtime_dir: None,
        }
    }
}

/// A client of a message broker: a node whose port speaks the broker dialect, or any program that does.
///
/// The connection is kept up: when it is lost it is dialled again, and the client registers again under the name that
/// it had last. Requests that have no reply by then end in [`AskError::Lost`]; none is sent twice.
///
/// The dialect's replies name no request; they come in the order of the requests. Several requests may be under
/// way at a time, and one that has timed out keeps its place until its reply has come.
///
/// What others write comes to [`BrokerClient::recv`]. Where 1,000 events wait for that, the connection is not read
/// until it is called: then replies wait too.
///
/// It ends with [`BrokerClient::shutdown`]; dropping it ends it at once.
///
/// # Examples
/// ```
/// use hopline_mesh::client::{BrokerClient, BrokerEvent, BrokerOptions};
/// # use hopline_mesh::name::NodeName;
/// # use hopline_mesh::node::{NodeConfig, RoutingNode};
/// # use hopline_mesh::wire::hello::MeshKey;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let port = "mem://doc-broker-client".parse()?;
/// # let key = MeshKey::new([7; 32]);
/// # let node = RoutingNode::start(NodeConfig::new("doc", NodeName::parse("top")?, port, key)).await?;
/// let ann = BrokerClient::connect(node.endpoint(), BrokerOptions::named("ann")).await?;
/// let mut bob = BrokerClient::connect(node.endpoint(), BrokerOptions::named("bob")).await?;
///
/// ann.send_to("bob", "good morning").await?;
/// let BrokerEvent::Direct(note) = bob.recv().await? else { panic!("not to him alone") };
/// assert_eq!((note.from.as_str(), note.content), ("ann", "good morning".into()));
/// assert_eq!(ann.list_clients().await?.total, 2);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a client that is dropped ends"]
pub struct BrokerClient {
    talk: Talk<Broker>,
    events: mpsc::Receiver<BrokerEvent>,
}

impl BrokerClient {
    /// Connects, registers, and waits until the broker has taken the name.
    ///
    /// # Errors
    /// [`ConnectError`] where the broker refuses the client, or has not taken it within
    /// [`BrokerOptions::timeout`].
    ///
    /// # Panics
    /// If called outside a Tokio runtime.
    ///
    /// # Cancel safety
    /// The connection is closed if the future is dropped.
    pub async fn connect(
        endpoint: &Endpoint,
        options: BrokerOptions,
    ) -> Result<Self, ConnectError> {
        let dealer = DealerOptions {
            identity: options.identity,
            limits: options.limits,
            runtime_dir: options.runtime_dir,
            ..DealerOptions::default()
        };
        let (sender, events) = mpsc::channel(EVENTS);
        let dialogue = (Broker::new(options.name), options.timeout);
        let talk = Talk::connect(endpoint, dealer, dialogue, sender).await?;
        Ok(Self { talk, events })
    }

    /// What the broker calls the client: its identity as text. None while the connection is lost.
    #[must_use]
    pub fn client_id(&self) -> Option<String> {
        self.talk.called()
    }

    /// Takes another name, now and on every connection to come.
    ///
    /// # Errors
    /// [`AskError`] where the broker answers with an error, the connection is lost, or there is no reply within
    /// [`BrokerOptions::timeout`].
    ///
    /// # Cancel safety
    /// The name may be taken although the future was dropped.
    pub async fn register(&self, name: &str) -> Result<(), AskError> {
        self.talk.ask(Request::Register(name.to_owned())).await.map(drop)
    }

    /// Sends to the client of this name, and waits until it was handed over.
    ///
    /// # Errors
    /// [`AskError::Refused`] with the broker's words where nobody has the name or it was not delivered in time; else
    /// as [`BrokerClient::register`].
    ///
    /// # Cancel safety
    /// The message may arrive although the future was dropped.
    pub async fn send_to(&self, target: &str, content: impl Into<Value>) -> Result<(), AskError> {
        self.talk.ask(Request::SendTo(target.to_owned(), content.into())).await.map(drop)
    }

    /// Sends to every client that the broker knows but this one, and says how many those were.
    ///
    /// # Errors
    /// As [`BrokerClient::register`].
    ///
    /// # Cancel safety
    /// As [`BrokerClient::send_to`].
    pub async fn broadcast(&self, content: impl Into<Value>) -> Result<u64, AskError> {
        #[derive(Deserialize)]
        struct Confirmation {
            recipients: u64,
        }
        let said = self.talk.ask(Request::Broadcast(content.into())).await?;
        Ok(typed::<Confirmation>(said)?.recipients)
    }

    /// Asks who is there, in the whole mesh where the broker is one.
    ///
    /// # Errors
    /// As [`BrokerClient::register`].
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn list_clients(&self) -> Result<ClientList, AskError> {
        typed(self.talk.ask(Request::ListClients { here: false }).await?)
    }

    /// Asks who is there at this client's own node.
    ///
    /// # Errors
    /// As [`BrokerClient::register`].
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn list_clients_here(&self) -> Result<ClientList, AskError> {
        typed(self.talk.ask(Request::ListClients { here: true }).await?)
    }

    /// Asks whether the broker is there, and what it has counted.
    ///
    /// # Errors
    /// As [`BrokerClient::register`].
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn ping(&self) -> Result<BrokerPong, AskError> {
        typed(self.talk.ask(Request::Ping).await?)
    }

    /// The next event.
    ///
    /// # Errors
    /// [`RecvError`] where the client has ended.
    ///
    /// # Cancel safety
    /// Nothing is lost if the future is dropped.
    pub async fn recv(&mut self) -> Result<BrokerEvent, RecvError> {
        self.events.recv().await.ok_or(RecvError::Stopped)
    }

    /// Ends the client: the connection is closed, once what was asked has gone out.
    ///
    /// # Cancel safety
    /// The client ends at once if the future is dropped.
    pub async fn shutdown(self) {
        self.talk.shutdown().await;
    }
}
