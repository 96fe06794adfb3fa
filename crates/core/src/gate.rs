//! The gate: what stands between a port and the transport.
//!
//! ```text
//!              accept / dial      walker                               transport
//! stranger ===== stream ====> gate === private connection (unix) ===> ROUTER ===> Inbox
//!     ^        handshake       |   [attach] message message [detach]
//!     +========= batch ========+<================== queue ======================= Outlet
//! ```
//!
//! It accepts or dials, limits and times, shakes hands with the stranger, judges every frame by its
//! head, answers PING, and passes bytes. Nothing of a stranger reaches the transport unjudged. What
//! goes out needs no judging and no second socket: the gate writes it as the sender gave it, and so
//! knows of each message whether it went out whole.

mod accept;
pub(crate) mod asides;
mod assembly;
mod batch;
mod descriptors;
mod dial;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod handshake;
mod inner;
mod life;
pub(crate) mod marks;
mod pulse;
mod splice;
mod stream;
mod valve;
mod walker;
mod window;
mod zmtp;

pub(crate) use accept::{Port, bind_ipc, bind_tcp};
pub use descriptors::raise_descriptor_limit;
pub(crate) use dial::{Call, Link, dial, dial_mem};

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::asides::Asides;
use self::assembly::Assembly;
use self::inner::{Inner, Pool};
use self::life::watch;
use self::marks::Mark;
use self::splice::{Inward, Outward, splice};
use self::stream::Stream;
use self::window::{Buffers, Window};
use crate::Cause;
use crate::outlet::Outlet;
use crate::queue::Queue;
use crate::registry::{Claim, Place, Registry, Stay};
use crate::transport::Wire;

/// The most that is padded to keep the private connection of a stranger that was cut off.
const PAD_MAX: u64 = 1024 * 1024;

/// How long a closing socket goes on handing over what it had taken, and waits until the peer has closed too.
const LINGER: Duration = Duration::from_secs(3);

/// What all connections of one socket share.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) registry: Arc<Registry>,
    pub(crate) wire: Arc<Wire>,
    pub(crate) stop: CancellationToken,
    pool: Pool,
    buffers: Arc<Buffers>,
    assembly: Arc<Assembly>,
}

impl Gate {
    pub(crate) fn new(registry: &Arc<Registry>, wire: Wire, stop: CancellationToken) -> Arc<Self> {
        let wire = Arc::new(wire);
        let pool = Pool::new(Arc::clone(&wire), Arc::clone(registry));
        let buffers = Arc::default();
        let assembly = Assembly::new(registry.limits.unfinished, registry.limits.stall);
        Arc::new(Self { registry: Arc::clone(registry), wire, stop, pool, buffers, assembly })
    }

    /// Carries one stranger from its first message to its last, and makes the private connection
    /// clean again. Says why it ended; the private connection comes back unless it was spoilt.
    async fn carry(&self, guest: Carried, inner: Inner, pad_max: u64) -> (Cause, Option<Inner>) {
        let Carried { outer, early, asides, outlet, queue, held } = guest;
        let window = Window::new(&self.buffers, early);
        let mut inward = Inward::new(self.registry.limits, window, self.assembly.part());
        let late = inward.late();
        let mut outward = Outward::new(&outlet, &queue, &self.buffers);
        let known = &outlet.known;

        self.registry.admit(&outlet);
        if self.say(&inner, Mark::Attach(known.peer.id)).await.is_err() {
            self.registry.dismiss(&outlet);
            self.registry.forget(known.peer.id);
            return (Cause::Internal, None);
        }
        let cause = tokio::select! {
            biased;
            () = self.stop.cancelled() => Cause::ClosedHere,
            () = outlet.hang_up.cancelled() => outlet.why(),
            cause = splice(&mut inward, &mut outward, &outer, &inner.stream, &asides) => cause,
            () = late.cancelled() => Cause::Stalled,
            cause = watch(&asides, &self.registry.limits) => cause,
            () = overstays(held.as_ref().map(|(_, place)| place.stay())) => {
                Cause::TooManyConnections
            }
        };
        let ended = matches!(cause, Cause::Closed | Cause::Reset);
        let cause = if ended && inward.is_cut() { Cause::Aborted } else { cause };

        if self.stop.is_cancelled() {
            outlet.seal();
            outlet.all_handed_on().await;
            // Closed with bytes unread, or before the peer has said its last, the kernel would take back what was just
            // written (RFC 9112, section 9.6, on the reset problem).
            let last_words = async {
                if outward.flush(&outer, &asides).await.is_ok() && outer.end_writing().is_ok() {
                    outer.ended().await;
                }
            };
            let _ = tokio::time::timeout(LINGER, last_words).await;
            outer.drain();
            return (cause, None);
        }
        drop(outer);
        let _ = known.end.set(cause);
        drop(held);
        self.registry.dismiss(&outlet);
        outlet.all_handed_on().await;
        // Only now, when nobody takes the room that this leaves.
        drop(outward);
        queue.clear();
        if cause.is_refusal() {
            self.registry.counters.refuse(cause, &known.peer.address);
        }
        tracing::debug!(peer = %known.peer.id, address = known.peer.address, %cause, "detached");

        if inward.missing() > pad_max {
            self.close(inner).await;
            self.tell_detached(&outlet).await;
            return (cause, None);
        }
        let finished = async {
            inward.finish(&inner.stream, &self.wire.secret).await?;
            self.say(&inner, Mark::Detach(known.peer.id)).await
        };
        match finished.await {
            Ok(()) => (cause, Some(inner.used_for(inward.largest_frame()))),
            Err(_) => {
                self.tell_detached(&outlet).await;
                (cause, None)
            }
        }
    }

    /// Takes back a private connection that is clean, and closes it if it is not worth keeping.
    async fn put_back(&self, inner: Inner) {
        if let Some(spare) = self.pool.put(inner) {
            self.close(spare).await;
        }
    }

    /// Closes a private connection: returns once the transport has read all that came by it, or the socket closes.
    async fn close(&self, inner: Inner) {
        let _closing = self.wire.turns.close();
        if inner.stream.end_writing().is_ok() {
            tokio::select! {
                () = inner.stream.ended() => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// Tells the end of a peer whose own private connection is gone.
    async fn tell_detached(&self, outlet: &Outlet) {
        let Ok(other) = self.pool.take().await else {
            return;
        };
        if self.say(&other, Mark::Detach(outlet.known.peer.id)).await.is_ok() {
            self.put_back(other).await;
        }
    }

    async fn say(&self, inner: &Inner, mark: Mark) -> std::io::Result<()> {
        inner.stream.write_all(&self.wire.secret.message(mark)).await
    }
}

/// Waits until a connection has to go for want of a place; for ever if it needs none.
///
/// # Cancel safety
/// Cancel-safe.
async fn overstays(stay: Option<&Stay>) {
    let Some(stay) = stay else {
        return std::future::pending().await;
    };
    if let Some(time) = stay.trial() {
        let is_over = tokio::time::timeout(time, stay.is_over()).await.is_ok();
        if is_over || stay.is_on_trial() {
            return;
        }
    }
    stay.is_over().await;
}

/// A stranger that was let in.
struct Carried {
    outer: Stream,
    early: Vec<u8>,
    /// Our READY waits in it if it is still to be said: the guest hears it once it can be sent to.
    asides: Arc<Asides>,
    outlet: Arc<Outlet>,
    /// What waits to be written to it, by the outlet.
    queue: Arc<Queue>,
    /// Its name and its place, free again as soon as it has left.
    held: Option<(Claim, Place)>,
}
