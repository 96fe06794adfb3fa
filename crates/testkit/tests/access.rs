//! Access rules at running nodes: who is let in, who may send to whom, and no way around it.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::{Event, ServiceConfig};
use hopline_mesh::name::{ClientName, NodeName};
use hopline_mesh::route::Policy;
use hopline_mesh::route::access::{AccessRules, AttachRule, Effect, NameSet, SendRule};
use hopline_mesh::wire::control::Request;
use hopline_mesh::wire::hello::Hello;
use hopline_mesh::wire::{Flags, Kind, MessageId, Prefix, Tail, batch};
use hopline_testkit::simulation::{ClientId, Simulation, config, dials, for_each_seed, listens};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(20);
const DENIED: &str = "access denied";

fn names(texts: &str) -> NameSet {
    NameSet::parse(texts.split(' ')).unwrap()
}

/// `allow WHO` or `deny WHO at NODE`, `allow WHO to NAMES`; lists with blanks between.
fn rules(attach: &[&str], send: &[&str]) -> AccessRules {
    let parts = |text: &str, by: &str| {
        let (effect, who) = text.split_once(' ').unwrap();
        let effect = if effect == "allow" { Effect::Allow } else { Effect::Deny };
        let (who, of) = who.split_once(by).map_or((who, None), |(who, of)| (who, Some(of)));
        (effect, names(who), of.map(str::to_owned))
    };
    let attach = attach.iter().map(|text| {
        let (effect, who, at) = parts(text, " at ");
        let node = |name: &str| NodeName::parse(name).unwrap();
        AttachRule { effect, who, at: at.map(|at| at.split(' ').map(node).collect()) }
    });
    let send = send.iter().map(|text| {
        let (effect, who, to) = parts(text, " to ");
        SendRule { effect, who, to: to.map_or_else(NameSet::everybody, |to| names(&to)) }
    });
    AccessRules { attach: attach.collect(), send: send.collect() }
}

