//! The loop: sockets and the clock on one side, the brain on the other.

mod leaving;
mod outputs;

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use hopline_core::{
    Dealer, DealerEvent, DealerOptions, Duplicates, Endpoint, HighWater, Limits, Router,
    RouterEvent, RouterOptions, SocketKind,
};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;

pub(super) use self::leaving::ENDS;
use self::leaving::Leaving;
use super::clock::{Clock, reach};
use super::deliveries::{Deliveries, Kept};
use super::dialler::{Dialler, Report};
use super::pace::Pace;
use super::sockets::{Socket, Sockets};
use super::trials::{Heard, Trials};
use super::{NodeConfig, Order, StartError};
use crate::brain::{
    Brain, Command, Config, ConnId, Event, Input, Opened, Output, Settings, Window,
};
use crate::name::NodeName;
use crate::reason::Reason;

/// How many messages are taken in before what waits is handed over.
const BURST: usize = 256;
/// How long deliveries to a client that is not sent anything more are kept.
const TIDY: Duration = Duration::from_millis(50);
/// The same while somebody waits to hear that they have gone out.
const TIDY_ASKED: Duration = Duration::from_millis(1);
/// A client's connection, and whether the client is there.
type Answered = (ConnId, bool);

/// A node's sockets and the loop that serves them.
pub(super) struct Rim {
    clock: Clock,
    brain: Brain,
    router: Router,
    /// The index of the control socket among the router's endpoints.
    control: Option<usize>,
    sockets: Sockets,
    dealer_options: DealerOptions,
    /// Where neighbours are that this node dials.
    addresses: BTreeMap<NodeName, Endpoint>,
    reports: (mpsc::Sender<Report>, mpsc::Receiver<Report>),
    /// Whether clients are there that were asked.
    answers: (mpsc::Sender<Answered>, mpsc::Receiver<Answered>),
    orders: mpsc::Receiver<Order>,
    events: broadcast::Sender<Event>,
    tasks: JoinSet<()>,
    outputs: Vec<Output>,
    deliveries: Deliveries,
    pace: Pace,
    trials: Trials,
    /// When it is looked which deliveries have gone out; none while there are none.
    tidy_at: Option<Instant>,
    /// Whether the port is one that other machines reach.
    is_beyond: bool,
    last_dialler: u64,
    last_conn: u64,
}

