//! Whole tables of graphs drawn by hand.

use hopline_testkit::simulation::{Simulation, for_each_seed};

use crate::traffic::rest;

/// Links, and of each node the next hop and the cost to every other, by the least sum over all paths without a circle,
/// which were written down one by one; of two alike by the shorter one.
type Known = (&'static [(&'static str, &'static str, u32)], &'static [&'static str]);

const GRAPHS: [Known; 7] = [
    (
        &[("a", "b", 1), ("b", "c", 2), ("c", "d", 4)],
        &[
            "a: b by b 1, c by b 3, d by b 7",
            "b: a by a 1, c by c 2, d by c 6",
            "c: a by b 3, b by b 2, d by d 4",
            "d: a by c 7, b by c 6, c by c 4",
        ],
    ),
    (
        &[("a", "b", 5), ("b", "c", 5), ("a", "c", 11)],
        &["a: b by b 5, c by b 10", "b: a by a 5, c by c 5", "c: a by b 10, b by b 5"],
    ),
    (
        &[("a", "b", 1), ("a", "c", 2), ("b", "d", 3), ("c", "d", 1)],
        &[
            "a: b by b 1, c by c 2, d by c 3",
            "b: a by a 1, c by a 3, d by d 3",
            "c: a by a 2, b by a 3, d by d 1",
            "d: a by c 3, b by b 3, c by c 1",
        ],
    ),
    (
        &[("a", "b", 1), ("b", "c", 1), ("c", "d", 1), ("d", "e", 1), ("e", "f", 1), ("f", "a", 4)],
        &[
            "a: b by b 1, c by b 2, d by b 3, e by b 4, f by f 4",
            "b: a by a 1, c by c 1, d by c 2, e by c 3, f by c 4",
            "c: a by b 2, b by b 1, d by d 1, e by d 2, f by d 3",
            "d: a by c 3, b by c 2, c by c 1, e by e 1, f by e 2",
            "e: a by d 4, b by d 3, c by d 2, d by d 1, f by f 1",
            "f: a by a 4, b by e 4, c by e 3, d by e 2, e by e 1",
        ],
    ),
    (
        &[
            ("a", "b", 3),
            ("b", "c", 3),
            ("c", "d", 3),
            ("e", "f", 1),
            ("f", "g", 1),
            ("g", "h", 1),
            ("a", "e", 1),
            ("b", "f", 9),
            ("c", "g", 9),
            ("d", "h", 1),
        ],
        &[
            "a: b by b 3, c by b 6, d by e 5, e by e 1, f by e 2, g by e 3, h by e 4",
            "b: a by a 3, c by c 3, d by c 6, e by a 4, f by a 5, g by a 6, h by c 7",
            "c: a by b 6, b by b 3, d by d 3, e by b 7, f by d 6, g by d 5, h by d 4",
            "d: a by h 5, b by c 6, c by c 3, e by h 4, f by h 3, g by h 2, h by h 1",
            "e: a by a 1, b by a 4, c by a 7, d by f 4, f by f 1, g by f 2, h by f 3",
            "f: a by e 2, b by e 5, c by g 6, d by g 3, e by e 1, g by g 1, h by g 2",
            "g: a by f 3, b by f 6, c by h 5, d by h 2, e by f 2, f by f 1, h by h 1",
            "h: a by g 4, b by d 7, c by d 4, d by d 1, e by g 3, f by g 2, g by g 1",
        ],
    ),
    (&[("a", "b", 7)], &["a: b by b 7", "b: a by a 7"]),
    (
        &[("a", "b", 2), ("c", "d", 3)],
        &["a: b by b 2", "b: a by a 2", "c: d by d 3", "d: c by c 3"],
    ),
];

/// All that a node knows of other nodes: by whom, and at which cost.
fn table(mesh: &Simulation, node: &str) -> String {
    let lines = mesh.routes(node).unwrap().into_iter().filter(|line| line.origin != "here");
    let lines = lines.map(|line| match (line.next_hop, line.cost) {
        (Some(hop), Some(cost)) => format!("{} by {hop} {cost}", line.destination),
        (hop, cost) => format!("{} by {hop:?} {cost:?}", line.destination),
    });
    format!("{node}: {}", lines.collect::<Vec<_>>().join(", "))
}

/// Scenarios 10 and 12: graphs with costs, from two nodes to eight, in one part and in two.
#[test]
fn scenario_10_12_whole_tables_are_those_worked_out_by_hand() {
    for (links, expected) in GRAPHS {
        for_each_seed(5, |seed| {
            let mut mesh = Simulation::of(seed, links);
            mesh.watch_for_loops();
            mesh.start_all();
            rest(&mut mesh);
            let found: Vec<_> = mesh.running().iter().map(|node| table(&mesh, node)).collect();
            assert_eq!(found, expected, "{links:?}");
        });
    }
}
