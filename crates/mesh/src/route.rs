//! Routes: which way a message goes, and why.
//!
//! ```text
//! nodes, links ──> Graph ──> Paths ──> Table ─┐
//!                      upstreams, statics ──┘ ├──> decide() ──> Verdict
//!                      Places, Question ──────┘
//! ```
//!
//! Everything here is a pure function of its arguments: no sockets, no time, no tasks, no files. The
//! running node and the offline answer ([`walk`]) call the same [`Table::build`] and the same
//! [`decide`], so they cannot differ. What [`explain`] tells of a decision is what [`judge`] said
//! when it made it.
//!
//! The way from one node to another is the least by *(cost, hops, tie-break)*; [`Paths`] says how
//! ties are broken so that every node agrees hop by hop and a reply takes the request's way back.

pub mod access;
mod alternates;
mod basis;
mod decide;
mod directory;
pub mod explain;
mod graph;
mod lines;
mod name_map;
mod paths;
mod refusal;
mod repair;
mod service;
mod static_routes;
mod table;
mod walk;

pub use basis::{Basis, Matched, Ruling};
pub use decide::{Local, PathNames, Places, Question, Verdict, decide, judge};

pub use directory::Directory;
pub use graph::{Down, Graph, Revision};
pub use lines::route_lines;
pub use name_map::{NameHasher, NameMap, NameState};
pub use paths::{Paths, Rule, Way};
pub use refusal::Refusal;
pub use repair::{Part, Repair};
pub use service::{Policy, share};
pub use static_routes::{NextHop, Pattern, PatternError, StaticRoutes};
pub use table::{Hop, Table, TableInput};
pub use walk::{End, Sender, Walk, WalkInput, Walker, walk};
