//! The wire form between nodes and native clients: bytes from strangers, read without trust.
//!
//! A message is multipart:
//!
//! ```text
//! [ prefix + header ][ path ][ payload ... ]
//!   fixed offsets,     hop by   the sender's frames,
//!   then a map that    hop       never parsed on the way
//!   relays never read
//! ```
//!
//! A relay reads the [`Prefix`], asks `decide`, writes a new [`path`] frame with its own stamp at the
//! end, and hands every other frame on as it came. The first octet of the magic, `0xF5`, begins no
//! UTF-8 text, so no JSON client can be mistaken for a native one.
//!
//! Kinds and keys are only ever added; golden vectors in the tests hold what is there.

pub mod batch;
pub mod control;
pub mod hello;
pub mod kind;
pub mod link_state;
pub mod path;
pub mod prefix;
pub mod tail;
pub mod targets;

mod error;

pub use error::WireError;
pub use kind::{Class, Flags, Kind, MessageId};
pub use path::{Path, Stamp, Times};
pub use prefix::Prefix;
pub use tail::Tail;

/// The first four octets of every native message.
pub const MAGIC: [u8; 4] = [0xF5, b'H', b'O', b'P'];

/// The version that this crate speaks.
pub const VERSION: u8 = 1;

/// The longest destination, in bytes; a longer one is unknown at the ingress.
pub const MAX_DESTINATION: usize = 1024;

/// The longest first frame, in bytes: prefix, addresses and tail together.
pub const MAX_HEADER: usize = 64 * 1024;

/// Whether a first frame claims to be of the native dialect.
#[must_use]
pub fn is_native(frame: &[u8]) -> bool {
    frame.starts_with(&MAGIC)
}
