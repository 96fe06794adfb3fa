//! What a mesh must survive, scenario by scenario, in simulated meshes.
//!
//! A test that holds a scenario of the project's list has its number in its name: `scenario_26_...`. The rest of the list is
//! held by other tests and other crates.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

mod failures;
mod machine;
mod neighbours;
mod overload;
mod partitions;
mod receivers;
mod routes;
mod tables;
mod traffic;
mod weather;
