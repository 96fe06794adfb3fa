//! The session dialect as its clients see it: requests are written, and what a node answers is read.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::object::Object;
use super::{VERSION, is_true, text_of, zlib};

/// What a node has said.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    /// Its type.
    pub(crate) kind: String,
    /// The id of the request that it answers, if that was a string.
    pub(crate) reply_to: Option<String>,
    /// Its payload, inflated; or why that cannot be read.
    pub(crate) payload: Result<Value, String>,
}

/// A request's two frames: of this type, with this id, of the time `at` in Unix seconds. A payload of more than
/// `plain` bytes is compressed.
pub(crate) fn write_request(
    kind: &str,
    id: &str,
    at: f64,
    payload: &[u8],
    plain: usize,
) -> Vec<Bytes> {
    let compressed = payload.len() > plain;
    let header = json!({
        "version": VERSION, "type": kind, "id": id, "timestamp": at, "compressed": compressed,
    });
    let payload = match compressed {
        true => zlib::deflate(payload).into(),
        false => Bytes::copy_from_slice(payload),
    };
    vec![header.to_string().into(), payload]
}

/// Reads what a node has said, inflating to at most `limit` bytes. Nothing where that is no message of this dialect.
pub(crate) fn read_answer(frames: &[Bytes], limit: usize) -> Option<Answer> {
    let [header, payload, ..] = frames else { return None };
    let header = Object::read(header).ok()?;
    if text_of(header.last("version"))? != VERSION {
        return None;
    }
    let is_compressed = header.last("compressed").is_some_and(is_true);
    Some(Answer {
        kind: text_of(header.last("type"))?.into_owned(),
        reply_to: text_of(header.last("reply_to")).map(std::borrow::Cow::into_owned),
        payload: read_payload(payload, is_compressed, limit),
    })
}

fn read_payload(payload: &[u8], is_compressed: bool, limit: usize) -> Result<Value, String> {
    let parsed = |json: &[u8]| serde_json::from_slice(json).map_err(|error| error.to_string());
    if !is_compressed {
        return parsed(payload);
    }
    let length = zlib::inflated_length(payload, limit).map_err(|error| error.to_string())?;
    parsed(&zlib::inflate(payload, length).map_err(|error| error.to_string())?)
}

#[cfg(test)]
mod tests {
    use super::super::{Reply, SessionError};
    use super::*;

    #[test]
    fn what_a_node_writes_is_read_compressed_or_not() {
        for length in [1, 5_000] {
            let error = SessionError::UnknownType("x".repeat(length));
            let said = Reply::Error(error.clone()).write("n", 1.5, Some("\"7\""));
            let payload = Ok(json!({"error": error.to_string()}));
            let answer = Answer { kind: "ERROR".into(), reply_to: Some("7".into()), payload };
            assert_eq!(read_answer(&said, 6_000), Some(answer));
        }
    }

    #[test]
    fn a_reply_is_not_inflated_past_the_limit() {
        let long = SessionError::UnknownType("x".repeat(5_000));
        let said = Reply::Error(long).write("n", 1.5, Some("\"7\""));
        let answer = read_answer(&said, 4_000).unwrap();
        let why = "the payload is larger than 4000 bytes when inflated";
        assert_eq!((answer.reply_to.as_deref(), answer.payload), (Some("7"), Err(why.into())));
        let broken = [said[0].clone(), said[1].slice(..20)];
        assert!(read_answer(&broken, 9_000).unwrap().payload.is_err());
    }

    #[test]
    fn what_a_client_writes_is_read_by_a_node() {
        for plain in [0, usize::MAX] {
            let frames = write_request("DATA", "7", 1.5, b"text", plain);
            let request = super::super::read(&frames, 4).unwrap();
            assert_eq!((request.id, &*request.payload), (Some("\"7\""), &b"text"[..]));
        }
    }

    #[test]
    fn what_is_of_another_dialect_is_nothing() {
        let frame = Bytes::from_static(b"{\"type\":\"pong\"}");
        assert_eq!(read_answer(std::slice::from_ref(&frame), 10), None);
        assert_eq!(read_answer(&[frame.clone(), frame], 10), None);
    }
}
