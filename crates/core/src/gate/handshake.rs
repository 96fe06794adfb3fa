//! The ZMTP handshake, as the side that was dialled, as the side that dialled, and with our own
//! private ROUTER.
//!
//! Our whole greeting is written at once, before the peer's is read: libzmq waits for it. A dialler
//! says READY without waiting for the other's; whoever was dialled judges the peer's READY first,
//! so that a peer which is refused never believes itself connected. One of ours is told the reason.

use super::stream::Stream;
use super::zmtp::{self, Command, READY_MAX, Ready};
use crate::{Cause, Identity, SocketKind};

const CHUNK: usize = 1024;

/// A stranger that has said who it is.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) kind: SocketKind,
    pub(crate) identity: Option<Identity>,
    pub(crate) wants_reason: bool,
    /// It speaks ZMTP 3 with this minor version.
    pub(crate) minor: u8,
    /// What it sent after its READY.
    pub(crate) early: Vec<u8>,
}

/// Greets whoever dialled us, up to its READY. Ours is still to be said.
pub(crate) async fn greet(stream: &Stream, ours: SocketKind) -> Result<Guest, Cause> {
    let mut shake = Shake::new(stream);
    shake.say(&zmtp::greeting()).await?;
    let minor = shake.hear_greeting().await?;
    let ready = shake.hear_ready().await?;
    let wants_reason = ready.wants_reason;
    match fitting(ready, ours) {
        Ok((kind, identity)) => {
            Ok(Guest { kind, identity, wants_reason, minor, early: shake.held })
        }
        Err(cause) => {
            refuse(stream, wants_reason, cause);
            Err(cause)
        }
    }
}

/// Says why a guest is refused, if it wants to hear it.
pub(crate) fn refuse(stream: &Stream, wants_reason: bool, cause: Cause) {
    if wants_reason {
        let _ = stream.try_write(&zmtp::error_frame(cause));
    }
}

/// Shakes hands with whom we dialled.
pub(crate) async fn introduce(
    stream: &Stream,
    ours: SocketKind,
    identity: Option<&[u8]>,
) -> Result<Guest, Cause> {
    let mut shake = Shake::new(stream);
    shake.say(&zmtp::greeting()).await?;
    let minor = shake.hear_greeting().await?;
    let ready = zmtp::dialler_ready_frame(ours.as_str(), identity);
    shake.say(&ready).await?;
    let ready = shake.hear_ready().await?;
    let wants_reason = ready.wants_reason;
    let (kind, identity) = fitting(ready, ours)?;
    Ok(Guest { kind, identity, wants_reason, minor, early: shake.held })
}

fn fitting(ready: Ready, ours: SocketKind) -> Result<(SocketKind, Option<Identity>), Cause> {
    match ready.kind {
        Some(kind) if ours.goes_with(kind) => Ok((kind, ready.identity)),
        _ => Err(Cause::WrongSocketType),
    }
}

/// A handshake under way.
struct Shake<'a> {
    stream: &'a Stream,
    /// What was read and not yet understood: never more than a READY and a chunk.
    held: Vec<u8>,
}

impl<'a> Shake<'a> {
    fn new(stream: &'a Stream) -> Self {
        Self { stream, held: Vec::new() }
    }

    async fn say(&self, bytes: &[u8]) -> Result<(), Cause> {
        self.stream.write_all(bytes).await.map_err(|error| Cause::from_io(&error))
    }

    async fn hear_greeting(&mut self) -> Result<u8, Cause> {
        loop {
            if let Some(minor) = zmtp::judge_greeting(&self.held)? {
                self.held.drain(..zmtp::GREETING_LEN);
                return Ok(minor);
            }
            self.hear().await?;
        }
    }

    async fn hear_ready(&mut self) -> Result<Ready, Cause> {
        loop {
            if let Some(head) = zmtp::head(&self.held).map_err(|_| Cause::BadHandshake)? {
                if head.body > READY_MAX as u64 {
                    return Err(Cause::FrameTooLarge);
                }
                if !head.command {
                    return Err(Cause::BadHandshake);
                }
                let end = head.size + usize::try_from(head.body).unwrap_or(usize::MAX);
                if let Some(body) = self.held.get(head.size..end) {
                    let command = zmtp::command(body);
                    self.held.drain(..end);
                    return match command {
                        Ok(Command::Ready(ready)) => Ok(ready),
                        Ok(Command::Error(cause)) => Err(cause),
                        Err(Cause::BadIdentity) => Err(Cause::BadIdentity),
                        _ => Err(Cause::BadHandshake),
                    };
                }
            }
            self.hear().await?;
        }
    }

    async fn hear(&mut self) -> Result<(), Cause> {
        loop {
            self.stream.readable().await.map_err(|error| Cause::from_io(&error))?;
            let mut chunk = [0; CHUNK];
            match self.stream.try_read(&mut chunk) {
                Ok(0) => return Err(Cause::Closed),
                Ok(read) => {
                    self.held.extend_from_slice(chunk.get(..read).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(Cause::from_io(&error)),
            }
        }
    }
}