/// `top` between `east` and `west`; those in `closed` listen beyond their machine. `west` hands `x.*` to
/// the client `db`, and offers the service `store`, as `east` does.
fn regions(seed: u64, access: &AccessRules, closed: &[&str]) -> Simulation {
    let mut mesh = Simulation::new(seed);
    let at = ["east", "west"].map(|name| NodeName::parse(name).unwrap());
    let store = ServiceConfig { at: at.into(), policy: Policy::Closest };
    let services = BTreeMap::from([(ClientName::from_identity(b"store"), store)]);
    for mut config in [
        config("top", [listens("east", 10), listens("west", 10)]),
        config("east", [dials("top", 10)]),
        config("west", [dials("top", 10)]),
    ] {
        let name = config.node.as_str();
        config.settings.closed = closed.contains(&name);
        let hop = if name == "west" { "db" } else { "west" };
        config.settings.statics.set("x.*".parse().unwrap(), hop.into());
        config.settings.access = access.clone();
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

/// Sends a json message and gives what its sender was told.
fn told(mesh: &mut Simulation, sender: ClientId, to: &str) -> Vec<String> {
    mesh.send_text(sender, json!({ "destination": to, "n": 1 }).to_string());
    quiet(mesh);
    let told = mesh.take_json(sender).into_iter();
    told.map(|told| told["message"].as_str().unwrap_or_default().to_owned()).collect()
}

fn native(kind: Kind, to: &str, source: &str) -> Vec<Bytes> {
    let id = MessageId { incarnation: 5, counter: 7 };
    let prefix = Prefix { id, destination: to, source, ..Prefix::new(kind) };
    vec![prefix.write(), Bytes::new(), Bytes::from_static(b"payload")]
}

/// The reasons of the errors that came to a native client.
fn reasons(mesh: &mut Simulation, client: ClientId) -> Vec<String> {
    let reason = |frames: Vec<Bytes>| {
        let prefix = Prefix::read(&frames[0]).unwrap();
        assert_eq!(prefix.kind, Kind::Error);
        Tail::read(prefix.tail).unwrap().reason.unwrap()
    };
    mesh.take(client).into_iter().map(reason).collect()
}

fn is_attached(mesh: &Simulation, node: &str, name: &str) -> bool {
    let status = mesh.status(node).unwrap();
    status.clients.iter().any(|client| client.attached && client.name == name)
}

fn denials(mesh: &Simulation, node: &str) -> usize {
    let is_it = |event: &&(Duration, Event)| matches!(event.1, Event::AccessDenied(_));
    mesh.events(node).iter().filter(is_it).count()
}

#[test]
fn scenario_62_where_nobody_gives_access_an_open_port_is_closed() {
    for_each_seed(10, |seed| {
        let mut mesh = regions(seed, &AccessRules::default(), &["top", "east"]);
        assert!(mesh.is_linked("east", "top") && mesh.is_linked("top", "west"), "nodes are let in");
        assert_eq!(denials(&mesh, "top"), 0, "and nobody is told of them");

        let bob = mesh.attach("west", Some(b"bob"));
        let named = mesh.attach("east", Some(b"alice"));
        let anonymous = mesh.attach("east", None);
        quiet(&mut mesh);
        assert_eq!(denials(&mesh, "east"), 1);
        assert!(!is_attached(&mesh, "east", "alice"));

        for client in [named, anonymous] {
            for to in ["bob", "east", "top", "west", "store", "#g", "", "alice"] {
                assert_eq!(told(&mut mesh, client, to), [DENIED], "{to}");
            }
            mesh.send_text(client, "no json");
            quiet(&mut mesh);
            let errors = mesh.take_json(client);
            assert_eq!(errors[0]["message"], DENIED);
            assert_eq!(errors[0]["original_message"], "no json");
            assert!(mesh.is_connected(client));
        }
        assert_eq!(mesh.take(bob).len(), 0);
        assert_eq!(mesh.count("east", DENIED), 18);
        assert_eq!(mesh.count("east", "accepted"), 0);
        assert_eq!(denials(&mesh, "east"), 2, "one for each client");

        // Nobody is reached there either: not by name, not by what an anonymous one would be called.
        let status = mesh.status("east").unwrap();
        let called: Vec<_> = status.clients.iter().map(|client| client.name.clone()).collect();
        assert_eq!(called.len(), 2);
        for name in called.iter().map(String::as_str).chain(["alice", "alice@east"]) {
            let said = told(&mut mesh, bob, name);
            assert!(said.len() == 1 && said[0].starts_with("Unknown destination"), "{said:?}");
        }
        assert_eq!(mesh.take(named).len() + mesh.take(anonymous).len(), 0);

        // The control socket is somebody's own.
        let operator = mesh.attach_operator("east");
        quiet(&mut mesh);
        assert_eq!(told(&mut mesh, operator, "bob"), [""; 0]);
        assert_eq!(mesh.take(bob).len(), 1);
    });
}

#[test]
fn who_speaks_natively_is_told_in_kind() {
    let mut mesh = regions(1, &rules(&["deny alice"], &["deny bob to db"]), &[]);
    let (alice, bob) = (mesh.attach("east", Some(b"alice")), mesh.attach("east", Some(b"bob")));
    let db = mesh.attach("west", Some(b"db"));
    quiet(&mut mesh);

    mesh.send(alice, mesh_hello());
    quiet(&mut mesh);
    let answer = mesh.take(alice);
    let hello = Hello::read(&answer[0][2]).unwrap();
    assert!(matches!(hello, Hello::Refused { reason } if reason == DENIED));
    mesh.send(alice, native(Kind::Data, "bob", ""));
    quiet(&mut mesh);
    assert_eq!(reasons(&mut mesh, alice), [DENIED]);

    // Every kind that a client may send is asked about, each member of a batch by itself.
    for kind in [Kind::Data, Kind::Reply, Kind::Probe, Kind::Control] {
        mesh.send(bob, native(kind, "db@west", ""));
        quiet(&mut mesh);
        assert_eq!(reasons(&mut mesh, bob), [DENIED], "{kind:?}");
    }
    let members = ["db", "west", "db@west"].map(|to| native(Kind::Data, to, ""));
    let members = batch::write(members.iter().map(Vec::as_slice));
    mesh.send(bob, vec![Prefix::new(Kind::Batch).write(), Bytes::new(), members]);
    quiet(&mut mesh);
    let kinds = mesh.take(bob).into_iter().map(|frames| Prefix::read(&frames[0]).unwrap().kind);
    let kinds: Vec<_> = kinds.collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == Kind::Error).count(), 2);
    assert_eq!(kinds.iter().filter(|kind| **kind == Kind::Reply).count(), 1, "of the node west");
    assert_eq!(mesh.take(db).len(), 0);
    assert_eq!(mesh.count("east", DENIED), 8);
    assert_eq!(mesh.count("west", "received"), 1, "all but one stayed");
}

fn mesh_hello() -> Vec<Bytes> {
    vec![Prefix::new(Kind::Hello).write(), Bytes::new(), Hello::Client {}.write()]
}

