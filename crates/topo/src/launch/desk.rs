//! Where a supervisor takes orders: a unix socket beside those of its nodes, for its owner alone. One JSON object a
//! line each way, one order a connection.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hopline_mesh::name::NodeName;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::apply::Applied;
use super::error::LaunchError;
use super::running::Running;
use super::store::state;
use super::words;
use crate::plan::Plan;

/// How many who give orders are listened to at a time.
const OPEN: usize = 64;
/// How many orders wait at most.
const ORDERS: usize = 16;
/// No order has more bytes.
const LARGEST: u64 = 256 << 20;
/// How long an order may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a supervisor says first. Whoever does not hear it gives no order: it would be carried out when nobody waits for it.
const GREETING: &[u8] = b"takes orders\n";
/// How long it may take to say so.
const READY: Duration = Duration::from_secs(5);

/// An order to a supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToSupervisor {
    /// The mesh is to go by this plan.
    Apply(Box<Plan>),
    /// What it would take to go by this plan is to be told; nothing is changed.
    Preview(Box<Plan>),
    /// A node is to leave, and not to be started again.
    Stop {
        /// The node.
        node: NodeName,
    },
    /// A node that was stopped is to run again.
    Start {
        /// The node.
        node: NodeName,
    },
}

/// What a supervisor answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromSupervisor {
    /// What became of a plan.
    Applied {
        /// What the nodes did.
        applied: Box<Applied>,
        /// The plan that held before, which may be younger than the one that whoever ordered it knew.
        before: Box<Plan>,
    },
    /// What it would take to go by a plan.
    Preview {
        /// Nodes that would be started again, with what the plan changes that only a restart brings about.
        restart: BTreeMap<NodeName, Vec<String>>,
        /// The plan that holds.
        now: Box<Plan>,
    },
    /// The order was carried out.
    Done {},
    /// Nothing was changed.
    Refused {
        /// Why.
        reason: String,
    },
}

/// An order, and where its answer goes.
type Order = (ToSupervisor, oneshot::Sender<FromSupervisor>);

/// Where orders come in.
pub(super) struct Desk {
    orders: mpsc::Receiver<Order>,
    _tasks: JoinSet<()>,
}

/// The socket in the directory of a mesh's sockets. No node's is called so: a node's name never ends with a mark.
pub(super) fn socket(dir: &Path) -> PathBuf {
    dir.join("supervisor_.ctl")
}

impl Desk {
    pub(super) fn open(path: &Path) -> Result<Self, LaunchError> {
        let listener = UnixListener::bind(path).map_err(state(path, "made"))?;
        let only_its_owner = fs::Permissions::from_mode(0o600);
        fs::set_permissions(path, only_its_owner).map_err(state(path, "made"))?;
        let (tell, orders) = mpsc::channel(ORDERS);
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(listener, tell));
        Ok(Self { orders, _tasks: tasks })
    }

    /// The next order.
    pub(super) async fn recv(&mut self) -> Option<Order> {
        self.orders.recv().await
    }
}

async fn listen(listener: UnixListener, orders: mpsc::Sender<Order>) {
    let mut open = JoinSet::new();
    loop {
        while open.len() >= OPEN {
            open.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                open.spawn(serve(stream, orders.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "an order could not be taken in");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while open.try_join_next().is_some() {}
    }
}

async fn serve(mut stream: UnixStream, orders: mpsc::Sender<Order>) {
    let (read, mut write) = stream.split();
    if write.write_all(GREETING).await.is_err() {
        return;
    }
    let mut line = String::new();
    let mut limited = BufReader::new(read).take(LARGEST);
    if !matches!(timeout(PATIENCE, limited.read_line(&mut line)).await, Ok(Ok(_))) {
        return;
    }
    let said = match words::word::<ToSupervisor>(&line) {
        Ok(word) => {
            let (answer, answered) = oneshot::channel();
            if orders.send((word, answer)).await.is_err() {
                return;
            }
            let Ok(said) = answered.await else { return };
            said
        }
        Err(error) => FromSupervisor::Refused { reason: format!("that is no order: {error}") },
    };
    // Whoever asked may have gone.
    if let Ok(line) = words::line(&said) {
        let _ = write.write_all(&line).await;
    }
}

impl Running {
    /// Gives the mesh's supervisor an order, and waits for its answer. One that ends meanwhile refuses it.
    ///
    /// # Errors
    /// [`LaunchError::State`] where the supervisor cannot be reached, [`LaunchError::Silent`] where it does not take orders
    /// (then none was given), or does not answer within `patience`.
    ///
    /// # Cancel safety
    /// Once polled, the order may be carried out although the future was dropped.
    pub async fn order(
        &self,
        word: &ToSupervisor,
        patience: Duration,
    ) -> Result<FromSupervisor, LaunchError> {
        let path = socket(&self.supervisor.sockets);
        let exchange = async {
            let mut stream = BufReader::new(UnixStream::connect(&path).await?);
            match timeout(READY, hear(&mut stream)).await {
                Ok(greeting) => drop(greeting?),
                Err(_) => return Err(std::io::ErrorKind::TimedOut.into()),
            }
            stream.write_all(&words::line(word)?).await?;
            words::word(&hear(&mut stream).await?).map_err(std::io::Error::other)
        };
        let said = timeout(patience, exchange).await;
        match said.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())) {
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                Err(LaunchError::Silent { pid: self.supervisor.process.pid })
            }
            Err(error) if has_ended(&error) => {
                Ok(FromSupervisor::Refused { reason: "the mesh is being stopped".to_owned() })
            }
            said => said.map_err(state(&path, "asked")),
        }
    }
}

/// The next that a supervisor says.
async fn hear(stream: &mut BufReader<UnixStream>) -> std::io::Result<String> {
    let mut line = String::new();
    match stream.read_line(&mut line).await? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line),
    }
}

/// Whether whoever was asked has gone, or was about to.
fn has_ended(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{
        BrokenPipe, ConnectionRefused, ConnectionReset, NotFound, UnexpectedEof,
    };
    [BrokenPipe, ConnectionRefused, ConnectionReset, NotFound, UnexpectedEof]
        .contains(&error.kind())
}
