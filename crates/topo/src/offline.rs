//! The offline answer: which way a message would go in a mesh that is planned.

mod explained;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use hopline_mesh::name::{ClientName, LinkName, NodeName};
use hopline_mesh::route::access::AccessRules;
use hopline_mesh::route::{
    Directory, Down, Graph, NextHop, Pattern, Sender, StaticRoutes, Walk, WalkInput, Walker,
};

use crate::plan::Plan;

/// What every node of a planned mesh would know once it has converged, with all planned clients attached
/// and each service at all nodes that offer it, as far as the access rules let them.
///
/// The answer is the running mesh's own: both ask the same function.
///
/// # Examples
/// ```
/// use hopline_topo::{Offline, Plan, parse};
///
/// let loaded = parse("m.toml", "
/// [mesh]
/// name = 'm'
/// [nodes.top]
/// [nodes.east]
/// upstream = ['top']
/// [clients]
/// bob = 'top'
/// ")?;
/// let mesh = Offline::new(&Plan::new(&loaded.topology));
/// let way = mesh.route("east", "bob", &[]).unwrap();
/// assert_eq!((way.path.len(), way.cost), (2, 10));
/// # Ok::<(), hopline_topo::Problems>(())
/// ```
#[derive(Debug, Clone)]
pub struct Offline {
    graph: Graph,
    /// The links that start down.
    cut: BTreeSet<LinkName>,
    upstreams: BTreeMap<NodeName, Vec<(NodeName, u32)>>,
    statics: BTreeMap<NodeName, StaticRoutes>,
    directory: Directory,
    hop_limit: u8,
    access: AccessRules,
    /// The nodes where clients may do only what a rule allows.
    closed: BTreeSet<NodeName>,
    /// The planned clients that the rules keep out, which are in no directory, and their nodes.
    kept_out: BTreeMap<String, NodeName>,
}

impl Offline {
    /// The mesh of `plan`.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let links = plan.nodes.values().flat_map(|node| {
            let dials = node.dials.iter();
            dials.filter_map(|dial| {
                let link = LinkName::new(node.name.clone(), dial.node.clone()).ok()?;
                Some((link, dial))
            })
        });
        let (cut, links): (Vec<_>, Vec<_>) = links.partition(|(_, dial)| dial.cut);
        let client = |name: &str| ClientName::from_identity(name.as_bytes());
        let closed = plan.nodes.values().filter(|node| node.closed);
        let closed: BTreeSet<_> = closed.map(|node| node.name.clone()).collect();
        let is_let_in = |name: &str, node: &NodeName| plan.may_attach(name, node);
        let services = plan.services.iter();
        let mut directory =
            Directory::with_services(services.map(|(name, it)| (client(name), it.policy)));
        let mut kept_out = BTreeMap::new();
        for node in plan.nodes.values() {
            for name in &node.clients {
                if is_let_in(name, &node.name) {
                    directory.add(client(name), node.name.clone());
                } else {
                    kept_out.insert(name.clone(), node.name.clone());
                }
            }
        }
        for (name, service) in &plan.services {
            for node in service.at.iter().filter(|node| is_let_in(name, node)) {
                directory.add(client(name), node.clone());
            }
        }
        let statics = plan.nodes.values().map(|node| {
            let routes = node.routes.iter().filter_map(|(to, hop)| {
                Some((to.parse::<Pattern>().ok()?, NextHop::from(hop.as_str())))
            });
            (node.name.clone(), routes.collect())
        });
        let upstreams = plan.nodes.values();
        Self {
            graph: Graph::new(
                plan.nodes.keys().cloned(),
                links.into_iter().map(|(link, dial)| (link, dial.cost)),
            ),
            cut: cut.into_iter().map(|(link, _)| link).collect(),
            upstreams: upstreams.map(|node| (node.name.clone(), node.upstreams.clone())).collect(),
            statics: statics.collect(),
            directory,
            hop_limit: plan.hop_limit,
            access: plan.access.clone(),
            closed,
            kept_out,
        }
    }

    /// The node that `name` is: itself, or the one that the planned client of this name is at. A service
    /// is at several, so it is none of them.
    #[must_use]
    pub fn node_of(&self, name: &str) -> Option<NodeName> {
        let is_name = |node: &&NodeName| node.as_str() == name;
        let node = self.graph.nodes().find(is_name);
        let client = || self.directory.at(name).filter(|_| !self.is_service(name));
        node.or_else(client).or_else(|| self.kept_out.get(name)).cloned()
    }

    /// Whether `name` is a planned client that the access rules do not let in at its node.
    pub(crate) fn is_kept_out(&self, name: &str) -> bool {
        self.kept_out.contains_key(name)
    }

    /// What access rules say of a message from `from`, which is at `node`: nothing where it is that node
    /// itself.
    pub(crate) fn sender<'a>(&'a self, from: &'a str, node: &'a NodeName) -> Option<Sender<'a>> {
        let access = self.access.at(node, self.closed.contains(node));
        (node.as_str() != from).then_some(Sender { client: from, access })
    }

    /// Whether `name` is a service of the mesh.
    #[must_use]
    pub fn is_service(&self, name: &str) -> bool {
        self.directory.policy(name).is_some()
    }

    /// Whether there is a link of this name.
    #[must_use]
    pub fn has_link(&self, link: &LinkName) -> bool {
        self.graph.cost(link).is_some() || self.cut.contains(link)
    }

    /// Whether a static route somewhere is for `name`.
    #[must_use]
    pub fn has_static_for(&self, name: &str) -> bool {
        let mut patterns = self.statics.values().flat_map(StaticRoutes::iter);
        patterns.any(|(pattern, _)| pattern.matches(name))
    }

    /// The way of a message from `from`, a node or a planned client, to `to` while `down` has failed;
    /// none where there is no `from`. A client's message goes as far as the access rules let it.
    ///
    /// For a balanced service it is the way of the message of id 0, one of many: others may go to other
    /// nodes that offer it.
    #[must_use]
    pub fn route(&self, from: &str, to: &str, down: &[Down]) -> Option<Walk> {
        let graph = self.graph.without(down);
        let node = self.node_of(from)?;
        let mut walker = Walker::new(self.input(&graph));
        Some(match self.sender(from, &node) {
            Some(sender) => walker.walk_from(&node, sender, to),
            None => walker.walk(&node, to),
        })
    }

    /// The links that start down.
    pub fn cut(&self) -> impl Iterator<Item = &LinkName> {
        self.cut.iter()
    }

    /// The nodes and links while nothing has failed; links that start down are not among them.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// How many nodes a path may hold.
    #[must_use]
    pub fn hop_limit(&self) -> u8 {
        self.hop_limit
    }

    /// The mesh as it is while `graph` is what is left of it.
    pub(crate) fn input<'a>(&'a self, graph: &'a Graph) -> WalkInput<'a> {
        WalkInput {
            graph,
            upstreams: &self.upstreams,
            statics: &self.statics,
            directory: &self.directory,
            hop_limit: self.hop_limit,
        }
    }

    /// The node that `to` is or is at, if every node on the way to it goes by what it computed: there is
    /// one such node, and no static route is for `to` or for that node.
    pub(crate) fn computed(&self, to: &str) -> Option<NodeName> {
        let node = self.node_of(to)?;
        let is_one = node.as_str() == to || self.directory.holders(to).count() == 1;
        let has_statics = self.has_static_for(to) || self.has_static_for(node.as_str());
        (is_one && !has_statics).then_some(node)
    }

    /// The mesh while `down` has failed.
    #[must_use]
    pub fn without(&self, down: &[Down]) -> Self {
        Self { graph: self.graph.without(down), ..self.clone() }
    }

    /// Answers many questions about the mesh as it is: it keeps the tables that it has built.
    ///
    /// To ask while something has failed, ask of the mesh [`without`](Self::without) it.
    #[must_use]
    pub fn walker(&self) -> Walker<'_> {
        Walker::new(self.input(&self.graph))
    }
}

