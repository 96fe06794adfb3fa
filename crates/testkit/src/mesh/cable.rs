//! What stands between two nodes over TCP: it passes bytes on, until a test breaks it.
//!
//! ```text
//!   node that dials --- TCP ---> cable --- TCP ---> node that listens
//! ```

use std::io;

use hopline_core::Endpoint;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How much is passed on at a time.
const CHUNK: usize = 16 * 1024;

/// A port that leads to another one.
#[derive(Debug)]
pub(super) struct Cable {
    endpoint: Endpoint,
    leads_to: watch::Sender<Option<Endpoint>>,
    orders: watch::Sender<Order>,
    /// How many connections were reset.
    resets: watch::Receiver<u64>,
    _tasks: JoinSet<()>,
}

/// What becomes of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Pass,
    /// Of what comes next half is passed on, and both ends are told by RST; a connection that is made later passes.
    Reset,
    /// Nothing is passed on any more, and both ends stay open. Connections that are made now come through later.
    Swallow,
}

/// What every connection is told, and tells.
#[derive(Debug, Clone)]
struct Shared {
    orders: watch::Receiver<Order>,
    resets: watch::Sender<u64>,
}

impl Cable {
    pub(super) async fn lay() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let endpoint = Endpoint::Tcp { host: "127.0.0.1".to_owned(), port };
        let (leads_to, target) = watch::channel(None);
        let (orders, ordered) = watch::channel(Order::Pass);
        let (resets, counted) = watch::channel(0);
        let shared = Shared { orders: ordered, resets };
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, target, shared));
        Ok(Self { endpoint, leads_to, orders, resets: counted, _tasks: tasks })
    }

    /// What is to be dialled.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Where connections lead that are made from now on.
    pub(super) fn lead_to(&self, endpoint: &Endpoint) {
        self.leads_to.send_replace(Some(endpoint.clone()));
    }

    /// Ends the connection in the middle of what comes next. Returns when both ends were told.
    pub(super) async fn reset(&self) {
        let mut resets = self.resets.clone();
        resets.mark_unchanged();
        self.orders.send_replace(Order::Reset);
        // The other end of the channel lives as long as this.
        let _ = resets.changed().await;
    }

    /// Has connections swallow what is sent on them, until new ones may [pass](Cable::pass).
    pub(super) fn swallow(&self) {
        self.orders.send_replace(Order::Swallow);
    }

    /// Lets new connections pass. One that has swallowed anything stays as it is.
    pub(super) fn pass(&self) {
        self.orders.send_replace(Order::Pass);
    }
}

async fn accept(listener: TcpListener, target: watch::Receiver<Option<Endpoint>>, shared: Shared) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(connect(near, target.clone(), shared.clone()));
    }
}

/// A connection, from its first byte to its end. Whoever dials is not let in before there is where to lead to.
async fn connect(
    near: TcpStream,
    mut target: watch::Receiver<Option<Endpoint>>,
    mut shared: Shared,
) {
    // The wait has seen all orders that there were.
    if shared.orders.wait_for(|order| *order != Order::Swallow).await.is_err() {
        return;
    }
    let Ok(target) = target.wait_for(Option::is_some).await.map(|it| it.clone()) else { return };
    let Some(Endpoint::Tcp { host, port }) = target else { return };
    let Ok(far) = TcpStream::connect((host.as_str(), port)).await else { return };
    // What an end has said goes on at once, as it would without the cable.
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    pass(near, far, shared).await;
}

async fn pass(mut near: TcpStream, mut far: TcpStream, shared: Shared) {
    let (there, back) = (shared.orders.clone(), shared.orders.clone());
    let reset = {
        let (near_in, near_out) = near.split();
        let (far_in, far_out) = far.split();
        tokio::select! {
            biased;
            () = swallowed(&shared.orders) => None,
            reset = one_way(near_in, far_out, there) => Some(reset),
            reset = one_way(far_in, near_out, back) => Some(reset),
        }
    };
    let Some(reset) = reset else {
        let (there, back) = (&mut sink(), &mut sink());
        // An end that goes is none of the other one's business.
        let _ = tokio::join!(copy(&mut near, there), copy(&mut far, back));
        return;
    };
    if reset {
        // Else they are told by FIN, which is all the same to who reads.
        let _ = (near.set_zero_linger(), far.set_zero_linger());
        drop((near, far));
        shared.resets.send_modify(|resets| *resets += 1);
    }
}

/// Passes on what comes, until one end has gone, or until the connection is to be reset: then with half of what
/// came last. Says whether it is to be reset.
async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    orders: watch::Receiver<Order>,
) -> bool {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = match from.read(&mut chunk).await {
            Ok(0) | Err(_) => return false,
            Ok(length) => length,
        };
        let reset = is_ordered(&orders, Order::Reset);
        let passed = if reset { length / 2 } else { length };
        if to.write_all(&chunk[..passed]).await.is_err() || reset {
            return reset;
        }
    }
}

/// Whether this has been ordered since the connection was made.
fn is_ordered(orders: &watch::Receiver<Order>, order: Order) -> bool {
    orders.has_changed().unwrap_or(false) && *orders.borrow() == order
}

/// Waits until the connection is to swallow what comes.
async fn swallowed(orders: &watch::Receiver<Order>) {
    let mut seen = orders.clone();
    while seen.changed().await.is_ok() {
        if *seen.borrow() == Order::Swallow {
            return;
        }
    }
    std::future::pending().await
}
