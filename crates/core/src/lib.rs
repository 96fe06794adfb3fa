//! Peers and frames: ROUTER and DEALER sockets that strangers cannot hurt.
//!
//! A [`Router`] binds ports, hears from many peers and sends to each by identity or connection. A
//! [`Dealer`] dials one endpoint, and again when the connection ends. Both speak ZMTP 3.1 (NULL)
//! with any ZeroMQ peer over `tcp://` and `ipc://`, and with each other over `mem://`.
//!
//! ```text
//!   any ZeroMQ peer                        this crate                            your code
//!  ┌───────────────┐  tcp, ipc  ┌──────┐  private unix socket  ┌───────────┐  ┌────────────┐
//!  │ DEALER or REQ │◄──────────►│ gate │──────────────────────►│ transport │─►│ recv_event │
//!  └───────────────┘            │      │         queue         └───────────┘  │            │
//!                               │      │◄─────────────────────────────────────┤ sender     │
//!                               └──────┘                                      │            │
//!                      limits, time, handshake,                               │            │
//!                      identities, PING                 mem:// ◄─────────────►│            │
//!                                                                             └────────────┘
//! ```
//!
//! The transport is crate `zeromq`. It believes what it is told: lengths, counts, identities. So it
//! never hears a stranger, only the gate, which judges everything first. What is sent waits in a
//! queue of ours, bounded by messages and bytes, and is written to the peer by the gate.
//!
//! What it does not do: routes, retries of messages, authentication, encryption.
//!
//! # Example
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use hopline_core::{Dealer, DealerEvent, DealerOptions, Identity};
//! use hopline_core::{Router, RouterEvent, RouterOptions};
//!
//! let endpoint = "mem://crate-example".parse()?;
//! let mut router = Router::bind(&endpoint, RouterOptions::default()).await?;
//! let options = DealerOptions { identity: Some(Identity::new("alice")?), ..Default::default() };
//! let mut dealer = Dealer::connect(&endpoint, options)?;
//!
//! // The router knows its peer before the peer has said anything, and may speak first.
//! let RouterEvent::Attached(alice) = router.recv_event().await else { panic!("not attached") };
//! assert_eq!(alice.identity, Some(Identity::new("alice")?));
//! router.sender().send_to(alice.id, vec!["welcome".into(), "alice".into()]).await?;
//!
//! assert_eq!(dealer.recv_event().await, DealerEvent::Up);
//! let DealerEvent::Message(frames) = dealer.recv_event().await else { panic!("no message") };
//! assert_eq!(frames, ["welcome", "alice"]);
//!
//! dealer.shutdown().await;
//! let RouterEvent::Detached { peer, passed, .. } = router.recv_event().await else {
//!     panic!("still attached")
//! };
//! assert_eq!((peer, passed), (alice.id, 1));
//! router.shutdown().await;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod cause;
mod counts;
mod dealer;
mod endpoint;
mod error;
mod event;
mod gate;
mod identity;
mod inbox;
mod mailbox;
mod mem;
mod options;
mod outlet;
mod places;
mod queue;
mod registry;
mod room;
mod router;
mod socket;
mod transport;

#[cfg(any(test, fuzzing))]
pub use gate::fuzz;

pub use bytes::Bytes;
pub use cause::Cause;
pub use counts::GateCounts;
pub use dealer::{Dealer, DealerLink, DealerSender};
pub use endpoint::{Endpoint, EndpointError, IPC_PATH_MAX};
pub use error::{BindError, ConnectError, SendError};
pub use event::{DealerEvent, Frames, Peer, RouterEvent, SocketKind};
pub use gate::raise_descriptor_limit;
pub use identity::{Identity, IdentityError, PeerId};
pub use options::{Backoff, DealerOptions, Duplicates, HighWater, Limits, RouterOptions};
pub use router::{Router, RouterSender};
pub use socket::{DealerHandler, RouterHandler, Serves, Socket};
