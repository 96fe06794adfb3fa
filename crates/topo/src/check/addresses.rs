//! Where nodes listen and are dialled: no two at one place, and each where its diallers can reach it.

use std::collections::HashMap;
use std::net::IpAddr;

use hopline_core::Endpoint;

use super::Checker;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::spec::{At, NodeSpec};
use crate::topology::{Bind, Node, Topology};

/// A node's endpoint with its place in the file.
struct Place<'a> {
    spec: &'a NodeSpec,
    written: &'a At<String>,
    endpoint: &'a Endpoint,
    host: Option<&'a str>,
}

impl<'a> Checker<'a> {
    pub(super) fn addresses(&mut self, topology: &Topology) {
        let spec = self.spec;
        let nodes: Vec<(&NodeSpec, &Node)> = spec
            .nodes
            .iter()
            .filter_map(|spec| Some((spec, topology.nodes.get(spec.name.value.as_str())?)))
            .collect();
        let binds = nodes.iter().filter_map(|(spec, node)| match &node.bind {
            Bind::At(endpoint) => place(spec, spec.keys.bind.as_ref(), Some(endpoint), node),
            Bind::Auto => None,
        });
        let binds: Vec<Place<'_>> = binds.collect();
        let addresses = nodes.iter().filter_map(|(spec, node)| {
            place(spec, spec.keys.address.as_ref(), node.address.as_ref(), node)
        });
        let addresses: Vec<Place<'_>> = addresses.collect();

        for bind in &binds {
            self.reachable(bind, topology.open);
        }
        self.distinct(&binds, "listen at", |place| place.host);
        self.distinct(&addresses, "are dialled at", |_| None);
        self.dialled(topology);
    }

    /// A bind to every interface needs an address; a bind beyond the machine needs an open mesh.
    fn reachable(&mut self, bind: &Place<'_>, open: bool) {
        let name = &bind.spec.name.value;
        if bind.endpoint.is_wildcard() && bind.spec.keys.address.is_none() {
            let message = format!("nobody knows what to dial to reach the node `{name}`");
            let port = bind.endpoint.port().unwrap_or_default();
            let problem = Diagnostic::error(codes::MISSING_ADDRESS, message)
                .label(&bind.written.span, "every interface, which is no address")
                .help(format!(
                    "add `address = \"tcp://HOST:{port}\"` with the name of its machine"
                ));
            self.problems.push(problem);
        }
        if !bind.endpoint.is_local() && !open {
            let message =
                format!("the node `{name}` listens beyond its machine, in a mesh that is not open");
            let problem = Diagnostic::error(codes::NOT_OPEN, message)
                .label(&bind.written.span, "others on the network can dial this")
                .help("listen at 127.0.0.1, or set `open = true` in `[mesh]` if that is meant");
            self.problems.push(problem);
        }
    }

    /// No two places of one machine may be one; `machine` tells which one it is.
    fn distinct<'p>(
        &mut self,
        places: &'p [Place<'p>],
        what: &str,
        machine: impl Fn(&Place<'p>) -> Option<&'p str>,
    ) {
        let mut taken: HashMap<(Option<&str>, Endpoint), &Place<'_>> = HashMap::new();
        // Every interface is all that listens at the port, and all that listens at it is every interface's.
        let mut ports: HashMap<(Option<&str>, u16), (&Place<'_>, Option<&Place<'_>>)> =
            HashMap::new();
        for place in places {
            let machine = machine(place);
            let wild = place.endpoint.is_wildcard();
            let key = (machine, canonical(place.endpoint));
            let port = place.endpoint.port().map(|port| (machine, port));
            let at_port = port.and_then(|port| ports.get(&port));
            let first = match at_port {
                Some((any, _)) if wild => Some(*any),
                Some((_, Some(wild))) => Some(*wild),
                _ => taken.get(&key).copied(),
            };
            taken.entry(key).or_insert(place);
            if let Some(port) = port {
                let (_, every) = ports.entry(port).or_insert((place, None));
                if wild && every.is_none() {
                    *every = Some(place);
                }
            }
            let Some(first) = first else {
                continue;
            };
            let (a, b) = (&first.spec.name.value, &place.spec.name.value);
            let message = format!("the nodes `{a}` and `{b}` {what} the same place");
            let help = match place.endpoint {
                Endpoint::Tcp { .. } => "give one of them another port",
                Endpoint::Ipc(_) => "give one of them another path",
                Endpoint::Mem(_) => "give one of them another name behind `mem://`",
            };
            let problem = Diagnostic::error(codes::DUPLICATE_ADDRESS, message)
                .label(&place.written.span, "taken already")
                .label(&first.written.span, format!("taken here by `{a}`"))
                .help(help);
            self.problems.push(problem);
        }
    }

    /// A node that is dialled from another machine needs an address that means something there.
    fn dialled(&mut self, topology: &Topology) {
        for (link, ends) in topology.links() {
            let dialer = &ends.dialer;
            let Some(target) = link.other(dialer) else {
                continue;
            };
            let (Some(here), Some(there)) =
                (topology.nodes.get(dialer), topology.nodes.get(target))
            else {
                continue;
            };
            let (Some(from), Some(to)) = (&here.host, &there.host) else {
                continue;
            };
            let bound = match &there.bind {
                Bind::At(endpoint) => Some(endpoint),
                Bind::Auto => None,
            };
            let known = there.address.as_ref().or(bound);
            if from == to || known.is_some_and(|endpoint| !endpoint.is_local()) {
                continue;
            }
            let named = self.declarations.get(link).and_then(|declared| declared.first());
            let there = self.declared.get(target.as_str()).map(|declared| declared.spec);
            let (Some(named), Some(there)) = (named, there) else {
                continue;
            };
            let written = there.keys.address.as_ref().or(there.keys.bind.as_ref());
            let written = written.map_or(&there.name.span, |at| &at.span);
            let message = format!(
                "the node `{dialer}` on `{from}` cannot know where to dial `{target}` on `{to}`"
            );
            let problem = Diagnostic::error(codes::UNKNOWN_ADDRESS, message)
                .label(named.place, format!("dialled from `{from}`"))
                .label(written, format!("known on `{to}` only"))
                .help(format!(
                    "give `[nodes.{target}]` a port and an `address` that `{from}` can dial"
                ));
            self.problems.push(problem);
        }
    }
}

/// The endpoint under the one name that stands for all that are the same.
fn canonical(endpoint: &Endpoint) -> Endpoint {
    match endpoint {
        Endpoint::Tcp { host, port } => {
            let host = match host.to_ascii_lowercase() {
                host if host == "localhost" => "127.0.0.1".to_owned(),
                host => host.parse().map_or(host, |ip: IpAddr| ip.to_string()),
            };
            Endpoint::Tcp { host, port: *port }
        }
        other => other.clone(),
    }
}

fn place<'a>(
    spec: &'a NodeSpec,
    written: Option<&'a At<String>>,
    endpoint: Option<&'a Endpoint>,
    node: &'a Node,
) -> Option<Place<'a>> {
    Some(Place { spec, written: written?, endpoint: endpoint?, host: node.host.as_deref() })
}
