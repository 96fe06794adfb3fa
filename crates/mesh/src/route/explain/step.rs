//! How one node decided.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::name::NodeName;
use crate::route::access::{Asked, Clearance};
use crate::route::basis::{Basis, Matched, Ruling};
use crate::route::decide::{Local, Verdict};
use crate::route::directory::Directory;
use crate::route::refusal::Refusal;
use crate::route::service::Policy;
use crate::route::static_routes::StaticRoutes;
use crate::route::table::Table;

/// How one node decided about a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The node.
    pub node: NodeName,
    /// What it decided.
    #[serde(flatten)]
    pub decision: Decision,
    /// How it chose among several nodes that hold the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// What access rules say of it, where one has a say or where it is denied for want of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Cleared>,
}

/// What access rules say of a message at a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleared {
    /// Whether its sender may attach there, or send to where it is to go.
    pub asked: Asked,
    /// Whether that is allowed.
    pub allowed: bool,
    /// The rule that says so: its number in its list, and the rule as it is written; none where no rule
    /// matches, which at a port beyond the machine denies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// What a node decided, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// It is delivered here.
    Deliver {
        /// To this client; none where it is for the node itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        client: Option<String>,
        /// By this static route, where one gives it to the client.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        route: Option<SetRoute>,
    },
    /// It goes to a neighbour by a static route.
    StaticRoute {
        /// The route.
        #[serde(flatten)]
        route: SetRoute,
        /// The neighbour.
        neighbour: NodeName,
        /// The node that the destination is or is at, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<NodeName>,
    },
    /// It goes to a neighbour by the computed way.
    Computed {
        /// The node that the way leads to.
        at: NodeName,
        /// The neighbour.
        neighbour: NodeName,
        /// What the rest of the way costs.
        cost: u64,
        /// How many links it has.
        hops: u32,
    },
    /// It goes to the loop-free alternate, as the link of the computed way's next hop is down.
    Alternate {
        /// The node that the way leads to.
        at: NodeName,
        /// The alternate.
        neighbour: NodeName,
        /// The next hop of the computed way.
        instead_of: NodeName,
    },
    /// It is refused.
    Refuse {
        /// Why, in the words of errors and counters.
        reason: String,
        /// Which of the rules that [`decide`](crate::route::decide) lists applied.
        rule: String,
        /// The static route that it would have taken, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        route: Option<SetRoute>,
        /// The node that the destination is or is at, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<NodeName>,
    },
}

/// A static route, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRoute {
    /// What it is for.
    pub pattern: String,
    /// Where it leads.
    pub next_hop: String,
}

/// How a node chose among several that hold a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// By which policy; none where the name is no service: then it is the lesser name of those that
    /// can be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// The nodes, in the order of their names.
    pub of: Vec<Offer>,
}

/// A node that holds a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The node.
    pub node: NodeName,
    /// What the way to it costs; none where there is no way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<u64>,
}

