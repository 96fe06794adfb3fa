//! The two pumps of a stranger: to the private connection, and from those who send to it.
//!
//! Inward, every frame is judged before it is passed on, PING is answered here, and marks stand
//! before and after. Outward, messages are written as they were taken, with PONG put between them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio_util::sync::CancellationToken;

use super::asides::Asides;
use super::assembly::Part;
use super::batch::Batch;
use super::marks::{MARK_LEN, Mark, Secret};
use super::stream::Stream;
use super::walker::{Cut, Step, Then, Walker};
use super::window::{Buffers, Window};
use super::zmtp::{self, Command, Flags};
use crate::outlet::Outlet;
use crate::queue::{Queue, Taken};
use crate::{Cause, Limits};

const ZEROS: [u8; 16 * 1024] = [0; 16 * 1024];

/// Runs both pumps until one ends for good, and says why. Asides that wait already are the first
/// that the stranger hears.
///
/// # Cancel safety
/// Both pumps stay as they are when it is dropped, to be finished or drained.
pub(crate) async fn splice(
    inward: &mut Inward,
    outward: &mut Outward,
    outer: &Stream,
    inner: &Stream,
    asides: &Asides,
) -> Cause {
    let inwards = inward.pump(outer, inner, asides);
    tokio::pin!(inwards);
    tokio::select! {
        biased;
        cause = &mut inwards => cause,
        cause = outward.pump(outer, asides) => match cause {
            // It may go on talking for ever.
            Cause::Stalled => cause,
            // What a peer said before it stopped listening is still heard.
            _ => match inwards.await {
                Cause::Closed => cause,
                other => other,
            },
        },
    }
}

/// From the stranger to the private connection.
#[derive(Debug)]
pub(crate) struct Inward {
    walker: Walker,
    window: Window,
    /// Bytes at the front of the window that were walked over and are still to be written.
    due: usize,
    /// What it has of a message that is not whole.
    part: Part,
    /// What came of that last, and is no part of it yet.
    owed: usize,
}

impl Inward {
    pub(crate) fn new(limits: Limits, window: Window, part: Part) -> Self {
        Self { walker: Walker::new(limits, MARK_LEN), window, due: 0, part, owed: 0 }
    }

    /// Cancelled when the stranger keeps others from being heard for too long.
    pub(crate) fn late(&self) -> CancellationToken {
        self.part.late()
    }

    async fn pump(&mut self, outer: &Stream, inner: &Stream, asides: &Asides) -> Cause {
        loop {
            if self.write_due(inner).await.is_err() {
                return Cause::Internal;
            }
            let Step { pass, then } = self.walker.walk(self.window.bytes());
            self.due = pass;
            if self.walker.between_messages() {
                self.part.end();
                self.owed = 0;
            } else {
                self.owed += pass;
            }
            if pass > 0 {
                continue;
            }
            match then {
                Then::Refuse(cause) => return cause,
                Then::Command { head, body } => {
                    let bytes = self.window.bytes().get(head..head + body).unwrap_or_default();
                    match zmtp::command(bytes) {
                        Ok(Command::Ping { ttl, context }) => asides.hear_ping(ttl, &context),
                        Ok(Command::Pong(context)) => asides.hear_pong(&context),
                        Ok(Command::Other) => {}
                        Ok(Command::Error(cause)) => return cause,
                        Ok(Command::Ready(_)) | Err(_) => return Cause::BadCommand,
                    }
                    self.window.consume(head + body);
                }
                Then::More => {
                    if self.owed > 0 {
                        self.part.grow(self.owed).await;
                        self.owed = 0;
                    }
                    asides.valve.open().await;
                    asides.life.listen();
                    match self.window.fill(outer).await {
                        Ok(0) => return Cause::Closed,
                        Ok(_) => asides.life.hear(),
                        Err(error) => return Cause::from_io(&error),
                    }
                }
            }
        }
    }

    /// Whether the stream ended in the middle of something.
    pub(crate) fn is_cut(&self) -> bool {
        !self.walker.between_messages() || !self.window.bytes().is_empty()
    }

    /// The bytes of the largest frame that was passed on.
    pub(crate) fn largest_frame(&self) -> u64 {
        self.walker.largest()
    }

