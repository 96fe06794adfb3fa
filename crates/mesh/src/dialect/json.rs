//! The json dialect: one frame, a JSON object with `destination`.
//!
//! Bytes in, bytes out: no sockets, no routes. A client's own fields keep their order and their
//! numbers to the letter, because they are spliced as text and never re-encoded.

use std::borrow::Cow;

use super::object::{Object, ObjectError, Text};
use super::text::{base64, key, string};
use crate::name::NodeName;

/// The media type under which a JSON object travels.
pub const CONTENT_TYPE: &str = "application/json";

/// An `original_message` over this many bytes is shown as its beginning, as text.
pub const MAX_ORIGINAL: usize = 64 * 1024;

const DESTINATION: &str = "destination";
const ROUTE_PATH: &str = "route_path";
const ORIGINAL_SENDER: &str = "original_sender";

/// A client's message, read as far as routing needs.
#[derive(Debug)]
pub struct Request<'a> {
    /// Where it is to go.
    pub destination: Cow<'a, str>,
}

/// Why a frame is no message of this dialect.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// No JSON object.
    #[error("Malformed message: {0}")]
    Object(#[from] ObjectError),
    /// An object without `destination`.
    #[error("Malformed message: `destination` is missing")]
    NoDestination,
    /// A `destination` that is no string.
    #[error("Malformed message: `destination` is not a string")]
    DestinationNotText,
    /// A `destination` that is a string and no text: it has half of a surrogate pair.
    #[error("Malformed message: `destination` has half of a surrogate pair, which is no text")]
    DestinationSurrogate,
    /// A `destination` without a character.
    #[error("Malformed message: `destination` is empty")]
    DestinationEmpty,
    /// More than one frame.
    #[error("Malformed message: one frame is expected, not {0}")]
    Frames(usize),
}

/// Reads a client's frame.
///
/// # Errors
/// [`JsonError`] says what is wrong with it, in words for the client.
pub fn read(frame: &[u8]) -> Result<Request<'_>, JsonError> {
    of_object(&Object::read(frame)?)
}

/// Reads a client's object.
pub(crate) fn of_object<'a>(object: &Object<'a>) -> Result<Request<'a>, JsonError> {
    // Where a key stands twice, the last one counts, as in Python's and JavaScript's readers.
    let raw = object.last(DESTINATION).ok_or(JsonError::NoDestination)?;
    let Text(destination) = serde_json::from_str(raw.get()).map_err(|_| {
        let is_string = raw.get().starts_with('"');
        if is_string { JsonError::DestinationSurrogate } else { JsonError::DestinationNotText }
    })?;
    if destination.is_empty() {
        return Err(JsonError::DestinationEmpty);
    }
    Ok(Request { destination })
}

/// The object as its receiver gets it: all fields kept, with `route_path` and `original_sender`.
/// What is no JSON object is wrapped as [`wrap`] says.
#[must_use]
pub fn delivered<'p>(
    payload: &[u8],
    path: impl IntoIterator<Item = &'p str>,
    sender: &str,
) -> Vec<u8> {
    let Ok(object) = Object::read(payload) else {
        return delivered(&wrap(payload), path, sender);
    };
    let mut text = object.without(&[ROUTE_PATH, ORIGINAL_SENDER], 128 + sender.len());
    key(&mut text, ROUTE_PATH);
    text.push(b'[');
    for (index, node) in path.into_iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        string(&mut text, node);
    }
    text.push(b']');
    key(&mut text, ORIGINAL_SENDER);
    string(&mut text, sender);
    text.push(b'}');
    text
}

/// Another dialect's payload as a JSON object: text as `{"content": text}`, other bytes as
/// `{"content": base64, "encoding": "base64"}`.
#[must_use]
pub fn wrap(payload: &[u8]) -> Vec<u8> {
    let mut text = vec![b'{'];
    key(&mut text, "content");
    match std::str::from_utf8(payload) {
        Ok(content) => string(&mut text, content),
        Err(_) => {
            string(&mut text, &base64(payload));
            key(&mut text, "encoding");
            string(&mut text, "base64");
        }
    }
    text.push(b'}');
    text
}

