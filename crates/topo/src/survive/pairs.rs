//! Whether every two nodes still reach each other.

use hopline_mesh::name::NodeName;
use hopline_mesh::route::{Down, Part, Repair, Walker};

use super::cases::Parts;
use super::detours::Detours;
use super::statics::Statics;
use crate::offline::Offline;

/// All pairs of nodes of a mesh.
pub(super) struct Pairs<'a> {
    mesh: &'a Offline,
    parts: &'a Parts,
    names: Vec<NodeName>,
    /// The most links that a way may have.
    most: u32,
    /// The messages to nodes that static routes are for.
    by_statics: Statics,
    detours: Detours,
    /// By node: whether the ways to it are all computed.
    is_computed: Vec<bool>,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(mesh: &'a Offline, parts: &'a Parts) -> Self {
        let names: Vec<NodeName> = mesh.graph().nodes().cloned().collect();
        let is_computed: Vec<bool> =
            names.iter().map(|name| !mesh.has_static_for(name.as_str())).collect();
        let by_statics = Statics::new(mesh, parts, &names, &is_computed);
        let most = u32::from(mesh.hop_limit().saturating_sub(1));
        // Where no way can be too long, none is measured.
        let is_short = names.len() <= usize::from(mesh.hop_limit());
        let detours = if is_short { Detours::default() } else { Detours::new(mesh.graph(), parts) };
        Self { mesh, parts, most, by_statics, detours, is_computed, names }
    }

    /// For each case of `size` failures whether it breaks a pair.
    pub(super) fn breaks(&self, size: usize) -> Vec<bool> {
        let mut breaks = Vec::new();
        if self.names.len() <= usize::from(self.mesh.hop_limit()) {
            // No way without a loop is too long, so all that counts is whether there is one.
            let home = self.joined(&[]);
            self.parts.each_case(size, |case| breaks.push(self.comes_apart(&home, case)));
        } else {
            self.parts.each_case(size, |_| breaks.push(false));
            // A way there is as long as the way back, where static routes have no say in either.
            let one_way = self.by_statics.is_empty();
            for source in &self.names {
                self.breaks_from(source, size, one_way, &mut breaks);
            }
        }
        if !self.by_statics.is_empty() {
            let mut at = 0;
            self.parts.each_case(size, |case| {
                breaks[at] = breaks[at] || self.breaks_by_statics(case);
                at += 1;
            });
        }
        breaks
    }

    /// The pairs that a case breaks: from, to.
    pub(super) fn cut(&self, case: &[u32]) -> Vec<(u32, u32)> {
        let down: Vec<Part> = case.iter().map(|part| self.parts.part(*part)).collect();
        let mut cut = Vec::new();
        for (from, source) in (0..).zip(&self.names) {
            let Some(mut repair) = Repair::from(self.mesh.graph(), source) else {
                continue;
            };
            let mut gone = Vec::new();
            repair.without(&down, |to, hops| {
                if self.is_computed[to as usize] && !self.fits(hops) {
                    gone.push(to);
                }
            });
            gone.retain(|to| self.fits(repair.hops(*to)));
            cut.extend(gone.into_iter().map(|to| (from, to)));
        }
        cut.extend(self.cut_by_statics(case));
        cut.sort_unstable();
        cut
    }

    fn fits(&self, hops: Option<u32>) -> bool {
        hops.is_some_and(|hops| hops <= self.most)
    }

    /// Marks the cases that break a pair from `source`; where one way is enough, those that are seen
    /// from the other end may be left out.
    fn breaks_from(&self, source: &NodeName, size: usize, one_way: bool, breaks: &mut [bool]) {
        let Some(mut repair) = Repair::from(self.mesh.graph(), source) else {
            return;
        };
        let reached: Vec<bool> = (0..)
            .zip(&self.is_computed)
            .map(|(to, is_computed)| *is_computed && self.fits(repair.hops(to)))
            .collect();
        // Most parts are on none of the ways, or the way around them is short: that is quickly seen.
        let farthest = (0..self.names.len() as u32).filter_map(|to| repair.hops(to));
        let farthest = farthest.max().unwrap_or_default();
        let counts: Vec<bool> = (0..self.parts.len() as u32)
            .map(|number| {
                let part = self.parts.part(number);
                let Some((longest, beyond)) = repair.longest(part).zip(repair.beyond(part)) else {
                    return false;
                };
                if size > 1 {
                    return true;
                }
                let spared = one_way && self.detours.is_seen_elsewhere(number, repair.before(part));
                let detour = self.detours.around(number).map(|more| longest.saturating_add(more));
                let is_short = detour.is_some_and(|hops| hops <= self.most);
                // A new way is one that stands and then one through nodes that are lost.
                let within = farthest.saturating_add(beyond) <= self.most;
                !(spared || is_short || within && !self.detours.cuts(number))
            })
            .collect();
        let mut down = Vec::with_capacity(size);
        let mut at = 0;
        self.parts.each_case(size, |case| {
            let broken = &mut breaks[at];
            at += 1;
            if *broken || !case.iter().any(|part| counts[*part as usize]) {
                return;
            }
            down.clear();
            down.extend(case.iter().map(|part| self.parts.part(*part)));
            repair.without(&down, |to, hops| {
                *broken |= reached[to as usize] && !self.fits(hops);
            });
        });
    }

    fn breaks_by_statics(&self, case: &[u32]) -> bool {
        !self.parts.is_repeated(case) && self.cut_by_statics(case).next().is_some()
    }

    /// The pairs that a case breaks of those whose ways static routes have a say in.
    fn cut_by_statics(&self, case: &[u32]) -> impl Iterator<Item = (u32, u32)> {
        let concerned = self.by_statics.concerned(case);
        let mut cut = Vec::new();
        if !concerned.is_empty() {
            let down: Vec<Down> = case.iter().map(|part| self.parts.down(*part)).collect();
            let is_up = |node: &NodeName| !down.contains(&Down::Node(node.clone()));
            let graph = self.mesh.graph().without(&down);
            let mut walker = Walker::new(self.mesh.input(&graph));
            for (from, to) in concerned {
                let (source, name) = (&self.names[from as usize], &self.names[to as usize]);
                if is_up(name)
                    && is_up(source)
                    && walker.walk(source, name.as_str()).refusal().is_some()
                {
                    cut.push((from, to));
                }
            }
        }
        cut.into_iter()
    }

    /// Whether nodes that are joined at `home` come apart, and one of them is reached by computed ways.
    fn comes_apart(&self, home: &[u32], case: &[u32]) -> bool {
        let now = self.joined(case);
        let is_down =
            |node: u32| case.iter().any(|part| self.parts.part(*part) == Part::Node(node));
        // By home: the first of its nodes that is up, whether all are joined to it, and whether one counts.
        let mut homes: Vec<Option<(u32, bool, bool)>> = vec![None; self.names.len()];
        for node in (0..self.names.len() as u32).filter(|node| !is_down(*node)) {
            let at = node as usize;
            let (first, split, counts) =
                homes[home[at] as usize].get_or_insert((now[at], false, false));
            *split |= *first != now[at];
            *counts |= self.is_computed[at];
        }
        homes.into_iter().flatten().any(|(_, split, counts)| split && counts)
    }

    /// For each node one node that stands for all that are joined with it while a case has failed.
    fn joined(&self, case: &[u32]) -> Vec<u32> {
        let down: Vec<Part> = case.iter().map(|part| self.parts.part(*part)).collect();
        let mut above: Vec<u32> = (0..self.names.len() as u32).collect();
        for link in 0..self.parts.links() as u32 {
            let part = self.parts.part(link);
            let Part::Link(a, b) = part else { continue };
            if !down.iter().any(|down| [part, Part::Node(a), Part::Node(b)].contains(down)) {
                let (a, b) = (root(&mut above, a), root(&mut above, b));
                above[a.max(b) as usize] = a.min(b);
            }
        }
        (0..self.names.len() as u32).map(|node| root(&mut above, node)).collect()
    }
}

fn root(above: &mut [u32], mut node: u32) -> u32 {
    while above[node as usize] != node {
        let next = above[above[node as usize] as usize];
        above[node as usize] = next;
        node = next;
    }
    node
}