    /// How much of a frame is missing for the stream to be whole again.
    pub(crate) fn missing(&self) -> u64 {
        match self.walker.cut() {
            Cut::Nowhere => 0,
            Cut::InMore { missing } | Cut::InLast { missing } => missing,
        }
    }

    /// Makes a whole message of one that was cut, marked to be thrown away.
    pub(crate) async fn finish(&mut self, inner: &Stream, secret: &Secret) -> std::io::Result<()> {
        self.write_due(inner).await?;
        let abort = secret.write(Mark::Abort);
        match self.walker.cut() {
            Cut::Nowhere => Ok(()),
            Cut::InMore { missing } => {
                pad(inner, missing).await?;
                let mut frame = Vec::with_capacity(2 + MARK_LEN);
                zmtp::put_head(&mut frame, Flags::Last, abort.len());
                frame.extend_from_slice(&abort);
                inner.write_all(&frame).await
            }
            Cut::InLast { missing } => {
                pad(inner, missing.saturating_sub(MARK_LEN as u64)).await?;
                inner.write_all(&abort).await
            }
        }
    }

    async fn write_due(&mut self, inner: &Stream) -> std::io::Result<()> {
        while self.due > 0 {
            let wrote =
                inner.write(self.window.bytes().get(..self.due).unwrap_or_default()).await?;
            self.window.consume(wrote);
            self.due -= wrote;
        }
        Ok(())
    }
}

/// From those who send to the stranger.
#[derive(Debug)]
pub(crate) struct Outward {
    outlet: Arc<Outlet>,
    queue: Arc<Queue>,
    /// What was taken from the queue and is not laid out.
    taken: VecDeque<Taken>,
    /// What is not laid out of the message that is under way.
    current: Option<Taken>,
    batch: Batch,
}

impl Outward {
    pub(crate) fn new(outlet: &Arc<Outlet>, queue: &Arc<Queue>, buffers: &Arc<Buffers>) -> Self {
        Self {
            outlet: Arc::clone(outlet),
            queue: Arc::clone(queue),
            taken: VecDeque::new(),
            current: None,
            batch: Batch::new(buffers),
        }
    }

    async fn pump(&mut self, outer: &Stream, asides: &Asides) -> Cause {
        loop {
            if let Err(error) = self.write_due(outer, asides).await {
                return Cause::from_io(&error);
            }
            self.lay_out(asides);
            if !self.batch.is_empty() {
                continue;
            }
            self.batch.rest();
            tokio::select! {
                biased;
                () = asides.came.notified() => {}
                () = self.queue.came() => {}
            }
        }
    }

    /// Writes all that was taken.
    pub(crate) async fn flush(&mut self, outer: &Stream, asides: &Asides) -> std::io::Result<()> {
        loop {
            self.write_due(outer, asides).await?;
            self.lay_out(asides);
            if self.batch.is_empty() {
                return Ok(());
            }
        }
    }

    /// Lays out what is next: messages, and in front of the first that begins in this batch an aside.
    fn lay_out(&mut self, asides: &Asides) {
        let mut begun = false;
        loop {
            if let Some(message) = self.current.take() {
                self.current = self.batch.put_message(message);
            }
            if self.current.is_some() || !self.batch.has_place() {
                return;
            }
            if !begun && let Some(aside) = asides.pop() {
                self.batch.put(&aside);
            }
            begun = true;
            if self.taken.is_empty() {
                self.queue.take_all(&mut self.taken);
            }
            self.current = self.taken.pop_front();
            if self.current.is_none() {
                return;
            }
        }
    }

    async fn write_due(&mut self, outer: &Stream, asides: &Asides) -> std::io::Result<()> {
        let passed = &self.outlet.known.passed;
        let count = |messages| {
            passed.fetch_add(messages, Ordering::Release);
        };
        self.batch.write(outer, &asides.life, count).await
    }
}

async fn pad(to: &Stream, mut missing: u64) -> std::io::Result<()> {
    while missing > 0 {
        let len = usize::try_from(missing).map_or(ZEROS.len(), |len| len.min(ZEROS.len()));
        let wrote = to.write(ZEROS.get(..len).unwrap_or_default()).await?;
        missing -= wrote as u64;
    }
    Ok(())
}
