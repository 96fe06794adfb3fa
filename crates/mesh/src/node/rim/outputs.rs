//! What the brain said is done: sent, delivered, closed, dialled, told.

use std::time::Duration;

use hopline_core::{Frames, SendError};

use super::{Rim, TIDY, TIDY_ASKED};
use crate::brain::{ASK_PATIENCE, ConnId, Event, Input, Original, Output, Receipt};
use crate::name::{ClientName, NodeName};
use crate::node::deliveries::Kept;
use crate::node::sockets::Socket;
use crate::reason::Reason;

impl Rim {
    pub(super) async fn take(&mut self, input: Input) {
        let now = self.clock.now();
        self.brain.handle(now, input, &self.sockets, &mut self.outputs);
        self.carry_out().await;
    }

    pub(super) async fn flush(&mut self) {
        let now = self.clock.now();
        self.brain.flush(now, &self.sockets, &mut self.outputs);
        self.carry_out().await;
    }

    /// Does what the brain said. A delivery that fails goes back to the brain, which may have more
    /// to say then.
    async fn carry_out(&mut self) {
        let mut outputs = std::mem::take(&mut self.outputs);
        while !outputs.is_empty() {
            // Clients one of whose words came back: the words behind it come back too, or they would be told out of order.
            let (mut behind, mut hung) = (Vec::new(), Vec::new());
            for output in outputs.drain(..) {
                match output {
                    Output::Send { conn, frames } if behind.contains(&conn) => {
                        self.brain.frames_again(self.clock.now(), conn, frames);
                    }
                    Output::Send { conn, frames } => {
                        let taken = self.sockets.hand_over(conn, frames).await;
                        if let (true, Some(peer)) = (taken, Socket::peer(conn)) {
                            self.deliveries.took(peer);
                        }
                    }
                    Output::Deliver { conn, frames, original, receipt } => {
                        let waits = behind.contains(&conn);
                        if waits && self.brain.is_word(&frames, original.as_ref()) {
                            self.give_back(frames, original, Reason::ReceiverSlow);
                        } else if !self.deliver(conn, frames, original, receipt).await
                            && !waits
                            && self.brain.has_unsaid(conn)
                        {
                            behind.push(conn);
                        }
                    }
                    Output::Ask(conn) => self.ask(conn),
                    Output::Pause { conn, paused } => self.sockets.pause(conn, paused),
                    Output::Close(conn) => self.sockets.close(conn),
                    Output::Keep(conn) => self.sockets.keep(conn),
                    Output::Vouch(neighbour) => self.sockets.vouch(&neighbour),
                    Output::Hang(neighbour) => {
                        hung.extend(self.sockets.hang(&neighbour));
                    }
                    Output::Dial(neighbour) => self.dial(&neighbour),
                    Output::Event(event) => self.tell(event),
                }
            }
            for conn in hung {
                let (now, closed) = (self.clock.now(), Input::Closed(conn));
                self.brain.handle(now, closed, &self.sockets, &mut self.outputs);
            }
            std::mem::swap(&mut outputs, &mut self.outputs);
        }
        self.outputs = outputs;
    }

    /// Hands a message to a client, and keeps it until it has gone out. What is not taken goes back to
    /// the brain. Says whether it was taken.
    async fn deliver(
        &mut self,
        conn: ConnId,
        frames: Frames,
        original: Option<Original>,
        receipt: Option<Receipt>,
    ) -> bool {
        // The client's form is kept only where there is no other.
        let spare = if original.is_none() { frames.clone() } else { Frames::new() };
        let Err(error) = self.sockets.try_send(conn, frames).await else {
            if let Some(peer) = Socket::peer(conn) {
                let passed = || self.sockets.router.passed(peer);
                let kept = Kept { frames: spare, original, receipt };
                self.deliveries.delivered(peer, kept, passed);
                let (now, pause) = (self.clock.now().since_start, self.tidy_pause());
                let due = self.clock.at(now + pause);
                self.tidy_at = Some(self.tidy_at.map_or(due, |other| other.min(due)));
            }
            return true;
        };
        let reason = match error {
            SendError::Full { .. } => Reason::ReceiverSlow,
            SendError::BadMessage { .. } => Reason::TooLarge,
            SendError::Gone { .. }
            | SendError::UnknownPeer { .. }
            | SendError::NotConnected { .. } => Reason::ReceiverGone,
        };
        self.give_back(error.into_frames(), original, reason);
        false
    }

