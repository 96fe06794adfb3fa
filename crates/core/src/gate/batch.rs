//! Messages laid out for one write: their heads and small bodies in a buffer, and behind them at
//! most one large body, which is written from where it lies.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::life::Life;
use super::stream::Stream;
use super::window::{BUFFER_LEN, Buffers};
use super::zmtp::{self, Flags};
use crate::queue::{PLACES_KEPT, Taken};
use crate::room::Permit;

/// The bytes from which a body is not copied.
const LARGE: usize = 16 * 1024;
/// The bytes of what is small: any command of ours, and most messages.
const SMALL: usize = 1024;

/// What is being written. While it is empty, it holds no buffer.
#[derive(Debug)]
pub(super) struct Batch {
    buffers: Arc<Buffers>,
    buffer: Option<Box<[u8]>>,
    /// So much of the buffer is laid out.
    len: usize,
    large: Bytes,
    /// So much of both is written.
    written: usize,
    /// Where messages end, and their room.
    ends: VecDeque<(usize, Permit)>,
}

impl Batch {
    pub(super) fn new(buffers: &Arc<Buffers>) -> Self {
        Self {
            buffers: Arc::clone(buffers),
            buffer: None,
            len: 0,
            large: Bytes::new(),
            written: 0,
            ends: VecDeque::new(),
        }
    }

    /// Lays out as much of a message as there is a place for, and gives the rest back. The room of one
    /// that is laid out whole is free again once it is written.
    pub(super) fn put_message(&mut self, (mut frames, permit): Taken) -> Option<Taken> {
        while let Some(body) = frames.as_slice().first() {
            let last = frames.as_slice().len() == 1;
            if !self.put_frame(body, if last { Flags::Last } else { Flags::More }) {
                return Some((frames, permit));
            }
            frames.next();
        }
        self.ends.push_back((self.total(), permit));
        None
    }

    fn put_frame(&mut self, body: &Bytes, flags: Flags) -> bool {
        let (head, size) = zmtp::head_of(flags, body.len());
        let (copied, left) =
            if body.len() < LARGE { (&body[..], None) } else { (&[][..], Some(body)) };
        let Some(place) = self.place(size + copied.len()) else {
            return false;
        };
        let (front, behind) = place.split_at_mut(size);
        front.copy_from_slice(head.get(..size).unwrap_or_default());
        behind.copy_from_slice(copied);
        self.len += size + copied.len();
        self.large = left.cloned().unwrap_or_default();
        true
    }