/// What a sender is told of a message that was not delivered. `truncated` says that `original` is
/// only its beginning.
#[must_use]
pub fn routing_error(message: &str, original: &[u8], truncated: bool) -> Vec<u8> {
    let mut text = vec![b'{'];
    key(&mut text, "type");
    string(&mut text, "routing_error");
    key(&mut text, "message");
    string(&mut text, message);
    let cut = truncated || original.len() > MAX_ORIGINAL;
    match std::str::from_utf8(original) {
        Ok(_) if !cut && Object::read(original).is_ok() => {
            key(&mut text, "original_message");
            text.extend_from_slice(original.trim_ascii());
        }
        Ok(whole) if !cut => {
            key(&mut text, "original_message");
            string(&mut text, whole);
        }
        Ok(_) | Err(_) => {
            let beginning = original.get(..MAX_ORIGINAL).unwrap_or(original);
            if let Some(beginning) = beginning_as_text(beginning, cut) {
                key(&mut text, "original_message");
                string(&mut text, beginning);
            }
            if cut {
                key(&mut text, "truncated");
                text.extend_from_slice(b"true");
            }
        }
    }
    text.push(b'}');
    text
}

/// What the sender of a message to a group, or to everyone, is told: how many clients were handed it, and which
/// nodes have not said.
#[must_use]
pub fn group_report(destination: &str, recipients: u32, missing: &[NodeName]) -> Vec<u8> {
    let mut text = vec![b'{'];
    key(&mut text, "type");
    string(&mut text, "group_report");
    key(&mut text, "destination");
    string(&mut text, destination);
    key(&mut text, "recipients");
    text.extend_from_slice(recipients.to_string().as_bytes());
    key(&mut text, "missing");
    text.push(b'[');
    for (index, node) in missing.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        string(&mut text, node.as_str());
    }
    text.extend_from_slice(b"]}");
    text
}

/// What a node answers to a message for itself: the request's own fields, by which its sender
/// recognises it, and the node's.
#[must_use]
pub fn node_answer(request: &[u8], fields: &[(&str, serde_json::Value)]) -> Vec<u8> {
    let ours: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let hidden = [&ours[..], &["type", DESTINATION, ROUTE_PATH, ORIGINAL_SENDER]].concat();
    let (mut text, kind) = match Object::read(request) {
        Ok(object) => {
            (object.without(&hidden, 256), object.last("type").map(|raw| raw.get().to_owned()))
        }
        Err(_) => (vec![b'{'], None),
    };
    key(&mut text, "type");
    string(&mut text, "node_info");
    if let Some(kind) = kind {
        key(&mut text, "request_type");
        text.extend_from_slice(kind.as_bytes());
    }
    for (name, value) in fields {
        key(&mut text, name);
        text.extend_from_slice(value.to_string().as_bytes());
    }
    text.push(b'}');
    text
}

