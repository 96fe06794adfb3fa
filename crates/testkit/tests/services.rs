//! Services: several clients of one name, and which of them a message comes to.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{Event, ServiceConfig};
use hopline_mesh::name::{ClientName, NodeName};
use hopline_mesh::route::Policy;
use hopline_mesh::wire::hello::Hello;
use hopline_mesh::wire::{Kind, MessageId, Path, Prefix, Tail};
use hopline_testkit::simulation::{ClientId, Simulation, config, dials, for_each_seed, listens};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(20);

/// `top` between `east`, `west` and `north`, where `db` is offered at all but `top`. The link to `north`
/// is the dearest.
fn regions(seed: u64, policy: Policy) -> Simulation {
    let at = ["east", "north", "west"].map(|node| NodeName::parse(node).unwrap());
    let db = ClientName::from_identity(b"db");
    let services = BTreeMap::from([(db, ServiceConfig { at: at.into(), policy })]);
    let mut mesh = Simulation::new(seed);
    let below = [listens("east", 10), listens("north", 30), listens("west", 10)];
    let links = [("east", 10), ("north", 30), ("west", 10)];
    let others = links.map(|(name, cost)| config(name, [dials("top", cost)]));
    for mut config in others.into_iter().chain([config("top", below)]) {
        config.settings.services = services.clone();
        mesh.add(config);
    }
    mesh.start_all();
    quiet(&mut mesh);
    mesh
}

fn quiet(mesh: &mut Simulation) {
    assert!(mesh.run_until_quiet(LIMIT));
    assert!(mesh.converged());
    mesh.assert_ledger_is_even();
}

