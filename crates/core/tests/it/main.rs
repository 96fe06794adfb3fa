//! Routers and dealers from outside: one suite over each transport, and hostile peers.

mod conformance;
mod hostile;
mod raw;
mod rig;
