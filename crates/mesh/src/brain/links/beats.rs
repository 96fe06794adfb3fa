//! Signs of life: each link carries one now and then, and one that carries nothing is down.
//!
//! ```text
//!  neighbour:  beat . beat . message . beat ............................
//!  here:         |      |       |        |      hello   hello   hello   silence: the link is down
//! ```
//!
//! Whatever comes counts, and bytes of a message that is not whole yet do too, so that a busy link is never taken for
//! a dead one. The limit is a few of the intervals in which the other end says something (as in RFC 5880, section 6.8.4).
//! A node that has itself been asleep has heard nobody, and blames nobody.
//!
//! A sign of life says too how much was sent before it. What has not come by the next one is lost, which a connection
//! does not do: the link ends, so that all can be told of what was on it. And it has a digest of what the sender knows:
//! two that differ for as long as four of them compare in full ([`compare`](super::compare)).

use std::time::Duration;

use crate::brain::{Brain, ConnId, Now, Output, Room, local};
use crate::name::NodeName;
use crate::wire::Kind;
use crate::wire::hello::{Hello, Sent};

impl Brain {
    /// When a sign of life is due, or a link is silent for too long.
    pub(in crate::brain) fn beat_due(&self) -> Option<Duration> {
        let liveness = self.config.settings.liveness;
        let sessions = self.links.values().filter_map(|link| link.session.as_ref());
        let due = sessions.map(|it| (it.said + liveness.hello).min(it.heard + liveness.silence));
        due.min()
    }

    /// This node does something. Where it has done nothing for so long that it must have been asleep, its neighbours get
    /// the time to say something that it has not listened to.
    pub(in crate::brain) fn wake(&mut self, now: Duration) {
        let slept = now.saturating_sub(std::mem::replace(&mut self.awake, now));
        if slept < 2 * self.config.settings.liveness.hello {
            return;
        }
        for link in self.links.values_mut() {
            if let Some(session) = &mut link.session {
                session.heard = now;
            }
        }
    }

    /// Sends the signs of life that are due, and ends the links that are silent.
    pub(in crate::brain) fn tick_beats(&mut self, now: Now, room: &impl Room) {
        let liveness = self.config.settings.liveness;
        let time = now.since_start;
        let mut silent = Vec::new();
        for (neighbour, link) in &mut self.links {
            let nothing_held = link.line.is_clear();
            let Some(session) = link.session.as_mut() else {
                continue;
            };
            if session.heard + liveness.silence <= time {
                let bytes = room.silent_for(session.conn).filter(|it| *it < liveness.silence);
                match bytes {
                    Some(bytes) => session.heard = session.heard.max(time.saturating_sub(bytes)),
                    None => {
                        silent.push((neighbour.clone(), session.conn));
                        continue;
                    }
                }
            }
            if session.said + liveness.hello <= time {
                session.said = time;
                let sent = Sent { messages: link.outbox.last(), floods: session.floods_sent };
                let sent = Some(sent).filter(|_| nothing_held);
                // The lesser of the two compares.
                let tells = *neighbour < self.config.node && session.owed.len() == 0;
                let digest = tells.then(|| self.database.digest());
                let hello = Hello::Alive { sent, digest };
                let frames = local(&self.config.node, Kind::Hello, hello.write());
                // Past what the link holds back on purpose: it is the connection that is alive.
                self.out.push(Output::Send { conn: session.conn, frames });
            }
        }
        for (neighbour, conn) in silent {
            self.misbehaved(now, conn, SILENT, room);
            if let Some(link) = self.links.get_mut(&neighbour) {
                link.silent = Some(time);
            }
        }
    }

    /// A neighbour is alive, has sent so much, and knows what has this digest.
    pub(in crate::brain) fn heard_alive(
        &mut self,
        now: Now,
        conn: ConnId,
        neighbour: &NodeName,
        sent: Option<Sent>,
        digest: Option<u64>,
        room: &impl Room,
    ) {
        let Some(session) = self.links.get_mut(neighbour).and_then(|link| link.session.as_mut())
        else {
            return;
        };
        let came = |sent: &Sent| {
            sent.messages <= session.received && sent.floods <= session.floods_received
        };
        if session.missing.is_some_and(|missing| !came(&missing)) {
            return self.misbehaved(now, conn, "link sequence", room);
        }
        session.missing = sent.filter(|sent| !came(sent));
        if let Some(digest) = digest {
            self.compare_again(neighbour, digest);
        }
    }
}

/// Why a link ends on which nothing comes.
const SILENT: &str = "link silent";
