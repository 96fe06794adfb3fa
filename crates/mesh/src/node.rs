//! A routing node: a ROUTER, a DEALER for each neighbour that it dials, and the loop between them
//! and the [`Brain`](crate::brain::Brain).
//!
//! ```text
//!   clients, neighbours that dial     neighbours that are dialled
//!            |                                 |
//!        [ Router ]                       [ Dealer ] ...
//!            |                                 |
//!            +-------> one loop <--------------+
//!                        |  ^
//!                 inputs v  | outputs
//!                     [ Brain ]
//! ```
//!
//! This is the only place of the crate, besides [`crate::client`], that has sockets and a clock.

mod clock;
mod config;
mod deliveries;
mod dialler;
mod error;
mod pace;
mod rim;
mod sockets;
mod trials;
mod trouble;

use std::time::Duration;

use hopline_core::Endpoint;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;

pub use config::NodeConfig;
pub use error::{NodeStopped, RouteError, StartError};

use crate::brain::{Command, Event, Settings};
use crate::name::NodeName;
use crate::route::Pattern;
use crate::wire::control::{NodeStatus, RouteLine};

/// How many events a slow listener may be behind before it misses some.
const EVENTS: usize = 1024;

/// A node of a mesh, running.
///
/// It takes clients and neighbours in at its port and dials the neighbours that it is told the
/// addresses of. It ends with [`RoutingNode::shutdown`]; dropping it ends it at once, without a
/// good-bye to its neighbours.
///
/// # Examples
/// ```
/// use hopline_core::Endpoint;
/// use hopline_mesh::client::{Client, ClientOptions};
/// use hopline_mesh::name::NodeName;
/// use hopline_mesh::node::{NodeConfig, RoutingNode};
/// use hopline_mesh::wire::hello::MeshKey;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let port: Endpoint = "mem://doc-node".parse()?;
/// let key = MeshKey::new([7; 32]);
/// let node = RoutingNode::start(NodeConfig::new("doc", NodeName::parse("top")?, port, key)).await?;
///
/// let alice = Client::connect(node.endpoint(), ClientOptions::named("alice")?).await?;
/// let mut bob = Client::connect(node.endpoint(), ClientOptions::named("bob")?).await?;
/// alice.send("bob", "good morning").await?;
/// let message = bob.recv().await?.message()?;
/// assert_eq!(message.payload[0], "good morning");
/// assert_eq!(message.nodes(), ["top"]);
///
/// node.shutdown().await;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a node that is dropped ends"]
pub struct RoutingNode {
    name: NodeName,
    endpoint: Endpoint,
    control: Option<Endpoint>,
    orders: mpsc::Sender<Order>,
    events: broadcast::Sender<Event>,
    tasks: JoinSet<()>,
}

/// What the handle asks of the loop.
#[derive(Debug)]
enum Order {
    Dial(NodeName, Endpoint),
    Command(Command, oneshot::Sender<()>),
    LimitConnections(usize, oneshot::Sender<()>),
    Status(oneshot::Sender<NodeStatus>),
    Routes(oneshot::Sender<Vec<RouteLine>>),
    Leave,
}

impl RoutingNode {
    /// Opens the node's ports and starts it. It knows nobody until neighbours dial it or it is told
    /// whom to [`dial`](RoutingNode::dial).
    ///
    /// # Errors
    /// [`StartError`] where a port cannot be opened.
    ///
    /// # Cancel safety
    /// What was opened is closed again if the future is dropped.
    pub async fn start(config: NodeConfig) -> Result<Self, StartError> {
        let name = config.node.clone();
        let (orders, inbox) = mpsc::channel(64);
        let (events, _) = broadcast::channel(EVENTS);
        let rim = rim::Rim::open(config, inbox, events.clone()).await?;
        let endpoint = rim.endpoint();
        let control = rim.control();
        let mut tasks = JoinSet::new();
        tasks.spawn(rim.run());
        Ok(Self { name, endpoint, control, orders, events, tasks })
    }

    /// The node's name.
    #[must_use]
    pub fn name(&self) -> &NodeName {
        &self.name
    }

    /// The port for clients and neighbours, with its real number.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The control socket, if there is one.
    #[must_use]
    pub fn control(&self) -> Option<&Endpoint> {
        self.control.as_ref()
    }

    /// Tells where a neighbour is that this node dials. It is dialled at once, and again whenever
    /// the connection is lost. An earlier address is forgotten. Who is told again that it is there, while there is no
    /// connection, dials it at once instead of after the present pause.
    ///
    /// # Errors
    /// [`NodeStopped`] where the node has ended.
    ///
    /// # Cancel safety
    /// Either the node was told or it was not.
    pub async fn dial(&self, neighbour: NodeName, endpoint: Endpoint) -> Result<(), NodeStopped> {
        self.orders.send(Order::Dial(neighbour, endpoint)).await.map_err(|_| NodeStopped)
    }

