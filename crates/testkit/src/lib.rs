//! Meshes in tests: start, cut, heal, simulate, ask, assert.
//!
//! Two ways to have a mesh in a test:
//!
//! | | nodes are | time is | for |
//! |---|---|---|---|
//! | [`Mesh`] | real ones in this process, over `mem://` or TCP | real | a program's own tests |
//! | [`simulation`] | brains without sockets | virtual | every failure order that a seed can draw |
//!
//! [`Mesh`] has one whole example.

mod mesh;
pub mod simulation;

pub use hopline_mesh::brain::Impairment;
pub use mesh::{Mesh, MeshError, PATIENCE};
