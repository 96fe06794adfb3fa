//! The way out to one peer: its queue's room, its end, and where its messages go.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::gate::asides::Asides;
use crate::mailbox::{Mail, Mailbox};
use crate::queue::Queue;
use crate::room::{Permit, Room, Total};
use crate::{Cause, Frames, Identity, Limits, Peer, SendError};

/// A peer as events name it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) peer: Peer,
    /// What [`Peer::identity`] says, or one made here.
    pub(crate) name: Identity,
    /// Why the connection ended, once it has.
    pub(crate) end: OnceLock<Cause>,
    /// The number of the private connection that carries it, if any.
    pub(crate) inner: usize,
    /// Messages for it that went out whole; over `mem://` set when it ends, before [`Known::end`] is.
    pub(crate) passed: AtomicU64,
    /// Messages of it that were taken out of a [`Mailbox`].
    pub(crate) heard: AtomicU64,
    /// Its messages stay in the [`Mailbox`].
    pub(crate) paused: AtomicBool,
    /// It has done what it was dialled for, however long it lasts.
    pub(crate) vouched: AtomicBool,
}

impl Known {
    pub(crate) fn new(peer: Peer, name: Identity, inner: usize) -> Arc<Self> {
        Arc::new(Self {
            peer,
            name,
            end: OnceLock::new(),
            inner,
            passed: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            paused: AtomicBool::new(false),
            vouched: AtomicBool::new(false),
        })
    }
}

/// Where messages go from here.
#[derive(Debug)]
pub(crate) enum Way {
    /// To whom the gate writes what is in here.
    Wire(Arc<Queue>),
    /// Into another socket's mailbox, under the name that it knows us by.
    Mem(Arc<Mailbox>, Arc<Known>),
}

/// The way out to one peer.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) known: Arc<Known>,
    /// Cancelled to close the connection.
    pub(crate) hang_up: CancellationToken,
    why: OnceLock<Cause>,
    limits: Limits,
    room: Arc<Room>,
    sends: Sends,
    way: Way,
    asides: Option<Arc<Asides>>,
    /// Where what the peer says is put, where that is a mailbox.
    inward: Option<Arc<Mailbox>>,
}