    /// Sets the static route to a destination: a name, or a prefix `region.*`. The next hop is a
    /// node (the computed way to it), a client attached here, or `upstream`. Static routes beat
    /// computed ones; see [`crate::route::StaticRoutes`].
    ///
    /// # Errors
    /// [`RouteError`] where the destination is no name and no prefix, or the node has ended.
    ///
    /// # Cancel safety
    /// Once polled, the route may be set although the future was dropped.
    pub async fn update_routing_table(
        &self,
        destination: &str,
        next_hop: &str,
    ) -> Result<(), RouteError> {
        self.set_route(destination, Some(next_hop)).await
    }

    /// Takes the static route to a destination away.
    ///
    /// # Errors
    /// As [`RoutingNode::update_routing_table`].
    ///
    /// # Cancel safety
    /// As [`RoutingNode::update_routing_table`].
    pub async fn remove_route(&self, destination: &str) -> Result<(), RouteError> {
        self.set_route(destination, None).await
    }

    async fn set_route(&self, destination: &str, next_hop: Option<&str>) -> Result<(), RouteError> {
        let _: Pattern = destination.parse()?;
        let (destination, next_hop) = (destination.to_owned(), next_hop.map(str::to_owned));
        Ok(self.command(Command::SetRoute { destination, next_hop }).await?)
    }

    /// Gives the node an order, and waits until it is carried out.
    ///
    /// # Errors
    /// [`NodeStopped`] where the node has ended.
    ///
    /// # Cancel safety
    /// Once polled, the order may be carried out although the future was dropped.
    pub async fn command(&self, command: Command) -> Result<(), NodeStopped> {
        self.ask(|answer| Order::Command(command, answer)).await
    }

    /// Has the node go by other settings from now on; a link that stays as it is is not touched. Neighbours that
    /// it now dials have to be told with [`RoutingNode::dial`] where they are. A port beyond the machine is closed
    /// whatever they say.
    ///
    /// # Errors
    /// [`NodeStopped`] where the node has ended.
    ///
    /// # Cancel safety
    /// Once polled, the node may go by them although the future was dropped.
    pub async fn reconfigure(&self, settings: Settings) -> Result<(), NodeStopped> {
        self.command(Command::Reconfigure(Box::new(settings))).await
    }

    /// Lets so many clients be connected from now on. Where there are more, the newest are closed, and what waits
    /// for them goes back to its senders; links are none of them.
    ///
    /// # Errors
    /// [`NodeStopped`] where the node has ended.
    ///
    /// # Cancel safety
    /// Once polled, the limit may hold although the future was dropped.
    pub async fn limit_connections(&self, connections: usize) -> Result<(), NodeStopped> {
        self.ask(|answer| Order::LimitConnections(connections, answer)).await
    }

    /// What the node is and knows.
    ///
    /// # Errors
    /// [`NodeStopped`] where the node has ended.
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn status(&self) -> Result<NodeStatus, NodeStopped> {
        self.ask(Order::Status).await
    }

    /// The node's routing table.
    ///
    /// # Errors
    /// [`NodeStopped`] where the node has ended.
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn routes(&self) -> Result<Vec<RouteLine>, NodeStopped> {
        self.ask(Order::Routes).await
    }

    /// What happens at the node from now on. A listener that is more than 1,024 events behind is
    /// told how many it missed.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// A node that leaves has ended after so long, whatever is left.
    pub const LEAVES_WITHIN: Duration = rim::ENDS;

    /// Has the node leave without loss: the others route round it, what is on its way is finished, it says good-bye
    /// to its neighbours, closes the dialled connections, then its ports, and takes its sockets away. It is not waited
    /// for, see [`RoutingNode::ended`]; until then the node still says its [`status`](RoutingNode::status).
    ///
    /// A node that is idle has left within milliseconds; how long another takes, links and clients say. What does not
    /// move any more, and what is not finished after 60 s, goes back to its senders, as far as links are left that
    /// carry it. After [`RoutingNode::LEAVES_WITHIN`], 61 s, the node ends whatever is left.
    ///
    /// # Errors
    /// [`NodeStopped`] where the node has ended.
    ///
    /// # Cancel safety
    /// Either the node was told or it was not.
    pub async fn leave(&self) -> Result<(), NodeStopped> {
        self.orders.send(Order::Leave).await.map_err(|_| NodeStopped)
    }

    /// Ready once the node has ended: it has left, or failed.
    ///
    /// # Cancel safety
    /// Nothing changes.
    pub async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Ends the node without loss, and waits until it has ended: [`RoutingNode::leave`], then
    /// [`RoutingNode::ended`].
    ///
    /// # Cancel safety
    /// The node ends at once if the future is dropped.
    pub async fn shutdown(mut self) {
        // If the loop has ended already there is nobody to tell.
        let _ = self.leave().await;
        self.ended().await;
    }

    async fn ask<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<T>) -> Order,
    ) -> Result<T, NodeStopped> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(order(answer)).await.map_err(|_| NodeStopped)?;
        answered.await.map_err(|_| NodeStopped)
    }
}