impl Rim {
    pub(super) async fn open(
        config: NodeConfig,
        orders: mpsc::Receiver<Order>,
        events: broadcast::Sender<Event>,
    ) -> Result<Self, StartError> {
        let closed = config.is_closed();
        let clock = Clock::start();
        let now = clock.now();
        let high_water = high_water(config.settings.queue);
        let limits = config.limits;
        let options = RouterOptions {
            limits: Limits {
                reserved: limits.reserved.max(NodeConfig::LEAST_LIMITS.reserved),
                ..limits
            },
            high_water,
            runtime_dir: config.runtime_dir.clone(),
            duplicates: Duplicates::Admit,
            loopback_only: !config.open,
        };
        let mut router = Router::bind(&config.bind, options).await?;
        let control = match &config.control {
            Some(control) => Some(router.bind_also(control).await?),
            None => None,
        };
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|_| StartError::Random)?;
        let brain = Brain::new(
            Config {
                mesh: config.mesh,
                node: config.node,
                key: config.key,
                incarnation: config.incarnation.unwrap_or(now.unix_millis()),
                settings: Settings { closed, ..config.settings },
                frame: limits.frame,
                data_handler: config.data_handler,
                seed,
            },
            now,
        );
        let sockets =
            Sockets { router: router.sender(), diallers: BTreeMap::new(), dialled: HashMap::new() };
        let dealer_options = DealerOptions {
            limits: config.limits,
            high_water,
            runtime_dir: config.runtime_dir,
            ..DealerOptions::default()
        };
        Ok(Self {
            clock,
            brain,
            router,
            control,
            sockets,
            dealer_options,
            addresses: BTreeMap::new(),
            reports: mpsc::channel(BURST),
            answers: mpsc::channel(BURST),
            orders,
            events,
            tasks: JoinSet::new(),
            outputs: Vec::new(),
            deliveries: Deliveries::default(),
            pace: Pace::default(),
            trials: Trials::default(),
            tidy_at: None,
            is_beyond: !config.bind.is_local(),
            last_dialler: 0,
            last_conn: 0,
        })
    }

    /// The port for clients and neighbours.
    pub(super) fn endpoint(&self) -> Endpoint {
        self.router.endpoints().swap_remove(0)
    }

    /// The control socket.
    pub(super) fn control(&self) -> Option<Endpoint> {
        self.router.endpoints().into_iter().nth(self.control?)
    }

    /// Runs until it is told to end, or its handle is gone.
    pub(super) async fn run(mut self) {
        let mut leaving: Option<Leaving> = None;
        loop {
            let tick = self.brain.next_tick().map(|at| self.clock.at(at));
            let look = leaving.as_ref().map(Leaving::next);
            let wake = [tick, look, self.tidy_at].into_iter().flatten().min();
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Leave) if leaving.is_none() => {
                        leaving = Some(self.leave().await);
                    }
                    Some(order) => self.obey(order).await,
                    None => break,
                },
                report = self.reports.1.recv() => {
                    if let Some(report) = report {
                        self.dialler_reported(report).await;
                    }
                }
                answer = self.answers.1.recv() => {
                    if let Some((conn, alive)) = answer {
                        self.take(Input::Answered { conn, alive }).await;
                    }
                }
                event = self.router.recv_event() => self.router_reported(event).await,
                () = reach(wake) => {}
            }
            self.drain().await;
            // A node that is never idle has to look at the clock as well.
            if tick.is_some_and(|tick| self.clock.has_passed(tick)) {
                self.take(Input::Tick).await;
            }
            self.flush().await;
            self.tidy().await;
            if let Some(leaving) = &mut leaving
                && self.has_left(leaving)
            {
                break;
            }
        }
        self.sockets.diallers.clear();
        // Nobody takes answers any more, and who has one is not to wait.
        self.answers.1.close();
        while self.tasks.join_next().await.is_some() {}
        self.router.shutdown().await;
    }
}

/// How much may wait for one client.
fn high_water(queue: Window) -> HighWater {
    HighWater { messages: queue.messages, bytes: queue.bytes, ..HighWater::default() }
}

impl Rim {
    async fn obey(&mut self, order: Order) {
        let now = self.clock.now();
        match order {
            Order::Dial(neighbour, endpoint) => {
                let before = self.addresses.insert(neighbour.clone(), endpoint.clone());
                if before != Some(endpoint) || !self.sockets.has_reached(&neighbour) {
                    // It may be long until it would be dialled again.
                    if let Some(conn) = self.sockets.hang(&neighbour) {
                        self.take(Input::Closed(conn)).await;
                    }
                }
                self.dial(&neighbour);
            }
            Order::Command(mut command, done) => {
                if let Command::Reconfigure(settings) = &mut command {
                    settings.closed |= self.is_beyond;
                    let high_water = high_water(settings.queue);
                    self.sockets.router.set_high_water(high_water);
                    self.dealer_options.high_water = high_water;
                }
                self.take(Input::Command(command)).await;
                // Whoever asked may have gone.
                let _ = done.send(());
            }
            Order::LimitConnections(connections, done) => {
                let closed = self.sockets.router.set_connections(connections);
                if closed > 0 {
                    let node = self.brain.name();
                    tracing::warn!(%node, connections, closed, "fewer connections may be open");
                }
                // Whoever asked may have gone.
                let _ = done.send(());
            }
            Order::Status(answer) => {
                let _ = answer.send(self.brain.status(now, &self.sockets));
            }
            Order::Routes(answer) => {
                let _ = answer.send(self.brain.route_lines());
            }
            // It does.
            Order::Leave => {}
        }
    }

