//! A native client: one connection to a node, kept up, and the messages that pass over it.

mod broker_client;
mod convergence;
mod error;
mod groups;
mod message;
mod options;
mod session;
mod session_client;
mod talk;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hopline_core::{Dealer, DealerOptions, DealerSender, Endpoint};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use broker_client::{
    BrokerClient, BrokerEvent, BrokerOptions, BrokerPong, BrokerStats, ClientList, ListedClient,
    Note,
};
pub use error::{AskError, ConnectError, RecvError, RequestError, SendError};
pub use message::{Delivery, Failure, Incoming, Message, Outgoing, PathStep, Trace, Undeliverable};
pub use options::ClientOptions;
pub use session_client::{DataAck, Pong, SessionClient, SessionOptions};

use crate::name::NodeName;
use crate::wire::control::{Answer, Request};
use crate::wire::{Flags, Kind, MAX_DESTINATION, MessageId, Prefix, Tail};
use session::{Pending, Session, Shared, Standing, Wanted};

/// How many messages wait for [`Client::recv`]; then the connection is not read.
const INBOX: usize = 1000;
/// How long the mesh keeps a confirmed message that says nothing of it,
const CONFIRMED: Duration = Duration::from_secs(30);
/// and how much later that is told at the latest.
const GRACE: Duration = Duration::from_secs(5);

