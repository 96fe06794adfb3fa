//! Walks the frames of a byte stream without holding them: limits, boundaries, commands. No I/O.
//!
//! A walker is shown what has arrived and says how much of it may be passed on. It judges a frame
//! by its head, before any of its body has come, so a huge declared length costs nothing.

#![deny(clippy::indexing_slicing)]

use super::zmtp::{self, COMMAND_MAX, Head};
use crate::{Cause, Limits};

/// The state of the walk between two chunks.
#[derive(Clone, Debug)]
pub(crate) struct Walker {
    limits: Limits,
    tail: u64,
    /// Bytes of the current frame's body still to come.
    left: u64,
    /// Whether the current frame, or the last one if it is over, has another behind it.
    more: bool,
    frames: usize,
    bytes: u64,
    largest: u64,
}

/// What to do with the bytes shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Step {
    /// So many of them belong to messages and may be passed on.
    pub(crate) pass: usize,
    /// What stands behind them.
    pub(crate) then: Then,
}

/// What stands behind the bytes that may be passed on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Then {
    /// Nothing, or the beginning of something: show it again with more behind it.
    More,
    /// A whole command: its head, then its body.
    Command {
        /// The bytes of its head.
        head: usize,
        /// The bytes of its body.
        body: usize,
    },
    /// Something that ends the connection.
    Refuse(Cause),
}

impl Walker {
    /// A walker at the beginning of a stream. The last `tail` bytes of each message's last frame
    /// are passed on together or not at all, so that a message cut short always lacks as much.
    pub(crate) fn new(limits: Limits, tail: usize) -> Self {
        Self { limits, tail: tail as u64, left: 0, more: false, frames: 0, bytes: 0, largest: 0 }
    }

    /// Whether what was passed on so far ends with a whole message.
    pub(crate) fn between_messages(&self) -> bool {
        self.left == 0 && !self.more
    }

    /// The bytes of the largest frame that was begun.
    pub(crate) fn largest(&self) -> u64 {
        self.largest
    }

    /// Whether the frame that was cut is the last of its message, and how much it lacks.
    pub(crate) fn cut(&self) -> Cut {
        match (self.left, self.more) {
            (0, false) => Cut::Nowhere,
            (missing, true) => Cut::InMore { missing },
            (missing, false) => Cut::InLast { missing },
        }
    }

    /// Walks over `bytes`, which begin where the last step's passed bytes and command ended.
    pub(crate) fn walk(&mut self, bytes: &[u8]) -> Step {
        let mut pass = 0;
        let then = loop {
            let Some(rest) = bytes.get(pass..) else {
                break Then::More;
            };
            if self.left > 0 {
                let took = self.body(rest);
                pass += took;
                if self.left > 0 {
                    break Then::More;
                }
            } else {
                match self.begin(rest) {
                    Ok(Some(size)) => pass += size,
                    Ok(None) => break Then::More,
                    Err(then) => break then,
                }
            }
        };
        Step { pass, then }
    }

    /// Takes what may be passed of the current frame's body.
    fn body(&mut self, rest: &[u8]) -> usize {
        let here = rest.len() as u64;
        let took = if here >= self.left {
            self.left
        } else {
            here.min(self.left.saturating_sub(self.tail_of(self.more)))
        };
        self.left -= took;
        usize::try_from(took).unwrap_or(rest.len())
    }

    /// Takes a frame's head, and with it the whole of a short last frame.
    fn begin(&mut self, rest: &[u8]) -> Result<Option<usize>, Then> {
        let Some(head) = zmtp::head(rest).map_err(Then::Refuse)? else {
            return Ok(None);
        };
        if head.command {
            return self.command(head, rest.len());
        }
        let (frames, bytes) = if self.more {
            (self.frames + 1, self.bytes.saturating_add(head.body))
        } else {
            (1, head.body)
        };
        self.judge(head, frames, bytes).map_err(Then::Refuse)?;
        let body_here = (rest.len() - head.size) as u64;
        if !head.more && head.body <= self.tail && body_here < head.body {
            return Ok(None);
        }
        (self.left, self.more, self.frames, self.bytes) = (head.body, head.more, frames, bytes);
        self.largest = self.largest.max(head.body);
        Ok(Some(head.size))
    }

    fn command(&self, head: Head, here: usize) -> Result<Option<usize>, Then> {
        let body = usize::try_from(head.body).unwrap_or(usize::MAX);
        if self.more || body > COMMAND_MAX {
            return Err(Then::Refuse(Cause::BadCommand));
        }
        if here < head.size + body {
            return Ok(None);
        }
        Err(Then::Command { head: head.size, body })
    }

    fn judge(&self, head: Head, frames: usize, bytes: u64) -> Result<(), Cause> {
        if head.body > self.limits.frame as u64 {
            Err(Cause::FrameTooLarge)
        } else if frames > self.limits.frames || (head.more && frames == self.limits.frames) {
            Err(Cause::TooManyFrames)
        } else if bytes > self.limits.message as u64 {
            Err(Cause::MessageTooLarge)
        } else {
            Ok(())
        }
    }

    fn tail_of(&self, more: bool) -> u64 {
        if more { 0 } else { self.tail }
    }
}

