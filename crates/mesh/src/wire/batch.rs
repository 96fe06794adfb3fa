//! Many small messages in one: a single payload frame that holds them one behind the other.
//!
//! ```text
//!  count   u32   of the messages, then for each:
//!    count   u8    of its frames, then for each:
//!      length  u32   then the frame
//! ```
//!
//! A message comes out as slices of the batch: nothing is copied. Each keeps its own path, link
//! sequence and fate.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{Path, Stamp, WireError};

/// The most bytes of messages that one batch takes.
pub const MAX_BYTES: usize = 64 * 1024;

/// The length of the batch that holds these messages.
#[must_use]
pub fn length<'a>(messages: impl IntoIterator<Item = &'a [Bytes]>) -> usize {
    4 + messages.into_iter().map(message_length).sum::<usize>()
}

/// What one message adds to a batch's length.
#[must_use]
pub fn message_length(frames: &[Bytes]) -> usize {
    1 + frames.iter().map(|frame| 4 + frame.len()).sum::<usize>()
}

/// Writes a batch's payload frame. A message of more than 255 frames does not fit and is left out;
/// callers send such a message alone.
#[must_use]
pub fn write<'a>(messages: impl IntoIterator<Item = &'a [Bytes]> + Clone) -> Bytes {
    let mut writer = Writer::new(length(messages.clone()));
    for frames in messages.into_iter().filter(|frames| frames.len() <= usize::from(u8::MAX)) {
        writer.begin(frames);
        for part in frames {
            writer.frame(part);
        }
    }
    writer.finish()
}

/// Makes a batch message by message.
#[derive(Debug)]
pub(crate) struct Writer {
    batch: BytesMut,
    count: u32,
}

impl Writer {
    pub(crate) fn new(room: usize) -> Self {
        let mut batch = BytesMut::with_capacity(room);
        batch.put_u32_le(0);
        Self { batch, count: 0 }
    }

    /// Adds a message with another path frame than its own.
    pub(crate) fn push(
        &mut self,
        frames: &[Bytes],
        path: &Path<'_>,
        stamp: &Stamp<'_>,
        number: u64,
    ) {
        self.begin(frames);
        for (index, part) in frames.iter().enumerate() {
            if index == 1 {
                self.batch.put_u32_le(path.stamped_length(stamp) as u32);
                path.write_stamped(stamp, number, &mut self.batch);
            } else {
                self.frame(part);
            }
        }
    }

    fn begin(&mut self, frames: &[Bytes]) {
        self.count += 1;
        self.batch.put_u8(u8::try_from(frames.len()).unwrap_or(u8::MAX));
    }

    fn frame(&mut self, frame: &[u8]) {
        self.batch.put_u32_le(frame.len() as u32);
        self.batch.put_slice(frame);
    }

    pub(crate) fn finish(mut self) -> Bytes {
        if let Some(head) = self.batch.first_chunk_mut::<4>() {
            *head = self.count.to_le_bytes();
        }
        self.batch.freeze()
    }
}

/// Takes a batch apart, one message after the other. Room is never set aside by a declared count.
///
/// # Errors
/// Each item is an error where the bytes are wrong; after an error there is nothing more.
pub fn read(batch: Bytes) -> impl Iterator<Item = Result<Vec<Bytes>, WireError>> {
    let mut rest = batch;
    let mut left = rest.try_get_u32_le().map_err(|_| WireError::Truncated("batch"));
    std::iter::from_fn(move || {
        let count = match left {
            Ok(0) if rest.is_empty() => return None,
            Ok(0) => Err(WireError::Trailing("batch")),
            Ok(count) => Ok(count),
            Err(error) => Err(error),
        };
        let message = count.and_then(|count| {
            left = Ok(count - 1);
            message(&mut rest)
        });
        if message.is_err() {
            left = Ok(0);
            rest = Bytes::new();
        }
        Some(message)
    })
}

fn message(rest: &mut Bytes) -> Result<Vec<Bytes>, WireError> {
    let short = |_| WireError::Truncated("batch");
    let count = rest.try_get_u8().map_err(short)?;
    let mut frames = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let length = rest.try_get_u32_le().map_err(short)? as usize;
        if rest.len() < length {
            return Err(WireError::Truncated("batch"));
        }
        frames.push(rest.split_to(length));
    }
    if frames.is_empty() { Err(WireError::Missing("first")) } else { Ok(frames) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_goes_into_a_batch_comes_out(messages in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 1..6), 0..20)) {
            let messages: Vec<Vec<Bytes>> =
                messages.into_iter().map(|frames| frames.into_iter().map(Bytes::from).collect()).collect();
            let batch = write(messages.iter().map(Vec::as_slice));
            prop_assert_eq!(batch.len(), length(messages.iter().map(Vec::as_slice)));
            let back: Result<Vec<_>, _> = read(batch).collect();
            prop_assert_eq!(back, Ok(messages));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let size = bytes.len();
            let seen = read(Bytes::from(bytes)).count();
            prop_assert!(seen <= size + 1);
        }
    }

    #[test]
    fn a_declared_count_takes_no_memory() {
        let lie = Bytes::from_static(b"\xff\xff\xff\xff\x01\xff\xff\xff\xff");
        let seen: Vec<_> = read(lie).collect();
        assert_eq!(seen, [Err(WireError::Truncated("batch"))]);
    }
}
