//! Expectations: that what they name is there, and that they do not contradict themselves.
//!
//! Whether they hold is not judged here.

use std::collections::BTreeSet;

use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::{Down, Pattern};

use super::{Checker, quoted};
use crate::codes;
use crate::diagnostic::{Diagnostic, Span};
use crate::spec::format::REASONS;
use crate::spec::{At, ExpectSpec, Texts};
use crate::topology::{Expect, Step, Topology};

/// With so many failures besides, no mesh can be searched.
const MOST_FAILURES: u64 = crate::survive::MAX_DOWN as u64;

/// The nodes where a message could enter or leave the mesh; none where that is not known.
type Ends = Option<BTreeSet<NodeName>>;

impl<'a> Checker<'a> {
    /// What the file expects, of what is known.
    pub(super) fn expects(&mut self, topology: &Topology) -> Vec<Expect> {
        let patterns: Vec<Pattern> = topology
            .routes
            .values()
            .flat_map(|routes| routes.keys())
            .filter_map(|to| to.parse().ok())
            .collect();
        let specs = self.spec.expects.iter();
        let expects = specs.filter_map(|spec| self.expect(spec, topology, &patterns));
        expects.collect()
    }

    fn expect(
        &mut self,
        spec: &'a ExpectSpec,
        topology: &Topology,
        patterns: &[Pattern],
    ) -> Option<Expect> {
        let name = self.filled("name", spec.name.as_ref());
        let from = spec.from.as_ref().and_then(|at| self.sender(at, topology));
        let to = spec.to.as_ref().and_then(|at| self.receiver(at, topology, patterns));
        let path = spec.path.as_ref().map(|path| self.path(path, topology));
        let via = self.steps(spec.via.as_ref(), topology);
        let avoids = self.steps(spec.avoids.as_ref(), topology);
        let down = self.steps(spec.down.as_ref(), topology);
        let max_hops = self.count("max_hops", spec.max_hops.as_ref(), 0, u64::MAX);
        let max_cost = self.count("max_cost", spec.max_cost.as_ref(), 0, u64::MAX);
        let survives = self.count("survives", spec.survives.as_ref(), 1, MOST_FAILURES);
        if let Some(at) = spec.reason.as_ref().filter(|at| !REASONS.contains(&at.value.as_str())) {
            self.none_of("reason", at, REASONS);
        }
        self.only_unreachable(spec);
        if let Some(path) = path.as_deref().filter(|path| !path.is_empty()) {
            self.path_ends(spec, path, from.as_ref(), to.as_ref());
            self.path_keeps(spec, path, topology, &[&via, &avoids, &down]);
        }
        self.both(spec.avoids.as_ref(), spec.via.as_ref(), "passed, and not passed");
        self.both(spec.via.as_ref(), spec.down.as_ref(), "passed, and down");
        let failed = |(step, _): (Step, &Span)| match step {
            Step::Node(node) => Down::Node(node),
            Step::Link(link) => Down::Link(link),
        };
        let alone = |(step, _)| step;
        Some(Expect {
            name,
            line: self.source.position(spec.at.start).0,
            file: self.source.name().to_owned(),
            from: spec.from.as_ref()?.value.clone(),
            to: spec.to.as_ref()?.value.clone(),
            path,
            via: via.into_iter().map(alone).collect(),
            avoids: avoids.into_iter().map(alone).collect(),
            max_hops: max_hops.and_then(|hops| usize::try_from(hops).ok()),
            max_cost,
            unreachable: spec.unreachable.as_ref().is_some_and(|at| at.value),
            reason: spec.reason.as_ref().map(|at| at.value.clone()),
            down: down.into_iter().map(failed).collect(),
            survives: survives.and_then(|count| usize::try_from(count).ok()).unwrap_or(0),
        })
    }

    fn bad(&mut self, message: impl Into<String>, place: &Span, why: &str, help: &str) {
        let problem = Diagnostic::error(codes::BAD_EXPECT, message).label(place, why).help(help);
        self.problems.push(problem);
    }

    fn sender(&mut self, at: &At<String>, topology: &Topology) -> Ends {
        let name = at.value.as_str();
        let node = topology.nodes.get_key_value(name).map(|(node, _)| node);
        if let Some(node) = node.or_else(|| topology.clients.get(name)) {
            return Some(BTreeSet::from([node.clone()]));
        }
        let is_known = self.declared.contains_key(name) || self.clients.contains(name);
        if !is_known && !self.may_be(name) {
            let help = self.nearest_name(name, &[]);
            self.nobody(at, "neither a node nor a planned client", help);
        }
        None
    }

