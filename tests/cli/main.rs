//! The command line: a command and everything it shows.

mod live;
mod offline;
#[path = "../sandbox/mod.rs"]
mod sandbox;