    /// Dials a neighbour whose address is known, unless that is under way or the link is cut.
    fn dial(&mut self, neighbour: &NodeName) {
        let Some(endpoint) = self.addresses.get(neighbour) else {
            return;
        };
        if self.brain.is_cut(neighbour) || self.sockets.dialler(neighbour).is_some() {
            return;
        }
        match Dealer::connect(endpoint, self.dealer_options.clone()) {
            Ok(dealer) => {
                self.last_dialler += 1;
                let (number, reports) = (self.last_dialler, self.reports.0.clone());
                let (neighbour, endpoint) = (neighbour.clone(), endpoint.clone());
                let tasks = &mut self.tasks;
                let dialler = Dialler::start(neighbour, endpoint, dealer, number, reports, tasks);
                self.sockets.diallers.insert(number, dialler);
            }
            Err(error) => {
                tracing::error!(node = %self.brain.name(), %neighbour, %error, "cannot dial");
            }
        }
    }

    async fn dialler_reported(&mut self, (number, event): Report) {
        let Some(dialler) = self.sockets.diallers.get_mut(&number) else {
            return;
        };
        match event {
            DealerEvent::Up => {
                self.last_conn += 1;
                let conn = Socket::dialled(self.last_conn);
                dialler.conn = Some(conn);
                dialler.trouble.over();
                dialler.link = dialler.sender.connection();
                let neighbour = dialler.neighbour.clone();
                self.sockets.dialled.insert(conn, number);
                self.take(Input::Opened(conn, Opened::Dialled { neighbour })).await;
            }
            DealerEvent::Message(frames) => {
                if let Some(conn) = dialler.conn {
                    self.take(Input::Received(conn, frames)).await;
                }
            }
            DealerEvent::Down(cause) => {
                tracing::debug!(node = %self.brain.name(), neighbour = %dialler.neighbour, %cause, "connection ended");
                if let Some(conn) = dialler.conn.take() {
                    self.sockets.dialled.remove(&conn);
                    self.take(Input::Closed(conn)).await;
                }
            }
            DealerEvent::Retrying { attempt, delay, cause } => {
                let now = self.clock.now().since_start;
                if dialler.trouble.failed(attempt, cause, now)
                    && let Some(trouble) = dialler.trouble.text()
                {
                    tracing::warn!(node = %self.brain.name(), neighbour = %dialler.neighbour, trouble, "cannot be reached");
                }
                tracing::debug!(node = %self.brain.name(), neighbour = %dialler.neighbour, attempt, ?delay, %cause, "dials again");
            }
        }
    }

    async fn router_reported(&mut self, event: RouterEvent) {
        let input = match event {
            RouterEvent::Attached(peer) => {
                let accepted = Opened::Accepted {
                    identity: peer.identity.map(hopline_core::Identity::into_bytes),
                    request: peer.kind == SocketKind::Req,
                    operator: Some(peer.port) == self.control,
                };
                if peer.on_trial {
                    return self.trials.begin(peer.id, accepted);
                }
                Input::Opened(Socket::accepted(peer.id), accepted)
            }
            RouterEvent::Message(peer, frames) => {
                match self.trials.heard(peer, &frames) {
                    Heard::Known => {}
                    Heard::Node(opened) => {
                        self.take(Input::Opened(Socket::accepted(peer), opened)).await;
                    }
                    Heard::Stranger => return self.sockets.router.close(peer),
                }
                Input::Received(Socket::accepted(peer), frames)
            }
            RouterEvent::Detached { peer, cause, passed } => {
                tracing::trace!(node = %self.brain.name(), %peer, %cause, "connection ended");
                if self.trials.ended(peer) {
                    return;
                }
                for Kept { frames, original, .. } in self.deliveries.ended(peer, passed) {
                    let reason = Reason::ReceiverGone;
                    self.take(Input::Undelivered { frames, original, reason }).await;
                }
                Input::Closed(Socket::accepted(peer))
            }
        };
        self.take(input).await;
    }

    /// Takes in what is there already, so that it is handed on together.
    async fn drain(&mut self) {
        for _ in 0..BURST {
            if let Some(event) = self.router.try_recv_event() {
                self.router_reported(event).await;
            } else if let Ok(report) = self.reports.1.try_recv() {
                self.dialler_reported(report).await;
            } else {
                break;
            }
        }
    }
}
