//! Meshes in tests: start, cut, heal, ask, assert.

mod mesh;

pub use mesh::{Mesh, MeshError, PATIENCE};
