//! The failures that keep one message from arriving.

use std::collections::BTreeSet;

use hopline_mesh::name::{LinkName, NodeName};
use hopline_mesh::route::{Down, Paths};

use super::cases::Parts;
use super::{MAX_CASES, TooMany};
use crate::offline::Offline;

/// A message that arrives while a part of the mesh has failed or none, and that is to do so still
/// when more fails.
#[derive(Debug)]
pub(crate) struct Message {
    from: String,
    to: String,
    /// What has failed already.
    down: Vec<Down>,
    ingress: NodeName,
    egress: NodeName,
    /// The node it is for, where no rule but the computed ways has a say in its way.
    computed: Option<NodeName>,
}

impl Message {
    /// The message from `from` to `to`; none where it does not arrive while `down` has failed.
    pub(crate) fn new(mesh: &Offline, from: &str, to: &str, down: &[Down]) -> Option<Self> {
        let walk = mesh.route(from, to, down)?;
        let (ingress, egress) = (walk.path.first()?.clone(), walk.last()?.clone());
        if walk.refusal().is_some() || down.contains(&Down::Node(ingress.clone())) {
            return None;
        }
        Some(Self {
            from: from.to_owned(),
            to: to.to_owned(),
            down: down.to_vec(),
            computed: mesh.computed(to),
            ingress,
            egress,
        })
    }

    pub(super) fn from(&self) -> &str {
        &self.from
    }

    pub(super) fn to(&self) -> &str {
        &self.to
    }

    /// Whether a node is down at which the message enters or leaves the mesh.
    pub(super) fn ends_in(&self, down: &[Down]) -> bool {
        let is_end = |node: &NodeName| [&self.ingress, &self.egress].contains(&node);
        down.iter().any(|down| matches!(down, Down::Node(node) if is_end(node)))
    }

    /// The nodes of its way while `down` has failed; none where it does not arrive.
    fn way(&self, mesh: &Offline, down: &[Down]) -> Option<Vec<NodeName>> {
        let Some(node) = &self.computed else {
            let walk = mesh.route(&self.from, &self.to, down)?;
            return walk.refusal().is_none().then_some(walk.path);
        };
        let way = Paths::from(&mesh.graph().without(down), &self.ingress)?.way(node)?;
        let fits = way.nodes.len() <= usize::from(mesh.hop_limit()).max(1);
        fits.then_some(way.nodes)
    }
}

/// All cases of `size` failures in which `message` does not arrive, given that it does in all smaller
/// ones. The nodes where it enters and leaves the mesh are not among those that fail.
///
/// A computed way is as it was while nothing on it fails, so every such case has a part of that way in
/// it; without that part there is another way, and every such case has a part of that one as well. So
/// few cases have to be tried. Other ways may change by whatever fails, and all cases are tried.
pub(crate) fn breaking(
    mesh: &Offline,
    parts: &Parts,
    message: &Message,
    size: usize,
) -> Result<BTreeSet<Vec<u32>>, TooMany> {
    let mut search =
        Search { mesh, parts, message, size, tried: BTreeSet::new(), found: BTreeSet::new() };
    search.beyond(&[])?;
    Ok(search.found)
}

struct Search<'a> {
    mesh: &'a Offline,
    parts: &'a Parts,
    message: &'a Message,
    size: usize,
    tried: BTreeSet<Vec<u32>>,
    found: BTreeSet<Vec<u32>>,
}

impl Search<'_> {
    /// Tries what else may fail besides `case`.
    fn beyond(&mut self, case: &[u32]) -> Result<(), TooMany> {
        let failed = case.iter().map(|part| self.parts.down(*part));
        let down: Vec<Down> = self.message.down.iter().cloned().chain(failed).collect();
        let Some(way) = self.message.way(self.mesh, &down) else {
            if case.len() == self.size {
                self.found.insert(case.to_vec());
            }
            return Ok(());
        };
        if case.len() == self.size {
            return Ok(());
        }
        for part in self.candidates(&way) {
            let is_new = !case.contains(&part) && !down.contains(&self.parts.down(part));
            let mut more = case.to_vec();
            more.push(part);
            more.sort_unstable();
            if is_new && self.tried.insert(more.clone()) {
                if self.tried.len() as u64 > MAX_CASES {
                    return Err(TooMany::Cases(self.parts.number_up_to(self.size)));
                }
                self.beyond(&more)?;
            }
        }
        Ok(())
    }

    /// What may fail and have a say in the way.
    fn candidates(&self, way: &[NodeName]) -> Vec<u32> {
        let ends = [&self.message.ingress, &self.message.egress];
        let is_end = |down: &Down| matches!(down, Down::Node(node) if ends.contains(&node));
        if self.message.computed.is_none() {
            let all = 0..self.parts.len() as u32;
            return all.filter(|part| !is_end(&self.parts.down(*part))).collect();
        }
        let links = way.windows(2).filter_map(|ends| match ends {
            [a, b] => LinkName::new(a.clone(), b.clone()).ok().map(Down::Link),
            _ => None,
        });
        let on_it = links.chain(way.iter().cloned().map(Down::Node));
        on_it.filter(|down| !is_end(down)).filter_map(|down| self.parts.number(&down)).collect()
    }
}
