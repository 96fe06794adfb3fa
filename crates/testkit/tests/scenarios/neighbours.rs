//! Neighbours that dial each other, that are replaced, that were told something else, or that speak another version.

use bytes::Bytes;
use hopline_mesh::brain::Event;
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::hello::{Hello, MeshKey};
use hopline_mesh::wire::link_state::{Adjacency, Adjacent, Age, Flood, Record};
use hopline_mesh::wire::{Kind, Prefix};
use hopline_testkit::simulation::{Simulation, config, dials, for_each_seed, hello, listens};

use crate::traffic::{Traffic, millis, rest, way};

/// How often a node's link came up and went down since it had told so many events.
fn flaps(mesh: &Simulation, node: &str, since: usize) -> (usize, usize) {
    let events = &mesh.events(node)[since..];
    let count = |is: fn(&Event) -> bool| events.iter().filter(|(_, event)| is(event)).count();
    (count(|it| matches!(it, Event::LinkUp(_))), count(|it| matches!(it, Event::LinkDown(_))))
}

/// Scenario 34: two nodes dial each other at the same time, a thousand times. Each time there is one link, which comes
/// up once and stays.
#[test]
fn scenario_34_two_that_dial_each_other_at_once_have_one_link_that_stays() {
    let mut mesh = Simulation::new(34);
    mesh.add(config("a", [dials("b", 10)]));
    mesh.add(config("b", [dials("a", 10)]));
    for round in 0..1_000 {
        let since = ["a", "b"].map(|node| mesh.events(node).len());
        let (first, second) = if mesh.rng().bool() { ("a", "b") } else { ("b", "a") };
        mesh.start(first);
        let pause = mesh.rng().u64(0..5);
        mesh.run_for(millis(pause));
        mesh.start(second);
        mesh.run_for(millis(1_500));
        assert!(mesh.is_linked("a", "b"), "round {round}");
        mesh.assert_tables_equal_pure();
        for (node, since) in ["a", "b"].into_iter().zip(since) {
            assert_eq!(mesh.status(node).unwrap().links.len(), 1);
            assert_eq!(flaps(&mesh, node, since), (1, 0), "{node} in round {round}");
        }
        mesh.kill("a");
        mesh.kill("b");
        mesh.run_for(millis(20));
    }
}

/// Scenarios 37 and 41: a node dies, of which its neighbour hears at once, or late, or only by the silence; meanwhile the
/// node's replacement dials in. The new link comes up as soon as the old one has ended or is silent for too long, and
/// what becomes of the old connection afterwards does not take it along.
#[test]
fn scenario_37_41_a_replacement_that_dials_in_while_the_old_one_dies_has_a_link() {
    for_each_seed(100, |seed| {
        let mut mesh = Simulation::of(seed, &[("b", "a", 10), ("a", "c", 10)]);
        mesh.start_all();
        let (carol, bob) = (mesh.attach("c", Some(b"carol")), mesh.attach("b", Some(b"bob")));
        rest(&mut mesh);
        let mut traffic = Traffic::new(&[carol], &[bob]);
        traffic.send(&mut mesh, "bob", 5);
        rest(&mut mesh);
        let is_untold = seed % 2 == 0;
        if is_untold {
            mesh.part("a", "b");
            let pause = mesh.rng().u64(0..800);
            mesh.run_for(millis(pause));
        }
        mesh.kill("b");
        if is_untold {
            mesh.rejoin("a", "b");
        }
        let pause = mesh.rng().u64(0..4);
        mesh.run_for(millis(pause));
        mesh.start("b");
        let bob = mesh.attach("b", Some(b"bob"));
        // Refused at first, it asks again after 100 ms.
        mesh.run_for(millis(if is_untold { 1_150 } else { 150 }));
        assert!(mesh.is_linked("a", "b"), "the replacement has no link");
        let up = mesh.events("b").len();
        mesh.run_for(millis(3_000));
        rest(&mut mesh);
        assert_eq!(flaps(&mesh, "b", up), (0, 0), "the end of the old one took the new one along");
        assert_eq!(way(&mut mesh, "c", "bob").unwrap(), ["c", "a", "b"]);
        let mut traffic = Traffic::new(&[carol], &[bob]);
        traffic.send(&mut mesh, "bob", 5);
        rest(&mut mesh);
        assert_eq!(traffic.assert_accounted(&mesh).delivered.len(), 5);
    });
}

/// The bytes of a message of the next version.
fn newer(mut frames: Vec<Bytes>) -> Vec<Bytes> {
    let mut header = frames[0].to_vec();
    header[4] += 1;
    frames[0] = header.into();
    frames
}

