//! The task behind a client: it says hello, sorts what comes, and completes requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use dashmap::{DashMap, DashSet};
use hopline_core::{Dealer, DealerEvent, Frames};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::message::{self, Incoming};
use crate::name::NodeName;
use crate::wire::control::Request;
use crate::wire::hello::Hello;
use crate::wire::{Kind, MessageId, Prefix, batch};

/// How the client stands with its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// The connection is lost, or the node has not answered yet.
    Away,
    /// The node has taken the client in. One that is about to end still takes all but data.
    Hosted { node: NodeName, name: String, leaves: bool },
    /// The node does not take it in.
    Refused(String),
}

impl Standing {
    /// The node that has taken the client in.
    pub(super) fn node(&self) -> Option<&NodeName> {
        match self {
            Self::Hosted { node, .. } => Some(node),
            Self::Away | Self::Refused(_) => None,
        }
    }

    /// Whether messages of this kind wait for another standing.
    pub(super) fn holds_back(&self, kind: Kind) -> bool {
        match self {
            Self::Away => true,
            Self::Hosted { leaves, .. } => *leaves && kind == Kind::Data,
            Self::Refused(_) => false,
        }
    }
}

/// What a client's handle and its task share.
#[derive(Debug)]
pub(super) struct Shared {
    /// The groups that the client is a member of.
    pub(super) groups: DashSet<String>,
    incarnation: u64,
    last: AtomicU64,
    pending: DashMap<MessageId, (Wanted, oneshot::Sender<Incoming>)>,
}

/// What is waited for of a message, unless it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Whoever got it answers.
    Answer,
    /// The mesh says that it was handed over.
    Delivery,
}

impl Wanted {
    fn is_met_by(self, incoming: &Incoming) -> bool {
        match incoming {
            Incoming::Message(_) => self == Self::Answer,
            Incoming::Delivered(_) => self == Self::Delivery,
            Incoming::Failed(_) => true,
        }
    }
}

/// A request under way.
pub(super) struct Pending<'a> {
    pub(super) answer: oneshot::Receiver<Incoming>,
    /// Forgets the request when dropped.
    pub(super) guard: Guard<'a>,
}

pub(super) struct Guard<'a>(&'a Shared, MessageId);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.pending.remove(&self.1);
    }
}

impl Shared {
    pub(super) fn new(incarnation: Option<u64>) -> Self {
        let incarnation = incarnation.unwrap_or_else(unix_millis);
        let (groups, pending) = (DashSet::new(), DashMap::new());
        Self { groups, incarnation, last: AtomicU64::new(0), pending }
    }

    pub(super) fn next_id(&self) -> MessageId {
        let counter = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        MessageId { incarnation: self.incarnation, counter }
    }

    pub(super) fn expect(&self, id: MessageId, wanted: Wanted) -> Pending<'_> {
        let (sender, answer) = oneshot::channel();
        self.pending.insert(id, (wanted, sender));
        Pending { answer, guard: Guard(self, id) }
    }
}

/// A client's connection.
pub(super) struct Session {
    pub(super) dealer: Dealer,
    pub(super) shared: Arc<Shared>,
    pub(super) standing: watch::Sender<Standing>,
    pub(super) inbound: mpsc::Sender<Incoming>,
}

impl Session {
    /// Runs until it is told to stop.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            let event = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                event = self.dealer.recv_event() => event,
            };
            match event {
                DealerEvent::Up => self.say_hello().await,
                DealerEvent::Message(frames) => {
                    tokio::select! {
                        biased;
                        () = stop.cancelled() => break,
                        () = self.received(frames) => {}
                    }
                }
                DealerEvent::Down(cause) => {
                    tracing::debug!(%cause, "connection to the node lost");
                    self.standing.send_replace(Standing::Away);
                }
                DealerEvent::Retrying { .. } => {}
            }
        }
        self.dealer.shutdown().await;
    }

    async fn say_hello(&self) {
        let frames = vec![Prefix::new(Kind::Hello).write(), Bytes::new(), Hello::Client {}.write()];
        if let Err(error) = self.dealer.sender().try_send(frames).await {
            tracing::debug!(%error, "the connection was lost before the hello");
        }
    }

    /// Tells a node that has just taken the client in which groups it is a member of.
    async fn join_again(&self, node: &NodeName) {
        let groups: Vec<String> = self.shared.groups.iter().map(|it| it.clone()).collect();
        for group in groups {
            let id = self.shared.next_id();
            let prefix = Prefix { id, destination: node.as_str(), ..Prefix::new(Kind::Control) };
            let request = Request::Join { group }.write();
            if self
                .dealer
                .sender()
                .try_send(vec![prefix.write(), Bytes::new(), request])
                .await
                .is_err()
            {
                return;
            }
        }
    }

    async fn received(&self, frames: Frames) {
        let Some(Ok(prefix)) = frames.first().map(|header| Prefix::read(header)) else {
            tracing::warn!("the node sent something that is no native message");
            return;
        };
        let kind = prefix.kind;
        match kind {
            Kind::Hello => {
                let hello = frames.get(2).map(|payload| Hello::read(payload));
                match hello {
                    Some(Ok(Hello::Hosted { node, name, .. })) => {
                        self.join_again(&node).await;
                        let hosted = Standing::Hosted { node, name, leaves: false };
                        self.standing.send_replace(hosted);
                    }
                    Some(Ok(Hello::Refused { reason })) => {
                        self.standing.send_replace(Standing::Refused(reason));
                    }
                    Some(Ok(Hello::Leaving {})) => {
                        tracing::debug!("the node is about to end");
                        self.standing.send_modify(|standing| {
                            if let Standing::Hosted { leaves, .. } = standing {
                                *leaves = true;
                            }
                        });
                    }
                    Some(_) | None => {}
                }
            }
            Kind::Batch => {
                for message in batch::read(frames.get(2).cloned().unwrap_or_default()) {
                    let Ok(message) = message else { return };
                    self.sort(message).await;
                }
            }
            Kind::Data | Kind::Reply | Kind::Error | Kind::Ack => self.sort(frames).await,
            Kind::Probe | Kind::LinkState | Kind::LinkAck | Kind::Control | Kind::Credit => {}
        }
    }

    /// An answer goes to whoever waits for it, everything else to the inbox.
    async fn sort(&self, frames: Frames) {
        let (answers, incoming) = match message::read(frames) {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(%error, "the node sent a message that cannot be read");
                return;
            }
        };
        let pending = &self.shared.pending;
        let is_met = |_: &_, (wanted, _): &(Wanted, _)| wanted.is_met_by(&incoming);
        let waiting = answers.and_then(|id| pending.remove_if(&id, is_met));
        let Some((_, (_, waiting))) = waiting else {
            // The client may have gone.
            let _ = self.inbound.send(incoming).await;
            return;
        };
        // Whoever waited may have given up.
        let _ = waiting.send(incoming);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a client reads the calendar for its ids and deadlines"
)]
pub(super) fn unix_millis() -> u64 {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(unix.as_millis()).unwrap_or(u64::MAX)
}
