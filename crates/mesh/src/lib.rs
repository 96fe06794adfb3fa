//! Hopline's messages and routes.
#![deny(clippy::wildcard_enum_match_arm)]
pub mod address;
pub mod brain;
pub mod dialect;
pub mod name;
pub mod reason;
pub mod route;
pub mod wire;
