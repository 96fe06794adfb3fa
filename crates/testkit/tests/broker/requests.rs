//! What a client is promised: every request, every answer, every error.

use std::time::Duration;

use hopline_mesh::brain::Impairment;
use hopline_testkit::simulation::{Simulation, config, dials, for_each_seed, listens, regions};
use serde_json::{Value, json};

use crate::clients::{LIMIT, answer, answers, direct, names, registered, send};

#[test]
fn who_registers_in_the_east_is_messaged_from_the_west() {
    for_each_seed(20, |seed| {
        let mut mesh = regions(seed);
        let alice = registered(&mut mesh, "east", "alice");
        let bob = registered(&mut mesh, "west", "bob");
        let got = answer(&mut mesh, alice, &direct("bob", json!({"z": 1.0, "a": [null]})));
        assert_eq!(
            got,
            json!({"type": "delivery_confirmation", "target": "bob", "status": "delivered"})
        );
        let got = mesh.take_json(bob);
        assert_eq!(got.len(), 1);
        assert_eq!(got[0]["type"], "direct_message");
        assert_eq!(got[0]["from"], "alice");
        assert_eq!(got[0]["content"], json!({"z": 1.0, "a": [null]}));
        assert!(got[0]["timestamp"].is_f64());
        assert_eq!(got[0].as_object().unwrap().len(), 4);
    });
}

#[test]
fn a_broadcast_reaches_all_who_have_spoken_but_its_sender() {
    for_each_seed(20, |seed| {
        let mut mesh = regions(seed);
        let alice = registered(&mut mesh, "east", "alice");
        let others: Vec<_> =
            ["east", "top", "west"].map(|node| registered(&mut mesh, node, "other")).into();
        // Two anonymous ones: one has spoken, and is somebody; the other is nobody yet.
        let spoken = mesh.attach("west", None);
        answer(&mut mesh, spoken, &json!({"type": "ping"}));
        let silent = mesh.attach("west", None);
        let got = answer(&mut mesh, alice, &json!({"type": "broadcast", "content": "x"}));
        assert_eq!(got, json!({"type": "broadcast_confirmation", "recipients": 4}));
        for client in others.into_iter().chain([spoken]) {
            let got = mesh.take_json(client);
            assert_eq!(got.len(), 1);
            assert_eq!((&got[0]["type"], &got[0]["from"]), (&json!("broadcast"), &json!("alice")));
        }
        assert!(mesh.take(silent).is_empty());
        let unregistered = answer(&mut mesh, spoken, &json!({"type": "broadcast"}));
        assert_eq!(unregistered["recipients"], 4);
        assert_eq!(mesh.take_json(alice)[0]["from"], "unknown");
    });
}

