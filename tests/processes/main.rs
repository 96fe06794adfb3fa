//! Real processes: whoever is killed, nothing is left over and nothing is lost sight of.

mod alone;
#[path = "../sandbox/mod.rs"]
mod sandbox;
mod supervised;