/// Where a stream was cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cut {
    /// Between two messages.
    Nowhere,
    /// In a message, `missing` bytes before the end of a frame that has another behind it.
    InMore {
        /// Bytes.
        missing: u64,
    },
    /// `missing` bytes before the end of a message's last frame.
    InLast {
        /// Bytes.
        missing: u64,
    },
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "the tests know their bytes")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TAIL: usize = 25;

    fn limits() -> Limits {
        Limits { frame: 1000, message: 2000, frames: 4, ..Limits::default() }
    }

    fn frame(flags: u8, len: usize) -> Vec<u8> {
        let mut bytes = vec![flags | 2];
        bytes.extend((len as u64).to_be_bytes());
        bytes.resize(9 + len, b'x');
        bytes
    }

    /// Walks a stream that arrives in pieces; says what was passed, the commands, and the end.
    fn walk_all(stream: &[u8], pieces: &[usize]) -> (Vec<u8>, Vec<Vec<u8>>, Option<Cause>) {
        let mut walker = Walker::new(limits(), TAIL);
        let (mut passed, mut commands, mut held) = (Vec::new(), Vec::new(), Vec::new());
        let mut rest = stream;
        let mut pieces = pieces.iter().cycle();
        while !rest.is_empty() {
            let len = pieces.next().map_or(1, |&piece| piece.clamp(1, rest.len()));
            held.extend_from_slice(&rest[..len]);
            rest = &rest[len..];
            loop {
                let step = walker.walk(&held);
                passed.extend(held.drain(..step.pass));
                match step.then {
                    Then::More => break,
                    Then::Command { head, body } => {
                        commands.push(held.drain(..head + body).collect());
                    }
                    Then::Refuse(cause) => return (passed, commands, Some(cause)),
                }
            }
            assert!(held.len() <= 9 + COMMAND_MAX, "a walker holds little: {}", held.len());
        }
        (passed, commands, None)
    }

    fn a_stream() -> impl Strategy<Value = Vec<u8>> {
        let message = prop::collection::vec(0..400_usize, 1..4).prop_map(|lens| {
            let last = lens.len() - 1;
            let frames = lens.into_iter().enumerate();
            frames.flat_map(|(at, len)| frame(u8::from(at < last), len)).collect::<Vec<u8>>()
        });
        let ping = prop::collection::vec(any::<u8>(), 0..16).prop_map(|c| zmtp::ping_frame(&c));
        let noise = prop::collection::vec(any::<u8>(), 0..40);
        let item = prop_oneof![6 => message, 2 => ping, 1 => noise];
        prop::collection::vec(item, 0..8).prop_map(|items| items.concat())
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_walk(
            stream in a_stream(),
            pieces in prop::collection::vec(1..200_usize, 1..20),
        ) {
            let whole = walk_all(&stream, &[stream.len().max(1)]);
            prop_assert_eq!(&walk_all(&stream, &[1]), &whole);
            prop_assert_eq!(&walk_all(&stream, &pieces), &whole);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            walk_all(&bytes, &[3, 50]);
        }
    }

    #[test]
    fn limits_hold_before_a_body_byte_has_come() {
        let refused = |stream: Vec<u8>| walk_all(&stream, &[stream.len()]).2;
        assert_eq!(refused(frame(0, 1000)), None);
        assert_eq!(refused(frame(0, 1001)[..9].to_vec()), Some(Cause::FrameTooLarge));
        let bomb = [&[2][..], &u64::MAX.to_be_bytes()].concat();
        assert_eq!(refused(bomb), Some(Cause::FrameTooLarge));
        assert_eq!(refused([frame(1, 0), frame(1, 0), frame(1, 0), frame(0, 0)].concat()), None);
        assert_eq!(refused([1, 0].repeat(4)), Some(Cause::TooManyFrames));
        let three = [frame(1, 900), frame(1, 900), frame(0, 900)].concat();
        assert_eq!(refused(three), Some(Cause::MessageTooLarge));
    }

    #[test]
    fn commands_stand_only_between_messages() {
        let ping = zmtp::ping_frame(b"x");
        let between = [frame(0, 5), ping.clone(), frame(0, 5)].concat();
        assert_eq!(walk_all(&between, &[7]).1, vec![ping.clone()]);
        let within = [frame(1, 5), ping].concat();
        assert_eq!(walk_all(&within, &[7]).2, Some(Cause::BadCommand));
        assert_eq!(walk_all(&[6, 0, 0, 0, 0, 0, 0, 2, 1], &[9]).2, Some(Cause::BadCommand));
    }

    #[test]
    fn a_cut_last_frame_always_lacks_a_tail() {
        let stream = frame(0, 100);
        for cut in 0..stream.len() {
            let mut walker = Walker::new(limits(), TAIL);
            let step = walker.walk(&stream[..cut]);
            match walker.cut() {
                Cut::Nowhere => assert_eq!(step.pass, 0),
                Cut::InLast { missing } => assert!(missing >= TAIL as u64),
                Cut::InMore { .. } => panic!("there is one frame"),
            }
        }
        let short = frame(0, 10);
        let mut walker = Walker::new(limits(), TAIL);
        assert_eq!(walker.walk(&short[..18]).pass, 0);
        assert_eq!(walker.walk(&short).pass, 19);
        assert!(walker.between_messages());
    }
}