impl Step {
    /// What the node of `table` says of its `ruling`, and of what access rules made of it.
    #[must_use]
    pub fn new(
        table: &Table,
        statics: &StaticRoutes,
        directory: &Directory,
        destination: &str,
        ruling: &Ruling<'_>,
        clearance: Option<&Clearance<'_>>,
    ) -> Self {
        let set = |route: Matched<'_>| {
            let pattern = route.pattern();
            let next_hop = statics.next_hop(&pattern).map(ToString::to_string);
            SetRoute { pattern: pattern.to_string(), next_hop: next_hop.unwrap_or_default() }
        };
        let (route, at) = match ruling.basis {
            Basis::Here | Basis::Retrace => (None, None),
            Basis::Static { route, at } => (Some(set(route)), at.cloned()),
            Basis::Computed { to, .. } | Basis::Alternate { to, .. } => (None, Some(to.clone())),
            Basis::Nothing { at } => (None, at.cloned()),
        };
        let decision = match (ruling.verdict, ruling.basis) {
            (Verdict::Deliver(Local::Node), _) => Decision::Deliver { client: None, route },
            (Verdict::Deliver(Local::Client(name)), _) => {
                Decision::Deliver { client: Some(name.to_owned()), route }
            }
            (Verdict::Refuse(refusal), basis) => Decision::Refuse {
                reason: refusal.reason().to_owned(),
                rule: rule(refusal, &basis).to_owned(),
                route,
                at,
            },
            (Verdict::Forward(neighbour), Basis::Computed { to, hop }) => Decision::Computed {
                at: to.clone(),
                neighbour: neighbour.clone(),
                cost: hop.cost,
                hops: hop.hops,
            },
            (Verdict::Forward(neighbour), Basis::Alternate { to, hop }) => Decision::Alternate {
                at: to.clone(),
                neighbour: neighbour.clone(),
                instead_of: hop.neighbour.clone(),
            },
            (Verdict::Forward(neighbour), _) => Decision::StaticRoute {
                route: route.unwrap_or_else(SetRoute::retrace),
                neighbour: neighbour.clone(),
                at,
            },
        };
        let choice = choice(table, directory, destination);
        let access = clearance.map(Cleared::from);
        Self { node: table.me().clone(), decision, choice, access }
    }

    /// The static route that it rests on.
    #[must_use]
    pub fn route(&self) -> Option<&SetRoute> {
        match &self.decision {
            Decision::Deliver { route, .. } | Decision::Refuse { route, .. } => route.as_ref(),
            Decision::StaticRoute { route, .. } => Some(route),
            Decision::Computed { .. } | Decision::Alternate { .. } => None,
        }
    }

    /// The node that the destination is or is at, as this node sees it.
    #[must_use]
    pub fn at(&self) -> Option<&NodeName> {
        match &self.decision {
            Decision::Deliver { route: None, .. } => Some(&self.node),
            Decision::Deliver { .. } => None,
            Decision::StaticRoute { at, .. } | Decision::Refuse { at, .. } => at.as_ref(),
            Decision::Computed { at, .. } | Decision::Alternate { at, .. } => Some(at),
        }
    }

    /// The neighbour that the message goes to; none where it ends here.
    #[must_use]
    pub fn neighbour(&self) -> Option<&NodeName> {
        match &self.decision {
            Decision::Deliver { .. } | Decision::Refuse { .. } => None,
            Decision::StaticRoute { neighbour, .. }
            | Decision::Computed { neighbour, .. }
            | Decision::Alternate { neighbour, .. } => Some(neighbour),
        }
    }
}

impl From<&Clearance<'_>> for Cleared {
    fn from(clearance: &Clearance<'_>) -> Self {
        let &Clearance { asked, allowed, by } = clearance;
        Self { asked, allowed, rule: by.map(|by| by.to_string()) }
    }
}

impl SetRoute {
    /// What stands for the way back of an error, which no explanation is of.
    fn retrace() -> Self {
        Self { pattern: "*".to_owned(), next_hop: "retrace".to_owned() }
    }
}

/// The names that a destination's holders are looked up by: several, and how one is chosen of them.
fn choice(table: &Table, directory: &Directory, destination: &str) -> Option<Choice> {
    let Ok(Address::Name(name)) = Address::parse(destination) else {
        return None;
    };
    if table.knows(name) || directory.holders(name).nth(1).is_none() {
        return None;
    }
    let offers = directory.offers(name, table);
    let offers = offers.map(|(node, cost)| Offer { node: node.clone(), cost });
    Some(Choice { policy: directory.policy(name), of: offers.collect() })
}

/// The rule of `decide`'s list by which it was refused.
fn rule(refusal: Refusal, basis: &Basis<'_>) -> &'static str {
    match (refusal, basis) {
        (Refusal::AccessDenied, _) => "access",
        (Refusal::BadAddress | Refusal::UnsupportedAddress, _) => "address",
        (Refusal::Loop, _) => "loop",
        (Refusal::HopLimit, _) => "hop limit",
        (Refusal::NextHopIsSource, _) => "next hop is source",
        (Refusal::QueueFull, _)
        | (
            Refusal::Unreachable,
            Basis::Static { .. }
            | Basis::Computed { .. }
            | Basis::Alternate { .. }
            | Basis::Retrace,
        ) => "queue full",
        (Refusal::UnknownDestination | Refusal::Unreachable, _) => "no route",
    }
}