impl Outlet {
    pub(crate) fn new(
        known: Arc<Known>,
        way: Way,
        limits: Limits,
        total: &Arc<Total>,
        asides: Option<&Arc<Asides>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            known,
            hang_up: CancellationToken::new(),
            why: OnceLock::new(),
            limits,
            room: Room::new(total),
            sends: Sends::default(),
            way,
            asides: asides.map(Arc::clone),
            inward: None,
        })
    }

    /// The way out to a peer of the same process, whose words are put in `inward`.
    pub(crate) fn within(
        known: Arc<Known>,
        way: Way,
        limits: Limits,
        total: &Arc<Total>,
        inward: &Arc<Mailbox>,
    ) -> Arc<Self> {
        Arc::new(Self {
            known,
            hang_up: CancellationToken::new(),
            why: OnceLock::new(),
            limits,
            room: Room::new(total),
            sends: Sends::default(),
            way,
            asides: None,
            inward: Some(Arc::clone(inward)),
        })
    }

    /// Closes the connection for this cause.
    pub(crate) fn hang_up_for(&self, cause: Cause) {
        let _ = self.why.set(cause);
        self.hang_up.cancel();
    }

    /// Why the connection was closed from here.
    pub(crate) fn why(&self) -> Cause {
        self.why.get().copied().unwrap_or(Cause::ClosedHere)
    }

    pub(crate) fn has_room(&self) -> bool {
        self.is_open() && self.room.is_free()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.sends.are_allowed()
    }

    /// Whether the peer is there, as far as it can be asked.
    pub(crate) async fn answers(&self, patience: Duration) -> bool {
        let there = match &self.asides {
            Some(asides) if self.is_open() => asides.ask(patience).await,
            _ => true,
        };
        there && self.is_open()
    }

    /// For how long no byte has come from the peer; none of one whose bytes nobody counts.
    pub(crate) fn silent_for(&self) -> Option<Duration> {
        self.asides.as_ref().map(|asides| asides.silent_for())
    }

    /// How many bytes have been written to the peer's connection; 0 to one whose bytes nobody counts.
    pub(crate) fn written(&self) -> u64 {
        self.asides.as_ref().map_or(0, |asides| asides.written())
    }

    /// Has the peer not be read, or read again; of what is under way some still comes.
    pub(crate) fn pause(&self, paused: bool) {
        match (&self.asides, &self.inward) {
            (Some(asides), _) => asides.valve.shut(paused),
            (None, Some(mailbox)) => mailbox.pause(&self.known, paused),
            (None, None) => {}
        }
    }

    /// How many messages have gone out so far.
    pub(crate) fn passed(&self) -> u64 {
        match &self.way {
            Way::Wire(_) => self.known.passed.load(Ordering::Acquire),
            Way::Mem(_, from) => from.heard.load(Ordering::Acquire),
        }
    }

    /// Takes a message for the peer or refuses it, without waiting for the peer.
    pub(crate) fn offer(&self, frames: Frames) -> Result<(), SendError> {
        self.pass(frames, Room::take)
    }

    /// Takes a message for the peer, over the high-water mark if need be.
    pub(crate) fn press(&self, frames: Frames) -> Result<(), SendError> {
        self.pass(frames, |room, bytes| Some(room.take_over(bytes)))
    }

    fn pass(
        &self,
        frames: Frames,
        take: impl FnOnce(&Arc<Room>, usize) -> Option<Permit>,
    ) -> Result<(), SendError> {
        let Some(bytes) = within(&self.limits, &frames) else {
            return Err(SendError::BadMessage { frames });
        };
        let Some(_sending) = self.sends.begin() else {
            return Err(SendError::Gone { frames });
        };
        let Some(permit) = take(&self.room, bytes) else {
            return Err(SendError::Full { frames });
        };
        match &self.way {
            Way::Wire(queue) => {
                queue.push(frames, permit);
                Ok(())
            }
            Way::Mem(mailbox, from) => mailbox
                .post(Mail::Message(Arc::clone(from), frames), Some(permit))
                .map_err(|frames| SendError::Gone { frames }),
        }
    }

    /// Takes a message for the peer as soon as there is room.
    pub(crate) async fn offer_when_free(&self, frames: Frames) -> Result<(), SendError> {
        let mut frames = match self.offer(frames) {
            Err(SendError::Full { frames }) => frames,
            done => return done,
        };
        let wait = self.room.wait();
        loop {
            let (here, of_all) = wait.freed();
            let (mut here, mut of_all) = (std::pin::pin!(here), std::pin::pin!(of_all));
            here.as_mut().enable();
            of_all.as_mut().enable();
            frames = match self.offer(frames) {
                Err(SendError::Full { frames }) => frames,
                done => return done,
            };
            tokio::select! {
                biased;
                () = here => {}
                () = of_all => {}
            }
        }
    }

    /// Takes no more messages from now on, and wakes those who wait for room.
    pub(crate) fn seal(&self) {
        self.sends.forbid();
        self.room.wake();
    }

    /// Waits until every message that was taken is where it goes from here.
    pub(crate) async fn all_handed_on(&self) {
        self.sends.over().await;
    }
}

/// The bytes of a message, if it is one that may be sent.
fn within(limits: &Limits, frames: &Frames) -> Option<usize> {
    let mut bytes = 0_usize;
    for frame in frames {
        if frame.len() > limits.frame {
            return None;
        }
        bytes = bytes.saturating_add(frame.len());
    }
    let fits = !frames.is_empty() && frames.len() <= limits.frames && bytes <= limits.message;
    fits.then_some(bytes)
}

/// Sends under way, and whether more are allowed.
#[derive(Debug, Default)]
struct Sends {
    /// How many, and [`FORBIDDEN`].
    state: AtomicUsize,
    none: Notify,
}

const FORBIDDEN: usize = 1 << (usize::BITS - 1);

impl Sends {
    fn begin(&self) -> Option<Sending<'_>> {
        let before = self.state.fetch_add(1, Ordering::AcqRel);
        let sending = Sending(self);
        (before & FORBIDDEN == 0).then_some(sending)
    }

    fn are_allowed(&self) -> bool {
        self.state.load(Ordering::Acquire) & FORBIDDEN == 0
    }

    fn forbid(&self) {
        self.state.fetch_or(FORBIDDEN, Ordering::AcqRel);
    }

    async fn over(&self) {
        while self.state.load(Ordering::Acquire) & !FORBIDDEN != 0 {
            self.none.notified().await;
        }
    }
}

struct Sending<'a>(&'a Sends);

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        if self.0.state.fetch_sub(1, Ordering::AcqRel) == FORBIDDEN + 1 {
            self.0.none.notify_one();
        }
    }
}