/// As much of `bytes` as is text; none where they are no text at all.
fn beginning_as_text(bytes: &[u8], cut: bool) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        // Only the cut itself may have split a character.
        Err(error) if cut && error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_group_report_is_json_and_names_whom_it_did_not_reach() {
        let missing = ["a", "b"].map(|node| crate::name::NodeName::parse(node).unwrap());
        let read = |text: Vec<u8>| serde_json::from_slice::<serde_json::Value>(&text).unwrap();
        assert_eq!(
            read(super::group_report("#w\"x", 3, &missing)),
            serde_json::json!({
                "type": "group_report", "destination": "#w\"x", "recipients": 3, "missing": ["a", "b"],
            })
        );
        assert_eq!(read(super::group_report("*", 0, &[]))["missing"], serde_json::json!([]));
    }

    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn parsed(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn own_fields_keep_their_order_and_their_numbers() {
        let sent = br#" { "z":1.50, "destination" : "bob","a":1e400 ,"big":123456789012345678901234567890 } "#;
        let text = String::from_utf8(delivered(sent, ["east", "top"], "alice")).unwrap();
        assert_eq!(
            text,
            r#"{"z":1.50,"destination":"bob","a":1e400,"big":123456789012345678901234567890,"route_path":["east","top"],"original_sender":"alice"}"#
        );
    }

    #[test]
    fn a_forged_path_or_sender_is_replaced() {
        let sent = br#"{"destination":"bob","route_path":["x"],"original_sender":"eve","original_sender":"eve"}"#;
        let got = parsed(&delivered(sent, ["east"], "alice"));
        assert_eq!(
            got,
            json!({"destination":"bob","route_path":["east"],"original_sender":"alice"})
        );
    }

    #[test]
    fn an_empty_object_stays_an_object() {
        assert_eq!(
            parsed(&delivered(b"{}", [], "a")),
            json!({"route_path":[],"original_sender":"a"})
        );
        assert_eq!(parsed(&node_answer(b"{}", &[])), json!({"type":"node_info"}));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (frame, why) in [
            (&b""[..], JsonError::Object(ObjectError::Empty)),
            (b"\xff{}", JsonError::Object(ObjectError::NotText)),
            (b"[1]", JsonError::Object(ObjectError::NotAnObject("an array"))),
            (b"7", JsonError::Object(ObjectError::NotAnObject("a number"))),
            (b"{}", JsonError::NoDestination),
            (br#"{"destination":7}"#, JsonError::DestinationNotText),
            (br#"{"destination":null}"#, JsonError::DestinationNotText),
            (br#"{"destination":"\ud800"}"#, JsonError::DestinationSurrogate),
            (br#"{"destination":""}"#, JsonError::DestinationEmpty),
        ] {
            assert_eq!(read(frame).unwrap_err(), why);
        }
        for frame in ["{", "[1", "nope", r#"{"destination":"bob"} x"#, r#"{"destination":NaN}"#] {
            assert!(
                matches!(read(frame.as_bytes()), Err(JsonError::Object(ObjectError::NotJson(_)))),
                "{frame}"
            );
        }
    }

    #[test]
    fn depth_is_the_clients_own_affair() {
        let deep =
            format!(r#"{{"destination":"b","x":{}{}}}"#, "[".repeat(99_999), "]".repeat(99_999));
        assert_eq!(read(deep.as_bytes()).unwrap().destination, "b");
        assert!(delivered(deep.as_bytes(), [], "a").len() > deep.len());
    }

    #[test]
    fn an_error_shows_the_object_as_it_was_sent() {
        let sent = br#"{"destination":"nobody","n":1.0}"#;
        let error =
            String::from_utf8(routing_error("Unknown destination: nobody", sent, false)).unwrap();
        assert!(
            error.ends_with(r#""original_message":{"destination":"nobody","n":1.0}}"#),
            "{error}"
        );
        let error = parsed(&routing_error("Malformed", b"oops", false));
        assert_eq!(error["original_message"], "oops");
        assert!(
            parsed(&routing_error("Malformed", b"\xff\xfe", false))
                .get("original_message")
                .is_none()
        );
    }

    #[test]
    fn a_long_original_is_its_beginning_as_text() {
        let long = format!(r#"{{"destination":"b","x":"{}"}}"#, "\u{e9}".repeat(50_000));
        let error = parsed(&routing_error("queue full", long.as_bytes(), false));
        let shown = error["original_message"].as_str().unwrap();
        assert!(
            long.starts_with(shown) && (MAX_ORIGINAL - 1..=MAX_ORIGINAL).contains(&shown.len())
        );
        assert_eq!(error["truncated"], true);
    }

    #[test]
    fn a_node_echoes_what_lets_its_caller_match_the_answer() {
        let answer = parsed(&node_answer(
            br#"{"destination":"top","type":"ping","id":7,"node":"forged"}"#,
            &[("node", json!("top")), ("uptime", json!(1.5))],
        ));
        assert_eq!(
            answer,
            json!({"id":7,"type":"node_info","request_type":"ping","node":"top","uptime":1.5})
        );
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(parsed(&wrap(&[0xff, 0, 1])), json!({"content":"/wAB","encoding":"base64"}));
        assert_eq!(parsed(&wrap(b"hi")), json!({"content":"hi"}));
    }

    proptest! {
        #[test]
        fn whatever_is_delivered_is_json(payload in prop::collection::vec(any::<u8>(), 0..60), sender in ".{0,9}") {
            let got = parsed(&delivered(&payload, ["a"], &sender));
            prop_assert_eq!(&got["original_sender"], &Value::from(sender));
        }

        #[test]
        fn whatever_failed_is_told_as_json(payload in prop::collection::vec(any::<u8>(), 0..60), message in ".{0,20}", truncated: bool) {
            let got = parsed(&routing_error(&message, &payload, truncated));
            prop_assert_eq!(&got["message"], &Value::from(message));
        }
    }
}