/// Scenario 59: a neighbour speaks the next version of the wire form, in the handshake or later on. It is refused under
/// that reason, and nothing is learnt from it.
#[test]
fn scenario_59_a_newer_version_is_refused_and_nothing_is_learnt_of_it() {
    let node = |name: &str| NodeName::parse(name).unwrap();
    let mut mesh = Simulation::of(59, &[("b", "a", 10), ("a", "c", 10)]);
    mesh.start_all();
    rest(&mut mesh);
    let reachable = mesh.status("a").unwrap().reachable;
    let adjacency = Adjacency {
        origin: node("nowhere"),
        age: Age { incarnation: 1, sequence: 1 },
        links: vec![Adjacent { node: node("a"), cost: 1 }],
        leaving: false,
    };
    let flood = Flood { number: 1_000, records: vec![Record::Adjacency(adjacency)] };
    let told = vec![Prefix::new(Kind::LinkState).write(), Bytes::new(), flood.write()];
    let since = mesh.events("a").len();
    mesh.inject("b", "a", newer(told));
    rest(&mut mesh);
    assert_eq!(mesh.count("a", "wrong version"), 1);
    assert_eq!(flaps(&mesh, "a", since), (1, 1), "that connection has ended, and there is another");
    assert_eq!(mesh.status("a").unwrap().reachable, reachable);

    let stranger = mesh.attach("a", None);
    mesh.send(stranger, newer(hello(&Hello::Client {})));
    rest(&mut mesh);
    assert_eq!(mesh.count("a", "wrong version"), 2);
    let told = mesh.take(stranger);
    assert_eq!(
        Prefix::read(&told[0][0]).unwrap().kind,
        Kind::Error,
        "it is told, and not taken in"
    );
    assert_eq!(told.len(), 1);
    mesh.assert_tables_equal_pure();
}

/// Scenario 71: a neighbour has another key. It is refused each time, the nodes that have the right one go on, and
/// nothing of it is left over, however long it tries.
#[test]
fn scenario_71_a_neighbour_with_another_key_leaves_nothing_however_long_it_tries() {
    let mut mesh = Simulation::of(71, &[("b", "a", 10)]);
    let mut wrong = config("w", [dials("a", 10)]);
    wrong.key = MeshKey::new([8; 32]);
    mesh.add(wrong);
    mesh.start_all();
    let (alice, bob) = (mesh.attach("a", Some(b"alice")), mesh.attach("b", Some(b"bob")));
    mesh.run_for(millis(5_000));
    let first = mesh.status("a").unwrap();
    let mut traffic = Traffic::new(&[alice], &[bob]);
    for _ in 0..60 {
        traffic.send(&mut mesh, "bob", 1);
        mesh.run_for(millis(1_000));
    }
    let last = mesh.status("a").unwrap();
    let refused = mesh.refusals("w", "wrong key");
    // A pause that ends in a refusal is no shorter than the one before, and they grow to five seconds.
    assert!((15..=25).contains(&refused), "it has tried {refused} times in 65 s");
    assert_eq!((last.links.len(), last.clients.len()), (first.links.len(), first.clients.len()));
    assert_eq!((last.links.len(), last.pending, last.waiting), (1, 0, 0));
    assert_eq!(last.reachable, first.reachable);
    assert!(!mesh.is_linked("a", "w"));
    assert_eq!(traffic.assert_accounted(&mesh).delivered.len(), 60);
}

/// Scenario 75: the files of two nodes say other things of a link. Of two costs the greater counts at both ends; where
/// one end says nothing of it, there is a link all the same, at what the other says; where one says that it is down,
/// there is none.
#[test]
fn scenario_75_of_two_files_that_disagree_the_dearer_counts_and_a_cut_at_one_end_is_a_cut() {
    let detour =
        |mesh: &mut Simulation, from: &str, to: &str| way(mesh, from, to).unwrap().len() > 2;
    for (at_a, at_b, is_dear) in [(1, 5, true), (5, 1, true), (3, 3, false), (1, 1, false)] {
        let mut mesh = Simulation::new(75);
        mesh.add(config("a", [dials("b", at_a), dials("c", 2)]));
        mesh.add(config("b", [listens("a", at_b), dials("c", 2)]));
        mesh.add(config("c", [listens("a", 2), listens("b", 2)]));
        mesh.start_all();
        rest(&mut mesh);
        for (from, to) in [("a", "b"), ("b", "a")] {
            assert_eq!(detour(&mut mesh, from, to), is_dear, "{at_a} and {at_b}");
            let line = mesh.routes(from).unwrap().into_iter().find(|it| it.destination == to);
            assert_eq!(line.unwrap().cost, Some(u64::from(at_a.max(at_b)).min(4)));
        }
    }
    for (at_b, is_linked) in [(vec![], true), (vec![listens("a", 10)], false)] {
        let mut mesh = Simulation::new(75);
        mesh.add(config("a", [dials("b", 10)]));
        let mut b = config("b", at_b);
        b.settings.links.values_mut().for_each(|link| link.cut = true);
        mesh.add(b);
        mesh.start_all();
        mesh.run_for(millis(2_000));
        assert_eq!(mesh.is_linked("a", "b"), is_linked);
        for (from, to) in [("a", "b"), ("b", "a")] {
            assert_eq!(
                mesh.status(from).unwrap().reachable.contains(&NodeName::parse(to).unwrap()),
                is_linked
            );
        }
    }
}