    fn receiver(&mut self, at: &At<String>, topology: &Topology, routes: &[Pattern]) -> Ends {
        let name = at.value.as_str();
        if let Some((_, node)) = name.rsplit_once('@') {
            let start = at.value.len() - node.len();
            let span = at.part(start..at.value.len());
            let node = self.known_node(&At { value: node.to_owned(), span })?;
            return Some(BTreeSet::from([node]));
        }
        if let Some(service) = topology.services.get(name) {
            return Some(service.at.clone());
        }
        let node = topology.nodes.get_key_value(name).map(|(node, _)| node);
        let ends = node.or_else(|| topology.clients.get(name));
        if routes.iter().any(|pattern| pattern.matches(name)) {
            return None;
        }
        if let Some(node) = ends {
            return Some(BTreeSet::from([node.clone()]));
        }
        let is_known = self.declared.contains_key(name)
            || self.clients.contains(name)
            || self.services.contains(name);
        if !is_known && !self.may_be(name) {
            let services: Vec<&str> = self.services.iter().copied().collect();
            let help = self.nearest_name(name, &services);
            self.nobody(at, "no node, client or service, and no static route is for it", help);
        }
        None
    }

    fn nobody(&mut self, at: &At<String>, why: &str, help: Option<String>) {
        let message = format!("nobody is called {}", quoted(&at.value));
        let problem = Diagnostic::error(codes::UNKNOWN_CLIENT, message)
            .label(&at.span, why)
            .help(help.unwrap_or_else(|| "list it in `[clients]` with its node".to_owned()));
        self.problems.push(problem);
    }

    /// The nodes of a path, each joined to the next.
    fn path(&mut self, path: &'a Texts, topology: &Topology) -> Vec<NodeName> {
        if path.value.is_empty() {
            self.bad("a path of no nodes", &path.span, "empty", "list its nodes, or leave it out");
        }
        let mut nodes: Vec<NodeName> = Vec::new();
        let mut whole = true;
        for at in &path.value {
            let Some(node) = self.known_node(at) else {
                whole = false;
                continue;
            };
            let linked = nodes.last().is_none_or(|last| {
                let link = LinkName::new(last.clone(), node.clone());
                link.is_ok_and(|link| topology.links.contains_key(&link))
            });
            if nodes.contains(&node) {
                let message = format!("a way passes `{node}` once at most");
                self.bad(message, &at.span, "listed again", "take one of the two out");
                whole = false;
            } else if whole && !linked {
                let last = nodes.last().map(NodeName::as_str).unwrap_or_default();
                let message = format!("no link joins `{last}` and `{node}`");
                let why = "the path cannot go on to this node";
                self.bad(message, &at.span, why, "list every node that the path holds");
            }
            nodes.push(node);
        }
        if whole { nodes } else { Vec::new() }
    }

    fn path_ends(
        &mut self,
        spec: &ExpectSpec,
        path: &[NodeName],
        from: Option<&BTreeSet<NodeName>>,
        to: Option<&BTreeSet<NodeName>>,
    ) {
        let written = spec.path.as_ref().map(|path| path.value.as_slice()).unwrap_or_default();
        let ends = [
            ("begin", from, path.first(), written.first(), &spec.from),
            ("end", to, path.last(), written.last(), &spec.to),
        ];
        for (does, known, node, at, of) in ends {
            let (Some(known), Some(node), Some(at), Some(of)) = (known, node, at, of) else {
                continue;
            };
            if !known.contains(node) {
                let names: Vec<&str> = known.iter().map(NodeName::as_str).collect();
                let names = crate::spec::reader::listed(&names, "or");
                let message = format!(
                    "the path {does}s at `{node}`, but {} is at {names}",
                    quoted(&of.value)
                );
                let help = format!("let it {does} at {names}");
                let problem = Diagnostic::error(codes::BAD_EXPECT, message)
                    .label(&at.span, "not there")
                    .label(&of.span, format!("at {names}"))
                    .help(help);
                self.problems.push(problem);
            }
        }
    }

