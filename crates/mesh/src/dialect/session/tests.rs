//! Every check, in its order, and what replies look like.

use super::*;
use proptest::prelude::*;

fn frames(parts: &[&[u8]]) -> Vec<Bytes> {
    parts.iter().map(|part| Bytes::copy_from_slice(part)).collect()
}

fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn error(parts: &[&[u8]]) -> (String, Option<String>) {
    let frames = frames(parts);
    let refused = read(&frames, 1_000).unwrap_err();
    (refused.error.to_string(), refused.id.map(str::to_owned))
}

#[test]
fn the_first_check_that_fails_is_told() {
    let zlib = b"{\"version\":\"1.0\",\"type\":\"?\",\"id\":7,\"compressed\":true}";
    let none = |text: &str| (text.to_owned(), None);
    let seven = |text: &str| (text.to_owned(), Some("7".to_owned()));
    assert_eq!(error(&[]), none("Invalid message format"));
    assert_eq!(error(&[b"{}"]), none("Invalid message format"));
    assert_eq!(error(&[b"\xff", b""]), none("Protocol error: header: it is not UTF-8"));
    assert_eq!(
        error(&[b"[]", b""]),
        none("Protocol error: header: a JSON object is expected, not an array")
    );
    assert_eq!(error(&[b"{\"id\":7}", b""]), seven("Unsupported protocol version"));
    for version in ["1.0", "\"1\"", "null", "[\"1.0\"]"] {
        let header = format!("{{\"version\":{version},\"id\":7,\"compressed\":true}}");
        assert_eq!(error(&[header.as_bytes(), b"x"]), seven("Unsupported protocol version"));
    }
    let (text, id) = error(&[zlib, b"no zlib"]);
    assert!(text.starts_with("Protocol error: the payload is no zlib stream"), "{text}");
    assert_eq!(id.as_deref(), Some("7"));
    assert_eq!(error(&[zlib, &zlib::deflate(b"x")]), seven("Unknown message type: ?"));
    for (written, told) in
        [("{}", "None"), ("{\"type\":null}", "None"), ("{\"type\":[1, 2]}", "[1, 2]")]
    {
        let header = format!("{{\"version\":\"1.0\",{}", &written[1..]).replace(",}", "}");
        assert_eq!(error(&[header.as_bytes(), b""]).0, format!("Unknown message type: {told}"));
    }
}

#[test]
fn an_id_of_any_kind_is_repeated_to_the_letter() {
    for id in ["1.50", "\"a\\u0041\"", "null", "{\"x\": [1e400]}"] {
        let header = format!("{{\"version\":\"1.0\",\"type\":\"PING\",\"id\":{id}}}");
        let frames = frames(&[header.as_bytes(), b"\xff\x00"]);
        assert_eq!(read(&frames, 10).unwrap().id, Some(id));
        let said = Reply::ByeAck.write("n", 1.5, Some(id));
        assert!(said[0].ends_with(format!("\"reply_to\":{id}}}").as_bytes()));
    }
    let said = Reply::ByeAck.write("n", 1.5, None);
    let header = json!({
        "version": "1.0", "type": "BYE_ACK", "id": "n", "timestamp": 1.5, "compressed": false,
    });
    assert_eq!(parsed(&said[0]), header);
    assert_eq!(parsed(&said[1]), json!({"status": "goodbye"}));
}

