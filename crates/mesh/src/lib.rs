//! Hopline's messages and routes.
pub mod name;