/// A client of a mesh, in the native dialect.
///
/// The connection is kept up: when it is lost it is dialled again, and the client takes its name
/// again. What was sent to it meanwhile is gone, and its senders were told.
///
/// It ends with [`Client::shutdown`]; dropping it ends it at once, and what waits to be sent is lost.
///
/// # Examples
/// See [`RoutingNode`](crate::node::RoutingNode).
#[derive(Debug)]
#[must_use = "a client that is dropped ends"]
pub struct Client {
    shared: Arc<Shared>,
    dealer: DealerSender,
    standing: watch::Receiver<Standing>,
    inbox: mpsc::Receiver<Incoming>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Client {
    /// Connects to a node and waits until it has taken the client in.
    ///
    /// # Errors
    /// [`ConnectError`] where the node refuses the client (its name is in use), or has not taken it
    /// in within [`ClientOptions::timeout`].
    ///
    /// # Cancel safety
    /// The connection is closed if the future is dropped.
    pub async fn connect(
        endpoint: &Endpoint,
        options: ClientOptions,
    ) -> Result<Self, ConnectError> {
        let dealer = Dealer::connect(
            endpoint,
            DealerOptions {
                identity: options.identity,
                limits: options.limits,
                runtime_dir: options.runtime_dir,
                ..DealerOptions::default()
            },
        )?;
        let sender = dealer.sender();
        let shared = Arc::new(Shared::new(options.incarnation));
        let (standing, mut watched) = watch::channel(Standing::Away);
        let (inbound, inbox) = mpsc::channel(INBOX);
        let stop = CancellationToken::new();
        let session = Session { dealer, shared: shared.clone(), standing, inbound };
        let mut tasks = JoinSet::new();
        tasks.spawn(session.run(stop.clone()));
        let taken_in = watched.wait_for(|standing| *standing != Standing::Away);
        match timeout(options.timeout, taken_in).await {
            Ok(Ok(standing)) => match &*standing {
                Standing::Refused(reason) => {
                    return Err(ConnectError::Refused { reason: reason.clone() });
                }
                Standing::Away | Standing::Hosted { .. } => {}
            },
            Ok(Err(_)) => return Err(ConnectError::Stopped),
            Err(_) => {
                let endpoint = endpoint.clone();
                return Err(ConnectError::Timeout { endpoint, after: options.timeout });
            }
        }
        Ok(Self { shared, dealer: sender, standing: watched, inbox, stop, tasks })
    }

    /// The address by which this client is reached, as its node said last.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        match &*self.standing.borrow() {
            Standing::Hosted { name, .. } => Some(name.clone()),
            Standing::Away | Standing::Refused(_) => None,
        }
    }

    /// The node that this client is attached to; none while the connection is lost.
    #[must_use]
    pub fn node(&self) -> Option<NodeName> {
        self.standing.borrow().node().cloned()
    }

    /// Whether the node has said that it is about to end: what is sent waits until a node is there again.
    #[must_use]
    pub fn is_node_leaving(&self) -> bool {
        matches!(*self.standing.borrow(), Standing::Hosted { leaves: true, .. })
    }

    /// Sends a message, `at_most_once`. Waits while the connection is lost, its queue is full, or the node has said
    /// that it is about to end ([`Client::is_node_leaving`]): then until a node is there again.
    ///
    /// `Ok` says that the message is on its way. If a node cannot deliver it, that comes back as
    /// [`Incoming::Failed`] with the id that is returned here.
    ///
    /// # Errors
    /// [`SendError`] where the destination is too long, the message too large, or the client refused.
    ///
    /// # Cancel safety
    /// The message is sent whole or not at all; which of the two is not known to who cancelled.
    pub async fn send(&self, to: &str, payload: impl Into<Bytes>) -> Result<MessageId, SendError> {
        self.send_message(Outgoing::new(to, payload)).await
    }

    /// Sends a message with everything that can be said of it.
    ///
    /// # Errors
    /// As [`Client::send`].
    ///
    /// # Cancel safety
    /// As [`Client::send`].
    pub async fn send_message(&self, message: Outgoing) -> Result<MessageId, SendError> {
        let id = self.shared.next_id();
        self.send_as(Kind::Data, id, message).await?;
        Ok(id)
    }

    /// Answers a message, so that whoever waits for the answer with [`Client::request`] gets it.
    ///
    /// # Errors
    /// As [`Client::send`].
    ///
    /// # Cancel safety
    /// As [`Client::send`].
    pub async fn reply(
        &self,
        to: &Message,
        payload: impl Into<Bytes>,
    ) -> Result<MessageId, SendError> {
        let id = self.shared.next_id();
        let mut answer = Outgoing::new(&to.source, payload);
        answer.correlation = Some(to.id);
        self.send_as(Kind::Reply, id, answer).await?;
        Ok(id)
    }

    /// The next message or failure. Answers to requests do not come here.
    ///
    /// # Errors
    /// [`RecvError`] where the client has ended.
    ///
    /// # Cancel safety
    /// Nothing is lost if the future is dropped.
    pub async fn recv(&mut self) -> Result<Incoming, RecvError> {
        self.inbox.recv().await.ok_or(RecvError::Stopped)
    }

    /// Sends a message and waits for its answer.
    ///
    /// # Errors
    /// [`RequestError`] where the message was not delivered, or no answer came in `patience`.
    ///
    /// # Cancel safety
    /// An answer that comes later is dropped.
    pub async fn request(
        &self,
        to: &str,
        payload: impl Into<Bytes>,
        patience: Duration,
    ) -> Result<Message, RequestError> {
        self.exchange(Kind::Data, Outgoing::new(to, payload), patience).await
    }

    /// Sends a message that the mesh keeps and sends again until it was handed to its receiver, and waits for
    /// that: at most the message's [`patience`](Outgoing::patience), or 30 s.
    ///
    /// # Errors
    /// [`RequestError::Failed`] where the mesh gave it up, and says why; [`RequestError::Timeout`] where the node
    /// that keeps it said nothing in time, so that it may have arrived or not.
    ///
    /// # Cancel safety
    /// The message may arrive although the future was dropped; what becomes of it is not told then.
    pub async fn send_confirmed(&self, message: Outgoing) -> Result<Delivery, RequestError> {
        let patience = message.patience.unwrap_or(CONFIRMED);
        let message = message.confirmed();
        match self.outcome(Kind::Data, Wanted::Delivery, message, patience + GRACE).await? {
            Incoming::Delivered(delivery) => Ok(delivery),
            Incoming::Failed(failure) => Err(RequestError::Failed(Box::new(failure))),
            Incoming::Message(_) => Err(RequestError::Malformed),
        }
    }

    /// Sends a message to several (`#group`, `*`), of whichever class, and waits for the report of this client's node:
    /// how many clients were handed it, and which nodes did not say. A node that says nothing is waited for 2 s, and
    /// if the message is [confirmed](Outgoing::confirmed) until its [`patience`](Outgoing::patience) is over.
    ///
    /// # Errors
    /// [`RequestError::Failed`] where it went to nobody, or where a member refused it before there was a report;
    /// [`RequestError::Timeout`] where there was none in `patience`, as there is none of a message to one.
    ///
    /// # Cancel safety
    /// The message may arrive although the future was dropped; its report is not told then.
    pub async fn send_to_several(
        &self,
        message: Outgoing,
        patience: Duration,
    ) -> Result<Delivery, RequestError> {
        match self.outcome(Kind::Data, Wanted::Delivery, message, patience).await? {
            Incoming::Delivered(delivery) => Ok(delivery),
            Incoming::Failed(failure) => Err(RequestError::Failed(Box::new(failure))),
            Incoming::Message(_) => Err(RequestError::Malformed),
        }
    }

    /// Asks a node something, or gives it an order. Orders are taken only from a client that came in
    /// by a control socket.
    ///
    /// # Errors
    /// [`RequestError`] where the node was not reached, did not answer, or refused.
    ///
    /// # Cancel safety
    /// As [`Client::request`].
    pub async fn ask(
        &self,
        node: &str,
        request: Request,
        patience: Duration,
    ) -> Result<Answer, RequestError> {
        let asked = Outgoing::new(node, request.write());
        let answer = self.exchange(Kind::Control, asked, patience).await?;
        let payload = answer.payload.first().ok_or(RequestError::Malformed)?;
        match Answer::read(payload).map_err(|_| RequestError::Malformed)? {
            Answer::Refused { reason } => Err(RequestError::Refused { reason }),
            answer @ (Answer::Status(_)
            | Answer::Routes(_)
            | Answer::Located { .. }
            | Answer::Explained(_)
            | Answer::Graph { .. }
            | Answer::BrokerClients { .. }
            | Answer::Claimed { .. }
            | Answer::Done {}) => Ok(answer),
        }
    }

    /// Ends the client: the connection is closed and its name is free.
    ///
    /// # Cancel safety
    /// The client ends at once if the future is dropped.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }

    async fn exchange(
        &self,
        kind: Kind,
        message: Outgoing,
        patience: Duration,
    ) -> Result<Message, RequestError> {
        match self.outcome(kind, Wanted::Answer, message, patience).await? {
            Incoming::Message(message) => Ok(message),
            Incoming::Failed(failure) => Err(RequestError::Failed(Box::new(failure))),
            Incoming::Delivered(_) => Err(RequestError::Malformed),
        }
    }

    /// Sends a message, and waits for what comes of it.
    async fn outcome(
        &self,
        kind: Kind,
        wanted: Wanted,
        message: Outgoing,
        patience: Duration,
    ) -> Result<Incoming, RequestError> {
        let id = self.shared.next_id();
        let Pending { answer, guard } = self.shared.expect(id, wanted);
        let exchange = async {
            self.send_as(kind, id, message).await?;
            answer.await.map_err(|_| RequestError::Stopped)
        };
        let answer = timeout(patience, exchange).await;
        drop(guard);
        answer.unwrap_or(Err(RequestError::Timeout { after: patience }))
    }

    async fn send_as(&self, kind: Kind, id: MessageId, message: Outgoing) -> Result<(), SendError> {
        if message.to.len() > MAX_DESTINATION {
            return Err(SendError::DestinationTooLong { length: message.to.len() });
        }
        let deadline = message.patience.map(|patience| {
            let patience = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
            session::unix_millis().saturating_add(patience.max(1))
        });
        let tail = Tail {
            deadline,
            correlation: message.correlation,
            content_type: message.content_type,
            ..Tail::default()
        };
        let header = Prefix {
            class: message.class,
            flags: if message.trace { Flags::TRACE } else { Flags::default() },
            hop_limit: message.hop_limit.unwrap_or(0),
            id,
            destination: &message.to,
            tail: &tail.write(),
            ..Prefix::new(kind)
        }
        .write();
        let mut frames = Vec::with_capacity(2 + message.payload.len());
        frames.extend([header, Bytes::new()]);
        frames.extend(message.payload);
        let mut standing = self.standing.clone();
        let hosted = standing.wait_for(|standing| !standing.holds_back(kind)).await;
        match hosted.map(|standing| standing.clone()) {
            Ok(Standing::Hosted { .. } | Standing::Away) => {}
            Ok(Standing::Refused(reason)) => return Err(SendError::Refused { reason }),
            Err(_) => return Err(SendError::Stopped),
        }
        Ok(self.dealer.send_multipart(frames).await?)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