/// Sends a message to the service and says which of the clients got it, and what the sender was told.
fn reached(
    mesh: &mut Simulation,
    sender: ClientId,
    clients: &[ClientId],
) -> (Vec<ClientId>, Vec<String>) {
    mesh.send_text(sender, r#"{"destination":"db"}"#);
    quiet(mesh);
    let got = clients.iter().filter(|client| !mesh.take(**client).is_empty());
    let got = got.copied().collect();
    let told = mesh.take_json(sender).into_iter();
    let told = told.map(|error| error["message"].as_str().unwrap().to_owned());
    (got, told.collect())
}

/// A native message to the service with an id of its sender's own.
fn native(counter: u64) -> Vec<Bytes> {
    let id = MessageId { incarnation: 1_700_000_000_000, counter };
    let prefix = Prefix { id, destination: "db", ..Prefix::new(Kind::Data) };
    vec![prefix.write(), Bytes::new(), Bytes::from_static(b"query")]
}

#[test]
fn the_closest_gets_it_and_when_it_is_cut_off_the_next() {
    for_each_seed(10, |seed| {
        let mut mesh = regions(seed, Policy::Closest);
        let members = ["east", "west", "north"].map(|node| mesh.attach(node, Some(b"db")));
        let [east, west, north] = members;
        let at_top = mesh.attach("top", Some(b"alice"));
        let at_west = mesh.attach("west", Some(b"bob"));
        quiet(&mut mesh);
        assert_eq!(reached(&mut mesh, at_top, &members), (vec![east], vec![]));
        assert_eq!(reached(&mut mesh, at_west, &members), (vec![west], vec![]));
        for (gone, next) in [("east", vec![west]), ("west", vec![north]), ("north", vec![])] {
            mesh.cut("top", gone);
            quiet(&mut mesh);
            let (got, told) = reached(&mut mesh, at_top, &members);
            assert_eq!(got, next, "without {gone}");
            assert_eq!(told.is_empty(), !next.is_empty());
        }
        assert_eq!(reached(&mut mesh, at_west, &members), (vec![west], vec![]));
        // And back, the other way round.
        for (healed, next) in [("north", north), ("west", west), ("east", east)] {
            mesh.heal("top", healed);
            quiet(&mut mesh);
            assert_eq!(reached(&mut mesh, at_top, &members), (vec![next], vec![]));
        }
        // A member that goes is a way that goes.
        mesh.detach(west);
        quiet(&mut mesh);
        assert_eq!(reached(&mut mesh, at_west, &members), (vec![east], vec![]));
    });
}

#[test]
fn all_members_keep_the_name_through_a_partition() {
    for_each_seed(10, |seed| {
        let mut mesh = regions(seed, Policy::Closest);
        let east = mesh.attach("east", Some(b"db"));
        mesh.cut("top", "west");
        quiet(&mut mesh);
        let west = mesh.attach("west", Some(b"db"));
        quiet(&mut mesh);
        mesh.heal("top", "west");
        quiet(&mut mesh);
        for (node, member) in [("east", east), ("west", west)] {
            let sender = mesh.attach(node, Some(format!("at-{node}").as_bytes()));
            quiet(&mut mesh);
            assert_eq!(reached(&mut mesh, sender, &[east, west]), (vec![member], vec![]));
            let lost = |event: &Event| matches!(event, Event::Detached(_) | Event::NameInUse(_));
            assert!(!mesh.events(node).iter().any(|(_, event)| lost(event)));
        }
    });
}

#[test]
fn balanced_messages_are_shared_out_and_a_dead_members_share_is_taken_over() {
    for_each_seed(3, |seed| {
        let mut mesh = regions(seed, Policy::Balanced);
        let nodes = ["east", "north", "west"];
        let members = nodes.map(|node| mesh.attach(node, Some(b"db")));
        let alice = mesh.attach("east", Some(b"alice"));
        quiet(&mut mesh);
        let share = |mesh: &mut Simulation, members: &[ClientId]| -> Vec<BTreeSet<u64>> {
            for counter in 1..=300 {
                assert!(mesh.send(alice, native(counter)));
            }
            quiet(mesh);
            assert_eq!(mesh.take(alice), Vec::<Vec<Bytes>>::new(), "nothing is refused");
            let counter = |frames: &Vec<Bytes>| Prefix::read(&frames[0]).unwrap().id.counter;
            let of = |member: &ClientId| mesh.take(*member).iter().map(counter).collect();
            members.iter().map(of).collect()
        };
        // Members that say hello are spoken to natively.
        for member in members {
            let hello =
                vec![Prefix::new(Kind::Hello).write(), Bytes::new(), Hello::Client {}.write()];
            mesh.send(member, hello);
        }
        quiet(&mut mesh);
        for member in members {
            mesh.take(member);
        }
        let before = share(&mut mesh, &members);
        assert_eq!(before.iter().map(BTreeSet::len).sum::<usize>(), 300);
        for messages in &before {
            assert!((70..130).contains(&messages.len()), "{}", messages.len());
        }
        mesh.kill("north");
        quiet(&mut mesh);
        let after = share(&mut mesh, &[members[0], members[2]]);
        assert_eq!(after.iter().map(BTreeSet::len).sum::<usize>(), 300);
        // Only the dead member's share has moved, and both have got of it.
        for (before, after) in [(&before[0], &after[0]), (&before[2], &after[1])] {
            assert!(after.is_superset(before) && after.len() > before.len() + 20);
        }
    });
}

#[test]
fn a_probe_for_a_balanced_message_goes_where_that_went() {
    for_each_seed(3, |seed| {
        let mut mesh = regions(seed, Policy::Balanced);
        let nodes = ["east", "north", "west"];
        let members = nodes.map(|node| mesh.attach(node, Some(b"db")));
        let alice = mesh.attach("top", Some(b"alice"));
        quiet(&mut mesh);
        let mut elsewhere = 0;
        for counter in 1..=60 {
            let message = MessageId { incarnation: 1_700_000_000_000, counter };
            let probed = |mesh: &mut Simulation, correlation| {
                let id = MessageId { counter: counter + 1000, ..message };
                let tail = Tail { correlation, ..Tail::default() }.write();
                let head =
                    Prefix { id, destination: "db", tail: &tail, ..Prefix::new(Kind::Probe) };
                mesh.send(alice, vec![head.write(), Bytes::new()]);
                quiet(mesh);
                let answer = mesh.take(alice).remove(0);
                Path::read(&answer[2]).unwrap().nodes().last().unwrap().to_string()
            };
            mesh.send(alice, native(counter));
            let of_it = probed(&mut mesh, Some(message));
            let of_itself = probed(&mut mesh, None);
            let got = nodes.iter().zip(members).find(|(_, member)| !mesh.take(*member).is_empty());
            let got = *got.unwrap().0;
            assert_eq!(of_it, got, "{counter}");
            elsewhere += usize::from(of_itself != got);
        }
        assert!(elsewhere > 20, "a probe of no message goes its own way: {elsewhere}");
    });
}

#[test]
fn balanced_messages_of_json_clients_are_shared_out() {
    for_each_seed(3, |seed| {
        let mut mesh = regions(seed, Policy::Balanced);
        let members = ["east", "north", "west"].map(|node| mesh.attach(node, Some(b"db")));
        let alice = mesh.attach("top", Some(b"alice"));
        quiet(&mut mesh);
        for n in 0..300 {
            mesh.send_text(alice, json!({"destination": "db", "n": n}).to_string());
        }
        quiet(&mut mesh);
        let counts = members.map(|member| mesh.take_json(member).len());
        assert_eq!(counts.iter().sum::<usize>(), 300);
        assert!(counts.iter().all(|count| (70..130).contains(count)), "{counts:?}");
    });
}

#[test]
fn a_second_member_at_one_node_is_refused_until_the_first_goes() {
    for_each_seed(10, |seed| {
        let mut mesh = regions(seed, Policy::Closest);
        let elsewhere = mesh.attach("west", Some(b"db"));
        let first = mesh.attach("east", Some(b"db"));
        let alice = mesh.attach("east", Some(b"alice"));
        quiet(&mut mesh);
        let second = mesh.attach("east", Some(b"db"));
        mesh.send_text(second, r#"{"destination":"alice"}"#);
        quiet(&mut mesh);
        assert_eq!(mesh.take_json(second)[0]["message"], "name in use");
        assert!(mesh.take(alice).is_empty());
        let members = [elsewhere, first, second];
        assert_eq!(reached(&mut mesh, alice, &members), (vec![first], vec![]));
        mesh.detach(first);
        quiet(&mut mesh);
        // Not the one elsewhere: whoever waits here has the name at once.
        assert_eq!(reached(&mut mesh, alice, &members), (vec![second], vec![]));
    });
}

#[test]
fn where_a_service_is_not_offered_its_name_is_not_given() {
    for_each_seed(5, |seed| {
        let mut mesh = regions(seed, Policy::Closest);
        let alice = mesh.attach("east", Some(b"alice"));
        let (json, spoken) = (mesh.attach("top", Some(b"db")), mesh.attach("top", Some(b"db")));
        mesh.send_text(json, r#"{"destination":"alice"}"#);
        let hello = vec![Prefix::new(Kind::Hello).write(), Bytes::new(), Hello::Client {}.write()];
        mesh.send(spoken, hello);
        quiet(&mut mesh);
        assert_eq!(mesh.take_json(json)[0]["message"], "not offered here");
        let refused = Hello::Refused { reason: "not offered here".to_owned() };
        assert_eq!(Hello::read(&mesh.take(spoken)[0][2]), Ok(refused));
        mesh.send(spoken, native(1));
        quiet(&mut mesh);
        let answer = mesh.take(spoken);
        let prefix = Prefix::read(&answer[0][0]).unwrap();
        let reason = Tail::read(prefix.tail).unwrap().reason;
        assert_eq!((prefix.kind, reason.as_deref()), (Kind::Error, Some("not offered here")));
        assert!(mesh.take(alice).is_empty());
        let (_, told) = reached(&mut mesh, alice, &[json, spoken]);
        assert_eq!(told, ["Unknown destination: db"]);
        let events = mesh.events("top").iter();
        let told = events.filter(|(_, event)| matches!(event, Event::NotOffered(_)));
        assert_eq!(told.count(), 2);
    });
}

#[test]
fn what_a_member_sends_is_answered_to_that_very_member() {
    for policy in [Policy::Closest, Policy::Balanced] {
        for_each_seed(5, |seed| {
            let mut mesh = regions(seed, policy);
            let members = ["east", "north", "west"].map(|node| mesh.attach(node, Some(b"db")));
            let alice = mesh.attach("top", Some(b"alice"));
            quiet(&mut mesh);
            for (member, node) in members.into_iter().zip(["east", "north", "west"]) {
                mesh.send_text(member, r#"{"destination":"alice"}"#);
                quiet(&mut mesh);
                let sender = mesh.take_json(alice)[0]["original_sender"].clone();
                assert_eq!(sender, format!("db@{node}"));
                mesh.send_text(alice, json!({"destination": sender}).to_string());
                quiet(&mut mesh);
                let got = members.map(|member| mesh.take(member).len());
                assert_eq!(got, members.map(|other| usize::from(other == member)));
                // So does what the mesh itself sends back.
                mesh.send_text(member, r#"{"destination":"nobody"}"#);
                quiet(&mut mesh);
                let told = members.map(|member| mesh.take_json(member).len());
                assert_eq!(told, members.map(|other| usize::from(other == member)));
            }
        });
    }
}