    /// Lays out a few bytes as they are, for which there [is a place](Self::has_place).
    pub(super) fn put(&mut self, bytes: &[u8]) {
        if let Some(place) = self.place(bytes.len()) {
            place.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }

    /// Whether there is a place for anything small.
    pub(super) fn has_place(&self) -> bool {
        self.large.is_empty() && self.len + SMALL <= BUFFER_LEN
    }

    pub(super) fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// Writes it all, and counts the messages that end in what is written.
    ///
    /// # Cancel safety
    /// What was written by then is counted, and the rest can be written later.
    pub(super) async fn write(
        &mut self,
        to: &Stream,
        life: &Life,
        passed: impl Fn(u64),
    ) -> io::Result<()> {
        while self.written < self.total() {
            let buffer = self.buffer.as_deref().unwrap_or_default();
            let front = buffer.get(self.written..self.len).unwrap_or_default();
            let behind = self.large.get(self.written.saturating_sub(self.len)..);
            self.written += life.write(to, front, behind.unwrap_or_default()).await?;
            let before = self.ends.len();
            while self.ends.front().is_some_and(|(end, _)| *end <= self.written) {
                self.ends.pop_front();
            }
            passed((before - self.ends.len()) as u64);
        }
        self.clear();
        Ok(())
    }

    /// Keeps little while there is nothing to write.
    pub(super) fn rest(&mut self) {
        self.ends.shrink_to(PLACES_KEPT);
    }

    fn total(&self) -> usize {
        self.len + self.large.len()
    }

    /// A place for so many bytes behind the last, none if there is not so much.
    fn place(&mut self, len: usize) -> Option<&mut [u8]> {
        if !self.large.is_empty() {
            return None;
        }
        let buffer = self.buffer.get_or_insert_with(|| self.buffers.lend());
        buffer.get_mut(self.len..self.len + len)
    }

    fn clear(&mut self) {
        (self.len, self.written) = (0, 0);
        self.large = Bytes::new();
        self.ends.clear();
        if let Some(buffer) = self.buffer.take() {
            self.buffers.take_back(buffer);
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio::net::UnixStream;

    use super::*;
    use crate::HighWater;
    use crate::room::{Room, Total};

    fn message(lens: &[usize], room: &Arc<Room>) -> Taken {
        let frames: Vec<Bytes> = lens.iter().map(|&len| vec![len as u8; len].into()).collect();
        (frames.into_iter(), room.take_over(lens.iter().sum()))
    }

    fn room() -> Arc<Room> {
        Room::new(&Total::new(HighWater { messages: 1, ..HighWater::default() }))
    }

    /// The frames that a stream consists of: whether more follow, and the body.
    fn frames(mut stream: &[u8]) -> Vec<(bool, Vec<u8>)> {
        let mut frames = Vec::new();
        while let Some(head) = zmtp::head(stream).expect("no refusal") {
            let body = stream.get(head.size..).and_then(|rest| rest.get(..head.body as usize));
            let body = body.expect("the whole body");
            frames.push((head.more, body.to_vec()));
            stream = stream.get(head.size + body.len()..).unwrap_or_default();
        }
        assert!(stream.is_empty());
        frames
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn messages_are_written_as_they_were_taken(
            messages in prop::collection::vec(
                prop::collection::vec(
                    prop_oneof![0..300_usize, LARGE - 2..LARGE + 2, 40_000..70_000_usize],
                    1..4,
                ),
                0..12,
            ),
        ) {
            runtime().block_on(async {
                let (near, far) = UnixStream::pair().expect("a pair");
                let (near, far) = (Stream::Unix(near), Stream::Unix(far));
                let (room, life) = (room(), Life::new(Duration::from_secs(60)));
                let passed = Cell::new(0);
                let writing = async {
                    let mut batch = Batch::new(&Arc::default());
                    for lens in &messages {
                        let mut rest = batch.put_message(message(lens, &room));
                        while let Some(message) = rest {
                            batch.write(&near, &life, |some| passed.set(passed.get() + some)).await?;
                            rest = batch.put_message(message);
                        }
                    }
                    batch.write(&near, &life, |some| passed.set(passed.get() + some)).await?;
                    assert!(batch.is_empty() && batch.buffer.is_none());
                    near.end_writing()
                };
                let reading = async {
                    let mut read = Vec::new();
                    let mut chunk = vec![0; 100_000];
                    loop {
                        far.readable().await.expect("open");
                        match far.try_read(&mut chunk) {
                            Ok(0) => return read,
                            Ok(some) => read.extend_from_slice(&chunk[..some]),
                            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                        }
                    }
                };
                let (written, read) = tokio::join!(writing, reading);
                written.expect("written");
                let sent: Vec<(bool, Vec<u8>)> = messages
                    .iter()
                    .flat_map(|lens| {
                        let last = lens.len() - 1;
                        let bodies = lens.iter().map(|&len| vec![len as u8; len]);
                        bodies.enumerate().map(move |(at, body)| (at < last, body))
                    })
                    .collect();
                assert_eq!(frames(&read), sent);
                assert_eq!(passed.get(), messages.len() as u64);
                assert!(room.is_free());
            });
        }
    }

    #[tokio::test]
    async fn a_message_keeps_its_room_until_it_is_written_whole() {
        let (near, far) = UnixStream::pair().expect("a pair");
        let (near, far) = (Stream::Unix(near), Stream::Unix(far));
        let (room, passed) = (room(), Cell::new(0));
        let life = Life::new(Duration::from_secs(60));
        let mut batch = Batch::new(&Arc::default());
        assert!(batch.put_message(message(&[5], &room)).is_none());
        assert!(batch.put_message(message(&[8_000_000], &room)).is_none());
        let count = |some| passed.set(passed.get() + some);
        {
            let mut writing = std::pin::pin!(batch.write(&near, &life, count));
            std::future::poll_fn(|cx| {
                assert!(writing.as_mut().poll(cx).is_pending(), "nobody reads");
                std::task::Poll::Ready(())
            })
            .await;
        }
        assert_eq!(passed.get(), 1, "the small one is written");
        assert!(!room.is_free(), "the large one is not");
        let (written, ()) = tokio::join!(batch.write(&near, &life, count), async {
            while passed.get() < 2 {
                far.readable().await.expect("open");
                let _ = far.try_read(&mut [0; 65536]);
                tokio::task::yield_now().await;
            }
        });
        written.expect("written");
        assert!(room.is_free());
    }
}
