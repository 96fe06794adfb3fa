//! ZMTP 3.1 with the NULL mechanism (RFC 23, RFC 37), as bytes in and values out. No I/O.
//!
//! Everything here reads bytes from strangers: nothing panics, nothing allocates by a declared
//! length, and what is incomplete is `None`.

#![deny(clippy::indexing_slicing)]

use std::time::Duration;

use bytes::Bytes;

use crate::{Cause, Identity, SocketKind};

/// The bytes of a greeting.
pub(crate) const GREETING_LEN: usize = 64;
/// The most bytes of a READY: far more than any library sends.
pub(crate) const READY_MAX: usize = 8 * 1024;
/// The most bytes of any later command.
pub(crate) const COMMAND_MAX: usize = 512;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;
/// A property of our own, for [`Ready::wants_reason`].
const WANTS_REASON: &[u8] = b"X-Wants-Reason";
const PING_CONTEXT_MAX: usize = 16;

/// Our greeting, version 3.1, NULL.
pub(crate) fn greeting() -> Vec<u8> {
    let mut bytes = b"\xFF\0\0\0\0\0\0\0\x01\x7F\x03\x01NULL".to_vec();
    bytes.resize(GREETING_LEN, 0);
    bytes
}

/// Judges as much of a greeting as there is; `None` if it is good so far. Says the peer's minor
/// version when it is whole.
pub(crate) fn judge_greeting(bytes: &[u8]) -> Result<Option<u8>, Cause> {
    let at = |index: usize| bytes.get(index).copied();
    if at(0).is_some_and(|first| first != 0xFF) || at(9).is_some_and(|last| last & 1 == 0) {
        return Err(Cause::BadGreeting);
    }
    if at(10).is_some_and(|major| major < 3) {
        return Err(Cause::BadVersion);
    }
    let (Some(mechanism), Some(minor), Some(_)) =
        (bytes.get(12..32), at(11), bytes.get(..GREETING_LEN))
    else {
        return Ok(None);
    };
    match mechanism.strip_prefix(b"NULL") {
        Some(rest) if rest.iter().all(|&byte| byte == 0) => Ok(Some(minor)),
        _ => Err(Cause::BadMechanism),
    }
}

/// What stands before the bytes of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Head {
    /// Whether another frame of the same message follows.
    pub(crate) more: bool,
    /// Whether the frame is a command.
    pub(crate) command: bool,
    /// The bytes of the frame's body.
    pub(crate) body: u64,
    /// The bytes of the head itself.
    pub(crate) size: usize,
}

/// Reads the head that the bytes begin with, if it is whole.
pub(crate) fn head(bytes: &[u8]) -> Result<Option<Head>, Cause> {
    let Some((&flags, rest)) = bytes.split_first() else {
        return Ok(None);
    };
    let (more, long, command) = (flags & MORE != 0, flags & LONG != 0, flags & COMMAND != 0);
    if flags & !(MORE | LONG | COMMAND) != 0 || (command && more) {
        return Err(Cause::BadCommand);
    }
    if !long {
        return Ok(rest.first().map(|&len| Head { more, command, body: len.into(), size: 2 }));
    }
    let len = rest.first_chunk::<8>().map(|len| u64::from_be_bytes(*len));
    Ok(len.map(|body| Head { more, command, body, size: 9 }))
}

/// Writes the head of a frame.
pub(crate) fn put_head(into: &mut Vec<u8>, flags: Flags, body: usize) {
    let (head, size) = head_of(flags, body);
    into.extend(head.iter().take(size));
}

/// The head of a frame, and how many of these bytes it has.
pub(crate) fn head_of(flags: Flags, body: usize) -> ([u8; 9], usize) {
    let flags = flags as u8;
    match u8::try_from(body) {
        Ok(short) => ([flags, short, 0, 0, 0, 0, 0, 0, 0], 2),
        Err(_) => {
            let [a, b, c, d, e, f, g, h] = (body as u64).to_be_bytes();
            ([flags | LONG, a, b, c, d, e, f, g, h], 9)
        }
    }
}

/// What kind of frame a head is written for.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Flags {
    /// The last frame of a message.
    Last = 0,
    /// Another frame of a message.
    More = MORE,
    /// A command.
    Command = COMMAND,
}

