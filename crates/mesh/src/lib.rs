//! Hopline's messages and routes.
pub mod dialect;
pub mod name;
