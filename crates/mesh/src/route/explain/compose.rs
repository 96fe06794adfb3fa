//! What the nodes on a way say, beside the ways that were not taken.

use std::collections::BTreeSet;

use super::step::{Decision, SetRoute, Step};
use super::{DecidedBy, Excluded, Explanation, Other, ToldWay};
use crate::name::{LinkName, NodeName};
use crate::route::graph::{Down, Graph};
use crate::route::paths::{Paths, Way};

/// The mesh that an explanation is about.
#[derive(Debug, Clone, Copy)]
pub struct Background<'a> {
    /// The nodes and links that are up.
    pub graph: &'a Graph,
    /// What there would be if nothing were down.
    pub whole: &'a Graph,
    /// What is down of it.
    pub down: &'a [Down],
    /// How many nodes a path may have.
    pub hop_limit: u8,
}

/// The explanation of a way whose nodes decided as `steps` say. Without steps, `node` is down.
///
/// What it costs is bounded by the mesh: one computation of the best ways for each link of the best
/// way, and a few more.
#[must_use]
pub fn compose(
    from: &str,
    node: &NodeName,
    to: &str,
    mesh: &Background<'_>,
    steps: Vec<Step>,
) -> Explanation {
    let path: Vec<_> = steps.iter().map(|step| step.node.clone()).collect();
    let links = path.iter().zip(path.iter().skip(1));
    let cost = links.filter_map(|(a, b)| cost(mesh.graph, a, b)).sum();
    let (reason, refuser, refused_by) = match steps.last() {
        None => (Some(format!("{node} is down")), None, None),
        Some(Step { node, decision: Decision::Refuse { reason, rule, .. }, .. }) => {
            (Some(reason.clone()), Some(node.clone()), Some(rule.clone()))
        }
        Some(_) => (None, None, None),
    };
    let target = steps.first().and_then(Step::at);
    let set = steps.iter().enumerate().find_map(|(place, step)| Some((place, step, step.route()?)));
    let best = target.and_then(|target| best(mesh.graph, node, target));
    let is_best = best.as_ref().is_some_and(|best| best.nodes == path);

    let mut runner_up = None;
    let decided_by = match (&best, set, refused_by) {
        _ if steps.is_empty() => DecidedBy::Down,
        (_, _, Some(by)) => DecidedBy::Refused { by },
        (_, Some((_, step, route)), None) => {
            DecidedBy::StaticRoute { node: step.node.clone(), route: route.clone() }
        }
        _ if path.len() == 1 => DecidedBy::Here,
        (Some(best), None, None) if is_best => match second(mesh.graph, best) {
            None => DecidedBy::OnlyWay,
            Some(second) => {
                let rule = best.beats(&second).map(DecidedBy::from);
                runner_up = Some(second);
                rule.unwrap_or(DecidedBy::Unsettled)
            }
        },
        _ => DecidedBy::Unsettled,
    };
    let others = Others {
        mesh,
        node,
        target,
        taken: &path,
        runner_up: runner_up.as_ref(),
        best: best.as_ref(),
    };
    let others = match (&decided_by, set) {
        (DecidedBy::Here | DecidedBy::Down, _) => Vec::new(),
        (_, Some((place, step, route))) => others.overridden(&path, place, step, route),
        (_, None) => others.all(),
    };
    Explanation {
        from: from.to_owned(),
        to: to.to_owned(),
        reachable: reason.is_none(),
        cost,
        hops: path.len().saturating_sub(1),
        path,
        reason,
        node: refuser,
        decided_by,
        runner_up: runner_up.map(ToldWay::from),
        steps,
        others,
    }
}

/// The ways that are not taken.
struct Others<'a> {
    mesh: &'a Background<'a>,
    node: &'a NodeName,
    target: Option<&'a NodeName>,
    /// The way that is taken, as far as it goes.
    taken: &'a [NodeName],
    runner_up: Option<&'a Way>,
    best: Option<&'a Way>,
}

