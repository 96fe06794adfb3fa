//! The command line: a command and everything it shows.

#![expect(clippy::unwrap_used, reason = "what a test needs may panic as the test itself may")]

mod access;
mod changes;
mod explain;
mod import;
mod live;
mod offline;
mod plans;
#[path = "../sandbox/mod.rs"]
mod sandbox;
mod test_verb;
