//! What a client of the session dialect is promised, held against brains under virtual time.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::dialect::Dialect;
use hopline_mesh::dialect::session::{Data, DataHandler};
use hopline_testkit::simulation::{ClientId, Simulation, config, dials, listens};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(20);

/// `east` dials `top`; at both raw clients may speak what is listed.
fn pair(listed: &[Dialect]) -> Simulation {
    let mut mesh = Simulation::new(1);
    for (name, link) in [("top", listens("east", 10)), ("east", dials("top", 10))] {
        let mut config = config(name, [link]);
        config.settings.dialects = listed.to_vec();
        mesh.add(config);
    }
    mesh.start_all();
    assert!(mesh.run_until_quiet(LIMIT));
    mesh
}

fn header(kind: &str, id: u32) -> Value {
    json!({"version": "1.0", "type": kind, "id": id})
}

/// The one reply to a message: its header and its payload.
fn reply(mesh: &mut Simulation, client: ClientId, frames: &[&[u8]]) -> (Value, Value) {
    mesh.send(client, frames.iter().map(|frame| Bytes::copy_from_slice(frame)).collect());
    assert!(mesh.run_until_quiet(LIMIT));
    let replies = mesh.take(client);
    assert_eq!(replies.len(), 1, "{replies:?}");
    assert_eq!(replies[0].len(), 2, "{replies:?}");
    let parsed = |frame: &Bytes| serde_json::from_slice(frame).unwrap();
    (parsed(&replies[0][0]), parsed(&replies[0][1]))
}

fn ask(mesh: &mut Simulation, client: ClientId, kind: &str, payload: &[u8]) -> (Value, Value) {
    let header = header(kind, 7).to_string();
    let (header, payload) = reply(mesh, client, &[header.as_bytes(), payload]);
    assert_eq!(header["version"], "1.0");
    assert_eq!(header["reply_to"], 7);
    assert_eq!(header["compressed"], false);
    assert!(header["timestamp"].is_f64() && header["id"].is_string());
    (header["type"].clone(), payload)
}

#[test]
fn a_session_from_hello_to_bye() {
    let mut mesh = pair(&Dialect::ALL);
    let ann = mesh.attach("top", Some(b"ann"));
    let (kind, said) = ask(&mut mesh, ann, "PING", b"\xff");
    assert_eq!((kind, &said["client_count"]), (json!("PONG"), &json!(0)));
    let error = |text: &str| (json!("ERROR"), json!({"error": text}));
    assert_eq!(ask(&mut mesh, ann, "DATA", b"x"), error("Not authenticated"));

    let (kind, said) = ask(&mut mesh, ann, "HELLO", b"{\"name\":\"Ann\"}");
    assert_eq!((kind, &said["status"]), (json!("WELCOME"), &json!("welcome")));
    assert_eq!(said["session_id"], "ann");
    assert!(said["server_time"].is_f64());
    for number in 1..=2 {
        let (kind, said) = ask(&mut mesh, ann, "DATA", "h\u{e9}".as_bytes());
        assert_eq!((kind, &said["echo"]), (json!("DATA_ACK"), &json!("h\u{e9}")));
        assert_eq!((&said["original_size"], &said["message_number"]), (&json!(3), &json!(number)));
    }
    let (kind, said) = ask(&mut mesh, ann, "DATA", b"\xff");
    assert_eq!(kind, "ERROR");
    assert!(said["error"].as_str().unwrap().starts_with("Protocol error: payload"), "{said}");
    // What is no text is not counted; a new HELLO counts from the beginning.
    assert_eq!(ask(&mut mesh, ann, "DATA", b"x").1["message_number"], 3);
    ask(&mut mesh, ann, "HELLO", b"{}");
    assert_eq!(ask(&mut mesh, ann, "DATA", b"x").1["message_number"], 1);

    assert_eq!(ask(&mut mesh, ann, "BYE", b""), (json!("BYE_ACK"), json!({"status": "goodbye"})));
    assert_eq!(ask(&mut mesh, ann, "DATA", b"x"), error("Not authenticated"));
    assert_eq!(ask(&mut mesh, ann, "BYE", b"").0, "BYE_ACK");
    mesh.assert_ledger_is_even();
}

