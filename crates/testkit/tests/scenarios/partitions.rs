//! Meshes that fall apart and come together again.

use hopline_mesh::brain::Event;
use hopline_testkit::simulation::{ClientId, Simulation, for_each_seed};

use crate::traffic::{Traffic, millis, rest, way};

/// Two triangles, and three links that join them.
const SIX: [(&str, &str, u32); 9] = [
    ("a", "b", 10),
    ("b", "c", 10),
    ("c", "a", 10),
    ("x", "y", 10),
    ("y", "z", 10),
    ("z", "x", 10),
    ("a", "x", 10),
    ("b", "y", 10),
    ("c", "z", 10),
];
const ACROSS: [(&str, &str); 3] = [("a", "x"), ("b", "y"), ("c", "z")];

fn six(seed: u64) -> (Simulation, Vec<ClientId>) {
    let mut mesh = Simulation::of(seed, &SIX);
    mesh.watch_for_loops();
    mesh.start_all();
    let nodes = ["a", "b", "c", "x", "y", "z"];
    let clients = nodes.map(|node| mesh.attach(node, Some(format!("of-{node}").as_bytes())));
    rest(&mut mesh);
    (mesh, clients.to_vec())
}

/// Scenario 38: six nodes fall into three and three while messages are under way, and come together.
#[test]
fn two_halves_route_inside_and_then_as_one_again() {
    for_each_seed(30, |seed| {
        let (mut mesh, clients) = six(seed);
        let mut traffic = Traffic::new(&clients, &clients);
        let everybody = |traffic: &mut Traffic, mesh: &mut Simulation| {
            for to in ["a", "b", "c", "x", "y", "z"] {
                traffic.send(mesh, &format!("of-{to}"), 2);
            }
        };
        everybody(&mut traffic, &mut mesh);
        for (near, far) in ACROSS {
            let pause = mesh.rng().u64(0..3);
            mesh.run_for(millis(pause));
            mesh.cut(near, far);
        }
        everybody(&mut traffic, &mut mesh);
        rest(&mut mesh);
        assert_eq!(way(&mut mesh, "a", "of-c").unwrap(), ["a", "c"]);
        assert_eq!(way(&mut mesh, "x", "of-z").unwrap(), ["x", "z"]);
        assert_eq!(way(&mut mesh, "a", "of-x"), None);
        let before = traffic.assert_accounted(&mesh).delivered.len();
        everybody(&mut traffic, &mut mesh);
        rest(&mut mesh);
        let inside = traffic.assert_accounted(&mesh).delivered.len() - before;
        assert_eq!(inside, 2 * 3 * 3 * 2, "two halves of three that send to three, twice");
        for (near, far) in ACROSS {
            mesh.heal(near, far);
        }
        rest(&mut mesh);
        assert_eq!(way(&mut mesh, "a", "of-x").unwrap(), ["a", "x"]);
        let before = traffic.assert_accounted(&mesh).delivered.len();
        everybody(&mut traffic, &mut mesh);
        rest(&mut mesh);
        let all = traffic.assert_accounted(&mesh).delivered.len() - before;
        assert_eq!(all, 6 * 6 * 2, "nothing of before comes late, and all of now comes");
    });
}

