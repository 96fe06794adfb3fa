//! The plan between two others: all that is new, and still the nodes that are to go, with their links.
//!
//! ```text
//!  a mesh is to be  src--t2--dst       first  src--t2--dst     then t1 leaves, and nothing
//!  where it was     src--t1--dst              src--t1--dst     that stays waits for it
//! ```

use std::collections::BTreeSet;

use hopline_mesh::name::NodeName;

use crate::plan::{Dial, Plan};

/// `next`, with the nodes of `parting` and their links as they are in `now`.
pub(super) fn with_parting(now: &Plan, next: &Plan, parting: &BTreeSet<NodeName>) -> Plan {
    let mut between = next.clone();
    for (name, node) in now.nodes.iter().filter(|(name, _)| parting.contains(*name)) {
        between.nodes.insert(name.clone(), node.clone());
    }
    let there: BTreeSet<NodeName> = between.nodes.keys().cloned().collect();
    for (name, node) in &mut between.nodes {
        if parting.contains(name) {
            let is_there = |dial: &Dial| there.contains(&dial.node);
            node.dials.retain(is_there);
            node.accepts.retain(is_there);
            node.upstreams.retain(|(upstream, _)| there.contains(upstream));
        } else if let Some(before) = now.nodes.get(name) {
            let goes = |dial: &&Dial| parting.contains(&dial.node);
            node.dials.extend(before.dials.iter().filter(goes).cloned());
            node.accepts.extend(before.accepts.iter().filter(goes).cloned());
        }
    }
    between
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Plan {
        Plan::new(&crate::parse("m.toml", &format!("[mesh]\nname = 'm'\n{text}")).unwrap().topology)
    }

    #[test]
    fn what_goes_keeps_its_links_to_what_is_there_and_what_is_new_has_its_own() {
        let now = plan(
            "[nodes.src]\n[nodes.t1]\nupstream = ['src', 'x']\n[nodes.x]\n[nodes.dst]\nupstream = ['t1']\n",
        );
        let next =
            plan("[nodes.src]\n[nodes.t2]\nupstream = ['src']\n[nodes.dst]\nupstream = ['t2']\n");
        let between = with_parting(&now, &next, &[NodeName::parse("t1").unwrap()].into());
        let names = |dials: &[Dial]| -> Vec<String> {
            dials.iter().map(|dial| dial.node.as_str().to_owned()).collect()
        };
        let links = |of: &str| {
            let node = &between.nodes[of];
            [names(&node.dials).join(" "), names(&node.accepts).join(" ")]
        };
        assert_eq!(links("src"), ["", "t2 t1"]);
        assert_eq!(links("dst"), ["t2 t1", ""]);
        assert_eq!(links("t1"), ["src", "dst"], "`x` is not there any more");
        assert_eq!(links("t2"), ["src", "dst"]);
        assert_eq!(between.nodes.len(), 4);
        assert_eq!(with_parting(&now, &next, &BTreeSet::new()), next);
    }
}