    /// The brain has a message again that its client was not handed.
    fn give_back(&mut self, frames: Frames, original: Option<Original>, reason: Reason) {
        let input = Input::Undelivered { frames, original, reason };
        self.brain.handle(self.clock.now(), input, &self.sockets, &mut self.outputs);
    }

    /// Lets go of the deliveries that have gone out, from time to time.
    pub(super) async fn tidy(&mut self) {
        if self.tidy_at.is_none_or(|due| !self.clock.has_passed(due)) {
            return;
        }
        let (left, gone) = self.deliveries.tidy(|peer| self.sockets.router.passed(peer));
        let again = self.clock.now().since_start + self.tidy_pause();
        self.tidy_at = left.then(|| self.clock.at(again));
        if gone.is_empty() {
            return;
        }
        for receipt in gone {
            self.take(Input::HandedOver(receipt)).await;
        }
        self.flush().await;
    }

    /// Senders of confirmed messages wait for what has gone out.
    fn tidy_pause(&self) -> Duration {
        let is_asked = self.deliveries.is_asked() || self.brain.is_retiring();
        if is_asked { TIDY_ASKED } else { TIDY }
    }

    /// Asks a client whether it is there; the answer comes back as an input.
    fn ask(&mut self, conn: ConnId) {
        let Some(peer) = Socket::peer(conn) else {
            return;
        };
        let (router, answers) = (self.sockets.router.clone(), self.answers.0.clone());
        self.tasks.spawn(async move {
            let alive = router.is_alive(peer, ASK_PATIENCE).await;
            // A node that has ended asks nothing any more.
            let _ = answers.send((conn, alive)).await;
        });
    }

    fn tell(&mut self, event: Event) {
        self.log(&event);
        // Nobody has to listen.
        let _ = self.events.send(event);
    }

    /// Logs an event. Those that strangers can bring about have one line a second for each kind.
    fn log(&mut self, event: &Event) {
        let now = self.clock.now().since_start;
        let node = self.brain.name();
        let mut refused = |what: &'static str, client: &ClientName| {
            if let Some(left_out) = self.pace.due(what, now) {
                tracing::warn!(%node, %client, left_out, "{what}");
            }
        };
        match event {
            Event::LinkUp(neighbour) => tracing::info!(%node, %neighbour, "link up"),
            Event::LinkDown(neighbour) => tracing::warn!(%node, %neighbour, "link down"),
            Event::LinkRefused { neighbour, reason } => {
                if let Some(left_out) = self.pace.due(reason, now) {
                    let neighbour = neighbour.as_ref().map_or("unknown", NodeName::as_str);
                    tracing::warn!(%node, neighbour, reason, left_out, "link refused");
                }
            }
            Event::Namesake(name) => tracing::warn!(%node, %name, "two nodes of one name"),
            Event::Attached(client) => tracing::debug!(%node, %client, "attached"),
            Event::Detached(client) => tracing::debug!(%node, %client, "detached"),
            Event::NameInUse(client) => refused("name in use", client),
            Event::HolderSilent(client) => refused("silent, and closed", client),
            Event::NotOffered(client) => refused("not offered here", client),
            Event::AccessDenied(client) => refused("access denied", client),
            Event::Routes { revision } => tracing::debug!(%node, %revision, "routes changed"),
        }
    }
}
