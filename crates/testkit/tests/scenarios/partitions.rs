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
fn scenario_38_two_halves_route_inside_and_then_as_one_again() {
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

/// Nodes in rows and columns, each with a link to the next one in its row and in its column.
fn grid(rows: usize, columns: usize) -> Vec<(String, String, u32)> {
    let name = |row: usize, column: usize| format!("n{row}{column}");
    let mut links = Vec::new();
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        if column + 1 < columns {
            links.push((name(row, column), name(row, column + 1), 10));
        }
        if row + 1 < rows {
            links.push((name(row, column), name(row + 1, column), 10));
        }
    }
    links
}

/// What all nodes have seen and done since they were added.
struct Toll {
    /// How often an end of a link came up or went down,
    flaps: usize,
    /// how many tables the busiest node made that were new,
    tables: usize,
    /// and how many messages of link state came in all.
    floods: u64,
}

fn toll(mesh: &Simulation) -> Toll {
    let nodes = mesh.running();
    let count = |node: &str, is: fn(&Event) -> bool| {
        mesh.events(node).iter().filter(|(_, event)| is(event)).count()
    };
    let is_flap = |event: &Event| matches!(event, Event::LinkUp(_) | Event::LinkDown(_));
    let is_table = |event: &Event| matches!(event, Event::Routes { .. });
    Toll {
        flaps: nodes.iter().map(|node| count(node, is_flap)).sum(),
        tables: nodes.iter().map(|node| count(node, is_table)).max().unwrap_or_default(),
        floods: nodes.iter().map(|node| mesh.heard(node).floods).sum(),
    }
}

/// Scenario 40: a third of all links flaps at random, for a minute, by order and by connections that break. All comes to
/// rest, and nothing is left over: the nodes keep no more than they did after the first few flaps.
///
/// What holds back the news of a link that flaps is the pause before it is dialled again, see the next test. What it costs
/// is bounded for each flap: it is a word of either end, which passes each link once, and a link is there where both ends say so, so each
/// node makes one new table. What comes together costs less: floods wait for acknowledgements, and tables for each other.
#[test]
fn scenario_40_flapping_links_leave_nothing_behind() {
    const ROUNDS: u64 = 60;
    for_each_seed(6, |seed| {
        let mut links = grid(3, 3);
        let mut mesh = Simulation::of(seed, &links);
        mesh.watch_for_loops();
        mesh.start_all();
        rest(&mut mesh);
        mesh.rng().shuffle(&mut links);
        let flapping = links[..links.len() / 3].to_vec();
        let heal_all = |mesh: &mut Simulation| {
            flapping.iter().for_each(|(a, b, _)| mesh.heal(a, b));
            mesh.run_for(millis(20_000));
            rest(mesh);
        };
        let before = toll(&mesh);
        let mut kept = Vec::new();
        for round in 0..ROUNDS {
            for (a, b, _) in &flapping {
                match mesh.rng().u8(0..4) {
                    0 => mesh.cut(a, b),
                    1 | 2 => mesh.heal(a, b),
                    _ => mesh.break_link(a, b),
                }
            }
            // Some follow each other closely, others do not.
            let most = [20, 2_000][mesh.rng().usize(0..2)];
            let pause = mesh.rng().u64(0..most);
            mesh.run_for(millis(pause));
            if round == ROUNDS / 6 {
                heal_all(&mut mesh);
                kept = mesh.running().iter().map(|node| mesh.kept(node)).collect();
            }
        }
        heal_all(&mut mesh);
        let after = toll(&mesh);
        for (node, kept) in mesh.running().iter().zip(kept) {
            let status = mesh.status(node).unwrap();
            assert_eq!((status.waiting, status.pending, status.reachable.len()), (0, 0, 9));
            let now = mesh.kept(node);
            assert!(now <= kept + kept / 50, "{node} kept {kept}, and now {now}");
        }
        let flaps = after.flaps - before.flaps;
        assert!(flaps > 150, "only {flaps} ends of links came or went");
        let (tables, floods) = (after.tables - before.tables, after.floods - before.floods);
        assert!(tables * 10 <= flaps * 6, "{tables} tables for {flaps} ends of links");
        let most = (flaps * links.len()) as u64;
        assert!(floods <= most, "{floods} floods for {flaps} ends of links");
    });
}

/// How often a node has had its link to a neighbour come up.
fn ups(mesh: &Simulation, node: &str, neighbour: &str) -> usize {
    let is_up =
        |event: &Event| matches!(event, Event::LinkUp(other) if other.as_str() == neighbour);
    mesh.events(node).iter().filter(|(_, event)| is_up(event)).count()
}

