//! Hopline's messages and routes.
#![deny(clippy::wildcard_enum_match_arm)]

pub mod address;
pub mod dialect;
pub mod name;
pub mod route;