    /// A path holds what it is to pass, nothing that it is not to pass, and is not over its own limits.
    fn path_keeps(
        &mut self,
        spec: &ExpectSpec,
        path: &[NodeName],
        topology: &Topology,
        [via, avoids, down]: &[&Vec<(Step, &'a Span)>; 3],
    ) {
        let links: Vec<LinkName> = path
            .windows(2)
            .filter_map(|pair| LinkName::new(pair[0].clone(), pair[1].clone()).ok())
            .collect();
        let holds = |step: &Step| match step {
            Step::Node(node) => path.contains(node),
            Step::Link(link) => links.contains(link),
        };
        for (_, place) in via.iter().filter(|(step, _)| !holds(step)) {
            let help = "the path says all: leave `via` out";
            self.bad("the path does not pass this", place, "not on the path", help);
        }
        for (_, place) in avoids.iter().filter(|(step, _)| holds(step)) {
            let help = "the path says all: leave `avoids` out";
            self.bad("the path passes this", place, "on the path", help);
        }
        for (_, place) in down.iter().filter(|(step, _)| holds(step)) {
            self.bad("the path passes what is down", place, "on the path", "take another path");
        }
        let hops = links.len() as u64;
        let over = |at: Option<&At<i64>>, is: u64| {
            at.filter(|at| u64::try_from(at.value).is_ok_and(|most| most < is))
                .map(|at| at.span.clone())
        };
        if let Some(place) = over(spec.max_hops.as_ref(), hops) {
            let message = format!("the path has {hops} links");
            self.bad(message, &place, "fewer than that", "the path says all: leave `max_hops` out");
        }
        let costs = links.iter().filter_map(|link| topology.links.get(link));
        let cost: u64 = costs.map(|link| u64::from(link.cost)).sum();
        if let Some(place) = over(spec.max_cost.as_ref(), cost) {
            let message = format!("the path costs {cost}");
            self.bad(message, &place, "less than that", "allow what the path costs");
        }
    }

    /// Where nothing is to arrive, nothing can be said of its way.
    fn only_unreachable(&mut self, spec: &ExpectSpec) {
        let Some(unreachable) = spec.unreachable.as_ref().filter(|at| at.value) else {
            if let Some(reason) = &spec.reason {
                let help = "add `unreachable = true`, or take the reason out";
                self.bad("a reason for what arrives", &reason.span, "of what?", help);
            }
            return;
        };
        let claims = [
            ("path", spec.path.as_ref().map(|at| &at.span)),
            ("via", spec.via.as_ref().map(|at| &at.span)),
            ("avoids", spec.avoids.as_ref().map(|at| &at.span)),
            ("max_hops", spec.max_hops.as_ref().map(|at| &at.span)),
            ("max_cost", spec.max_cost.as_ref().map(|at| &at.span)),
            ("survives", spec.survives.as_ref().map(|at| &at.span)),
        ];
        for (key, place) in claims {
            let Some(place) = place else {
                continue;
            };
            let message = format!("`{key}` of a message that must not arrive");
            let problem = Diagnostic::error(codes::BAD_EXPECT, message)
                .label(place, "there is no way to speak of")
                .label(&unreachable.span, "it must not arrive")
                .help("take one of the two out");
            self.problems.push(problem);
        }
    }

    /// Tells of what is in both lists.
    fn both(&mut self, here: Option<&'a Texts>, there: Option<&'a Texts>, why: &str) {
        let (Some(here), Some(there)) = (here, there) else {
            return;
        };
        for at in &here.value {
            // A link may be written from either end.
            let turned = at.value.split_once("--").map(|(a, b)| format!("{b}--{a}"));
            let same = |other: &&At<String>| {
                other.value == at.value || Some(&other.value) == turned.as_ref()
            };
            if let Some(other) = there.value.iter().find(same) {
                let message = format!("{} is to be {why}", quoted(&at.value));
                let problem = Diagnostic::error(codes::BAD_EXPECT, message)
                    .label(&at.span, "here")
                    .label(&other.span, "and here")
                    .help("take one of the two out");
                self.problems.push(problem);
            }
        }
    }

    /// The nodes and links of a list, those that are known.
    fn steps(&mut self, list: Option<&'a Texts>, topology: &Topology) -> Vec<(Step, &'a Span)> {
        let steps = list.into_iter().flat_map(|list| &list.value);
        steps.filter_map(|at| Some((self.step(at, topology)?, &at.span))).collect()
    }

    fn step(&mut self, at: &At<String>, topology: &Topology) -> Option<Step> {
        let Some((first, second)) = at.value.split_once("--") else {
            return self.known_node(at).map(Step::Node);
        };
        let end = |text: &str, start: usize| At {
            value: text.to_owned(),
            span: at.part(start..start + text.len()),
        };
        let first = self.known_node(&end(first, 0));
        let second = self.known_node(&end(second, at.value.len() - second.len()));
        let (first, second) = (first?, second?);
        let Ok(link) = LinkName::new(first.clone(), second) else {
            let help = "a link is written `a--b`, with its two ends";
            self.bad("a link joins two different nodes", &at.span, "the same node twice", help);
            return None;
        };
        if topology.links.contains_key(&link) {
            return Some(Step::Link(link));
        }
        let links = topology.links.keys().filter_map(|link| {
            let other = link.other(&first)?;
            Some(format!("`{first}--{other}`"))
        });
        let links: Vec<String> = links.take(4).collect();
        let message = format!("unknown link `{link}`");
        let problem = Diagnostic::error(codes::UNKNOWN_LINK, message)
            .label(&at.span, "no link joins these two nodes")
            .help(match links.is_empty() {
                true => format!("the node `{first}` has no links"),
                false => format!("links of `{first}`: {}", links.join(", ")),
            });
        self.problems.push(problem);
        None
    }

    fn count(&mut self, key: &str, at: Option<&At<i64>>, least: u64, most: u64) -> Option<u64> {
        let at = at?;
        match u64::try_from(at.value) {
            Ok(count) if (least..=most).contains(&count) => Some(count),
            _ => {
                let range = match most {
                    u64::MAX => format!("at least {least}"),
                    most => format!("from {least} to {most}"),
                };
                let message = format!("`{key}` is {range}, not {}", at.value);
                let help = format!("write another number, or leave `{key}` out");
                self.bad(message, &at.span, "out of range", &help);
                None
            }
        }
    }
}
