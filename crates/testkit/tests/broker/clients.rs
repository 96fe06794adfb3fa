//! Clients of the broker dialect.

use std::time::Duration;

use hopline_testkit::simulation::{ClientId, Simulation};
use serde_json::{Value, json};

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn send(mesh: &mut Simulation, client: ClientId, message: &Value) {
    mesh.send_text(client, message.to_string());
}

/// What a client gets for one message that it sends.
pub(crate) fn answers(mesh: &mut Simulation, client: ClientId, message: &Value) -> Vec<Value> {
    send(mesh, client, message);
    assert!(mesh.run_until_quiet(LIMIT));
    mesh.take_json(client)
}

pub(crate) fn answer(mesh: &mut Simulation, client: ClientId, message: &Value) -> Value {
    let mut answers = answers(mesh, client, message);
    assert_eq!(answers.len(), 1, "{answers:?}");
    answers.remove(0)
}

/// A client of its own identity at this node, registered under this name.
pub(crate) fn registered(mesh: &mut Simulation, node: &str, name: &str) -> ClientId {
    let client = mesh.attach(node, Some(format!("id-{node}-{name}").as_bytes()));
    let acked = answer(mesh, client, &json!({"type": "register", "name": name}));
    assert_eq!(acked["message"], format!("Registered as {name}"));
    client
}

pub(crate) fn direct(target: &str, content: impl Into<Value>) -> Value {
    json!({"type": "direct_message", "target": target, "content": content.into()})
}

pub(crate) fn names(list: &Value) -> Vec<&str> {
    list["clients"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect()
}
