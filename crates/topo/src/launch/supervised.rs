//! One node under a supervisor: it does what is said on its stdin, and ends when that does.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{self, BufRead as _, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender};
use std::time::Duration;

use hopline_core::Endpoint;
use hopline_mesh::name::NodeName;
use hopline_mesh::node::{NodeStopped, RoutingNode};
use hopline_mesh::wire::hello::MeshKey;
use tokio::sync::watch;
use tokio::time::interval;

use super::farewell::HANGS;
use super::share::Share;
use super::start::{node_config, start};
use super::words::{self, FromNode, Setup, ToNode};

/// How often a node that leaves says so.
const SAY_EVERY: Duration = Duration::from_secs(1);
/// Once its supervisor is gone, a node that leaves and has not moved for so long hangs: a little earlier than its keeper would
/// have killed it, as nobody does now.
const STUCK: Duration = HANGS.saturating_sub(Duration::from_secs(1));

/// Where neighbours are, and which word said so.
type Addresses = BTreeMap<NodeName, (Endpoint, usize)>;

/// What the supervisor has said so far.
#[derive(Debug, Clone, Default)]
struct Heard {
    setup: Option<Arc<Setup>>,
    addresses: Arc<Addresses>,
    asked: u64,
    prepare: Option<(u64, Arc<Share>)>,
    switch: u64,
    is_over: bool,
}

/// Runs the node that the supervisor describes on this process's stdin, until that ends or `stop` is ready; then
/// it leaves without loss, see [`RoutingNode::shutdown`]. Says whether the node ran.
///
/// The process must not outlive its supervisor for longer than it takes to leave: should the node hang for some seconds
/// after stdin ended, `overdue` is called, from a thread of its own, and is to end the process.
///
/// # Errors
/// Where stdout cannot be written, which means that the supervisor is gone.
///
/// # Cancel safety
/// The node ends at once, without a good-bye, if the future is dropped.
pub async fn run_supervised(
    stop: impl Future<Output = ()>,
    overdue: impl FnOnce() + Send + 'static,
) -> io::Result<bool> {
    let (say, mut heard) = watch::channel(Heard::default());
    // Dropped when this function is done, which is what the thread waits for at its end.
    let (moves, moved) = std::sync::mpsc::sync_channel::<()>(1);
    // A thread of its own hears the end of stdin whatever becomes of the runtime.
    std::thread::spawn(move || {
        listen(&say);
        // By looks: a node that stood still has not hung.
        let mut looks = 0;
        while looks < STUCK.as_secs() {
            match moved.recv_timeout(Duration::from_secs(1)) {
                Ok(()) => looks = 0,
                Err(RecvTimeoutError::Timeout) => looks += 1,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        overdue();
    });
    let started = heard.wait_for(|heard| heard.setup.is_some() || heard.is_over).await;
    let setup = started.ok().and_then(|heard| heard.setup.clone());
    let Some(setup) = setup else {
        return Ok(false);
    };
    let mut node = match start(&setup).await {
        Ok(node) => node,
        Err(failure) => {
            tracing::error!("did not start: {failure}");
            tell(&FromNode::Failed(failure))?;
            return Ok(false);
        }
    };
    let ran = tokio::select! {
        biased;
        () = stop => Ok(()),
        ran = attend(&mut node, &setup, heard) => ran,
    };
    leave(node, &moves).await;
    tracing::info!("left");
    ran.map(|()| true)
}

/// Has the node leave, and says again and again that it still does.
async fn leave(mut node: RoutingNode, moves: &SyncSender<()>) {
    // If it has ended already there is nobody to tell.
    let _ = node.leave().await;
    let mut say = interval(SAY_EVERY);
    loop {
        tokio::select! {
            biased;
            () = node.ended() => return,
            _ = say.tick() => {}
        }
        // Only a loop that runs answers.
        if node.status().await.is_ok() {
            // Whoever is to hear it may be gone, or have something to hear yet.
            let _ = moves.try_send(());
            let _ = tell(&FromNode::Leaving {});
        }
    }
}

async fn attend(
    node: &mut RoutingNode,
    setup: &Setup,
    mut heard: watch::Receiver<Heard>,
) -> io::Result<()> {
    let endpoint = node.endpoint().clone();
    tracing::info!(%endpoint, incarnation = setup.incarnation, "listens");
    tell(&FromNode::Ready { endpoint })?;
    let (mut dialled, mut asked) = (BTreeMap::new(), 0);
    let (mut prepared, mut switched) = (0, 0);
    let mut share = setup.share.clone();
    loop {
        let now = heard.borrow_and_update().clone();
        if now.is_over {
            return Ok(());
        }
        if let Some((number, next)) = now.prepare {
            if number > prepared {
                prepared = number;
                let restart = share.needs_restart(&next);
                tell(&FromNode::Prepared { number, restart })?;
            }
            if now.switch == number && number > switched {
                switched = number;
                share = next.as_ref().clone();
                go_by(node, setup, &share).await.map_err(io::Error::other)?;
                tell(&FromNode::Switched { number })?;
            }
        }
        dial_changed(node, &now.addresses, &mut dialled).await;
        if now.asked != asked {
            asked = now.asked;
            let status = node.status().await.map_err(io::Error::other)?;
            tell(&FromNode::Status(Box::new(status)))?;
        }
        tokio::select! {
            biased;
            changed = heard.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
            }
            () = node.ended() => return Err(io::Error::other("the node has ended by itself")),
        }
    }
}

/// The node goes by another share from now on.
async fn go_by(node: &RoutingNode, setup: &Setup, share: &Share) -> Result<(), NodeStopped> {
    let (bind, key) = (node.endpoint().clone(), MeshKey::new(setup.key));
    let config = node_config(&setup.mesh, share.rules(), &share.plan, bind, key);
    tracing::info!("goes by another plan");
    node.reconfigure(config.settings).await?;
    node.limit_connections(config.limits.connections).await
}

async fn dial_changed(
    node: &RoutingNode,
    addresses: &Addresses,
    dialled: &mut BTreeMap<NodeName, usize>,
) {
    for (neighbour, (endpoint, word)) in addresses {
        if dialled.insert(neighbour.clone(), *word) != Some(*word) {
            // A node that has ended is found out where this is called.
            let _ = node.dial(neighbour.clone(), endpoint.clone()).await;
        }
    }
}

/// Hears all that is said on stdin until it ends.
fn listen(say: &watch::Sender<Heard>) {
    for (word, line) in io::stdin().lock().lines().enumerate() {
        let Ok(line) = line else { break };
        match words::word(&line) {
            Ok(ToNode::Setup(setup)) => {
                say.send_modify(|heard| heard.setup = Some(Arc::from(setup)));
            }
            Ok(ToNode::Addresses(addresses)) => {
                let addresses = addresses.into_iter().map(|(node, at)| (node, (at, word)));
                say.send_modify(|heard| Arc::make_mut(&mut heard.addresses).extend(addresses));
            }
            Ok(ToNode::Prepare { number, share }) => {
                say.send_modify(|heard| heard.prepare = Some((number, Arc::from(share))));
            }
            Ok(ToNode::Switch { number }) => say.send_modify(|heard| heard.switch = number),
            Ok(ToNode::Ask {}) => say.send_modify(|heard| heard.asked += 1),
            Err(error) => tracing::error!(%error, "the supervisor says what is no word"),
        }
    }
    say.send_modify(|heard| heard.is_over = true);
}

fn tell(word: &FromNode) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(&words::line(word)?)?;
    stdout.flush()
}