#[test]
fn a_denied_message_comes_back_whole() {
    let mut mesh = regions(1, &rules(&[], &["allow alice to bob", "deny alice"]), &[]);
    let (alice, bob) = (mesh.attach("east", Some(b"alice")), mesh.attach("west", Some(b"bob")));
    let carol = mesh.attach("west", Some(b"carol"));
    quiet(&mut mesh);
    assert_eq!(told(&mut mesh, alice, "bob"), [""; 0]);
    assert_eq!(mesh.take(bob).len(), 1);
    let text = r#"{"destination":"carol","z":1.50,"a":[1]}"#;
    mesh.send_text(alice, text);
    quiet(&mut mesh);
    let errors = mesh.take_json(alice);
    let original: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(
        errors,
        [json!({"type": "routing_error", "message": DENIED, "original_message": original})]
    );
    assert_eq!((mesh.count("east", DENIED), mesh.count("east", "returned")), (1, 1));
    assert_eq!(mesh.take(carol).len(), 0);
    // Carol may send to her, and what comes of it is an error or an answer, which no rule is for.
    assert_eq!(told(&mut mesh, carol, "alice"), [""; 0]);
    assert_eq!(mesh.take(alice).len(), 1);
}

#[test]
fn a_denied_client_has_not_another_spelling() {
    // Whoever is denied db is denied it under each of its names, from wherever it sends.
    for_each_seed(5, |seed| {
        let access = rules(&[], &["deny mallory to db hex:ff00 store", "allow * to x.*"]);
        let mut mesh = regions(seed, &access, &[]);
        let db = mesh.attach("west", Some(b"db"));
        let odd = mesh.attach("west", Some(b"\xff\x00"));
        let store = mesh.attach("west", Some(b"store"));
        let (alice, mallory) =
            (mesh.attach("east", Some(b"alice")), mesh.attach("east", Some(b"mallory")));
        let neighbour = mesh.attach("top", Some(b"alan"));
        quiet(&mut mesh);
        let ways = ["db", "db@west", "hex:ff00", "hex:ff00@west", "store", "store@west", "x.1"];
        for to in ways {
            assert_eq!(told(&mut mesh, mallory, to), [DENIED], "{to}");
        }
        for to in ["db@east", "db@nowhere", "store@east"] {
            assert_eq!(told(&mut mesh, mallory, to), [DENIED], "{to}");
        }
        for to in ["hex:6462", "hex:6462@west", "DB", "db ", "hex:FF00", "db@west@west", "x.1@west"]
        {
            let said = told(&mut mesh, mallory, to);
            assert_eq!(said.len(), 1, "{to}");
        }
        let taken = |mesh: &mut Simulation| [db, odd, store].map(|client| mesh.take(client).len());
        assert_eq!(taken(&mut mesh), [0, 0, 0]);
        // The static route was west's to follow, and west refused.
        assert_eq!(mesh.count("west", DENIED), 1);
        mesh.send_probe(mallory, "x.1");
        quiet(&mut mesh);
        let path = ["east", "top", "west"].map(str::to_owned).to_vec();
        assert_eq!(mesh.take_ways(mallory), [Err((path, DENIED.to_owned()))]);

        for to in ways {
            for sender in [alice, neighbour] {
                assert_eq!(told(&mut mesh, sender, to), [""; 0], "{to}");
            }
        }
        assert_eq!(taken(&mut mesh), [6, 4, 4]);
    });
}

#[test]
fn scenario_64_a_source_of_ones_own_writing_opens_nothing() {
    let access = rules(&[], &["allow alice", "deny * to db x.*"]);
    let mut mesh = regions(1, &access, &[]);
    let db = mesh.attach("west", Some(b"db"));
    let mallory = mesh.attach("east", Some(b"mallory"));
    let alice = mesh.attach("east", Some(b"alice"));
    quiet(&mut mesh);
    for source in ["alice", "alice@east", "east", "west", "top@east", "", "hopline.1"] {
        for to in ["db", "x.1"] {
            for flags in [Flags::default(), Flags::OPERATOR] {
                let prefix = Prefix { flags, destination: to, source, ..Prefix::new(Kind::Data) };
                mesh.send(mallory, vec![prefix.write(), Bytes::new()]);
                quiet(&mut mesh);
                assert_eq!(reasons(&mut mesh, mallory), [DENIED], "{source} to {to}");
            }
        }
    }
    assert_eq!(mesh.take(db).len(), 0);
    mesh.send(alice, native(Kind::Data, "x.1", "mallory"));
    quiet(&mut mesh);
    assert_eq!(mesh.take(db).len(), 1);
}

