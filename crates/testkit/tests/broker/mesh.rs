//! All nodes are one broker: many clients, news that is on its way, nodes that are silent, links that break.

use std::collections::BTreeMap;
use std::time::Duration;

use hopline_testkit::simulation::{Simulation, config, dials, for_each_seed, listens, regions};
use serde_json::json;

use crate::clients::{LIMIT, answer, direct, names, registered, send};

#[test]
fn a_node_that_does_not_answer_is_missing_after_a_second() {
    let mut mesh = regions(1);
    let alice = registered(&mut mesh, "east", "alice");
    registered(&mut mesh, "west", "bob");
    mesh.freeze("west");
    send(&mut mesh, alice, &json!({"type": "list_clients"}));
    send(&mut mesh, alice, &json!({"type": "ping"}));
    mesh.run_for(Duration::from_millis(1100));
    let got = mesh.take_json(alice);
    assert_eq!((names(&got[0]), &got[0]["missing"]), (vec!["alice"], &json!(["west"])));
    assert_eq!(got[1]["type"], "pong");
    // By now it is known to be gone, and nobody waits for it.
    let before = mesh.elapsed();
    let list = answer(&mut mesh, alice, &json!({"type": "list_clients"}));
    assert_eq!((names(&list), &list["missing"]), (vec!["alice"], &json!(["west"])));
    assert!(mesh.elapsed() - before < Duration::from_millis(100));
}

/// Routes that change for a moment change no count.
#[test]
fn a_broadcast_waits_for_a_node_that_comes_back_within_a_second() {
    for_each_seed(10, |seed| {
        let mut mesh = regions(seed);
        let alice = registered(&mut mesh, "east", "alice");
        let bob = registered(&mut mesh, "west", "bob");
        mesh.freeze("west");
        send(&mut mesh, alice, &json!({"type": "broadcast", "content": 1}));
        mesh.run_for(Duration::from_millis(1_300));
        assert!(!mesh.is_linked("top", "west") && mesh.take_json(alice).is_empty());
        mesh.thaw("west");
        assert!(mesh.run_until_quiet(LIMIT));
        assert_eq!(mesh.take_json(alice)[0]["recipients"], 1);
        assert_eq!(mesh.take_json(bob).len(), 1);
    });
}

#[test]
fn many_who_ask_at_once_are_answered_by_two_questions() {
    let mut mesh = regions(1);
    let clients: Vec<_> = (0..50).map(|_| mesh.attach("east", None)).collect();
    assert!(mesh.run_until_quiet(LIMIT));
    let asked = |mesh: &Simulation| mesh.count("west", "answered");
    let before = asked(&mesh);
    for client in &clients {
        send(&mut mesh, *client, &json!({"type": "list_clients"}));
    }
    assert!(mesh.run_until_quiet(LIMIT));
    for client in clients {
        assert!(!names(&mesh.take_json(client)[0]).is_empty());
    }
    assert!(asked(&mesh) - before <= 2, "{}", asked(&mesh) - before);
}

#[test]
fn the_oldest_live_registration_of_a_name_gets_its_messages() {
    for_each_seed(10, |seed| {
        let mut mesh = regions(seed);
        let alice = registered(&mut mesh, "top", "alice");
        let mut bobs = Vec::new();
        for node in ["west", "east", "west"] {
            mesh.run_for(Duration::from_millis(5));
            bobs.push(mesh.attach(node, None));
            answer(&mut mesh, bobs[bobs.len() - 1], &json!({"type": "register", "name": "bob"}));
        }
        for oldest in 0..3 {
            let got = answer(&mut mesh, alice, &direct("bob", oldest));
            assert_eq!(got["status"], "delivered");
            for (number, bob) in bobs.iter().enumerate() {
                assert_eq!(mesh.take_json(*bob).len(), usize::from(number == oldest), "{number}");
            }
            match oldest {
                0 => mesh.detach(bobs[0]),
                // Who is renamed lets go of the name it had.
                _ => {
                    drop(answer(&mut mesh, bobs[oldest], &json!({"type": "register", "name": "x"})))
                }
            }
            assert!(mesh.run_until_quiet(LIMIT));
        }
        assert_eq!(answer(&mut mesh, alice, &direct("bob", 3))["type"], "error");
    });
}

