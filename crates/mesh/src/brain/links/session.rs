//! A link and, while it is up, the connection that it runs over.

use std::time::Duration;

use super::flush::Flush;
use super::impaired::Line;
use super::owed::Owed;
use crate::brain::outbox::{Outbox, Window};
use crate::brain::reconfigure::Retiring;
use crate::brain::{Config, ConnId, LinkConfig};
use crate::name::NodeName;
use crate::wire::hello::{Run, Sent};
use crate::wire::link_state::LinkAck;

/// An acknowledgement goes out when this many messages have come without one,
const ACK_MESSAGES: u64 = 64;
/// or this many bytes,
const ACK_BYTES: usize = 256 * 1024;
/// or when this much time has passed since the first of them.
const ACK_DELAY: Duration = Duration::from_millis(10);

/// A link to one neighbour.
#[derive(Debug)]
pub(in crate::brain) struct Link {
    config: LinkConfig,
    /// Taken down by an operator.
    pub(in crate::brain) cut: bool,
    /// Why the neighbour refused this node when it was asked last.
    pub(in crate::brain) refused: Option<&'static str>,
    pub(in crate::brain) session: Option<Session>,
    pub(in crate::brain) outbox: Outbox,
    pub(in crate::brain) line: Line,
    /// It is taken out, and finishes.
    pub(in crate::brain) retiring: Option<Retiring>,
    /// Since when it is down because nothing came on it: the neighbour may stand still, and go on later.
    pub(in crate::brain) silent: Option<Duration>,
    /// The neighbour's run that it was up with last,
    met: Option<Run>,
    /// and the one that has said good-bye: it takes in what was on its way to it, and is to be sent nothing more.
    farewell: Option<Run>,
}

impl Link {
    /// The link of the node of `config` to `neighbour`, down.
    pub(in crate::brain) fn new(config: &Config, neighbour: &NodeName, link: LinkConfig) -> Self {
        Self {
            config: link,
            cut: link.cut,
            refused: None,
            session: None,
            outbox: Outbox::new(config.settings.window, config.settings.queue),
            line: Line::new(&config.node, neighbour, link.impairment),
            retiring: None,
            silent: None,
            met: None,
            farewell: None,
        }
    }

    /// It has come up. Says whether that is with another run of the neighbour than the last time.
    pub(in crate::brain) fn meet(&mut self) -> bool {
        let run = self.session.as_ref().map(|session| session.run);
        std::mem::replace(&mut self.met, run) != run
    }

    /// The neighbour says whether it is about to end.
    pub(in crate::brain) fn hear_farewell(&mut self, leaving: bool) {
        self.farewell = self.session.as_ref().filter(|_| leaving).map(|session| session.run);
    }

    pub(in crate::brain) fn is_up(&self) -> bool {
        self.session.is_some()
    }

    /// Whether the neighbour is there, and stays.
    pub(in crate::brain) fn stays(&self) -> bool {
        self.session.as_ref().is_some_and(|session| self.farewell != Some(session.run))
    }

    /// Why the neighbour refuses this node, in words.
    pub(in crate::brain) fn refusal(&self) -> Option<String> {
        self.refused.map(|reason| format!("refused: {reason}"))
    }

    /// Whether the others are told of it: what is sent this way finds a node that knows what this one does.
    pub(in crate::brain) fn is_announced(&self) -> bool {
        let told = self.session.as_ref().is_some_and(|session| session.compared.told);
        told && self.retiring.is_none()
    }

    /// Whether all that was sent on it is acknowledged, the neighbour has answered that nothing waits there, where it was
    /// asked, and nothing has come for so long; or it is down.
    pub(in crate::brain) fn is_idle(&self, now: Duration, quiet: Duration) -> bool {
        self.session.as_ref().is_none_or(|session| {
            self.outbox.len() == 0
                && session.owed.len() == 0
                && session.floods_acknowledged == session.floods_sent
                && session.flush.is_answered()
                && session.last + quiet <= now
        })
    }

    /// Whether no acknowledgement is owed to the neighbour, and the delay line is empty: a connection that closes now takes
    /// nothing with it.
    pub(in crate::brain) fn has_said_all(&self) -> bool {
        let session = self.session.as_ref();
        session.is_none_or(|session| session.ack_due.is_none() && self.line.is_empty())
    }