#[test]
fn a_client_that_is_called_like_a_node_is_not_one() {
    let access = rules(&[], &["deny top east to db", "allow * to x.*"]);
    let mut mesh = regions(1, &access, &[]);
    let db = mesh.attach("west", Some(b"db"));
    for name in [&b"top"[..], b"east"] {
        let client = mesh.attach("east", Some(name));
        quiet(&mut mesh);
        assert_eq!(told(&mut mesh, client, "db"), [DENIED]);
        assert_eq!(told(&mut mesh, client, "x.1"), [DENIED], "west knows whose it is");
    }
    assert_eq!(mesh.take(db).len(), 0);
    // What nodes answer is not asked about: here they may send to nobody.
    let access = rules(&[], &["allow alice", "deny *"]);
    let mut mesh = regions(1, &access, &[]);
    let alice = mesh.attach("east", Some(b"alice"));
    quiet(&mut mesh);
    mesh.send_text(alice, r#"{"destination":"west"}"#);
    mesh.send_text(alice, r#"{"destination":"nobody"}"#);
    quiet(&mut mesh);
    let said = mesh.take_json(alice);
    let types: Vec<_> = said.iter().map(|said| said["type"].as_str().unwrap()).collect();
    assert!(types.contains(&"node_info") && types.contains(&"routing_error"), "{types:?}");
}

#[test]
fn orders_come_by_the_control_socket_whatever_the_rules_are() {
    let access = rules(&["deny *"], &["deny *"]);
    let mut mesh = regions(1, &access, &["east"]);
    let db = mesh.attach_operator("west");
    quiet(&mut mesh);
    let operator = mesh.attach_operator("east");
    for to in ["west", "top", "east"] {
        let prefix = Prefix { destination: to, ..Prefix::new(Kind::Control) };
        mesh.send(operator, vec![prefix.write(), Bytes::new(), Request::Status {}.write()]);
        quiet(&mut mesh);
        let answer = mesh.take(operator);
        assert_eq!(Prefix::read(&answer[0][0]).unwrap().kind, Kind::Reply, "{to}");
    }
    assert_eq!(mesh.take(db).len(), 0);
    assert_eq!(mesh.count("east", DENIED), 0);
}

#[test]
fn a_name_that_is_denied_is_not_waited_for() {
    for_each_seed(5, |seed| {
        let access =
            rules(&["deny bob at east", "allow hex:* at east", "deny sensor.* at east"], &[]);
        let mut mesh = regions(seed, &access, &["east"]);
        let holder = mesh.attach("west", Some(b"bob"));
        let denied = mesh.attach("east", Some(b"bob"));
        let anonymous = mesh.attach("east", None);
        let sensor = mesh.attach("east", Some(b"sensor.1"));
        let elsewhere = mesh.attach("west", Some(b"sensor.1"));
        quiet(&mut mesh);
        assert!(is_attached(&mesh, "west", "bob") && is_attached(&mesh, "west", "sensor.1"));
        mesh.detach(holder);
        quiet(&mut mesh);
        assert!(!is_attached(&mesh, "east", "bob"), "though nobody has the name now");
        assert_eq!(told(&mut mesh, denied, "sensor.1"), [DENIED]);
        // The anonymous one is let in, but no rule lets it send at this port.
        assert_eq!(told(&mut mesh, anonymous, "sensor.1"), [DENIED]);
        assert_eq!(denials(&mesh, "east"), 2);
        assert_eq!(mesh.take(sensor).len() + mesh.take(elsewhere).len(), 0);
        mesh.send_text(elsewhere, r#"{"destination":"sensor.1"}"#);
        quiet(&mut mesh);
        assert_eq!(mesh.take(elsewhere).len(), 1, "to itself, not to its namesake");
    });
}

#[test]
fn rules_are_for_registered_names_and_for_the_clients_behind_them() {
    let access = rules(&[], &["deny guest to :boss secret", "deny mute"]);
    let mut mesh = regions(1, &access, &[]);
    let attach = |mesh: &mut Simulation, node: &str, identity: &str, name: &str| {
        let client = mesh.attach(node, Some(identity.as_bytes()));
        mesh.send_text(client, json!({"type": "register", "name": name}).to_string());
        quiet(mesh);
        assert_eq!(mesh.take_json(client)[0]["type"], "registration_ack");
        client
    };
    let guest = attach(&mut mesh, "east", "guest", "guest");
    let boss = attach(&mut mesh, "west", "chief", "boss");
    let secret = attach(&mut mesh, "west", "secret", "harmless");
    let clerk = attach(&mut mesh, "west", "clerk", "clerk");
    for (target, is_let) in [("boss", false), ("harmless", false), ("clerk", true)] {
        let message = json!({"type": "direct_message", "target": target, "content": 1});
        mesh.send_text(guest, message.to_string());
        quiet(&mut mesh);
        let told = mesh.take_json(guest);
        let refused = format!("Delivery to '{target}' failed: {DENIED}");
        let expected = if is_let { json!(null) } else { json!(refused) };
        assert_eq!((told.len(), &told[0]["message"]), (1, &expected), "{target}");
    }
    assert!(mesh.take(boss).is_empty() && mesh.take(secret).is_empty());
    assert_eq!(mesh.take(clerk).len(), 1);
    let mute = attach(&mut mesh, "east", "mute", "mute");
    mesh.send_text(mute, json!({"type": "broadcast", "content": 1}).to_string());
    quiet(&mut mesh);
    assert_eq!(mesh.take_json(mute)[0]["message"], format!("Broadcast failed: {DENIED}"));
    assert!(mesh.take(boss).is_empty());
}