#[test]
fn a_message_whose_target_is_not_heard_of_times_out_after_five_seconds() {
    let mut mesh = regions(1);
    let alice = registered(&mut mesh, "east", "alice");
    registered(&mut mesh, "west", "bob");
    mesh.freeze("west");
    let before = mesh.elapsed();
    let got = answer(&mut mesh, alice, &direct("bob", 1));
    assert_eq!(got["message"], "Delivery to 'bob' timed out");
    let took = mesh.elapsed() - before;
    assert!(took >= Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_broadcast_holds_up_no_answer_for_a_node_that_stands_still() {
    for_each_seed(10, |seed| {
        let mut mesh = regions(seed);
        let alice = registered(&mut mesh, "east", "alice");
        registered(&mut mesh, "top", "carol");
        registered(&mut mesh, "west", "bob");
        mesh.freeze("west");
        let before = mesh.elapsed();
        send(&mut mesh, alice, &json!({"type": "broadcast", "content": 1}));
        send(&mut mesh, alice, &json!({"type": "ping"}));
        // A second until it is known to be silent, and another in which it might have come back.
        mesh.run_for(Duration::from_millis(2250));
        let got = mesh.take_json(alice);
        assert_eq!(got.len(), 2, "after {:?}", mesh.elapsed() - before);
        assert_eq!((&got[0]["recipients"], &got[1]["type"]), (&json!(1), &json!("pong")));
        // By now nobody waits for it.
        let before = mesh.elapsed();
        let got = answer(&mut mesh, alice, &json!({"type": "broadcast", "content": 2}));
        assert_eq!(got["recipients"], 1);
        assert!(mesh.elapsed() - before < Duration::from_millis(100));
    });
}

#[test]
fn who_is_told_that_it_is_registered_can_be_messaged_from_everywhere_at_once() {
    for_each_seed(50, |seed| {
        let mut mesh = regions(seed);
        let alice = registered(&mut mesh, "west", "alice");
        let bob = mesh.attach("east", None);
        send(&mut mesh, bob, &json!({"type": "register", "name": "bob"}));
        while mesh.take(bob).is_empty() {
            assert!(mesh.step());
        }
        // Her node need not have heard of it.
        send(&mut mesh, alice, &direct("bob", 1));
        send(&mut mesh, alice, &json!({"type": "broadcast", "content": 2}));
        assert!(mesh.run_until_quiet(LIMIT));
        let told = mesh.take_json(alice);
        assert_eq!((&told[0]["status"], &told[1]["recipients"]), (&json!("delivered"), &json!(1)));
        assert_eq!(mesh.take(bob).len(), 2);
        // Who asks for somebody who never comes is told so soon.
        let before = mesh.elapsed();
        assert_eq!(answer(&mut mesh, alice, &direct("nobody", 1))["type"], "error");
        assert!(mesh.elapsed() - before < Duration::from_millis(300));
    });
}

#[test]
fn a_thousand_clients_at_five_nodes_are_one_brokers() {
    let mut mesh = Simulation::new(1);
    let leaves = ["a", "b", "c", "d"];
    mesh.add(config("top", leaves.map(|leaf| listens(leaf, 10))));
    for leaf in leaves {
        mesh.add(config(leaf, [dials("top", 10)]));
    }
    mesh.start_all();
    assert!(mesh.run_until_quiet(LIMIT));
    let nodes = ["a", "b", "c", "d", "top"];
    let clients: Vec<_> = (0..1000)
        .map(|number| {
            let client = mesh.attach(nodes[number % 5], None);
            send(&mut mesh, client, &json!({"type": "register", "name": format!("n{number}")}));
            client
        })
        .collect();
    assert!(mesh.run_until_quiet(LIMIT));
    for client in &clients {
        assert_eq!(mesh.take_json(*client)[0]["type"], "registration_ack");
    }
    let list = answer(&mut mesh, clients[7], &json!({"type": "list_clients"}));
    let mut listed: BTreeMap<&str, usize> = BTreeMap::new();
    for name in names(&list) {
        *listed.entry(name).or_default() += 1;
    }
    assert!(list["total"] == 1000 && listed.len() == 1000);
    let got = answer(&mut mesh, clients[500], &json!({"type": "broadcast", "content": 1}));
    assert_eq!(got["recipients"], 999);
    for (number, client) in clients.iter().enumerate() {
        assert_eq!(mesh.take(*client).len(), usize::from(number != 500));
    }
    // A node dies: its clients leave the list.
    mesh.kill("c");
    mesh.run_for(Duration::from_millis(1200));
    let list = answer(&mut mesh, clients[0], &json!({"type": "list_clients"}));
    assert_eq!((&list["total"], &list["missing"]), (&json!(800), &json!(["c"])));
}

#[test]
fn while_links_break_each_message_is_delivered_once_or_ends_in_an_error() {
    let delivered = std::cell::Cell::new(0);
    let ran = for_each_seed(20, |seed| {
        let mut mesh = Simulation::new(seed);
        mesh.add(config("north", [listens("west", 10), dials("east", 10)]));
        mesh.add(config("south", [listens("west", 10), dials("east", 20)]));
        mesh.add(config("east", [listens("north", 10), listens("south", 20)]));
        mesh.add(config("west", [dials("north", 10), dials("south", 10)]));
        mesh.start_all();
        assert!(mesh.run_until_quiet(LIMIT));
        let alice = registered(&mut mesh, "west", "alice");
        let bob = registered(&mut mesh, "east", "bob");
        for number in 0..60 {
            send(&mut mesh, alice, &direct("bob", number));
            send(&mut mesh, alice, &json!({"type": "broadcast", "content": 1000 + number}));
            mesh.run_for(Duration::from_millis(3));
            if number % 20 == 10 {
                mesh.break_link("west", "north");
            }
        }
        assert!(mesh.run_until_quiet(LIMIT));
        let got = mesh.take_json(bob);
        let mut contents: Vec<_> = got.iter().map(|it| it["content"].as_u64().unwrap()).collect();
        contents.sort_unstable();
        let before = contents.len();
        contents.dedup();
        assert_eq!(contents.len(), before, "some came twice");
        let told = mesh.take_json(alice);
        assert_eq!(told.len(), 120);
        let confirmed = told.iter().filter(|it| it["status"] == "delivered").count();
        let reached = told.iter().filter(|it| it["recipients"] == 1).count();
        assert_eq!((confirmed, reached), (60, 60), "there is another way");
        assert_eq!(contents.len(), 120);
        delivered.set(delivered.get() + contents.len());
    });
    assert_eq!(delivered.get() as u64, ran * 120);
}

#[test]
fn a_message_is_kept_while_no_way_leads_to_its_target() {
    for_each_seed(20, |seed| {
        let mut mesh = regions(seed);
        let alice = registered(&mut mesh, "east", "alice");
        let bob = registered(&mut mesh, "west", "bob");
        mesh.part("top", "west");
        mesh.run_for(Duration::from_millis(1500));
        assert!(!mesh.is_linked("top", "west"), "it is known that there is no way");
        send(&mut mesh, alice, &direct("bob", 1));
        mesh.run_for(Duration::from_millis(1500));
        assert_eq!(mesh.take(alice).len() + mesh.take(bob).len(), 0);
        mesh.rejoin("top", "west");
        mesh.run_for(Duration::from_secs(3));
        assert_eq!(mesh.take_json(alice)[0]["type"], "delivery_confirmation");
        assert_eq!(mesh.take(bob).len(), 1);
        // One that never comes back.
        mesh.part("top", "west");
        mesh.run_for(Duration::from_millis(1500));
        let got = answer(&mut mesh, alice, &direct("bob", 2));
        assert_eq!(got["message"], "Delivery to 'bob' timed out");
        // Under the name of somebody out of reach another is found.
        let other = registered(&mut mesh, "top", "bob");
        assert_eq!(answer(&mut mesh, alice, &direct("bob", 3))["status"], "delivered");
        assert_eq!(mesh.take(other).len(), 1);
    });
}

#[test]
fn a_client_that_moves_is_found_whatever_the_sender_has_heard() {
    for_each_seed(50, |seed| {
        let mut mesh = regions(seed);
        let alice = registered(&mut mesh, "east", "alice");
        let before = registered(&mut mesh, "top", "bob");
        mesh.detach(before);
        // Some of the news of it is under way.
        mesh.run_for(Duration::from_millis(seed % 20));
        let bob = mesh.attach("west", None);
        send(&mut mesh, bob, &json!({"type": "register", "name": "bob"}));
        while mesh.take(bob).is_empty() {
            assert!(mesh.step());
        }
        assert_eq!(answer(&mut mesh, alice, &direct("bob", 1))["status"], "delivered");
        assert_eq!(mesh.take(bob).len(), 1);
        // Who has gone and comes back nowhere is not found.
        mesh.detach(bob);
        let before = mesh.elapsed();
        let got = answer(&mut mesh, alice, &direct("bob", 2));
        assert_eq!(got["message"], "Target client 'bob' not found");
        assert!(mesh.elapsed() - before < Duration::from_secs(1));
    });
}
