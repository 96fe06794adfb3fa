//! What differs between two topologies, and which routes move.

mod describe;
mod moves;
mod plans;
mod text;

use std::collections::BTreeMap;
use std::fmt;

use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::access::Asked;
use serde::Serialize;

use crate::plan::Plan;
use crate::topology::Topology;

pub use moves::{Count, Move, Moves, Route};

/// How many moves are listed where nobody says.
pub const LISTED: usize = 20;

/// What it takes to come from one topology to another, and what becomes of the routes.
///
/// # Examples
/// ```
/// use hopline_topo::{Change, parse};
///
/// let mesh = "[mesh]\nname = 'm'\n[nodes.top]\n[nodes.east]\nupstream = ['top']\n";
/// let old = parse("old.toml", mesh)?.topology;
/// let new = parse("new.toml", &format!("{mesh}[nodes.west]\nupstream = ['top']\n"))?.topology;
///
/// let change = Change::between(&old, &new);
/// assert_eq!((change.nodes.len(), change.links.len()), (1, 1));
/// assert_eq!(change.routes.nodes.moved, 0);
/// assert!(Change::between(&old, &old).is_empty());
/// # Ok::<(), hopline_topo::Problems>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Settings of the mesh that differ.
    pub mesh: Vec<Altered>,
    /// Nodes that came, went, or are declared otherwise.
    pub nodes: BTreeMap<NodeName, Difference>,
    /// Links that came, went, or have another cost, another dialler, or other ends above and below.
    pub links: BTreeMap<LinkName, Difference>,
    /// Planned clients that came, went, or are at another node.
    pub clients: BTreeMap<String, Difference>,
    /// Static routes that came, went, or have another next hop, for each node that has any.
    pub statics: BTreeMap<NodeName, BTreeMap<String, Difference>>,
    /// Services that came, went, or are offered otherwise.
    pub services: BTreeMap<String, Difference>,
    /// Groups of clients that came, went, or have other members.
    pub client_groups: BTreeMap<String, Difference>,
    /// Access rules that came, went, or say something else, by their places in their lists: the first
    /// that matches counts.
    pub access: BTreeMap<RulePlace, Difference>,
    /// What becomes of the routes.
    pub routes: Moves,
}

/// The place of an access rule: its list, and its number in it from 1. Written `attach[1]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RulePlace {
    /// What the list is of.
    pub list: Asked,
    /// The number.
    pub number: usize,
}

impl fmt::Display for RulePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.list, self.number)
    }
}

impl Serialize for RulePlace {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What became of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whether it came, went, or is otherwise.
    pub change: Kind,
    /// What is said of it: all that is new or old of one that came or went, else what differs.
    pub what: Vec<Altered>,
}

/// The ways in which a thing can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It is in the new topology only.
    Added,
    /// It is in the old topology only.
    Removed,
    /// It is in both, and not the same.
    Changed,
}

/// One property that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Altered {
    /// The property.
    pub what: &'static str,
    /// What it was; none where nothing was said.
    pub before: Option<String>,
    /// What it is; none where nothing is said.
    pub after: Option<String>,
}

impl Change {
    /// What differs between `old` and `new`, with the first [`LISTED`] of the routes that move.
    #[must_use]
    pub fn between(old: &Topology, new: &Topology) -> Self {
        Self::listing(old, new, LISTED)
    }

    /// What differs between `old` and `new`, with at most `most` of the routes that move; all are
    /// counted.
    #[must_use]
    pub fn listing(old: &Topology, new: &Topology, most: usize) -> Self {
        let mut statics = BTreeMap::new();
        let empty = BTreeMap::new();
        for node in old.routes().keys().chain(new.routes().keys()) {
            let (before, after) = (old.routes().get(node), new.routes().get(node));
            let (before, after) = (before.unwrap_or(&empty), after.unwrap_or(&empty));
            let differences = differences(before, after, |hop| describe::next_hop(hop));
            if !differences.is_empty() {
                statics.insert(node.clone(), differences);
            }
        }
        Self {
            mesh: altered(&describe::mesh(old), &describe::mesh(new)),
            nodes: differences(old.nodes(), new.nodes(), describe::node),
            links: differences(old.links(), new.links(), describe::link),
            clients: differences(old.clients(), new.clients(), describe::client),
            statics,
            services: differences(old.services(), new.services(), describe::service),
            client_groups: differences(
                old.client_groups(),
                new.client_groups(),
                describe::client_group,
            ),
            access: differences(
                &describe::rules(old.access()),
                &describe::rules(new.access()),
                Vec::clone,
            ),
            routes: Moves::between(&Plan::new(old), &Plan::new(new), most),
        }
    }

    /// Whether the two are the same. Expects are no part of this: they change nothing that runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.mesh.is_empty()
            && self.nodes.is_empty()
            && self.links.is_empty()
            && self.clients.is_empty()
            && self.statics.is_empty()
            && self.services.is_empty()
            && self.client_groups.is_empty()
            && self.access.is_empty()
            && self.routes.is_empty()
    }
}

/// A property and what is said of it.
type Property = (&'static str, Option<String>);

fn differences<K: Ord + Clone, V>(
    old: &BTreeMap<K, V>,
    new: &BTreeMap<K, V>,
    describe: impl Fn(&V) -> Vec<Property>,
) -> BTreeMap<K, Difference> {
    let mut differences = BTreeMap::new();
    for (key, value) in old {
        let before = describe(value);
        let difference = match new.get(key) {
            Some(value) => {
                Difference { change: Kind::Changed, what: altered(&before, &describe(value)) }
            }
            None => Difference { change: Kind::Removed, what: altered(&before, &none(&before)) },
        };
        if difference.change != Kind::Changed || !difference.what.is_empty() {
            differences.insert(key.clone(), difference);
        }
    }
    for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(key)) {
        let after = describe(value);
        let what = altered(&none(&after), &after);
        differences.insert(key.clone(), Difference { change: Kind::Added, what });
    }
    differences
}

fn none(properties: &[Property]) -> Vec<Property> {
    properties.iter().map(|(what, _)| (*what, None)).collect()
}

/// What differs between two descriptions of the same properties.
fn altered(before: &[Property], after: &[Property]) -> Vec<Altered> {
    let pairs = before.iter().zip(after).filter(|(before, after)| before != after);
    let altered = |((what, before), (_, after)): (&Property, &Property)| Altered {
        what,
        before: before.clone(),
        after: after.clone(),
    };
    pairs.map(altered).collect()
}