/// What a command says.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Command {
    /// The handshake's last word.
    Ready(Ready),
    /// To be answered with its context, of at most 16 bytes.
    Ping {
        /// How often the peer says something at the least; zero if it does not say.
        ttl: Duration,
        /// To be said back.
        context: Bytes,
    },
    /// An answer to a PING.
    Pong(Bytes),
    /// Why the peer will have nothing to do with us.
    Error(Cause),
    /// Harmless, and nothing to us.
    Other,
}

/// What a READY says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Ready {
    /// The peer's socket type; none if it is one that we never talk to.
    pub(crate) kind: Option<SocketKind>,
    /// What the peer says it is.
    pub(crate) identity: Option<Identity>,
    /// Whether the peer wants to hear why it is refused. libzmq does not: after an ERROR in a
    /// handshake it never dials again, after a mere end it does.
    pub(crate) wants_reason: bool,
}

/// Reads the body of a command.
pub(crate) fn command(body: &[u8]) -> Result<Command, Cause> {
    let (name, rest) = short_text(body).ok_or(Cause::BadCommand)?;
    match name {
        b"READY" => ready(rest).map(Command::Ready),
        b"PING" => {
            let (ttl, context) = rest.split_first_chunk::<2>().ok_or(Cause::BadCommand)?;
            let ttl = Duration::from_millis(u64::from(u16::from_be_bytes(*ttl)) * 100);
            Ok(Command::Ping { ttl, context: ping_context(context)? })
        }
        b"PONG" => Ok(Command::Pong(ping_context(rest)?)),
        b"ERROR" => {
            let reason = short_text(rest).map_or(&b""[..], |(reason, _)| reason);
            Ok(Command::Error(Cause::from_error(reason)))
        }
        b"SUBSCRIBE" | b"CANCEL" => Ok(Command::Other),
        _ => Err(Cause::BadCommand),
    }
}

fn ping_context(bytes: &[u8]) -> Result<Bytes, Cause> {
    let fits = bytes.len() <= PING_CONTEXT_MAX;
    fits.then(|| Bytes::copy_from_slice(bytes)).ok_or(Cause::BadCommand)
}

fn ready(mut rest: &[u8]) -> Result<Ready, Cause> {
    let mut kind = None;
    let mut identity = None;
    let mut wants_reason = false;
    while !rest.is_empty() {
        let (name, value, tail) = property(rest).ok_or(Cause::BadHandshake)?;
        // Which of two would be meant?
        let once = |place: &mut Option<_>| match place.replace(value) {
            None => Ok(()),
            Some(_) => Err(Cause::BadHandshake),
        };
        if name.eq_ignore_ascii_case(b"Socket-Type") {
            once(&mut kind)?;
        } else if name.eq_ignore_ascii_case(b"Identity") {
            once(&mut identity)?;
        }
        wants_reason |= name == WANTS_REASON;
        rest = tail;
    }
    let identity = identity.filter(|said| !said.is_empty()).map(said_identity).transpose()?;
    Ok(Ready { kind: kind.and_then(SocketKind::from_wire), identity, wants_reason })
}

fn said_identity(bytes: &[u8]) -> Result<Identity, Cause> {
    let identity = Identity::new(Bytes::copy_from_slice(bytes)).map_err(|_| Cause::BadIdentity)?;
    if identity.is_made() { Err(Cause::BadIdentity) } else { Ok(identity) }
}

/// A property's name, its value, and what follows.
fn property(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name, rest) = short_text(bytes).filter(|(name, _)| !name.is_empty())?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)?;
    Some((name, value, rest))
}

/// Bytes with a length of one byte before them, and what follows.
fn short_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, rest) = bytes.split_first()?;
    rest.split_at_checked(len.into())
}

/// A whole READY frame of one that was dialled.
pub(crate) fn ready_frame(kind: &str) -> Vec<u8> {
    command_frame(&ready_body(kind, None))
}

/// A whole READY frame of one that dials.
pub(crate) fn dialler_ready_frame(kind: &str, identity: Option<&[u8]>) -> Vec<u8> {
    let mut body = ready_body(kind, identity);
    put_property(&mut body, WANTS_REASON, b"1");
    command_frame(&body)
}

fn ready_body(kind: &str, identity: Option<&[u8]>) -> Vec<u8> {
    let mut body = b"\x05READY".to_vec();
    put_property(&mut body, b"Socket-Type", kind.as_bytes());
    if let Some(identity) = identity {
        put_property(&mut body, b"Identity", identity);
    }
    body
}

/// A whole PONG frame.
pub(crate) fn pong_frame(context: &[u8]) -> Vec<u8> {
    command_frame(&[b"\x04PONG", context].concat())
}

