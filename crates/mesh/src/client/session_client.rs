//! A client of the session dialect.

mod dialogue;

use std::path::PathBuf;
use std::time::Duration;

use hopline_core::{DealerOptions, Endpoint, Identity, IdentityError, Limits};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;

use self::dialogue::{Request, Session};
use super::error::{AskError, ConnectError};
use super::talk::Talk;
use crate::dialect::session::MAX_INFLATED;

/// How a [`SessionClient`] connects.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// The identity, which is the session's id too; none lets the node make one.
    pub identity: Option<Identity>,
    /// The name that the client says in its HELLO. Default `unknown`.
    pub name: String,
    /// How long connecting may take, and each request. Default 5 s.
    pub timeout: Duration,
    /// Payloads of more bytes are sent compressed; none sends all as they are. Default none.
    pub compress_over: Option<usize>,
    /// The most bytes that a reply is inflated to. Default 16 MiB.
    pub inflated: usize,
    /// What the node may make the client hold.
    pub limits: Limits,
    /// Where private sockets are made: a short path. Default `$XDG_RUNTIME_DIR`, else the system's
    /// directory for temporary files.
    pub runtime_dir: Option<PathBuf>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            identity: None,
            name: "unknown".to_owned(),
            timeout: Duration::from_secs(5),
            compress_over: None,
            inflated: MAX_INFLATED,
            limits: Limits::default(),
            runtime_dir: None,
        }
    }
}

impl SessionOptions {
    /// A client whose identity and name are both this.
    ///
    /// # Errors
    /// Where the name is empty or has more than 255 bytes.
    pub fn named(name: &str) -> Result<Self, IdentityError> {
        let identity = Some(Identity::new(name.to_owned().into_bytes())?);
        Ok(Self { identity, name: name.to_owned(), ..Self::default() })
    }
}

/// A client of one node, or of any server that speaks the session dialect: `HELLO`, `DATA`, `PING`, `BYE`.
///
/// The connection is kept up: when it is lost it is dialled again, and the client says `HELLO` again, which begins a
/// new session that has counted nothing. Requests that have no reply by then end in [`AskError::Lost`]; none is sent
/// twice. Several requests may be under way at a time: each gets the reply that names it.
///
/// It sends and receives no messages of the mesh. It ends with [`SessionClient::bye`] or
/// [`SessionClient::shutdown`]; dropping it ends it at once.
///
/// # Examples
/// ```
/// use hopline_mesh::client::{SessionClient, SessionOptions};
/// # use hopline_mesh::name::NodeName;
/// # use hopline_mesh::node::{NodeConfig, RoutingNode};
/// # use hopline_mesh::wire::hello::MeshKey;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let port = "mem://doc-session-client".parse()?;
/// # let key = MeshKey::new([7; 32]);
/// # let node = RoutingNode::start(NodeConfig::new("doc", NodeName::parse("top")?, port, key)).await?;
/// let ann = SessionClient::connect(node.endpoint(), SessionOptions::named("ann")?).await?;
/// assert_eq!(ann.session_id().as_deref(), Some("ann"));
///
/// let ack = ann.data("good morning").await?;
/// assert_eq!((ack.original_size, ack.message_number), (12, 1));
/// assert_eq!(ann.ping().await?.client_count, 1);
/// ann.bye().await?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a client that is dropped ends"]
pub struct SessionClient {
    talk: Talk<Session>,
}

/// What a server says of a text that it has taken.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DataAck {
    /// How many bytes the text has, not compressed.
    pub original_size: u64,
    /// When it was handled, in Unix seconds of the server's clock.
    pub processed_at: f64,
    /// Which text of the session it is, 1 for the first.
    pub message_number: u64,
    /// Its first 100 characters.
    pub echo: String,
}

/// A server's answer to `PING`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Pong {
    /// The server's clock, in Unix seconds.
    pub server_time: f64,
    /// How many sessions the server has.
    pub client_count: u64,
}

impl SessionClient {
    /// Connects, says `HELLO`, and waits until there is a session.
    ///
    /// # Errors
    /// [`ConnectError`] where the server refuses the client, or there is no session within
    /// [`SessionOptions::timeout`].
    ///
    /// # Panics
    /// If called outside a Tokio runtime.
    ///
    /// # Cancel safety
    /// The connection is closed if the future is dropped.
    pub async fn connect(
        endpoint: &Endpoint,
        options: SessionOptions,
    ) -> Result<Self, ConnectError> {
        let plain = options.compress_over.unwrap_or(usize::MAX);
        let dialogue = Session::new(options.name, plain, options.inflated);
        let dealer = DealerOptions {
            identity: options.identity,
            limits: options.limits,
            runtime_dir: options.runtime_dir,
            ..DealerOptions::default()
        };
        // A session has no events.
        let (events, _) = mpsc::channel(1);
        let talk = Talk::connect(endpoint, dealer, (dialogue, options.timeout), events).await?;
        Ok(Self { talk })
    }

    /// The id of the session, which is the client's identity as text; none while the connection is lost.
    #[must_use]
    pub fn session_id(&self) -> Option<String> {
        self.talk.called()
    }

    /// Sends a text, and waits for what a server without a handler of its own says of it.
    ///
    /// # Errors
    /// [`AskError`] where the server answers with an error, the reply is of another form, the connection is lost, or
    /// there is no reply within [`SessionOptions::timeout`].
    ///
    /// # Cancel safety
    /// The text may be handled although the future was dropped; its reply is dropped then.
    pub async fn data(&self, text: &str) -> Result<DataAck, AskError> {
        typed(self.say(text).await?)
    }

    /// Sends a text, and waits for what the server's handler says of it: the payload of the `DATA_ACK`.
    ///
    /// # Errors
    /// As [`SessionClient::data`].
    ///
    /// # Cancel safety
    /// As [`SessionClient::data`].
    pub async fn say(&self, text: &str) -> Result<Value, AskError> {
        self.talk.ask(Request::data(text)).await
    }

    /// Asks whether the server is there.
    ///
    /// # Errors
    /// As [`SessionClient::data`].
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn ping(&self) -> Result<Pong, AskError> {
        typed(self.talk.ask(Request::PING).await?)
    }

    /// Ends the session, waits until the server has said so, and ends the client.
    ///
    /// # Errors
    /// As [`SessionClient::data`]; the client has ended all the same.
    ///
    /// # Cancel safety
    /// The client ends at once if the future is dropped, and with it the session.
    pub async fn bye(self) -> Result<(), AskError> {
        let said = self.talk.ask(Request::BYE).await;
        self.talk.shutdown().await;
        said.map(drop)
    }

    /// Ends the client without a good-bye: the server forgets the session with the connection.
    ///
    /// # Cancel safety
    /// The client ends at once if the future is dropped.
    pub async fn shutdown(self) {
        self.talk.shutdown().await;
    }
}

/// A reply's payload as what it should be.
pub(super) fn typed<T: serde::de::DeserializeOwned>(payload: Value) -> Result<T, AskError> {
    serde_json::from_value(payload).map_err(|error| AskError::Malformed { why: error.to_string() })
}