impl Others<'_> {
    /// The way that would be taken if nothing were down, the best one where the hop limit excludes it,
    /// and the best through each neighbour.
    fn all(&self) -> Vec<Other> {
        let Some(target) = self.target.filter(|target| *target != self.node) else {
            return Vec::new();
        };
        let mut others = Vec::new();
        if let Some(way) = best(self.mesh.whole, self.node, target) {
            self.add_down(&mut others, way);
        }
        if let Some(best) = self.best
            && best.nodes.len() > usize::from(self.mesh.hop_limit)
        {
            let (nodes, limit) = (best.nodes.len(), self.mesh.hop_limit);
            let excluded = Excluded::HopLimit { nodes, limit };
            others.push(Other { way: best.clone().into(), excluded });
        }
        let through = through_neighbours(self.mesh.graph, self.node, target);
        let whole = through_neighbours(self.mesh.whole, self.node, target);
        let reached: BTreeSet<_> = through.iter().map(|way| way.nodes.get(1).cloned()).collect();
        for way in through {
            if let Some(rule) = self.best.and_then(|best| best.beats(&way)) {
                self.add(&mut others, way, rule.into());
            }
        }
        for way in whole.into_iter().filter(|way| !reached.contains(&way.nodes.get(1).cloned())) {
            self.add_down(&mut others, way);
        }
        others
    }

    /// The computed way that a static route overrides.
    fn overridden(
        &self,
        path: &[NodeName],
        place: usize,
        step: &Step,
        route: &SetRoute,
    ) -> Vec<Other> {
        let mut others = Vec::new();
        let way = step.at().and_then(|at| best(self.mesh.graph, &step.node, at));
        if let Some(way) = way.filter(|way| path.get(place..) != Some(&way.nodes)) {
            let (node, route) = (step.node.clone(), route.clone());
            self.add(&mut others, way, Excluded::StaticRoute { node, route });
        }
        others
    }

    fn add_down(&self, others: &mut Vec<Other>, way: Way) {
        let links = way.links();
        let is_on = |down: &&Down| match down {
            Down::Node(node) => way.nodes.contains(node),
            Down::Link(link) => links.contains(link),
        };
        let down: BTreeSet<_> = self.mesh.down.iter().filter(is_on).collect();
        if !down.is_empty() {
            let down = down.into_iter().map(ToString::to_string).collect();
            self.add(others, way, Excluded::Down { down });
        }
    }

    /// Adds a way, if it has not been told already.
    fn add(&self, others: &mut Vec<Other>, way: Way, excluded: Excluded) {
        let is_runner_up = self.runner_up.is_some_and(|told| told.nodes == way.nodes);
        let is_known = others.iter().any(|other| other.way.path == way.nodes);
        if !is_runner_up && !is_known && self.taken != way.nodes {
            others.push(Other { way: way.into(), excluded });
        }
    }
}

fn best(graph: &Graph, from: &NodeName, to: &NodeName) -> Option<Way> {
    Paths::from(graph, from)?.way(to)
}

/// The second-best way: whichever way it is, it lacks a link of the best one. So it is the least of
/// the ways that are best when one of those links is missing.
fn second(graph: &Graph, best_way: &Way) -> Option<Way> {
    let (from, to) = (best_way.nodes.first()?, best_way.nodes.last()?);
    let without = |link| best(&graph.without(&[Down::Link(link)]), from, to);
    let ways = best_way.links().into_iter().filter_map(without);
    ways.reduce(|least, way| if way.beats(&least).is_some() { way } else { least })
}

/// For each neighbour of `node` in order, the best of the ways from `node` to `to` that begin with it.
fn through_neighbours(graph: &Graph, node: &NodeName, to: &NodeName) -> Vec<Way> {
    let rest = graph.without(&[Down::Node(node.clone())]);
    let Some(paths) = Paths::from(&rest, to) else {
        return Vec::new();
    };
    let through = |(neighbour, link): (&NodeName, u32)| {
        let mut way = paths.way(neighbour)?;
        way.nodes.push(node.clone());
        way.nodes.reverse();
        Some(Way { nodes: way.nodes, cost: way.cost + u64::from(link) })
    };
    graph.neighbours(node).filter_map(through).collect()
}

fn cost(graph: &Graph, a: &NodeName, b: &NodeName) -> Option<u64> {
    graph.cost(&LinkName::new(a.clone(), b.clone()).ok()?).map(u64::from)
}