/// A whole PING frame without a time to live.
pub(crate) fn ping_frame(context: &[u8]) -> Vec<u8> {
    command_frame(&[b"\x04PING\0\0", context].concat())
}

/// A whole ERROR frame.
pub(crate) fn error_frame(cause: Cause) -> Vec<u8> {
    let reason = cause.reason().as_bytes();
    let len = u8::try_from(reason.len()).unwrap_or(0);
    command_frame(&[b"\x05ERROR", &[len][..], reason].concat())
}

fn command_frame(body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(body.len() + 9);
    put_head(&mut frame, Flags::Command, body.len());
    frame.extend_from_slice(body);
    frame
}

fn put_property(into: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    into.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    into.extend_from_slice(name);
    into.extend(len(value).to_be_bytes());
    into.extend_from_slice(value);
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "the tests know their bytes")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(frame: &[u8]) -> &[u8] {
        let head = head(frame).expect("good").expect("whole");
        assert!(head.command);
        assert_eq!(head.size as u64 + head.body, frame.len() as u64);
        &frame[head.size..]
    }

    #[test]
    fn our_greeting_is_a_good_one_and_no_prefix_of_it_is_bad() {
        let ours = greeting();
        assert_eq!(judge_greeting(&ours), Ok(Some(1)));
        for len in 0..GREETING_LEN {
            assert_eq!(judge_greeting(&ours[..len]), Ok(None));
        }
    }

    #[test]
    fn a_bad_greeting_is_known_by_its_first_bad_byte() {
        let with = |index: usize, byte: u8| {
            let mut bytes = greeting();
            bytes[index] = byte;
            judge_greeting(&bytes[..=index.max(31)]).err().or(judge_greeting(&bytes).err())
        };
        assert_eq!(judge_greeting(b"GET / HTTP/1.1"), Err(Cause::BadGreeting));
        assert_eq!(with(9, 0), Some(Cause::BadGreeting));
        assert_eq!(with(10, 2), Some(Cause::BadVersion));
        assert_eq!(with(12, b'C'), Some(Cause::BadMechanism));
        assert_eq!(with(16, b'X'), Some(Cause::BadMechanism));
        assert_eq!(with(11, 9), None);
    }

    #[test]
    fn ready_says_kind_and_identity() {
        let name = vec![7; 255];
        let frame = dialler_ready_frame("DEALER", Some(&name));
        let identity = Identity::new(name).ok();
        let ready = Ready { kind: Some(SocketKind::Dealer), identity, wants_reason: true };
        assert_eq!(command(body(&frame)), Ok(Command::Ready(ready)));
        let frame = ready_frame("SUB");
        let ready = Ready { kind: None, identity: None, wants_reason: false };
        assert_eq!(command(body(&frame)), Ok(Command::Ready(ready)));
        let frame = dialler_ready_frame("DEALER", Some(&[7; 256]));
        assert_eq!(command(body(&frame)), Err(Cause::BadIdentity));
    }

    #[test]
    fn ping_gives_its_context_and_error_its_reason() {
        assert_eq!(
            command(body(&ping_frame(b"abc"))),
            Ok(Command::Ping { ttl: Duration::ZERO, context: Bytes::from_static(b"abc") })
        );
        assert_eq!(command(body(&ping_frame(&[1; 17]))), Err(Cause::BadCommand));
        let pong = Bytes::from_static(b"x");
        assert_eq!(command(body(&pong_frame(b"x"))), Ok(Command::Pong(pong)));
        let ttl = Duration::from_secs(2);
        assert_eq!(command(b"\x04PING\x00\x14"), Ok(Command::Ping { ttl, context: Bytes::new() }));
        assert_eq!(command(b"\x04PING\x00"), Err(Cause::BadCommand));
        let told = command(body(&error_frame(Cause::NameInUse)));
        assert_eq!(told, Ok(Command::Error(Cause::NameInUse)));
        assert_eq!(command(b"\x05HELLO"), Err(Cause::BadCommand));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = judge_greeting(&bytes);
            let _ = head(&bytes);
            let _ = command(&bytes);
            let _ = command(&[b"\x05READY", &bytes[..]].concat());
        }

        #[test]
        fn heads_are_read_as_they_are_written(len in 0..100_000_usize) {
            let mut bytes = Vec::new();
            put_head(&mut bytes, Flags::Last, len);
            let read = head(&bytes).expect("good").expect("whole");
            prop_assert_eq!((read.body, read.size), (len as u64, bytes.len()));
        }
    }
}