#[test]
fn what_is_compressed_is_looked_through_whatever_it_is_for() {
    let whole = zlib::deflate(&[b'x'; 1_000]);
    let large = zlib::deflate(&[b'x'; 1_001]);
    let mut trailing = whole.clone();
    trailing.push(0);
    for verb in ["HELLO", "DATA", "PING", "BYE"] {
        let header = format!("{{\"version\":\"1.0\",\"type\":\"{verb}\",\"compressed\":true}}");
        let read = |payload: &[u8]| {
            let frames = frames(&[header.as_bytes(), payload, b"ignored"]);
            read(&frames, 1_000).map(|it| it.payload.len()).map_err(|it| it.error.to_string())
        };
        let kept = if matches!(verb, "HELLO" | "DATA") { 1_000 } else { 0 };
        assert_eq!(read(&whole), Ok(kept));
        let why = "Protocol error: the payload is larger than 1000 bytes when inflated";
        assert_eq!(read(&large), Err(why.to_owned()));
        for bad in [&[][..], &whole[..whole.len() - 1], &whole[..5], &trailing, b"plain"] {
            let error = read(bad).unwrap_err();
            assert!(error.starts_with("Protocol error: the payload is no zlib stream"), "{error}");
        }
    }
}

#[test]
fn a_bomb_is_not_kept() {
    let bomb = zlib::deflate(&vec![0; 64 << 20]);
    assert!(bomb.len() < 100_000);
    assert_eq!(
        zlib::inflated_length(&bomb, MAX_INFLATED),
        Err(zlib::ZlibError::TooLarge(MAX_INFLATED))
    );
}

#[test]
fn long_replies_are_compressed_and_short_ones_are_not() {
    let of = |length: usize| Reply::DataAck(json!("x".repeat(length))).write("n", 0.0, None);
    let short = of(PLAIN - 2);
    assert_eq!((parsed(&short[0])["compressed"].clone(), short[1].len()), (json!(false), PLAIN));
    let long = of(PLAIN - 1);
    assert_eq!(parsed(&long[0])["compressed"], json!(true));
    let length = zlib::inflated_length(&long[1], MAX_INFLATED).unwrap();
    assert_eq!(zlib::inflate(&long[1], length).unwrap().len(), PLAIN + 1);
}

#[test]
fn names_are_text_whatever_they_were() {
    for (payload, name) in [
        ("{}", "unknown"),
        ("{\"name\":\"ann\"}", "ann"),
        ("{\"name\":7.0}", "7.0"),
        ("{\"name\":null}", "null"),
    ] {
        assert_eq!(hello_name(payload.as_bytes()), Ok(name.to_owned()));
    }
    let error = hello_name(b"[]").unwrap_err().to_string();
    assert_eq!(error, "Hello processing error: a JSON object is expected, not an array");
    assert!(hello_name(b"").unwrap_err().to_string().starts_with("Hello processing error: "));
}

#[test]
fn the_echo_is_of_characters_and_the_size_of_bytes() {
    let text = "\u{e9}".repeat(150);
    let data = Data { client: "a", name: "n", text: &text, number: 3, at: 2.5 };
    let said = Echo.handle(&data);
    assert_eq!(said["original_size"], 300);
    assert_eq!(said["message_number"], 3);
    assert_eq!(said["processed_at"], 2.5);
    assert_eq!(said["echo"], "\u{e9}".repeat(100));
}

proptest! {
    #[test]
    fn whatever_comes_is_answered(
        header in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            "\\{\"version\":\"1.0\",\"type\":\"(HELLO|DATA|X)\",\"id\":[0-9]{1,3},\"compressed\":(true|false)\\}"
                .prop_map(String::into_bytes),
        ],
        payload in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let frames = frames(&[&header, &payload]);
        let (reply, id) = match read(&frames, 1_000) {
            Ok(request) => (Reply::ByeAck, request.id),
            Err(refused) => (Reply::Error(refused.error), refused.id),
        };
        let said = reply.write("n", 0.0, id);
        prop_assert_eq!(parsed(&said[0])["reply_to"].is_null(), id.is_none());
        parsed(&said[1]);
    }

    #[test]
    fn what_is_deflated_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..5_000)) {
        let deflated = zlib::deflate(&bytes);
        let length = zlib::inflated_length(&deflated, 5_000).unwrap();
        prop_assert_eq!(zlib::inflate(&deflated, length).unwrap(), bytes);
    }
}
