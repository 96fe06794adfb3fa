//! From what was imported to a mesh that can be asked.

use hopline::mesh::name::NodeName;
use hopline::mesh::route::{Refusal, Walk, Walker};
use hopline::topo::import::Imported;
use hopline::topo::{Offline, Plan, parse};

/// The mesh of the topology file that an import writes.
pub(crate) fn mesh(imported: &Imported) -> Offline {
    let text = imported.to_toml();
    let loaded = parse("imported.toml", &text);
    let loaded = loaded.unwrap_or_else(|problems| panic!("{}: {problems}", imported.source));
    Offline::new(&Plan::new(&loaded.topology))
}

/// The nodes and cost of the way from `from` to `to`; none where the mesh says that there is no way.
pub(crate) fn way(
    walker: &mut Walker<'_>,
    from: &NodeName,
    to: &NodeName,
) -> Option<(Vec<NodeName>, u64)> {
    let Walk { path, cost, .. } = match walker.walk(from, to.as_str()) {
        walk if walk.refusal().is_none() => walk,
        walk => {
            // What cannot be reached is refused where it enters, under this name.
            assert_eq!(walk.refusal(), Some(Refusal::Unreachable), "{from} to {to}");
            assert_eq!(walk.path, std::slice::from_ref(from), "{from} to {to}");
            return None;
        }
    };
    assert_eq!((path.first(), path.last()), (Some(from), Some(to)));
    Some((path, cost))
}
