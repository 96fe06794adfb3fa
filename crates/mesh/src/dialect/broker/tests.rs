//! The broker dialect, field by field.

use serde_json::Value;

use super::*;

fn read_text(text: &str) -> Result<Request<'_>, BrokerError> {
    read(&object(text.as_bytes())?)
}

fn json_of(frame: &[u8]) -> Value {
    serde_json::from_slice(frame).unwrap()
}

#[test]
fn requests_are_read_with_their_defaults() {
    let name = |name: &'static str| Request::Register { name: name.into() };
    assert_eq!(read_text(r#"{"type":"register"}"#), Ok(name("unnamed")));
    assert_eq!(read_text(r#"{"type":"register","name":"b\u00f6b"}"#), Ok(name("böb")));
    assert_eq!(read_text(r#"{"type":"register","name":[1, 2]}"#), Ok(name("[1, 2]")));
    assert_eq!(read_text(r#"{"type":"ping","x":1}"#), Ok(Request::Ping));
    let list = |here| Ok(Request::List { here });
    assert_eq!(read_text(r#"{"type":"list_clients","scope":"mesh"}"#), list(false));
    assert_eq!(read_text(r#"{"type":"list_clients","scope":"node"}"#), list(true));
    let direct = |target: Option<&'static str>, written, content| {
        Ok(Request::Direct { target: target.map(Cow::Borrowed), written, content })
    };
    for (text, request) in [
        (r#"{"type":"direct_message","target":"bob"}"#, direct(Some("bob"), "\"bob\"", "null")),
        (r#"{"type":"direct_message","content":1e400}"#, direct(None, "null", "1e400")),
        (r#"{"type":"direct_message","target":null}"#, direct(None, "null", "null")),
        (r#"{"target": 5,"type":"direct_message"}"#, direct(Some("5"), "5", "null")),
    ] {
        assert_eq!(read_text(text), request, "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_in_the_patterns_words() {
    let told = |text: &str| read_text(text).unwrap_err().to_string();
    assert_eq!(told("{}"), "Unknown message type: None");
    assert_eq!(told(r#"{"type":null}"#), "Unknown message type: None");
    assert_eq!(told(r#"{"type":"dance"}"#), "Unknown message type: dance");
    assert_eq!(told(r#"{"type":5}"#), "Unknown message type: 5");
    for text in ["", "[]", "{", "5", r#"{"type":NaN}"#] {
        assert!(told(text).starts_with("Message processing error: "), "{text}");
    }
    let long = format!(r#"{{"type":"register","name":"{}"}}"#, "x".repeat(256));
    assert!(told(&long).contains("at most 255 bytes, this one has 256"));
}

#[test]
fn replies_have_the_patterns_fields() {
    let written = |reply: Reply| json_of(&reply.write(1.5));
    assert_eq!(
        written(Reply::Registered { client_id: "c1".to_owned(), name: "bob".to_owned() }),
        json!({"type": "registration_ack", "status": "success", "client_id": "c1",
            "message": "Registered as bob"})
    );
    assert_eq!(
        written(Reply::Delivered { target: "[5]".to_owned() }),
        json!({"type": "delivery_confirmation", "target": [5], "status": "delivered"})
    );
    assert_eq!(
        written(Reply::Broadcast { recipients: 3 }),
        json!({"type": "broadcast_confirmation", "recipients": 3})
    );
    assert_eq!(
        written(Reply::Pong { received: 3, sent: 2, errors: 1 }),
        json!({"type": "pong", "timestamp": 1.5, "stats": {"received": 3, "sent": 2, "errors": 1}})
    );
    assert_eq!(
        written(Reply::Error(BrokerError::NoTarget("bob".to_owned()))),
        json!({"type": "error", "message": "Target client 'bob' not found", "timestamp": 1.5})
    );
}

#[test]
fn a_content_is_carried_to_the_letter() {
    let frame = delivered("broadcast", None, "{\"b\":1.0,  \"a\":123456789012345678901}", 2.0);
    assert_eq!(
        std::str::from_utf8(&frame).unwrap(),
        "{\"type\":\"broadcast\",\"from\":\"unknown\",\"content\":{\"b\":1.0,  \"a\":123456789012345678901},\
         \"timestamp\":2.0}"
    );
}

#[test]
fn a_list_names_everyone_and_who_is_missing() {
    let listed = |name: Option<&str>| Listed {
        name: name.map(str::to_owned),
        since: 1_500_000_000,
        active: 2_000_000_000,
        count: 3,
    };
    let clients = [listed(Some("bob")), listed(None)];
    let list = json_of(&client_list(&clients, &[] as &[&str]));
    let shown = |name| json!({"name": name, "connected_since": 1.5, "last_activity": 2.0, "message_count": 3});
    let whole =
        json!({"type": "client_list", "clients": [shown("bob"), shown("unnamed")], "total": 2});
    assert_eq!(list, whole);
    assert_eq!(json_of(&client_list(&clients, &["east"]))["missing"], json!(["east"]));
}
