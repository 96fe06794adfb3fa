//! A stream's bytes between reading and writing, in buffers that are lent only while they are full.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::stream::Stream;

pub(super) const BUFFER_LEN: usize = 64 * 1024;
const KEPT_BUFFERS: usize = 16;

/// Buffers that nobody uses now.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    free: Mutex<Vec<Box<[u8]>>>,
}

impl Buffers {
    pub(super) fn lend(&self) -> Box<[u8]> {
        let lent = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        lent.unwrap_or_else(|| vec![0; BUFFER_LEN].into())
    }

    pub(super) fn take_back(&self, buffer: Box<[u8]>) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT_BUFFERS {
            free.push(buffer);
        }
    }
}

/// What was read of a stream and not yet dealt with.
#[derive(Debug)]
pub(crate) struct Window {
    buffers: Arc<Buffers>,
    lent: Option<Lent>,
    /// The little that is left over while no buffer is lent.
    rest: Vec<u8>,
}

#[derive(Debug)]
struct Lent {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Window {
    pub(crate) fn new(buffers: &Arc<Buffers>, rest: Vec<u8>) -> Self {
        Self { buffers: Arc::clone(buffers), lent: None, rest }
    }

    /// The bytes, oldest first.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.lent {
            Some(lent) => lent.buffer.get(lent.start..lent.end).unwrap_or_default(),
            None => &self.rest,
        }
    }

    /// The oldest `len` of them are dealt with.
    pub(crate) fn consume(&mut self, len: usize) {
        match &mut self.lent {
            Some(lent) => lent.start = (lent.start + len).min(lent.end),
            None => drop(self.rest.drain(..len.min(self.rest.len()))),
        }
    }

    /// Waits for more bytes; 0 is the end of the stream.
    ///
    /// # Cancel safety
    /// If it is dropped before it is done, nothing was read.
    pub(crate) async fn fill(&mut self, from: &Stream) -> io::Result<usize> {
        self.put_back();
        loop {
            from.readable().await?;
            let lent = self.lend();
            let room = lent.buffer.get_mut(lent.end..).unwrap_or_default();
            if room.is_empty() {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            match from.try_read(room) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.put_back(),
                Ok(read) => {
                    lent.end += read;
                    return Ok(read);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn lend(&mut self) -> &mut Lent {
        self.lent.get_or_insert_with(|| {
            let mut buffer = self.buffers.lend();
            let end = self.rest.len();
            if let Some(front) = buffer.get_mut(..end) {
                front.copy_from_slice(&self.rest);
            }
            self.rest.clear();
            Lent { buffer, start: 0, end }
        })
    }

    fn put_back(&mut self) {
        if self.lent.is_some() {
            self.rest = self.bytes().to_vec();
            if let Some(lent) = self.lent.take() {
                self.buffers.take_back(lent.buffer);
            }
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.put_back();
    }
}
