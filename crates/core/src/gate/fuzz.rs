//! What must hold of any bytes from a stranger: entry points for fuzzing, and the same as property tests.
//!
//! Here and not in a test because a fuzzer is a program of its own. Built only for the two.

use std::io::Write as _;

use tokio::runtime::Builder;

use super::handshake::{Guest, greet, introduce};
use super::stream::Stream;
use super::walker::{Then, Walker};
use super::zmtp::{self, COMMAND_MAX};
use crate::{Cause, Identity, Limits, SocketKind};

/// What passes is whole frames within the limits, however the bytes are cut into pieces.
///
/// The first byte says how they are cut, the others are the stream.
///
/// # Panics
/// Where that does not hold.
pub fn walker(bytes: &[u8]) {
    let Some((&cut, stream)) = bytes.split_first() else {
        return;
    };
    let limits = Limits { frame: 300, message: 500, frames: 4, ..Limits::default() };
    let whole = walk(limits, stream, stream.len());
    let pieces = walk(limits, stream, usize::from(cut) + 1);
    assert_eq!(whole, pieces, "cut into pieces of {}", usize::from(cut) + 1);
    let (mut frames, mut size, mut rest) = (0, 0, whole.passed.as_slice());
    while let Ok(Some(head)) = zmtp::head(rest) {
        (frames, size) = (frames + 1, size + head.body);
        assert!(!head.command && head.body <= limits.frame as u64, "{head:?}");
        assert!(frames <= limits.frames && size <= limits.message as u64, "{frames}, {size}");
        if !head.more {
            (frames, size) = (0, 0);
        }
        let end = head.size + head.body as usize;
        let Some(behind) = rest.get(end..) else {
            break;
        };
        rest = behind;
    }
}

/// What came of a walk.
#[derive(PartialEq, Eq, Debug)]
struct Walked {
    passed: Vec<u8>,
    commands: Vec<Vec<u8>>,
    refused: Option<Cause>,
}

fn walk(limits: Limits, stream: &[u8], piece: usize) -> Walked {
    let mut walker = Walker::new(limits, super::marks::MARK_LEN);
    let mut walked = Walked { passed: vec![], commands: vec![], refused: None };
    let mut held = Vec::new();
    for piece in stream.chunks(piece.max(1)) {
        held.extend_from_slice(piece);
        loop {
            let step = walker.walk(&held);
            walked.passed.extend(held.drain(..step.pass));
            match step.then {
                Then::More => break,
                Then::Command { head, body } => {
                    let command: Vec<u8> = held.drain(..head + body).collect();
                    let _ = zmtp::command(command.get(head..).unwrap_or_default());
                    walked.commands.push(command);
                }
                Then::Refuse(cause) => {
                    walked.refused = Some(cause);
                    return walked;
                }
            }
        }
        assert!(held.len() <= 9 + COMMAND_MAX, "{} bytes are held", held.len());
    }
    walked
}

/// A stranger that dialled is refused, or is one that may come in, and nothing of what it sent behind its
/// handshake is lost.
///
/// # Panics
/// Where that does not hold.
pub fn accepted(bytes: &[u8]) {
    if let Some((guest, unread)) = shake(bytes, true) {
        let kinds = [SocketKind::Dealer, SocketKind::Req, SocketKind::Router];
        assert!(kinds.contains(&guest.kind));
        nothing_is_lost(bytes, guest, &unread);
    }
}

/// The same of a stranger that was dialled.
///
/// # Panics
/// Where that does not hold.
pub fn dialled(bytes: &[u8]) {
    if let Some((guest, unread)) = shake(bytes, false) {
        assert!(matches!(guest.kind, SocketKind::Dealer | SocketKind::Router));
        nothing_is_lost(bytes, guest, &unread);
    }
}

fn nothing_is_lost(bytes: &[u8], guest: Guest, unread: &[u8]) {
    let length = guest.identity.map(|identity| identity.as_bytes().len());
    assert!(length.is_none_or(|length| (1..=Identity::MAX_LEN).contains(&length)));
    assert!(bytes.ends_with(&[&guest.early[..], unread].concat()));
}

/// Shakes hands with one that sends these bytes and then nothing more. Gives back what it is, and what was
/// not read.
fn shake(bytes: &[u8], accepts: bool) -> Option<(Guest, Vec<u8>)> {
    let bytes = bytes.get(..bytes.len().min(32 * 1024))?;
    let (near, mut far) = std::os::unix::net::UnixStream::pair().ok()?;
    far.write_all(bytes).ok()?;
    far.shutdown(std::net::Shutdown::Write).ok()?;
    near.set_nonblocking(true).ok()?;
    Builder::new_current_thread().enable_io().build().ok()?.block_on(async {
        let stream = Stream::Unix(tokio::net::UnixStream::from_std(near).ok()?);
        let guest = match accepts {
            true => greet(&stream, SocketKind::Router).await.ok()?,
            false => introduce(&stream, SocketKind::Dealer, Some(b"us")).await.ok()?,
        };
        let mut unread = vec![0; bytes.len()];
        let read = stream.try_read(&mut unread).unwrap_or(0);
        unread.truncate(read);
        Some((guest, unread))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    /// The files of a corpus, of which there are some.
    fn corpus(name: &str) -> Vec<Vec<u8>> {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
        let files = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
        let files: Vec<_> = files.map(|file| fs::read(file.expect("listed").path())).collect();
        assert!(!files.is_empty(), "{} is empty", dir.display());
        files.into_iter().map(|file| file.expect("a file")).collect()
    }

    fn bent(name: &'static str) -> impl Strategy<Value = Vec<u8>> {
        let seeds = prop::sample::select(corpus(name));
        let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
        let seeds = (seeds, changes).prop_map(|(mut seed, changes)| {
            for (at, byte) in changes {
                let at = at.index(seed.len() + 1);
                match seed.get_mut(at) {
                    Some(there) => *there = byte,
                    None => seed.push(byte),
                }
            }
            seed
        });
        prop_oneof![3 => seeds, 1 => prop::collection::vec(any::<u8>(), 0..600)]
    }

    #[test]
    fn what_fuzzing_found_holds() {
        for (name, entry) in
            [("walker", walker as fn(&[u8])), ("accepted", accepted), ("dialled", dialled)]
        {
            for seed in corpus(name) {
                entry(&seed);
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_alike(bytes in bent("walker")) {
            walker(&bytes);
        }

        #[test]
        fn any_bytes_may_be_a_handshake(bytes in bent("accepted")) {
            accepted(&bytes);
            dialled(&bytes);
        }
    }
}
