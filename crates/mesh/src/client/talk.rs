//! What clients of the session and broker dialects have in common: one task that owns the connection.
//!
//! ```text
//!   handles --requests--> [ task ] --frames--> Dealer        a new connection: the dialect's opening first
//!           <--replies---    ^ |   <--frames--
//!                            | v
//!                        [ Dialogue ]                        the dialect, without I/O
//! ```
//!
//! Requests wait while there is no connection, or the opening has no reply yet. A connection's end is the end of every
//! request that was sent over it; none is ever sent twice.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use hopline_core::{Dealer, DealerEvent, DealerLink, DealerOptions, Endpoint, Frames, SendError};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::error::{AskError, ConnectError};

/// How many requests wait to be sent; who has one more waits.
const REQUESTS: usize = 64;

/// How many requests may be without a reply, those included whose senders have given up.
const OUTSTANDING: usize = 1000;

/// A request's number, never used again by the same client.
pub(super) type Ticket = u64;

/// What a dialect makes of requests and of what comes. It knows which requests are outstanding.
pub(super) trait Dialogue: Send + 'static {
    /// What is asked.
    type Request: Send;
    /// What comes without having been asked for.
    type Event: Send;

    /// The message that a new connection begins with.
    fn open(&mut self, ticket: Ticket) -> Frames;
    /// The message of a request, which is outstanding from now on.
    fn ask(&mut self, ticket: Ticket, request: Self::Request) -> Frames;
    /// A message that has come.
    fn hear(&mut self, frames: &Frames) -> Heard<Self::Event>;
    /// A request was not sent after all.
    fn withdraw(&mut self, ticket: Ticket);
    /// The connection has ended: nothing is outstanding any more.
    fn lost(&mut self);
}

/// What a message is.
#[derive(Debug, PartialEq)]
pub(super) enum Heard<E> {
    /// The reply to the opening, and what the other side calls the client.
    Opened(String),
    /// The opening was answered with an error.
    NotOpened(String),
    /// The reply to a request.
    Reply(Ticket, Result<Value, AskError>),
    /// Something else.
    Event(E),
    /// Nothing that anybody waits for.
    Nothing,
}

/// Why a node that does not speak a client's dialect says that it refuses a message: in the json or in the session
/// dialect, or in the broker's.
pub(super) fn refusal(frames: &Frames) -> Option<String> {
    let read = |frame| serde_json::from_slice::<Value>(frame).ok();
    let said = read(frames.first()?)?;
    let (said, field) = match said.get("type")?.as_str()? {
        "routing_error" | "error" => (said, "message"),
        "ERROR" => (read(frames.get(1)?)?, "error"),
        _ => return None,
    };
    Some(said.get(field)?.as_str()?.to_owned())
}

/// How the client stands with the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    Away,
    Open(String),
    Refused(String),
}

type Waiting = oneshot::Sender<Result<Value, AskError>>;