/// Scenario 40: a third of all links flaps at random for a while. All comes to rest, nothing is left over, and no
/// node has changed its routes more often than links have changed.
#[test]
fn flapping_links_leave_nothing_behind() {
    for_each_seed(4, |seed| {
        let mut links = Vec::new();
        let name = |row: usize, column: usize| format!("n{row}{column}");
        for row in 0..4 {
            for column in 0..4 {
                if column < 3 {
                    links.push((name(row, column), name(row, column + 1), 10));
                }
                if row < 3 {
                    links.push((name(row, column), name(row + 1, column), 10));
                }
            }
        }
        let mut mesh = Simulation::of(seed, &links);
        mesh.watch_for_loops();
        mesh.start_all();
        rest(&mut mesh);
        let changes = |mesh: &Simulation, node: &str| {
            let is_change = |event: &Event| matches!(event, Event::Routes { .. });
            mesh.events(node).iter().filter(|(_, event)| is_change(event)).count()
        };
        let before: Vec<_> = mesh.running().iter().map(|node| changes(&mesh, node)).collect();
        mesh.rng().shuffle(&mut links);
        let flapping = &links[..links.len() * 3 / 10];
        let mut flaps = 0;
        for _ in 0..40 {
            for (a, b, _) in flapping {
                if mesh.rng().bool() {
                    mesh.cut(a, b)
                } else {
                    mesh.heal(a, b)
                }
                flaps += 1;
            }
            let pause = mesh.rng().u64(0..100);
            mesh.run_for(millis(pause));
        }
        for (a, b, _) in flapping {
            mesh.heal(a, b);
        }
        rest(&mut mesh);
        for (node, before) in mesh.running().iter().zip(before) {
            let status = mesh.status(node).unwrap();
            assert_eq!((status.waiting, status.pending, status.reachable.len()), (0, 0, 16));
            // Each flap is told by both ends.
            let times = changes(&mesh, node) - before;
            assert!(times <= 2 * (flaps + flapping.len()), "{times} changes by {flaps} flaps");
        }
    });
}

/// Scenario 42: the link that closes a ring comes up while messages go round the other way.
#[test]
fn a_link_that_closes_a_ring_makes_no_message_come_twice() {
    for_each_seed(40, |seed| {
        let links = [("a", "b", 10), ("b", "c", 10), ("c", "d", 10), ("d", "a", 10)];
        let mut mesh = Simulation::of(seed, &links);
        mesh.watch_for_loops();
        mesh.start_all();
        mesh.cut("d", "a");
        rest(&mut mesh);
        let (alice, dora) = (mesh.attach("a", Some(b"alice")), mesh.attach("d", Some(b"dora")));
        rest(&mut mesh);
        let mut traffic = Traffic::new(&[alice], &[dora]);
        for round in 0..10 {
            for step in 0..12 {
                traffic.send(&mut mesh, "dora", 2);
                match (step, round % 2) {
                    (4, 0) => mesh.heal("d", "a"),
                    (4, _) => mesh.cut("d", "a"),
                    _ => {}
                }
                let pause = mesh.rng().u64(0..4);
                mesh.run_for(millis(pause));
            }
        }
        rest(&mut mesh);
        let fates = traffic.assert_accounted(&mesh);
        let by = |way: &str| fates.delivered.values().filter(|it| it[0].join("-") == way).count();
        assert!(by("a-d") > 20 && by("a-b-c-d") > 20, "{} {}", by("a-d"), by("a-b-c-d"));
    });
}

/// Scenario 43: a node that was away while names and links changed a thousand times is told how it is, not all that
/// was.
#[test]
fn who_was_away_is_told_how_it_is_and_not_what_was() {
    for_each_seed(3, |seed| {
        let (mut mesh, clients) = six(seed);
        rest(&mut mesh);
        let cold = mesh.heard("z").flood_bytes;
        mesh.kill("z");
        for change in 0..1_000 {
            match change % 4 {
                0 => mesh.cut("a", "x"),
                1 => mesh.heal("a", "x"),
                2 => drop(mesh.attach("a", Some(format!("guest-{}", change / 4 % 5).as_bytes()))),
                _ => mesh.detach(clients[change / 4 % 3]),
            }
            mesh.run_for(millis(20));
        }
        rest(&mut mesh);
        let before = mesh.heard("z");
        mesh.start("z");
        rest(&mut mesh);
        let after = mesh.heard("z");
        let floods = after.floods - before.floods;
        assert!(floods < 60, "{floods} messages for a thousand changes");
        let bytes = after.flood_bytes - before.flood_bytes;
        assert!(bytes < 3 * cold, "{bytes} bytes, and {cold} when all of them started");
        let names = |node: &str| {
            let routes = mesh.routes(node).unwrap().into_iter();
            routes.filter(|line| line.origin.starts_with("attached")).map(|line| line.destination)
        };
        assert_eq!(names("z").collect::<Vec<_>>(), names("y").collect::<Vec<_>>());
    });
}
