//! Meshes in tests: start, simulate, break, ask.

pub mod simulation;
