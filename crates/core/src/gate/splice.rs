//! The two pumps between a stranger and its private connection.
//!
//! Inward, every frame is judged before it is passed on, PING is answered here, and marks stand
//! before and after. Outward, bytes pass as they are, with PONG put between whole messages.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::asides::Asides;
use super::assembly::Part;
use super::marks::{MARK_LEN, Mark, Secret};
use super::stream::Stream;
use super::walker::{Cut, Step, Stop, Then, Walker};
use super::window::Window;
use super::zmtp::{self, Command, Flags};
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
        cause = outward.pump(inner, outer, asides) => match cause {
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
            let Step { pass, then, .. } = self.walker.walk(self.window.bytes(), Stop::AtTheEnd);
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

/// From the private connection to the stranger.
#[derive(Debug)]
pub(crate) struct Outward {
    walker: Walker,
    window: Window,
    /// Bytes at the front of the window that were walked over last and are not all written.
    due: usize,
    /// Of those, so many are written.
    written: usize,
    /// So many messages end in them.
    messages: u64,
    /// The walker as it was before it walked over them.
    before: Walker,
    /// So many messages were written whole before them.
    passed: u64,
    /// Of the stranger that they are for.
    asides: Arc<Asides>,
}

impl Outward {
    pub(crate) fn new(window: Window, asides: &Arc<Asides>) -> Self {
        // What we send ourselves was judged when it was sent.
        let limits = Limits {
            frame: usize::MAX,
            message: usize::MAX,
            frames: usize::MAX,
            ..Limits::default()
        };
        let walker = Walker::new(limits, 0);
        let (before, asides) = (walker.clone(), Arc::clone(asides));
        Self { walker, window, due: 0, written: 0, messages: 0, before, passed: 0, asides }
    }

    /// How many messages were written to the stranger whole.
    pub(crate) fn passed(&self) -> u64 {
        let mut rewalk = self.before.clone();
        let mut bytes = self.window.bytes().get(..self.written).unwrap_or_default();
        let mut passed = self.passed;
        loop {
            let step = rewalk.walk(bytes, Stop::AtTheEnd);
            passed += step.messages;
            if step.pass == 0 {
                return passed;
            }
            bytes = bytes.get(step.pass..).unwrap_or_default();
        }
    }

    async fn pump(&mut self, inner: &Stream, outer: &Stream, asides: &Asides) -> Cause {
        loop {
            if let Err(error) = self.write_due(outer).await {
                return Cause::from_io(&error);
            }
            let between = self.walker.between_messages();
            if between
                && let Some(aside) = asides.pop()
                && let Err(error) = asides.life.write_all(outer, &aside).await
            {
                return Cause::from_io(&error);
            }
            let stop = if asides.any() { Stop::AfterOne } else { Stop::AtTheEnd };
            let then = self.walk(stop);
            if self.due > 0 {
                continue;
            }
            if then != Then::More {
                return Cause::Internal;
            }
            tokio::select! {
                biased;
                () = asides.came.notified(), if between => {}
                read = self.window.fill(inner) => if !matches!(read, Ok(1..)) {
                    return Cause::Internal;
                }
            }
        }
    }

    /// Passes on, or throws away, all that comes before the flush mark.
    pub(crate) async fn flush(
        &mut self,
        inner: &Stream,
        outer: Option<&Stream>,
        secret: &Secret,
    ) -> std::io::Result<()> {
        let mark = secret.message(Mark::Flush);
        loop {
            match outer {
                Some(outer) => self.write_due(outer).await?,
                None => self.done(),
            }
            let bytes = self.window.bytes();
            if self.walker.between_messages() && bytes.starts_with(&mark) {
                self.window.consume(mark.len());
                return Ok(());
            }
            let maybe_mark = self.walker.between_messages() && mark.starts_with(bytes);
            if !maybe_mark {
                self.walk(Stop::AfterOne);
            }
            if self.due == 0 && self.window.fill(inner).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Walks over what is next, which is due from then on.
    fn walk(&mut self, stop: Stop) -> Then {
        self.before.clone_from(&self.walker);
        let step = self.walker.walk(self.window.bytes(), stop);
        (self.due, self.messages) = (step.pass, step.messages);
        step.then
    }

    async fn write_due(&mut self, outer: &Stream) -> std::io::Result<()> {
        while self.written < self.due {
            let rest = self.window.bytes().get(self.written..self.due).unwrap_or_default();
            self.written += self.asides.life.write(outer, rest).await?;
        }
        self.passed += self.messages;
        self.done();
        Ok(())
    }

    /// Nothing is due any more.
    fn done(&mut self) {
        self.window.consume(self.due);
        (self.due, self.written, self.messages) = (0, 0, 0);
    }

    /// Throws everything away up to the end of the stream.
    pub(crate) async fn run_dry(&mut self, inner: &Stream) {
        loop {
            self.window.consume(usize::MAX);
            if !matches!(self.window.fill(inner).await, Ok(1..)) {
                return;
            }
        }
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
