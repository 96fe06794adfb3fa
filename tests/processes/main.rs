//! Real processes: whoever is killed, nothing is left over and nothing is lost sight of.

#![expect(clippy::unwrap_used, reason = "what a test needs may panic as the test itself may")]

mod alone;
mod applied;
mod awaited;
mod drain;
mod failover;
mod guest;
mod impaired;
mod leaving;
mod ledger;
mod losses;
mod mutual;
mod namesakes;
mod namespaces;
mod overload;
mod parting;
mod partly;
mod restarts;
#[path = "../sandbox/mod.rs"]
mod sandbox;
mod stage;
mod supervised;