#[test]
fn a_session_is_forgotten_with_its_client_and_two_anonymous_clients_are_two() {
    let mut mesh = pair(&Dialect::ALL);
    let clients = [mesh.attach("top", None), mesh.attach("top", None)];
    let count =
        |mesh: &mut Simulation, client| ask(mesh, client, "PING", b"").1["client_count"].clone();
    let ids = clients.map(|client| ask(&mut mesh, client, "HELLO", b"{}").1["session_id"].clone());
    assert_ne!(ids[0], ids[1]);
    ask(&mut mesh, clients[0], "HELLO", b"{}");
    assert_eq!(count(&mut mesh, clients[0]), 2);
    let far = mesh.attach("east", None);
    assert_eq!(count(&mut mesh, far), 0, "of its own node");
    mesh.detach(clients[1]);
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!(count(&mut mesh, clients[0]), 1);
    let again = mesh.attach("top", None);
    let (kind, said) = ask(&mut mesh, again, "DATA", b"x");
    assert_eq!((kind, said), (json!("ERROR"), json!({"error": "Not authenticated"})));
}

#[test]
fn what_a_client_speaks_sticks_and_nobody_sends_it_mesh_messages() {
    let mut mesh = pair(&Dialect::ALL);
    let ann = mesh.attach("top", Some(b"ann"));
    // Before anything has matched: two frames are answered as a session, one as json.
    assert_eq!(reply(&mut mesh, ann, &[b"a", b"b"]).0["type"], "ERROR");
    mesh.send_text(ann, "nonsense");
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!(mesh.take_json(ann)[0]["type"], "routing_error");
    ask(&mut mesh, ann, "HELLO", b"{}");
    let (kind, said) = reply(&mut mesh, ann, &[br#"{"destination":"bob"}"#]);
    assert_eq!(
        (&kind["type"], &said["error"]),
        (&json!("ERROR"), &json!("Invalid message format"))
    );

    let bob = mesh.attach("east", Some(b"bob"));
    mesh.send_text(bob, r#"{"destination":"ann"}"#);
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!(mesh.take_json(bob)[0]["message"], "not accepted");
    assert!(mesh.take(ann).is_empty());
    mesh.send(bob, vec![Bytes::from(header("PING", 1).to_string()), Bytes::new()]);
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!(mesh.take_json(bob)[0]["type"], "routing_error");
}

#[test]
fn a_node_that_lists_dialects_answers_the_others_in_the_first_of_them() {
    let mut mesh = pair(&[Dialect::Session]);
    let ann = mesh.attach("top", Some(b"ann"));
    let (kind, said) = reply(&mut mesh, ann, &[br#"{"destination":"bob"}"#]);
    assert_eq!(
        (&kind["type"], &said["error"]),
        (&json!("ERROR"), &json!("Invalid message format"))
    );

    let mut mesh = pair(&[Dialect::Json]);
    let ann = mesh.attach("top", Some(b"ann"));
    mesh.send(ann, vec![Bytes::from(header("PING", 1).to_string()), Bytes::new()]);
    assert!(mesh.run_until_quiet(LIMIT));
    let why = mesh.take_json(ann)[0]["message"].clone();
    assert_eq!(why, "Malformed message: one frame is expected, not 2");

    let mut mesh = pair(&[Dialect::Broker, Dialect::Session]);
    let ann = mesh.attach("top", Some(b"ann"));
    assert_eq!(ask(&mut mesh, ann, "PING", b"").0, "PONG");
}

#[test]
fn an_error_names_its_request_wherever_it_is_made() {
    let (data, ping) = (header("DATA", 1), header("PING", 2));
    let told = |mesh: &mut Simulation, client, frames: &[&Value]| {
        let frames: Vec<String> = frames.iter().map(ToString::to_string).collect();
        let frames: Vec<&[u8]> = frames.iter().map(String::as_bytes).collect();
        let (header, said) = reply(mesh, client, &frames);
        (said["error"].clone(), header.get("reply_to").cloned())
    };
    let mut mesh = pair(&Dialect::ALL);
    let ann = mesh.attach("top", Some(b"ann"));
    ask(&mut mesh, ann, "HELLO", b"{}");
    let format = json!("Invalid message format");
    assert_eq!(told(&mut mesh, ann, &[&ping]), (format.clone(), Some(json!(2))));
    assert_eq!(told(&mut mesh, ann, &[&json!([])]), (format, None));
    let other = mesh.attach("east", Some(b"ann"));
    let taken = told(&mut mesh, other, &[&data, &json!("x")]);
    assert_eq!(taken, (json!("name in use"), Some(json!(1))));

    let mut mesh = pair(&[Dialect::Session, Dialect::Json]);
    let bob = mesh.attach("top", Some(b"bob"));
    let broker = told(&mut mesh, bob, &[&json!({"type": "ping", "id": "7"})]);
    assert_eq!(broker, (json!("this node does not speak broker"), Some(json!("7"))));
    // What has no form is answered as anywhere, if that is listed.
    mesh.send_text(bob, "{}");
    assert!(mesh.run_until_quiet(LIMIT));
    assert_eq!(mesh.take_json(bob)[0]["type"], "routing_error");

    let mut mesh = pair(&[Dialect::Session, Dialect::Broker]);
    let bob = mesh.attach("top", Some(b"bob"));
    assert_eq!(told(&mut mesh, bob, &[&json!({})]).0, "Invalid message format");
}

#[test]
fn who_sends_much_and_reads_it_later_misses_nothing() {
    let mut mesh = pair(&Dialect::ALL);
    let ann = mesh.attach("top", Some(b"ann"));
    ask(&mut mesh, ann, "HELLO", b"{}");
    mesh.stall(ann, true);
    for id in 0..2_000 {
        let kind = ["DATA", "PING", "DATE"][id as usize % 3];
        mesh.send(ann, vec![header(kind, id).to_string().into(), Bytes::from_static(b"x")]);
    }
    mesh.run_for(Duration::from_secs(5));
    assert!(mesh.take(ann).is_empty() && mesh.is_connected(ann));
    mesh.stall(ann, false);
    assert!(mesh.run_until_quiet(LIMIT));
    let id = |reply: Vec<Bytes>| {
        let header: Value = serde_json::from_slice(&reply[0]).unwrap();
        header["reply_to"].as_u64().unwrap()
    };
    assert!(mesh.take(ann).into_iter().map(id).eq(0..2_000));
    assert_eq!(mesh.count("top", "untold"), 0);

    mesh.stall(ann, true);
    mesh.send(ann, vec![header("PING", 1).to_string().into(), Bytes::new()]);
    mesh.run_for(Duration::from_secs(31));
    assert!(!mesh.is_connected(ann));
    assert_eq!(mesh.count("top", "untold"), 1);
}

/// A handler that says who said what, loudly.
#[derive(Debug)]
struct Shout;

impl DataHandler for Shout {
    fn handle(&self, data: &Data<'_>) -> Value {
        json!({"from": data.client, "called": data.name, "said": data.text.to_uppercase()})
    }
}

#[test]
fn a_handler_of_ones_own_takes_the_place_of_the_echo() {
    let mut mesh = Simulation::new(1);
    let mut config = config("top", []);
    config.data_handler = Arc::new(Shout);
    mesh.add(config);
    mesh.start_all();
    let ann = mesh.attach("top", Some(b"ann"));
    ask(&mut mesh, ann, "HELLO", b"{\"name\":\"Ann\"}");
    let (_, said) = ask(&mut mesh, ann, "DATA", b"hi");
    assert_eq!(said, json!({"from": "ann", "called": "Ann", "said": "HI"}));
}