#[test]
fn answers_come_in_the_order_of_the_requests() {
    for_each_seed(20, |seed| {
        let mut mesh = regions(seed);
        let alice = registered(&mut mesh, "east", "alice");
        registered(&mut mesh, "west", "bob");
        for message in [
            direct("bob", 1),
            json!({"type": "ping"}),
            json!({"type": "list_clients"}),
            json!({"type": "dance"}),
            json!({"type": "broadcast"}),
            direct("nobody", 2),
            json!({"type": "list_clients", "scope": "node"}),
            json!({"type": "register", "name": "anna"}),
        ] {
            send(&mut mesh, alice, &message);
        }
        assert!(mesh.run_until_quiet(LIMIT));
        let kinds = mesh.take_json(alice);
        let kinds: Vec<_> = kinds.iter().map(|it| it["type"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            [
                "delivery_confirmation",
                "pong",
                "client_list",
                "error",
                "broadcast_confirmation",
                "error",
                "client_list",
                "registration_ack"
            ]
        );
    });
}

#[test]
fn the_mesh_lists_everyone_and_a_node_its_own() {
    let mut mesh = regions(1);
    let alice = registered(&mut mesh, "east", "alice");
    registered(&mut mesh, "west", "bob");
    let anonymous = mesh.attach("top", None);
    answer(&mut mesh, anonymous, &json!({"type": "ping"}));
    let list = answer(&mut mesh, alice, &json!({"type": "list_clients"}));
    assert_eq!((names(&list), &list["total"]), (vec!["alice", "bob", "unnamed"], &json!(3)));
    assert!(list.get("missing").is_none());
    assert_eq!(list["clients"][0]["message_count"], 2, "the registration and this");
    let ages = |field: &str| list["clients"][0][field].as_f64().unwrap();
    assert!(ages("last_activity") > ages("connected_since"));
    let here = json!({"type": "list_clients", "scope": "node"});
    assert_eq!(names(&answer(&mut mesh, alice, &here)), ["alice"]);
    assert_eq!(names(&answer(&mut mesh, anonymous, &here)), ["unnamed"]);
}

#[test]
fn a_client_that_has_gone_is_in_no_list_and_gets_nothing() {
    for_each_seed(10, |seed| {
        let mut mesh = regions(seed);
        let alice = registered(&mut mesh, "east", "alice");
        let bob = registered(&mut mesh, "west", "bob");
        mesh.detach(bob);
        assert!(mesh.run_until_quiet(LIMIT));
        let got = answer(&mut mesh, alice, &direct("bob", 1));
        assert_eq!(
            (&got["type"], &got["message"]),
            (&json!("error"), &json!("Target client 'bob' not found"))
        );
        let got = answer(&mut mesh, alice, &json!({"type": "broadcast"}));
        assert_eq!(got["recipients"], 0);
        let list = answer(&mut mesh, alice, &json!({"type": "list_clients"}));
        assert_eq!(names(&list), ["alice"]);
        // It moves: it is found where it is.
        let bob = registered(&mut mesh, "top", "bob");
        let got = answer(&mut mesh, alice, &direct("bob", 2));
        assert_eq!(got["status"], "delivered");
        assert_eq!(mesh.take_json(bob)[0]["content"], 2);
    });
}

#[test]
fn any_name_can_be_registered_and_reached() {
    let mut mesh = regions(1);
    let alice = registered(&mut mesh, "east", "alice");
    for name in ["", "a@b", "#x", "*", "hex:00", "\u{0}", "hex:", "böb", ":", "top", "a b"] {
        let other = registered(&mut mesh, "west", name);
        let got = answer(&mut mesh, alice, &direct(name, name));
        assert_eq!((&got["target"], &got["status"]), (&json!(name), &json!("delivered")));
        assert_eq!(mesh.take_json(other)[0]["content"], name);
        mesh.detach(other);
    }
    // One that is no string is its JSON text.
    let five = mesh.attach("west", None);
    answer(&mut mesh, five, &json!({"type": "register", "name": 5}));
    let by_number = json!({"type": "direct_message", "target": 5});
    assert_eq!(answer(&mut mesh, alice, &by_number)["target"], 5);
    assert_eq!(answer(&mut mesh, alice, &direct("5", 1))["target"], "5");
    assert_eq!(mesh.take_json(five).len(), 2);
}

#[test]
fn a_message_to_oneself_is_both_messages_and_one_to_nobody_an_error() {
    let mut mesh = regions(1);
    let alice = registered(&mut mesh, "east", "alice");
    let got = answers(&mut mesh, alice, &direct("alice", 1));
    assert_eq!(got[0]["type"], "direct_message");
    assert_eq!(got[1]["type"], "delivery_confirmation");
    // The identity of a client is not its broker name, and no nameless one is meant by none.
    mesh.attach("east", None);
    for (target, told) in [(json!("id-east-alice"), "id-east-alice"), (Value::Null, "None")] {
        let got = answer(&mut mesh, alice, &json!({"type": "direct_message", "target": target}));
        assert_eq!(got["message"], format!("Target client '{told}' not found"));
    }
}

#[test]
fn a_node_counts_what_it_received_sent_and_what_of_that_were_errors() {
    let mut mesh = regions(1);
    let alice = registered(&mut mesh, "east", "alice");
    let bob = registered(&mut mesh, "east", "bob");
    let stats = |mesh: &mut Simulation| {
        let stats = answer(mesh, alice, &json!({"type": "ping"}))["stats"].clone();
        ["received", "sent", "errors"].map(|it| stats[it].as_u64().unwrap())
    };
    assert_eq!(stats(&mut mesh), [3, 2, 0]);
    assert_eq!(stats(&mut mesh), [4, 3, 0]);
    answer(&mut mesh, alice, &direct("bob", 1));
    assert_eq!(stats(&mut mesh), [6, 6, 0], "the message and its confirmation");
    mesh.send_text(bob, "{");
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!(stats(&mut mesh), [8, 8, 1]);
    answer(&mut mesh, alice, &json!({"type": "broadcast"}));
    assert_eq!(stats(&mut mesh), [10, 11, 1]);
}

#[test]
fn no_client_can_pretend_to_be_the_broker_or_name_what_is_its_own() {
    let mut mesh = regions(1);
    let bob = registered(&mut mesh, "west", "bob");
    let mallory = mesh.attach("east", Some(b"mallory"));
    for destination in [":bob", ":bob@west", ":"] {
        let got = answer(&mut mesh, mallory, &json!({"destination": destination}));
        assert_eq!(got["message"], format!("Unknown destination: {destination}"));
    }
    assert!(mesh.take(bob).is_empty());
}

#[test]
fn json_and_broker_are_told_apart_message_by_message() {
    let mut mesh = regions(1);
    let alice = registered(&mut mesh, "east", "alice");
    let bob = registered(&mut mesh, "west", "bob");
    let got = answers(&mut mesh, alice, &json!({"destination": "id-west-bob", "type": "note"}));
    assert!(got.is_empty());
    let got = mesh.take_json(bob);
    assert_eq!(got[0]["original_sender"], "id-east-alice");
    let got = answer(&mut mesh, alice, &direct("bob", 1));
    assert_eq!(got["type"], "delivery_confirmation");
    // What is of neither form is answered in the last one's.
    assert_eq!(answer(&mut mesh, alice, &json!({}))["message"], "Unknown message type: None");
    // The end of a message to a group is told in json, and no answer to a request.
    let got = answer(&mut mesh, alice, &json!({"destination": "#nobody", "type": "note"}));
    assert_eq!(got["type"], "routing_error");
}

#[test]
fn a_broadcast_counts_whom_it_was_handed_to() {
    let mut mesh = regions(1);
    let alice = registered(&mut mesh, "east", "alice");
    let slow = registered(&mut mesh, "east", "slow");
    registered(&mut mesh, "west", "bob");
    mesh.stall(slow, true);
    let got = answer(&mut mesh, alice, &json!({"type": "broadcast", "content": 1}));
    assert_eq!(got["recipients"], 1);
}

/// With who wrote it, and when, it would be longer than a frame may be.
#[test]
fn what_cannot_be_handed_to_anybody_is_said_to_be_too_large() {
    const FRAME: usize = 16 << 20;
    let mut mesh = regions(1);
    let alice = registered(&mut mesh, "east", "alice");
    let bob = registered(&mut mesh, "west", "bob");
    let broadcast = |spare: usize| {
        let bare = json!({"type": "broadcast", "content": ""}).to_string().len();
        json!({"type": "broadcast", "content": "x".repeat(FRAME - spare - bare)})
    };
    let got = answer(&mut mesh, alice, &broadcast(100));
    assert_eq!((&got["type"], &got["recipients"]), (&"broadcast_confirmation".into(), &1.into()));
    let received = mesh.take(bob).remove(0).remove(0);
    assert!((FRAME - 100..=FRAME).contains(&received.len()), "{}", received.len());
    let got = answer(&mut mesh, alice, &broadcast(0));
    assert_eq!(got["message"], "Broadcast failed: too large");
    let direct = direct("bob", "x".repeat(FRAME - 60));
    let got = answer(&mut mesh, alice, &direct);
    assert_eq!(got["message"], "Delivery to 'bob' failed: too large");
    assert!(mesh.take(bob).is_empty());
    assert_eq!(mesh.count("east", "too large"), 2);
    mesh.assert_ledger_is_even();
}

#[test]
fn who_would_miss_an_answer_is_closed() {
    let mut mesh = regions(1);
    let slow = registered(&mut mesh, "east", "slow");
    let bob = registered(&mut mesh, "west", "bob");
    mesh.stall(slow, true);
    for _ in 0..3 {
        send(&mut mesh, slow, &json!({"type": "ping"}));
    }
    mesh.run_for(Duration::from_secs(29));
    assert!(mesh.is_connected(slow));
    mesh.run_for(Duration::from_secs(2));
    assert!(!mesh.is_connected(slow));
    assert_eq!((mesh.count("east", "untold"), mesh.count("east", "receiver slow")), (1, 1));
    let list = answer(&mut mesh, bob, &json!({"type": "list_clients"}));
    assert_eq!(names(&list), ["bob"]);
    mesh.assert_ledger_is_even();
}

#[test]
fn half_a_pair_in_a_key_is_mended_whatever_was_spoken_before() {
    let mut mesh = regions(1);
    let first = mesh.attach("east", None);
    mesh.send_text(first, r#"{"\ud800":1,"type":"ping"}"#);
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!(mesh.take_json(first)[0]["type"], "pong");
}

#[test]
fn who_sends_faster_than_it_is_answered_is_not_read_and_loses_nothing() {
    let mut mesh = regions(1);
    let alice = registered(&mut mesh, "east", "alice");
    let bob = registered(&mut mesh, "west", "bob");
    for number in 0..10_000 {
        send(&mut mesh, alice, &direct("bob", number));
    }
    assert!(mesh.run_until_quiet(Duration::from_secs(60)));
    let told = mesh.take_json(alice);
    assert_eq!(told.len(), 10_000);
    assert!(
        told.iter().all(|it| it["status"] == "delivered"),
        "{:?}",
        told.iter().find(|it| it["status"] != "delivered")
    );
    let got = mesh.take_json(bob);
    assert!(got.iter().map(|it| it["content"].as_u64().unwrap()).eq(0..10_000));
}

#[test]
fn what_waits_for_room_is_not_refused_before_its_time() {
    let mut mesh = Simulation::new(1);
    let mut east = config("east", [dials("west", 10)]);
    east.settings.flow.messages = 8;
    mesh.add(east);
    mesh.add(config("west", [listens("east", 10)]));
    mesh.start_all();
    assert!(mesh.run_until_quiet(LIMIT));
    let alice = registered(&mut mesh, "east", "alice");
    let bob = registered(&mut mesh, "west", "bob");
    // Some are let in at once, and those behind them wait for more than a second.
    let slow = Impairment { bytes_per_second: Some(850), ..Impairment::default() };
    mesh.impair("east", "west", slow);
    for number in 0..30 {
        send(&mut mesh, alice, &direct("bob", number));
    }
    mesh.run_for(LIMIT);
    let told = mesh.take_json(alice);
    let failed = told.iter().find(|it| it["status"] != "delivered");
    assert!(told.len() == 30 && failed.is_none(), "{} and {failed:?}", told.len());
    let got = mesh.take_json(bob);
    assert!(got.iter().map(|it| it["content"].as_u64().unwrap()).eq(0..30));
}
