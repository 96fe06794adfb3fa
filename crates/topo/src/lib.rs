//! Hopline's topology files: read, checked, planned, drawn.
//!
//! A file declares a mesh; this crate turns it into what the nodes are to do, or says everything
//! that is wrong with it, each mistake at its place with what to do about it.
//!
//! ```text
//! text -> Spec (as written, with places) -> expanded (no templates, trees, groups)
//!             |                                 |
//!        errors, all of them                 Topology (without mistakes) -> Plan (for each node)
//!                                               |
//!                                          lints, drawings
//! ```
//!
//! ```
//! use hopline_topo::{Plan, parse};
//!
//! let loaded = parse("regions.toml", r#"
//!     [mesh]
//!     name = "regions"
//!     [nodes.top]
//!     bind = "tcp://127.0.0.1:5555"
//!     [nodes.east]
//!     bind = "auto"
//!     upstream = ["top"]
//! "#)?;
//! let plan = Plan::new(&loaded.topology);
//! assert_eq!(plan.nodes["east"].dials[0].node.as_str(), "top");
//!
//! let problems = parse("typo.toml", r#"
//!     [mesh]
//!     name = "typo"
//!     [nodes.top]
//!     [nodes.east]
//!     upstream = ["tpo"]
//! "#).unwrap_err();
//! assert!(problems.to_string().contains("did you mean `top`?"));
//! # Ok::<(), hopline_topo::Problems>(())
//! ```

pub mod change;
mod check;
pub mod codes;
mod diagnostic;
pub mod drawing;
mod expand;
pub mod expect;
mod files;
mod findings;
pub mod import;
pub mod launch;
mod load;
mod offline;
mod plan;
mod problems;
mod schema;
mod spec;
mod suggest;
pub mod survive;
mod syntax;
mod topology;
mod words;

pub use change::Change;
pub use check::{Allowed, rate};
pub use diagnostic::{Diagnostic, Finding, Label, Severity, Source, SourceFile, Span, render};
pub use expand::{MAX_LINKS, MAX_NODES};
pub use files::{IncludeError, Included, MAX_FILE, MAX_FILES};
pub use hopline_core::{Endpoint, EndpointError};
pub use load::{load, parse, parse_with};
pub use offline::Offline;
pub use plan::{Dial, NodePlan, Plan};
pub use problems::{Loaded, Problems};
pub use schema::schema;
pub use suggest::nearest;
pub use topology::{
    Bind, DEFAULT_COST, DEFAULT_HOP_LIMIT, Duplicate, Expect, Impairment, Link, Liveness, Node,
    NodeLimits, Position, Service, Step, Topology, UPSTREAM,
};
pub use words::visible;
