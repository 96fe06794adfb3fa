//! Hopline's messages and routes.
#![deny(clippy::wildcard_enum_match_arm)]
pub mod dialect;
pub mod name;
pub mod wire;