/// Scenario 40: a link that breaks as soon as it is up is dialled ever less often, up to once in five
/// seconds. When it has held for a second, that is forgotten.
#[test]
fn scenario_40_a_link_that_breaks_again_and_again_is_damped() {
    for_each_seed(5, |seed| {
        let mut mesh = Simulation::of(seed, &[("a", "b", 10), ("b", "c", 10), ("a", "c", 10)]);
        mesh.start_all();
        rest(&mut mesh);
        let before = ups(&mesh, "a", "b");
        let flap = |mesh: &mut Simulation, time: u64| {
            let before = ups(mesh, "a", "b");
            for _ in 0..time {
                mesh.run_for(millis(1));
                if mesh.is_linked("a", "b") {
                    mesh.break_link("a", "b");
                }
            }
            ups(mesh, "a", "b") - before
        };
        let minute = flap(&mut mesh, 60_000);
        assert!((15..20).contains(&minute), "{minute} in a minute");
        mesh.run_for(millis(7_000));
        assert!(mesh.is_linked("a", "b"));
        let again = flap(&mut mesh, 400);
        assert!((3..5).contains(&again), "{again} in 0.4 s: the pause begins anew");
        assert!(before < 3, "{before}");
    });
}

/// Scenarios 40 and 47: an end that is started again is no flap, however often: the link is back at once each time.
#[test]
fn scenario_40_47_a_link_to_a_node_that_starts_again_and_again_is_not_damped() {
    for_each_seed(5, |seed| {
        let mut mesh = Simulation::of(seed, &[("a", "b", 10), ("b", "c", 10)]);
        mesh.start_all();
        rest(&mut mesh);
        for round in 0..100 {
            mesh.kill("b");
            mesh.run_for(millis(10));
            mesh.start("b");
            mesh.run_for(millis(100));
            let is_back = mesh.is_linked("a", "b") && mesh.is_linked("b", "c");
            assert!(is_back, "after {round} times");
        }
    });
}

/// Scenario 42: the link that closes a ring comes up while messages go round the other way.
#[test]
fn scenario_42_a_link_that_closes_a_ring_makes_no_message_come_twice() {
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
            for step in 0..24 {
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

/// How a node is away.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Away {
    /// It does not run.
    Killed,
    /// It runs, and hears nothing of the others: it has nobody, and what it knew of them is a minute old and more.
    Parted,
    /// As well, and not for so long: it knows the others, as they were.
    PartedForAMoment,
}

/// Scenario 43: a node that was away while names and links changed a thousand times is told how it is, not all that
/// was.
#[test]
fn scenario_43_who_was_away_is_told_how_it_is_and_not_what_was() {
    for_each_seed(3, |seed| {
        let away = match seed % 3 {
            0 => Away::Killed,
            1 => Away::Parted,
            _ => Away::PartedForAMoment,
        };
        comes_back(seed, away);
    });
}

fn comes_back(seed: u64, away: Away) {
    let (mut mesh, clients) = six(seed);
    rest(&mut mesh);
    let cold = mesh.heard("z").flood_bytes;
    if away == Away::Killed {
        mesh.kill("z");
    } else {
        ["x", "y", "c"].iter().for_each(|node| mesh.part("z", node));
        // Both sides have found it out.
        mesh.run_for(millis(3_000));
    }
    let mut guest = clients[0];
    let looks = |mesh: &Simulation| {
        let status = mesh.status("y").unwrap();
        (status.revision, status.attachments)
    };
    let (mut changes, mut last) = (0, looks(&mesh));
    let pause = if away == Away::PartedForAMoment { 30 } else { 100 };
    for change in 0..1_000 {
        match change % 4 {
            0 => mesh.cut("a", "x"),
            1 => mesh.heal("a", "x"),
            2 => guest = mesh.attach("a", Some(format!("guest-{change}").as_bytes())),
            _ => mesh.detach(guest),
        }
        mesh.run_for(millis(pause));
        let now = looks(&mesh);
        changes += usize::from(now != last);
        last = now;
    }
    assert!(changes > 900, "{changes} of a thousand changed anything");
    rest(&mut mesh);
    let before = mesh.heard("z");
    if away == Away::Killed {
        mesh.start("z");
    } else {
        ["x", "y", "c"].iter().for_each(|node| mesh.rejoin("z", node));
        // It is asked for again, after pauses that have grown.
        mesh.run_for(millis(3_000));
    }
    rest(&mut mesh);
    let after = mesh.heard("z");
    let floods = after.floods - before.floods;
    assert!(floods < 60, "{away:?}: {floods} messages for a thousand changes");
    let bytes = after.flood_bytes - before.flood_bytes;
    assert!(bytes < 3 * cold, "{away:?}: {bytes} bytes, and {cold} when all of them started");
    let names = |node: &str| {
        let routes = mesh.routes(node).unwrap().into_iter();
        routes.filter(|line| line.origin.starts_with("attached")).map(|line| line.destination)
    };
    assert_eq!(names("z").collect::<Vec<_>>(), names("y").collect::<Vec<_>>());
    assert_eq!(mesh.status("z").unwrap().reachable.len(), 6, "{away:?}");
}
