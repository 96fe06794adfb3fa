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

use std::time::Duration;

use crate::brain::{Brain, Now, Output, Room, local};
use crate::wire::Kind;
use crate::wire::hello::Hello;

impl Brain {
    /// When a sign of life is due, or a link is silent for too long.
    pub(in crate::brain) fn beat_due(&self) -> Option<Duration> {
        let liveness = self.config.liveness;
        let sessions = self.links.values().filter_map(|link| link.session.as_ref());
        let due = sessions.map(|it| (it.said + liveness.hello).min(it.heard + liveness.silence));
        due.min()
    }

    /// This node does something. Where it has done nothing for so long that it must have been asleep, its neighbours get
    /// the time to say something that it has not listened to.
    pub(in crate::brain) fn wake(&mut self, now: Duration) {
        let slept = now.saturating_sub(std::mem::replace(&mut self.awake, now));
        if slept < 2 * self.config.liveness.hello {
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
        let liveness = self.config.liveness;
        let time = now.since_start;
        let mut silent = Vec::new();
        for session in self.links.values_mut().filter_map(|link| link.session.as_mut()) {
            if session.heard + liveness.silence <= time {
                let bytes = room.silent_for(session.conn).filter(|it| *it < liveness.silence);
                match bytes {
                    Some(bytes) => session.heard = session.heard.max(time.saturating_sub(bytes)),
                    None => {
                        silent.push(session.conn);
                        continue;
                    }
                }
            }
            if session.said + liveness.hello <= time {
                session.said = time;
                let frames = local(&self.config.node, Kind::Hello, Hello::Alive {}.write());
                // Past what the link holds back on purpose: it is the connection that is alive.
                self.out.push(Output::Send { conn: session.conn, frames });
            }
        }
        for conn in silent {
            self.misbehaved(now, conn, SILENT, room);
        }
    }
}

/// Why a link ends on which nothing comes.
const SILENT: &str = "link silent";
