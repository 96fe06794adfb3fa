//! Hopline's messages and routes.
//!
//! ```text
//!  port -> gate -> Router/Dealer -> dialect -> decide() -> outbox of the next hop -> Router/Dealer -> gate -> port
//!          \__ hopline-core ____/   \______________ this crate _______________/
//! ```
//!
//! | module | is |
//! |---|---|
//! | [`name`], [`address`] | what people and routes use |
//! | [`wire`] | the native dialect, byte for byte |
//! | [`dialect`] | what other clients speak |
//! | [`route`] | graph, best ways, tables, and the decision: pure, used online and offline |
//! | [`brain`] | a node without I/O |
//! | [`node`] | a node with sockets: [`node::RoutingNode`] |
//! | [`client`] | a native client: [`client::Client`] |
//! | [`agreement`] | whether nodes agree, by what each says |
//! | [`ledger`] | what has become of all messages, by what each node counts |
//!
//! [`node::RoutingNode`] has one whole example.
#![deny(clippy::wildcard_enum_match_arm)]

pub mod address;
pub mod agreement;
pub mod brain;
pub mod client;
pub mod dialect;
pub mod ledger;
pub mod name;
pub mod node;
pub mod reason;
pub mod route;
pub mod wire;
