//! What a client of the json dialect is promised, held against brains under virtual time.

use std::time::Duration;

use hopline_mesh::brain::Window;
use hopline_testkit::simulation::{
    ClientId, Simulation, config, dials, for_each_seed, listens, regions,
};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(20);

fn alice_and_bob(seed: u64) -> (Simulation, ClientId, ClientId) {
    let mut mesh = regions(seed);
    let alice = mesh.attach("east", Some(b"alice"));
    let bob = mesh.attach("west", Some(b"bob"));
    assert!(mesh.run_until_quiet(LIMIT));
    (mesh, alice, bob)
}

/// What a client gets for one message that it sends.
fn answers(mesh: &mut Simulation, client: ClientId, message: &Value) -> Vec<Value> {
    mesh.send_text(client, message.to_string());
    assert!(mesh.run_until_quiet(LIMIT));
    mesh.take_json(client)
}

#[test]
fn a_message_shows_its_path_and_its_sender_and_the_reply_goes_back_the_same_way() {
    for_each_seed(20, |seed| {
        let (mut mesh, alice, bob) = alice_and_bob(seed);
        mesh.send_text(alice, r#"{"destination":"bob","type":"note","content":1}"#);
        assert!(mesh.run_until_quiet(LIMIT));
        let got = mesh.take_json(bob);
        assert_eq!(
            got,
            [json!({
                "destination": "bob", "type": "note", "content": 1,
                "route_path": ["east", "top", "west"], "original_sender": "alice",
            })]
        );
        let back = json!({"destination": got[0]["original_sender"], "re": 1});
        mesh.send_text(bob, back.to_string());
        assert!(mesh.run_until_quiet(LIMIT));
        let got = mesh.take_json(alice);
        assert_eq!(got[0]["route_path"], json!(["west", "top", "east"]));
        assert_eq!(got[0]["original_sender"], "bob");
        assert_eq!(got.len(), 1);
    });
}

#[test]
fn a_forged_path_or_sender_is_replaced() {
    let (mut mesh, alice, bob) = alice_and_bob(1);
    mesh.send_text(alice, r#"{"route_path":["x"],"destination":"bob","original_sender":"eve"}"#);
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!(
        mesh.take_json(bob),
        [json!({"destination":"bob","route_path":["east","top","west"],"original_sender":"alice"})]
    );
}

#[test]
fn a_node_answers_for_itself_near_and_far() {
    let (mut mesh, alice, _) = alice_and_bob(1);
    for (node, path) in [
        ("east", json!(["east"])),
        ("top", json!(["top", "east"])),
        ("west", json!(["west", "top", "east"])),
    ] {
        let request = json!({"destination": node, "type": "ping", "id": 7});
        let got = answers(&mut mesh, alice, &request);
        assert_eq!(got.len(), 1);
        assert_eq!((&got[0]["node"], &got[0]["id"]), (&json!(node), &json!(7)));
        assert!(!got[0]["type"].as_str().unwrap().contains("error"));
        assert!(got[0]["uptime"].is_f64());
        assert_eq!(got[0]["route_path"], path);
        let revision = mesh.status("top").unwrap().revision;
        assert_eq!(got[0]["revision"], json!(revision));
    }
}

#[test]
fn what_fails_comes_back_with_the_object_as_it_was_sent() {
    let (mut mesh, alice, bob) = alice_and_bob(1);
    mesh.detach(bob);
    mesh.run_until_quiet(LIMIT);
    for (destination, why) in [
        ("nobody", "Unknown destination: nobody"),
        ("bob", "Unknown destination: bob"),
        ("bob@west", "Unknown destination: bob@west"),
        ("bob@east", "Unknown destination: bob@east"),
        ("bob@mars", "Unknown destination: bob@mars"),
        ("upstream", "Unknown destination: upstream"),
        ("", "Malformed message: `destination` is empty"),
        ("@west", "bad address"),
        ("#group", "Unknown destination: #group"),
        (&"x".repeat(1025), &format!("Unknown destination: {}", "x".repeat(1025))),
        (&"x".repeat(70_000), &format!("Unknown destination: {}", "x".repeat(70_000))),
    ] {
        let sent = json!({"destination": destination, "n": [1.50, {"deep": null}]});
        let got = answers(&mut mesh, alice, &sent);
        assert_eq!(got.len(), 1, "{destination}");
        assert_eq!(got[0]["type"], "routing_error");
        assert_eq!(got[0]["message"], why);
        if destination.len() < 60_000 {
            assert_eq!(got[0]["original_message"], sent);
        } else {
            let shown = got[0]["original_message"].as_str().unwrap();
            assert!(sent.to_string().starts_with(shown) && shown.len() > 65_000);
            assert_eq!(got[0]["truncated"], true);
        }
    }
}

#[test]
fn what_is_no_message_comes_back_as_text() {
    let (mut mesh, alice, bob) = alice_and_bob(1);
    for text in ["", "oops", "[1]", "7", "{}", r#"{"destination":7}"#, "{\"destination\":\"bob\""] {
        mesh.send_text(alice, text);
        assert!(mesh.run_until_quiet(LIMIT));
        let got = mesh.take_json(alice);
        assert_eq!(got.len(), 1, "{text}");
        assert_eq!(got[0]["type"], "routing_error");
        assert!(got[0]["message"].as_str().unwrap().starts_with("Malformed"));
        let shown = &got[0]["original_message"];
        assert!(
            *shown == text || serde_json::to_string(shown).is_ok_and(|shown| shown == text),
            "{text}: {shown}"
        );
    }
    mesh.send(alice, vec![bytes::Bytes::from_static(b"\xff{}")]);
    mesh.send(alice, vec![]);
    let two = bytes::Bytes::from_static(br#"{"destination":"bob"}"#);
    mesh.send(alice, vec![two.clone(), two]);
    assert!(mesh.run_until_quiet(LIMIT));
    let got = mesh.take_json(alice);
    assert_eq!(got.len(), 3);
    assert!(got.iter().all(|error| error["type"] == "routing_error"));
    assert_eq!(got[0].get("original_message"), None);
    assert!(mesh.take(bob).is_empty());
}

#[test]
fn a_failure_at_a_far_node_comes_back_along_the_path() {
    let (mut mesh, alice, bob) = alice_and_bob(1);
    mesh.stall(bob, true);
    let sent = json!({"destination": "bob", "x": 1.0});
    let got = answers(&mut mesh, alice, &sent);
    assert_eq!(got[0]["message"], "receiver slow");
    assert_eq!(got[0]["original_message"], sent);
    assert_eq!(mesh.count("west", "receiver slow"), 1);
    assert!(mesh.take(bob).is_empty());
}

#[test]
fn a_link_that_is_cut_is_told_by_whichever_node_knows_first() {
    let far = std::cell::Cell::new(0);
    let ran = for_each_seed(20, |seed| {
        let (mut mesh, alice, _) = alice_and_bob(seed);
        let sent = json!({"destination": "bob", "x": 1.0});
        mesh.cut("top", "west");
        // The cut may not be known in the east yet; the second time it is.
        for _ in 0..2 {
            let got = answers(&mut mesh, alice, &sent);
            assert_eq!(got.len(), 1);
            assert_eq!(got[0]["message"], "unreachable");
            assert_eq!(got[0]["original_message"], sent);
        }
        let (near, top) = (mesh.count("east", "unreachable"), mesh.count("top", "unreachable"));
        assert_eq!(near + top, 2);
        far.set(far.get() + top);
    });
    assert!(far.get() > 0 || ran == 1, "both nodes have their turn");
}

#[test]
fn a_long_message_that_fails_comes_back_as_its_beginning() {
    let (mut mesh, alice, bob) = alice_and_bob(1);
    mesh.stall(bob, true);
    let sent = json!({"destination": "bob", "x": "y".repeat(100_000)});
    let got = answers(&mut mesh, alice, &sent);
    let shown = got[0]["original_message"].as_str().unwrap();
    assert!(sent.to_string().starts_with(shown) && shown.len() == 64 * 1024);
    assert_eq!(got[0]["truncated"], true);
}

#[test]
fn a_message_that_was_under_way_when_its_link_died_is_in_doubt() {
    for_each_seed(20, |seed| {
        let (mut mesh, alice, bob) = alice_and_bob(seed);
        mesh.send_text(alice, r#"{"destination":"bob"}"#);
        while mesh.count("east", "forwarded") == 0 {
            assert!(mesh.step());
        }
        mesh.break_link("east", "top");
        assert!(mesh.run_until_quiet(LIMIT));
        let got = mesh.take_json(alice);
        assert_eq!(got.len(), 1);
        assert_eq!(got[0]["message"], "in doubt");
        assert_eq!(got[0]["original_message"], json!({"destination": "bob"}));
        assert!(mesh.take(bob).is_empty());
        assert!(mesh.is_linked("east", "top"), "it dials again");
    });
}

#[test]
fn a_client_called_upstream_is_a_client() {
    let (mut mesh, alice, _) = alice_and_bob(1);
    let upstream = mesh.attach("west", Some(b"upstream"));
    mesh.run_until_quiet(LIMIT);
    mesh.send_text(alice, r#"{"destination":"upstream"}"#);
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!(mesh.take_json(upstream).len(), 1);
    assert!(mesh.take(alice).is_empty());
}

#[test]
fn a_client_called_like_a_node_takes_nothing_from_it() {
    let (mut mesh, alice, bob) = alice_and_bob(1);
    let false_top = mesh.attach("west", Some(b"top"));
    mesh.run_until_quiet(LIMIT);
    let got = answers(&mut mesh, alice, &json!({"destination": "top"}));
    assert_eq!(got[0]["node"], "top");
    assert!(mesh.take(false_top).is_empty());
    // It is reached at its node, and its messages say so.
    mesh.send_text(false_top, r#"{"destination":"bob"}"#);
    mesh.send_text(alice, r#"{"destination":"top@west"}"#);
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!(mesh.take_json(bob)[0]["original_sender"], "top@west");
    assert_eq!(mesh.take_json(false_top).len(), 1);
}

#[test]
fn two_nodes_that_are_each_others_upstream_do_not_pass_a_message_round() {
    for_each_seed(20, |seed| {
        let mut mesh = Simulation::new(seed);
        for (name, other) in [("a", "b"), ("b", "a")] {
            let mut config = config(name, [dials(other, 10)]);
            let to_upstream = hopline_mesh::route::NextHop::Upstream;
            config.settings.statics.set("far.*".parse().unwrap(), to_upstream);
            mesh.add(config);
        }
        mesh.start_all();
        let alice = mesh.attach("a", Some(b"alice"));
        assert!(mesh.run_until_quiet(LIMIT));
        for destination in ["nobody", "far.1"] {
            let got = answers(&mut mesh, alice, &json!({"destination": destination}));
            assert_eq!(got.len(), 1, "{destination}");
            assert_eq!(got[0]["type"], "routing_error");
        }
    });
}

#[test]
fn two_upstreams_never_deliver_twice() {
    for_each_seed(20, |seed| {
        let mut mesh = Simulation::new(seed);
        mesh.add(config("a", [dials("u1", 10), dials("u2", 10)]));
        mesh.add(config("u1", [listens("a", 10), listens("b", 10)]));
        mesh.add(config("u2", [listens("a", 10), listens("b", 10)]));
        mesh.add(config("b", [dials("u1", 10), dials("u2", 10)]));
        mesh.start_all();
        assert!(mesh.run_until_quiet(LIMIT));
        let alice = mesh.attach("a", Some(b"alice"));
        let bob = mesh.attach("b", Some(b"bob"));
        assert!(mesh.run_until_quiet(LIMIT));
        for n in 0..10 {
            mesh.send_text(alice, json!({"destination": "bob", "n": n}).to_string());
        }
        assert!(mesh.run_until_quiet(LIMIT));
        let got = mesh.take_json(bob);
        let numbers: Vec<_> = got.iter().map(|message| message["n"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn a_full_queue_is_told_to_the_sender_and_the_window_holds() {
    for_each_seed(10, |seed| {
        let mut mesh = Simulation::new(seed);
        let window = Window { messages: 3, bytes: 1 << 20 };
        for mut config in [config("a", [dials("b", 10)]), config("b", [listens("a", 10)])] {
            (config.settings.window, config.settings.queue) = (window, window);
            mesh.add(config);
        }
        mesh.start_all();
        let alice = mesh.attach("a", Some(b"alice"));
        let bob = mesh.attach("b", Some(b"bob"));
        assert!(mesh.run_until_quiet(LIMIT));
        for n in 0..50 {
            mesh.send_text(alice, json!({"destination": "bob", "n": n}).to_string());
        }
        assert!(mesh.run_until_quiet(LIMIT));
        let (told, got) = (mesh.take_json(alice), mesh.take_json(bob));
        assert!(told.iter().all(|error| error["message"] == "queue full"));
        assert!(!told.is_empty() && got.len() >= 6);
        assert_eq!(told.len() + got.len(), 50);
        assert_eq!(mesh.count("a", "queue full"), told.len() as u64);
    });
}

#[test]
fn who_reads_too_slowly_for_the_errors_of_a_dead_link_is_told_all_of_them_later() {
    for_each_seed(20, |seed| {
        let (mut mesh, alice, _) = alice_and_bob(seed);
        for number in 0..100 {
            mesh.send_text(alice, json!({"destination": "bob", "n": number}).to_string());
        }
        while mesh.count("east", "forwarded") < 50 {
            assert!(mesh.step());
        }
        // Her queue is full at the moment when all of them end at once.
        mesh.stall(alice, true);
        mesh.break_link("east", "top");
        mesh.run_for(Duration::from_millis(500));
        assert!(mesh.take_json(alice).is_empty());
        mesh.stall(alice, false);
        assert!(mesh.run_until_quiet(LIMIT));
        let told = mesh.take_json(alice);
        let doubtful = told.iter().filter(|it| it["message"] == "in doubt").count();
        assert_eq!(doubtful as u64, mesh.count("east", "doubtful"));
        assert!(doubtful >= 50);
        assert_eq!(mesh.count("east", "receiver slow"), 0);
    });
}

#[test]
fn who_does_not_read_for_a_while_is_told_everything_and_who_never_does_is_closed() {
    let (mut mesh, alice, bob) = alice_and_bob(1);
    let to_nobody = || json!({"destination": "nobody"}).to_string();
    mesh.stall(alice, true);
    for _ in 0..10 {
        mesh.send_text(alice, to_nobody());
    }
    mesh.run_for(Duration::from_secs(29));
    mesh.stall(alice, false);
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!(mesh.take_json(alice).len(), 10);
    assert_eq!(mesh.count("east", "untold"), 0);

    mesh.stall(alice, true);
    mesh.send_text(alice, to_nobody());
    mesh.run_for(Duration::from_secs(29));
    assert!(mesh.is_connected(alice));
    mesh.run_for(Duration::from_secs(2));
    assert!(!mesh.is_connected(alice));
    assert_eq!(mesh.count("east", "receiver slow"), 1);
    let to_alice = json!({"destination": "alice"});
    assert_eq!(answers(&mut mesh, bob, &to_alice)[0]["message"], "Unknown destination: alice");
    mesh.assert_ledger_is_even();
}

#[test]
fn who_takes_a_little_now_and_then_is_not_closed() {
    let (mut mesh, alice, _) = alice_and_bob(1);
    for number in 0..500 {
        mesh.send_text(alice, json!({"destination": "bob", "n": number}).to_string());
    }
    while mesh.count("east", "forwarded") < 400 {
        assert!(mesh.step());
    }
    mesh.stall(alice, true);
    mesh.break_link("east", "top");
    for _ in 0..2 {
        mesh.run_for(Duration::from_secs(20));
        mesh.stall(alice, false);
        mesh.run_for(Duration::from_millis(50));
        mesh.stall(alice, true);
        assert!(!mesh.take(alice).is_empty());
    }
    mesh.run_for(Duration::from_secs(20));
    assert!(mesh.is_connected(alice) && mesh.status("east").unwrap().waiting > 0);
}

#[test]
fn who_is_to_be_told_more_than_may_wait_for_it_is_closed() {
    let mut mesh = Simulation::new(1);
    for mut config in [config("a", [dials("b", 10)]), config("b", [listens("a", 10)])] {
        config.settings.queue = Window { messages: 5, bytes: 1 << 20 };
        mesh.add(config);
    }
    mesh.start_all();
    let alice = mesh.attach("a", Some(b"alice"));
    mesh.attach("b", Some(b"bob"));
    assert!(mesh.run_until_quiet(LIMIT));
    for number in 0..50 {
        mesh.send_text(alice, json!({"destination": "bob", "n": number}).to_string());
    }
    while mesh.count("a", "forwarded") < 25 {
        assert!(mesh.step());
    }
    mesh.stall(alice, true);
    mesh.break_link("a", "b");
    mesh.run_for(Duration::from_millis(100));
    assert!(!mesh.is_connected(alice));
    assert!(mesh.count("a", "receiver slow") > 20, "four queues of five");
    assert!(mesh.run_until_quiet(LIMIT));
    mesh.assert_ledger_is_even();
}