#[cfg(test)]
mod tests {
    use hopline_mesh::route::{End, Policy, Refusal};

    use super::*;
    use crate::topology::Service;

    const TEXT: &str = "[mesh]\nname = 'm'\n[nodes.top]\n[nodes.east]\nupstream = 'top'\n\
                        [nodes.west]\nupstream = [{ node = 'top', cost = 3 }]\n";

    fn offline(policy: Policy) -> Offline {
        let mut plan = Plan::new(&crate::parse("m.toml", TEXT).unwrap().topology);
        let at = ["east", "west"].map(|name| NodeName::parse(name).unwrap());
        plan.services.insert("db".to_owned(), Service { at: at.into(), policy });
        Offline::new(&plan)
    }

    fn end(mesh: &Offline, to: &str, down: &str) -> Result<String, Refusal> {
        let down: Vec<Down> = down.split_whitespace().map(|text| text.parse().unwrap()).collect();
        let walk = mesh.route("top", to, &down).unwrap();
        match walk.end {
            End::Refused(refusal) => Err(refusal),
            End::Node | End::Client(_) => Ok(walk.last().unwrap().to_string()),
        }
    }

    #[test]
    fn a_service_counts_as_attached_wherever_it_is_offered() {
        let mesh = offline(Policy::Closest);
        assert!(mesh.is_service("db") && !mesh.is_service("east") && !mesh.is_service("bob"));
        assert_eq!(mesh.node_of("db"), None, "it is at two");
        assert_eq!(mesh.route("db", "top", &[]), None);
        assert_eq!(end(&mesh, "db", ""), Ok("west".to_owned()));
        assert_eq!(end(&mesh, "db@east", ""), Ok("east".to_owned()));
        assert_eq!(end(&mesh, "db", "top--west"), Ok("east".to_owned()));
        assert_eq!(end(&mesh, "db", "west"), Ok("east".to_owned()));
        assert_eq!(end(&mesh, "db", "west east"), Err(Refusal::Unreachable));
        assert_eq!(end(&mesh, "db@top", ""), Err(Refusal::UnknownDestination));
    }

    #[test]
    fn a_balanced_service_is_answered_for_one_message() {
        let mesh = offline(Policy::Balanced);
        let picked = end(&mesh, "db", "").unwrap();
        let other: BTreeSet<_> =
            ["east", "west"].into_iter().filter(|node| *node != picked).collect();
        let from = mesh.route(other.first().unwrap(), "db", &[]).unwrap();
        assert_eq!(from.last().map(NodeName::as_str), Some(picked.as_str()), "from a holder too");
        assert_eq!(end(&mesh, "db", &picked), Ok(other.first().unwrap().to_string()));
    }
}
