//! Who has a name, and who has it when several claim it.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::time::Duration;

use hopline_mesh::brain::Event;
use hopline_testkit::simulation::{
    ClientId, Simulation, config, dials, for_each_seed, listens, regions,
};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(20);

fn quiet(mesh: &mut Simulation) {
    assert!(mesh.run_until_quiet(LIMIT));
    assert!(mesh.converged());
    mesh.assert_ledger_is_even();
}

/// Sends a message to `name` and says which of the clients got it, and what the sender was told.
fn reached(
    mesh: &mut Simulation,
    sender: ClientId,
    name: &str,
    clients: &[ClientId],
) -> (Vec<ClientId>, Vec<String>) {
    mesh.send_text(sender, json!({"destination": name}).to_string());
    quiet(mesh);
    let got = clients.iter().filter(|client| !mesh.take(**client).is_empty());
    let got = got.copied().collect();
    let told = mesh.take_json(sender).into_iter();
    let told = told.map(|error| error["message"].as_str().unwrap().to_owned());
    (got, told.collect())
}

#[test]
fn a_client_that_moves_is_reached_where_it_is() {
    for order in ["close first", "open first", "open, wait 100 ms, close"] {
        for_each_seed(15, |seed| {
            let mut mesh = regions(seed);
            let alice = mesh.attach("east", Some(b"alice"));
            let at_west = mesh.attach("west", Some(b"bob"));
            quiet(&mut mesh);
            let at_top = if order == "close first" {
                mesh.detach(at_west);
                mesh.attach("top", Some(b"bob"))
            } else {
                let at_top = mesh.attach("top", Some(b"bob"));
                if order != "open first" {
                    mesh.run_for(Duration::from_millis(100));
                }
                mesh.detach(at_west);
                at_top
            };
            quiet(&mut mesh);
            let (got, told) = reached(&mut mesh, alice, "bob", &[at_top]);
            assert_eq!((got, told), (vec![at_top], vec![]), "{order}");
            // What it sends goes out under its name.
            mesh.send_text(at_top, r#"{"destination":"alice"}"#);
            quiet(&mut mesh);
            assert_eq!(mesh.take_json(alice)[0]["original_sender"], "bob");
        });
    }
}

#[test]
fn a_second_live_claim_is_refused_and_the_first_undisturbed() {
    for node in ["west", "top", "east"] {
        for_each_seed(10, |seed| {
            let mut mesh = regions(seed);
            let alice = mesh.attach("east", Some(b"alice"));
            let first = mesh.attach("west", Some(b"bob"));
            quiet(&mut mesh);
            let second = mesh.attach(node, Some(b"bob"));
            let early = r#"{"destination":"alice","early":true}"#;
            mesh.send_text(second, early);
            quiet(&mut mesh);
            let told = mesh.take_json(second);
            assert_eq!(told.len(), 1);
            assert_eq!(told[0]["message"], "name in use");
            assert_eq!(told[0]["original_message"]["early"], true);
            let (got, told) = reached(&mut mesh, alice, "bob", &[first, second]);
            assert_eq!((got, told), (vec![first], vec![]));
            let (_, told) = reached(&mut mesh, second, "alice", &[]);
            assert_eq!(told, ["name in use"]);
            assert!(mesh.take(alice).is_empty());
            let is_told =
                |event: &Event| matches!(event, Event::NameInUse(name) if name.as_str() == "bob");
            assert!(mesh.events(node).iter().any(|(_, event)| is_told(event)));
            assert!(
                !mesh.events("west").iter().any(|(_, event)| matches!(event, Event::Detached(_)))
            );
        });
    }
}

#[test]
fn a_freed_name_is_given_to_the_one_who_waits() {
    for node in ["west", "top", "east"] {
        for_each_seed(10, |seed| {
            let mut mesh = regions(seed);
            let alice = mesh.attach("east", Some(b"alice"));
            let first = mesh.attach("west", Some(b"bob"));
            quiet(&mut mesh);
            let second = mesh.attach(node, Some(b"bob"));
            quiet(&mut mesh);
            mesh.detach(first);
            quiet(&mut mesh);
            let (got, told) = reached(&mut mesh, alice, "bob", &[second]);
            assert_eq!((got, told), (vec![second], vec![]), "{node}");
        });
    }
}

#[test]
fn a_name_of_a_node_that_dies_is_free() {
    for_each_seed(10, |seed| {
        let mut mesh = regions(seed);
        let alice = mesh.attach("east", Some(b"alice"));
        mesh.attach("west", Some(b"bob"));
        quiet(&mut mesh);
        let second = mesh.attach("top", Some(b"bob"));
        quiet(&mut mesh);
        mesh.kill("west");
        quiet(&mut mesh);
        let (got, told) = reached(&mut mesh, alice, "bob", &[second]);
        assert_eq!((got, told), (vec![second], vec![]));
    });
}

#[test]
fn two_claims_at_once_leave_one_holder() {
    for_each_seed(40, |seed| {
        let mut mesh = regions(seed);
        let alice = mesh.attach("east", Some(b"alice"));
        let nodes = ["east", "top", "west"];
        let claims = nodes.map(|node| mesh.attach(node, Some(b"bob")));
        quiet(&mut mesh);
        let (got, told) = reached(&mut mesh, alice, "bob", &claims);
        assert_eq!((got.len(), told.len()), (1, 0));
        let holders = nodes.map(|node| {
            let clients = mesh.status(node).unwrap().clients;
            clients
                .iter()
                .filter(|client| client.name.starts_with("bob") && client.attached)
                .count()
        });
        assert_eq!(holders.iter().sum::<usize>(), 1);
    });
}

#[test]
fn after_a_partition_the_lesser_node_keeps_the_name() {
    for_each_seed(40, |seed| {
        let mut mesh = regions(seed);
        let alice = mesh.attach("top", Some(b"alice"));
        mesh.cut("top", "west");
        quiet(&mut mesh);
        let at_west = mesh.attach("west", Some(b"bob"));
        let at_east = mesh.attach("east", Some(b"bob"));
        quiet(&mut mesh);
        mesh.heal("top", "west");
        quiet(&mut mesh);
        let (got, told) = reached(&mut mesh, alice, "bob", &[at_west, at_east]);
        assert_eq!((got, told), (vec![at_east], vec![]));
        let (_, told) = reached(&mut mesh, at_west, "alice", &[]);
        assert_eq!(told, ["name in use"]);
        let names = mesh.routes("top").unwrap().into_iter();
        let bobs: Vec<_> = names.filter(|line| line.destination == "bob").collect();
        assert_eq!(bobs.len(), 1);
        assert_eq!(bobs[0].origin, "attached at east");
        // And the other gets it when that one goes.
        mesh.detach(at_east);
        quiet(&mut mesh);
        let (got, told) = reached(&mut mesh, alice, "bob", &[at_west]);
        assert_eq!((got, told), (vec![at_west], vec![]));
    });
}

#[test]
fn of_two_meshes_that_meet_the_lesser_node_keeps_the_name() {
    for_each_seed(40, |seed| {
        let mut mesh = Simulation::new(seed);
        mesh.add(config("top", [listens("east", 10), listens("west", 10)]));
        mesh.add(config("east", [dials("top", 10)]));
        mesh.add(config("west", [dials("top", 10)]));
        mesh.start_all();
        mesh.cut("top", "west");
        quiet(&mut mesh);
        let at_west = mesh.attach("west", Some(b"bob"));
        let at_east = mesh.attach("east", Some(b"bob"));
        let alice = mesh.attach("top", Some(b"alice"));
        quiet(&mut mesh);
        mesh.heal("top", "west");
        quiet(&mut mesh);
        let (got, told) = reached(&mut mesh, alice, "bob", &[at_west, at_east]);
        assert_eq!((got, told), (vec![at_east], vec![]));
        assert_eq!(
            mesh.routes("top").unwrap().iter().filter(|line| line.destination == "bob").count(),
            1
        );
    });
}

#[test]
fn a_name_that_was_taken_while_its_holder_was_away_goes_back() {
    for_each_seed(40, |seed| {
        let mut mesh = regions(seed);
        let alice = mesh.attach("top", Some(b"alice"));
        let at_east = mesh.attach("east", Some(b"bob"));
        quiet(&mut mesh);
        mesh.cut("top", "west");
        quiet(&mut mesh);
        let at_west = mesh.attach("west", Some(b"bob"));
        quiet(&mut mesh);
        mesh.send_text(at_west, r#"{"destination":"west"}"#);
        quiet(&mut mesh);
        assert_eq!(mesh.take_json(at_west)[0]["node"], "west", "it has the name for now");
        mesh.heal("top", "west");
        quiet(&mut mesh);
        let (got, told) = reached(&mut mesh, alice, "bob", &[at_west, at_east]);
        assert_eq!((got, told), (vec![at_east], vec![]));
        assert_eq!(
            mesh.routes("top").unwrap().iter().filter(|line| line.destination == "bob").count(),
            1
        );
    });
}

#[test]
fn after_a_partition_a_name_whose_lesser_holder_has_gone_stays() {
    for_each_seed(20, |seed| {
        let mut mesh = regions(seed);
        let alice = mesh.attach("top", Some(b"alice"));
        mesh.cut("top", "west");
        quiet(&mut mesh);
        let at_west = mesh.attach("west", Some(b"bob"));
        let at_east = mesh.attach("east", Some(b"bob"));
        quiet(&mut mesh);
        mesh.heal("top", "west");
        mesh.detach(at_east);
        quiet(&mut mesh);
        let (got, told) = reached(&mut mesh, alice, "bob", &[at_west]);
        assert_eq!((got, told), (vec![at_west], vec![]));
    });
}

#[test]
fn anonymous_clients_are_reached_by_the_address_that_they_send_from() {
    let mut mesh = regions(1);
    let alice = mesh.attach("east", Some(b"alice"));
    let nameless = [mesh.attach("west", None), mesh.attach("west", None)];
    quiet(&mut mesh);
    let mut addresses = Vec::new();
    for client in nameless {
        mesh.send_text(client, r#"{"destination":"alice"}"#);
        quiet(&mut mesh);
        let sender = mesh.take_json(alice)[0]["original_sender"].clone();
        addresses.push(sender.as_str().unwrap().to_owned());
    }
    assert_ne!(addresses[0], addresses[1], "two stay two");
    for (client, address) in nameless.into_iter().zip(&addresses) {
        assert!(address.starts_with("hex:") && address.ends_with("@west"));
        let (got, told) = reached(&mut mesh, alice, address, &nameless);
        assert_eq!((got, told), (vec![client], vec![]));
        let bare = address.strip_suffix("@west").unwrap();
        let (got, told) = reached(&mut mesh, alice, bare, &nameless);
        assert_eq!((got, told), (vec![], vec![format!("Unknown destination: {bare}")]));
    }
    mesh.detach(nameless[0]);
    quiet(&mut mesh);
    let (got, told) = reached(&mut mesh, alice, &addresses[0], &nameless);
    assert_eq!((got, told.len()), (vec![], 1));
}

#[test]
fn an_identity_that_is_no_text_is_a_name_in_hexadecimal() {
    let mut mesh = regions(1);
    let alice = mesh.attach("east", Some(b"alice"));
    let odd = [
        mesh.attach("west", Some(b"\xff\x01")),
        mesh.attach("west", Some(b"\xff\x02")),
        mesh.attach("west", Some(b"a@b")),
    ];
    quiet(&mut mesh);
    for (client, name) in odd.into_iter().zip(["hex:ff01", "hex:ff02", "hex:614062"]) {
        let (got, told) = reached(&mut mesh, alice, name, &odd);
        assert_eq!((got, told), (vec![client], vec![]));
        mesh.send_text(client, r#"{"destination":"alice"}"#);
        quiet(&mut mesh);
        assert_eq!(mesh.take_json(alice)[0]["original_sender"], name);
    }
}
