//! Hopline: a multi-hop routing mesh over ZeroMQ.
//!
//! People declare a topology in a file, launch its nodes as processes, attach clients (ours, or any
//! ZeroMQ DEALER in any language), and ask of any message: which way would it go, which way did it go,
//! and why. Tests ask the same questions.
//!
//! ```text
//!  alice ──> east ──> top ──> west ──> bob
//!            node     node    node            each stamps the message's path
//! ```
//!
//! This crate is a front for four, and the `hopline` program:
//!
//! | module | is |
//! |---|---|
//! | [`core`] | sockets: ROUTER and DEALER with limits, over tcp, ipc and memory |
//! | [`mesh`] | messages and routes: [`RoutingNode`](mesh::node::RoutingNode), [`Client`](mesh::client::Client) |
//! | [`topo`] | files and processes: load, check, plan, draw, launch |
//! | [`testkit`] | meshes in tests: start, cut, trace, assert |
//!
//! # Examples
//! ```
//! use hopline::testkit::Mesh;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let mesh = Mesh::from_text("regions.toml", r#"
//!     [mesh]
//!     name = "regions"
//!     [nodes]
//!     top = { bind = "auto" }
//!     east = { bind = "auto", upstream = "top" }
//!     west = { bind = "auto", upstream = "top" }
//! "#).await?;
//! let alice = mesh.client_at("alice", "east").await?;
//! let mut bob = mesh.client_at("bob", "west").await?;
//! mesh.converged().await?;
//!
//! alice.send("bob", "good morning").await?;
//! let message = bob.recv().await?.message()?;
//! assert_eq!(message.nodes(), ["east", "top", "west"]);
//! mesh.shutdown().await;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

pub use hopline_core as core;
pub use hopline_mesh as mesh;
pub use hopline_testkit as testkit;
pub use hopline_topo as topo;

/// The README's examples run as they stand there.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[derive(Debug)]
pub struct Readme;