    /// The number of the last message received.
    pub(in crate::brain) fn received(&self) -> u64 {
        self.session.as_ref().map_or(0, |session| session.received)
    }

    /// It is declared so from now on. Says whether this end dialled before.
    pub(in crate::brain) fn set_config(&mut self, config: LinkConfig) -> bool {
        std::mem::replace(&mut self.config, config).dials
    }

    pub(in crate::brain) fn cost(&self) -> u32 {
        self.config.cost.max(1)
    }

    pub(in crate::brain) fn dials(&self) -> bool {
        self.config.dials
    }

    pub(in crate::brain) fn is_upstream(&self) -> bool {
        self.config.upstream
    }

    /// When an acknowledgement is due, or something that was held back.
    pub(in crate::brain) fn due(&self) -> Option<Duration> {
        let retiring = self.retiring.as_ref().map(|retiring| retiring.look);
        let Some(session) = self.session.as_ref() else {
            return retiring;
        };
        session.ack_due.into_iter().chain(self.line.due()).chain(retiring).min()
    }
}

/// A connection that is a link.
#[derive(Debug)]
pub(in crate::brain) struct Session {
    pub(in crate::brain) conn: ConnId,
    pub(in crate::brain) we_dialled: bool,
    /// The neighbour's.
    pub(in crate::brain) run: Run,
    /// The number of the last message received.
    pub(in crate::brain) received: u64,
    /// When it was received.
    last: Duration,
    acknowledged: u64,
    unacknowledged_bytes: usize,
    ack_due: Option<Duration>,
    window: Window,
    pub(in crate::brain) floods_received: u64,
    pub(in crate::brain) floods_sent: u64,
    pub(in crate::brain) floods_acknowledged: u64,
    /// When something came last, and when a sign of life was sent.
    pub(in crate::brain) heard: Duration,
    pub(in crate::brain) said: Duration,
    /// What the neighbour may not know yet.
    pub(in crate::brain) owed: Owed,
    /// What each side knew when the link came up.
    pub(in crate::brain) compared: Compared,
    /// What the neighbour said it had sent, and had not come when it said so.
    pub(in crate::brain) missing: Option<Sent>,
    /// Whether all that waits is asked for, by either end.
    pub(in crate::brain) flush: Flush,
}

/// How far the ends of a link have compared what they know.
#[derive(Debug)]
pub(in crate::brain) struct Compared {
    /// A digest of what was known here when the link came up.
    pub(in crate::brain) start: u64,
    /// How many signs of life in a row have told another digest than this node's own.
    pub(in crate::brain) differed: u32,
    /// This end has told what the other lacked, or is about to, ahead of any message.
    pub(in crate::brain) told: bool,
}

impl Session {
    pub(in crate::brain) fn new(
        conn: ConnId,
        we_dialled: bool,
        run: Run,
        window: Window,
        now: Duration,
        digest: u64,
    ) -> Self {
        Self {
            conn,
            we_dialled,
            run,
            received: 0,
            last: Duration::ZERO,
            acknowledged: 0,
            unacknowledged_bytes: 0,
            ack_due: None,
            window,
            floods_received: 0,
            floods_sent: 0,
            floods_acknowledged: 0,
            heard: now,
            said: now,
            owed: Owed::default(),
            compared: Compared { start: digest, differed: 0, told: false },
            missing: None,
            flush: Flush::default(),
        }
    }

    /// The next message has come.
    pub(in crate::brain) fn took(&mut self, size: usize, now: Duration) {
        self.received += 1;
        self.last = now;
        self.unacknowledged_bytes += size;
        self.ack_due.get_or_insert(now + ACK_DELAY);
    }

    pub(in crate::brain) fn ack_is_due(&self, now: Duration) -> bool {
        self.received - self.acknowledged >= ACK_MESSAGES
            || self.unacknowledged_bytes >= ACK_BYTES
            || self.ack_due.is_some_and(|due| due <= now)
    }

    /// The acknowledgement of all that has come.
    pub(in crate::brain) fn ack(&mut self) -> LinkAck {
        self.acknowledged = self.received;
        self.unacknowledged_bytes = 0;
        self.ack_due = None;
        LinkAck {
            messages: self.received,
            floods: self.floods_received,
            window: u32::try_from(self.window.messages).unwrap_or(u32::MAX),
            window_bytes: self.window.bytes as u64,
        }
    }
}
