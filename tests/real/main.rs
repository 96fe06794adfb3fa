//! Networks that nobody of this project has drawn, and routes that others have computed in them.
//!
//! The data lies in the folder that `HOPLINE_REAL_TOPOLOGIES` names: the Internet Topology Zoo,
//! Gabriel graphs, labs of containerlab, all graphs of up to seven nodes, and what networkx says of
//! their routes. Without the variable these tests say so and look at nothing.
//!
//! Every question goes the way that a user's would: text, import, topology file, plan, and a message
//! that is followed from node to node through `decide`.

mod atlas;
mod data;
mod failures;
mod imports;
mod mesh;
mod oracle;
mod plain;
mod routes;
mod simulated;