/// The handle of a client's task.
#[derive(Debug)]
pub(super) struct Talk<D: Dialogue> {
    requests: mpsc::Sender<(D::Request, Waiting)>,
    standing: watch::Receiver<Standing>,
    patience: Duration,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl<D: Dialogue> Talk<D> {
    /// Dials, and waits until the opening has a reply; for both together and for each request there is as much
    /// time as `patience`.
    pub(super) async fn connect(
        endpoint: &Endpoint,
        options: DealerOptions,
        (dialogue, patience): (D, Duration),
        events: mpsc::Sender<D::Event>,
    ) -> Result<Self, ConnectError> {
        let dealer = Dealer::connect(endpoint, options)?;
        let (standing, mut watched) = watch::channel(Standing::Away);
        let (requests, asked) = mpsc::channel(REQUESTS);
        let stop = CancellationToken::new();
        let line = Line {
            dealer,
            dialogue,
            link: None,
            last: 0,
            waiting: BTreeMap::new(),
            sending: None,
            standing,
            asked,
            events,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(line.run(stop.clone()));
        let taken_in = watched.wait_for(|standing| *standing != Standing::Away);
        match timeout(patience, taken_in).await {
            Ok(Ok(standing)) => {
                if let Standing::Refused(reason) = &*standing {
                    return Err(ConnectError::Refused { reason: reason.clone() });
                }
            }
            Ok(Err(_)) => return Err(ConnectError::Stopped),
            Err(_) => {
                return Err(ConnectError::Timeout { endpoint: endpoint.clone(), after: patience });
            }
        }
        Ok(Self { requests, standing: watched, patience, stop, tasks })
    }

    /// What the other side calls the client; none while it has not taken it in.
    pub(super) fn called(&self) -> Option<String> {
        match &*self.standing.borrow() {
            Standing::Open(called) => Some(called.clone()),
            Standing::Away | Standing::Refused(_) => None,
        }
    }

    /// Sends a request and waits for its reply.
    pub(super) async fn ask(&self, request: D::Request) -> Result<Value, AskError> {
        let (waiting, reply) = oneshot::channel();
        let exchange = async {
            let sent = self.requests.send((request, waiting)).await;
            sent.map_err(|_| AskError::Stopped)?;
            reply.await.map_err(|_| AskError::Stopped)?
        };
        let after = self.patience;
        timeout(after, exchange).await.unwrap_or(Err(AskError::Timeout { after }))
    }

    /// Closes the connection, once what was taken has gone out.
    pub(super) async fn shutdown(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

/// The task.
struct Line<D: Dialogue> {
    dealer: Dealer,
    dialogue: D,
    link: Option<DealerLink>,
    last: Ticket,
    waiting: BTreeMap<Ticket, Waiting>,
    /// A request for which there is no room yet.
    sending: Option<(Ticket, Sending)>,
    standing: watch::Sender<Standing>,
    asked: mpsc::Receiver<(D::Request, Waiting)>,
    events: mpsc::Sender<D::Event>,
}

type Sending = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send>>;

impl<D: Dialogue> Line<D> {
    async fn run(mut self, stop: CancellationToken) {
        loop {
            let stands = *self.standing.borrow() != Standing::Away;
            let takes = stands && self.sending.is_none() && self.waiting.len() < OUTSTANDING;
            let event = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                event = self.dealer.recv_event() => event,
                (ticket, sent) = sent(&mut self.sending), if self.sending.is_some() => {
                    self.sent(ticket, sent);
                    continue;
                }
                asked = self.asked.recv(), if takes => match asked {
                    Some((request, waiting)) => {
                        self.send(request, waiting);
                        continue;
                    }
                    None => break,
                },
            };
            match event {
                DealerEvent::Up => self.up(),
                DealerEvent::Down(_) => self.down(),
                DealerEvent::Retrying { .. } => {}
                DealerEvent::Message(frames) => {
                    let Some(event) = self.heard(&frames) else { continue };
                    tokio::select! {
                        biased;
                        () = stop.cancelled() => break,
                        // Whoever listened may have gone.
                        _ = self.events.send(event) => {}
                    }
                }
            }
        }
        self.dealer.shutdown().await;
    }

    /// There is a connection, or was: its successor may be here before its end is told.
    fn up(&mut self) {
        if self.link.as_ref().is_some_and(DealerLink::is_open) {
            return;
        }
        self.forget();
        self.link = self.dealer.sender().connection().filter(DealerLink::is_open);
        if let Some(link) = self.link.clone() {
            self.last += 1;
            let opening = self.dialogue.open(self.last);
            self.sending = Some((self.last, Box::pin(async move { link.send(opening).await })));
        }
    }

    fn down(&mut self) {
        if !self.link.as_ref().is_some_and(DealerLink::is_open) {
            self.forget();
        }
    }

    /// Nothing comes of what was asked over a connection that has ended.
    fn forget(&mut self) {
        (self.link, self.sending) = (None, None);
        self.dialogue.lost();
        for (_, waiting) in std::mem::take(&mut self.waiting) {
            // Whoever waited may have given up, here and below.
            let _ = waiting.send(Err(AskError::Lost));
        }
        self.standing.send_if_modified(|standing| {
            let was_open = matches!(standing, Standing::Open(_));
            if was_open {
                *standing = Standing::Away;
            }
            was_open
        });
    }

    fn send(&mut self, request: D::Request, waiting: Waiting) {
        let link = match (&*self.standing.borrow(), &self.link) {
            // Who asked has given up before it was sent.
            _ if waiting.is_closed() => return,
            (Standing::Refused(message), _) => {
                Err(AskError::NotTakenIn { message: message.clone() })
            }
            (Standing::Open(_), Some(link)) => Ok(link.clone()),
            (Standing::Open(_) | Standing::Away, _) => Err(AskError::Lost),
        };
        let link = match link {
            Ok(link) => link,
            Err(error) => return drop(waiting.send(Err(error))),
        };
        self.last += 1;
        let frames = self.dialogue.ask(self.last, request);
        self.waiting.insert(self.last, waiting);
        self.sending = Some((self.last, Box::pin(async move { link.send(frames).await })));
    }

    fn sent(&mut self, ticket: Ticket, sent: Result<(), SendError>) {
        self.sending = None;
        if let Err(SendError::BadMessage { .. }) = sent {
            self.dialogue.withdraw(ticket);
            self.reply(ticket, Err(AskError::TooLarge));
            // Nothing but the opening is sent before it has a reply.
            self.standing.send_if_modified(|standing| {
                let is_opening = *standing == Standing::Away;
                if is_opening {
                    *standing = Standing::Refused(AskError::TooLarge.to_string());
                }
                is_opening
            });
        }
        // That the connection is gone is told by its end.
    }

    /// What a message is, if it is for nobody in particular.
    fn heard(&mut self, frames: &Frames) -> Option<D::Event> {
        match self.dialogue.hear(frames) {
            Heard::Opened(called) => drop(self.standing.send_replace(Standing::Open(called))),
            Heard::NotOpened(why) => {
                self.standing.send_replace(Standing::Refused(why));
                if let Some(link) = &self.link {
                    link.close();
                }
            }
            Heard::Reply(ticket, reply) => self.reply(ticket, reply),
            Heard::Event(event) => return Some(event),
            Heard::Nothing => tracing::debug!("a message that answers nothing"),
        }
        None
    }

    fn reply(&mut self, ticket: Ticket, reply: Result<Value, AskError>) {
        if let Some(waiting) = self.waiting.remove(&ticket) {
            let _ = waiting.send(reply);
        }
    }
}

async fn sent(sending: &mut Option<(Ticket, Sending)>) -> (Ticket, Result<(), SendError>) {
    match sending {
        Some((ticket, sending)) => (*ticket, sending.await),
        None => std::future::pending().await,
    }
}
