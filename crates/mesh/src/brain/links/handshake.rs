//! The opening of a link: both ends prove that they know the mesh key.

use std::time::Duration;

use bytes::Bytes;

use super::HELLO;
use crate::brain::conn::Conn;
use crate::brain::namesakes::NODE_NAME_IN_USE;
use crate::brain::{Brain, ConnId, Event, Now, Output, Room, local};
use crate::name::NodeName;
use crate::wire::Kind;
use crate::wire::hello::{Hello, Nonce, OPEN_PAD, Role, Run, Statement, run_of};

/// The pair has another connection, which is the link.
const ALREADY_LINKED: &str = "already linked";
/// A node that was refused asks again after this long,
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// or after this long where the pair was said to have a link, and it has none yet: its last run's may only seem to be
/// open.
const ASK_SOON: Duration = Duration::from_millis(100);
/// So long after its start a node may still be taken for its last run.
const YOUNG: Duration = Duration::from_secs(5);

/// No refusal has more bytes.
const REFUSAL: usize = 128;

/// A stranger said that it is a node, and has to prove it.
#[derive(Debug)]
pub(in crate::brain) struct Greeting {
    node: NodeName,
    dialer_nonce: Nonce,
    listener_nonce: Nonce,
    until: Duration,
}

/// This node dialled, and waits for the next word.
#[derive(Debug)]
pub(in crate::brain) struct Dialling {
    pub(in crate::brain) neighbour: NodeName,
    nonce: Nonce,
    /// The neighbour's, once it has proved itself.
    run: Run,
    state: State,
    /// When the state ends.
    until: Duration,
}

/// One more connection to a neighbour that has a link.
#[derive(Debug)]
pub(in crate::brain) struct Standby {
    pub(in crate::brain) neighbour: NodeName,
    pub(in crate::brain) we_dialled: bool,
    /// The neighbour took it for the link, and is about to learn better.
    pub(in crate::brain) welcomed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Said `open`.
    Opened,
    /// Said `proof`.
    Proved,
    /// Was refused; will say `open` again.
    Refused,
}

impl Greeting {
    pub(in crate::brain) fn until(&self) -> Duration {
        self.until
    }
}

impl Dialling {
    pub(in crate::brain) fn until(&self) -> Duration {
        self.until
    }
}

impl Brain {
    /// This node dialled and was heard: it says who it is.
    pub(in crate::brain) fn open_link(&mut self, now: Now, conn: ConnId, neighbour: NodeName) {
        if self.links.get(&neighbour).is_some_and(|link| link.cut) {
            self.conns.remove(&conn);
            return self.out.push(Output::Close(conn));
        }
        let nonce = self.entropy.nonce();
        let hello =
            Hello::Open { mesh: self.config.mesh.clone(), node: self.config.node.clone(), nonce };
        let until = now.since_start + HELLO;
        let dialling =
            Dialling { neighbour, nonce, run: Run::default(), state: State::Opened, until };
        self.conns.insert(conn, Conn::Dialling(dialling));
        let mut frames = local(&self.config.node, Kind::Hello, hello.write());
        frames.push(Bytes::from_static(&[0; OPEN_PAD]));
        self.out.push(Output::Send { conn, frames });
    }

    /// A stranger says, in so many bytes, that it is a node.
    ///
    /// The proof that it is answered with costs us more than it the asking, so it must have sent as much.
    #[expect(clippy::too_many_arguments, reason = "a hello has that many parts")]
    pub(in crate::brain) fn greeted(
        &mut self,
        now: Now,
        conn: ConnId,
        mesh: &str,
        node: NodeName,
        dialer_nonce: Nonce,
        bytes: usize,
        room: &impl Room,
    ) {
        self.forget_client(now, conn, room);
        let refused = if mesh != self.config.mesh {
            Some("other mesh")
        } else if node == self.config.node {
            Some("own name")
        } else {
            self.links.get(&node).filter(|link| link.cut).map(|_| "link cut")
        };
        if let Some(reason) = refused {
            return self.refuse_stranger(now, conn, node, reason, bytes, room);
        }
        let listener_nonce = self.entropy.nonce();
        let greeting =
            Greeting { node, dialer_nonce, listener_nonce, until: now.since_start + HELLO };
        let proof = self.config.key.prove(Role::Listener, &self.statement(&greeting));
        let node = self.config.node.clone();
        let challenge = Hello::Challenge { node, nonce: listener_nonce, proof };
        let answer = local(&self.config.node, Kind::Hello, challenge.write());
        if length(&answer) + REFUSAL > bytes {
            let node = greeting.node;
            return self.refuse_stranger(now, conn, node, "short hello", bytes, room);
        }
        self.conns.insert(conn, Conn::Greeting(greeting));
        self.out.push(Output::Send { conn, frames: answer });
    }

    /// The next word from a stranger that said it is a node.
    pub(in crate::brain) fn received_greeting(
        &mut self,
        now: Now,
        conn: ConnId,
        hello: Option<Hello>,
        room: &impl Room,
    ) {
        let Some(Conn::Greeting(greeting)) = self.conns.get(&conn) else {
            return;
        };
        let (node, run) = (greeting.node.clone(), run_of(&greeting.dialer_nonce));
        let proof = match hello {
            Some(Hello::Proof { proof }) => proof,
            Some(Hello::Refused { reason }) if reason == NODE_NAME_IN_USE => {
                // It has proved nothing: it is told of, and changes nothing.
                self.conns.insert(conn, Conn::Refused);
                return self.refused(Some(node), NODE_NAME_IN_USE);
            }
            Some(_) | None => return self.misbehaved(now, conn, "unexpected hello", room),
        };
        if !self.config.key.verify(Role::Dialer, &self.statement(greeting), &proof) {
            return self.refuse_node(conn, Some(node), "wrong key");
        }
        if self.links.get(&node).is_some_and(|link| link.cut) {
            return self.refuse_node(conn, Some(node), "link cut");
        }
        if self.is_in_use(&node, run) {
            self.saw_namesake(now.since_start, &node);
            return self.refuse_node(conn, Some(node), NODE_NAME_IN_USE);
        }
        self.out.push(Output::Keep(conn));
        if self.link_up(now, conn, &node, false, run, room) {
            self.say(conn, &Hello::Welcome {});
            self.link_ready(&node);
        } else {
            self.stand_by(conn, node, false, false);
            self.say(conn, &Hello::Refused { reason: ALREADY_LINKED.to_owned() });
        }
    }

    /// The next word from whoever this node dialled.
    pub(in crate::brain) fn received_dialling(
        &mut self,
        now: Now,
        conn: ConnId,
        hello: Option<Hello>,
        room: &impl Room,
    ) {
        let Some(Conn::Dialling(dialling)) = self.conns.get_mut(&conn) else {
            return;
        };
        let neighbour = dialling.neighbour.clone();
        match (dialling.state, hello) {
            (State::Opened, Some(Hello::Challenge { node, nonce, proof })) => {
                let statement = Statement {
                    mesh: &self.config.mesh,
                    dialer: &self.config.node,
                    listener: &neighbour,
                    dialer_nonce: &dialling.nonce,
                    listener_nonce: &nonce,
                };
                if node != neighbour {
                    return self.misbehaved(now, conn, "other node", room);
                }
                if !self.config.key.verify(Role::Listener, &statement, &proof) {
                    return self.misbehaved(now, conn, "wrong key", room);
                }
                let proof = self.config.key.prove(Role::Dialer, &statement);
                (dialling.state, dialling.run) = (State::Proved, run_of(&nonce));
                if self.is_in_use(&neighbour, run_of(&nonce)) {
                    return self.refuse_dialled(now, conn, neighbour);
                }
                self.say(conn, &Hello::Proof { proof });
            }
            (State::Proved, Some(Hello::Welcome {})) => {
                let run = dialling.run;
                if self.is_in_use(&neighbour, run) {
                    self.misbehaved(now, conn, NODE_NAME_IN_USE, room);
                } else if self.link_up(now, conn, &neighbour, true, run, room) {
                    self.link_ready(&neighbour);
                } else {
                    self.stand_by(conn, neighbour, true, true);
                }
            }
            (state @ (State::Opened | State::Proved), Some(Hello::Refused { reason })) => {
                dialling.state = State::Refused;
                if reason == ALREADY_LINKED {
                    dialling.until = now.since_start + ASK_SOON;
                    if self.session(&neighbour).is_some() {
                        self.stand_by(conn, neighbour, true, false);
                    }
                    return;
                }
                let reason = known_refusal(&reason);
                let is_young = now.since_start < self.started.since_start + YOUNG;
                let is_soon = reason == NODE_NAME_IN_USE && is_young;
                dialling.until = now.since_start + if is_soon { ASK_SOON } else { ASK_AGAIN };
                if reason == NODE_NAME_IN_USE && state == State::Proved {
                    let me = self.config.node.clone();
                    self.saw_namesake(now.since_start, &me);
                }
                if let Some(link) = self.links.get_mut(&neighbour) {
                    link.refused = Some(reason);
                }
                self.refused(Some(neighbour), reason);
            }
            (State::Opened | State::Proved | State::Refused, _) => {
                self.misbehaved(now, conn, "unexpected hello", room);
            }
        }
    }

    /// The time of an opening has passed: a stranger is dismissed, a refused node asks again.
    pub(in crate::brain) fn expire_hellos(&mut self, now: Now, room: &impl Room) {
        let over = |conn: &Conn| conn.due().is_some_and(|until| until <= now.since_start);
        let mut over: Vec<_> =
            self.conns.iter().filter(|(_, conn)| over(conn)).map(|(conn, _)| *conn).collect();
        over.sort_unstable();
        for conn in over {
            match self.conns.get(&conn) {
                Some(Conn::Dialling(dialling)) if dialling.state == State::Refused => {
                    let neighbour = dialling.neighbour.clone();
                    let has_other = self.namesakes.has(&neighbour);
                    if self.session(&neighbour).is_some() && !has_other {
                        self.stand_by(conn, neighbour, true, false);
                    } else {
                        self.open_link(now, conn, neighbour);
                    }
                }
                Some(_) => self.misbehaved(now, conn, "hello timeout", room),
                None => {}
            }
        }
    }

    /// The link is gone: connections that stood by for it ask to be it, and so does one to another of its name.
    pub(in crate::brain) fn ask_again(&mut self, now: Now, neighbour: &NodeName) {
        for conn in self.conns.values_mut() {
            if let Conn::Dialling(dialling) = conn
                && dialling.neighbour == *neighbour
                && dialling.state == State::Refused
            {
                dialling.until = now.since_start;
            }
        }
        let waits = |(conn, what): (&ConnId, &Conn)| {
            let Conn::Standby(standby) = what else {
                return None;
            };
            let is_ours = standby.neighbour == *neighbour && standby.we_dialled;
            is_ours.then_some((*conn, standby.welcomed))
        };
        let mut waiting: Vec<_> = self.conns.iter().filter_map(waits).collect();
        waiting.sort_unstable();
        for (conn, welcomed) in waiting {
            if welcomed {
                // What came over it is lost: it begins anew.
                self.conns.remove(&conn);
                self.out.push(Output::Close(conn));
            } else {
                self.open_link(now, conn, neighbour.clone());
            }
        }
    }

    /// Whether a connection to `neighbour` that this node dialled is on its way to be the link.
    pub(super) fn is_dialling(&self, neighbour: &NodeName) -> bool {
        self.conns.values().any(|conn| {
            let Conn::Dialling(dialling) = conn else {
                return false;
            };
            dialling.neighbour == *neighbour && dialling.state != State::Refused
        })
    }

    fn stand_by(&mut self, conn: ConnId, neighbour: NodeName, we_dialled: bool, welcomed: bool) {
        let standby = Standby { neighbour, we_dialled, welcomed };
        self.conns.insert(conn, Conn::Standby(standby));
    }

    /// Refuses one that has proved nothing: it is told why if it has said as much, and else is gone.
    fn refuse_stranger(
        &mut self,
        now: Now,
        conn: ConnId,
        node: NodeName,
        reason: &'static str,
        bytes: usize,
        room: &impl Room,
    ) {
        if bytes >= REFUSAL {
            return self.refuse_node(conn, Some(node), reason);
        }
        self.conns.insert(conn, Conn::Refused);
        self.misbehaved(now, conn, reason, room);
    }

    fn refused(&mut self, neighbour: Option<NodeName>, reason: &'static str) {
        self.counters.add(reason);
        self.event(Event::LinkRefused { neighbour, reason });
    }

    /// Whoever was dialled is another of the name of a neighbour that is heard: it is told so, and asked again.
    fn refuse_dialled(&mut self, now: Now, conn: ConnId, neighbour: NodeName) {
        if let Some(Conn::Dialling(dialling)) = self.conns.get_mut(&conn) {
            dialling.state = State::Refused;
            dialling.until = now.since_start + ASK_AGAIN;
        }
        self.saw_namesake(now.since_start, &neighbour);
        self.refused(Some(neighbour), NODE_NAME_IN_USE);
        self.say(conn, &Hello::Refused { reason: NODE_NAME_IN_USE.to_owned() });
    }

    fn refuse_node(&mut self, conn: ConnId, neighbour: Option<NodeName>, reason: &'static str) {
        self.refused(neighbour, reason);
        self.say(conn, &Hello::Refused { reason: reason.to_owned() });
        self.conns.insert(conn, Conn::Refused);
    }

    pub(in crate::brain) fn say(&mut self, conn: ConnId, hello: &Hello) {
        let frames = local(&self.config.node, Kind::Hello, hello.write());
        self.out.push(Output::Send { conn, frames });
    }

    fn statement<'a>(&'a self, greeting: &'a Greeting) -> Statement<'a> {
        Statement {
            mesh: &self.config.mesh,
            dialer: &greeting.node,
            listener: &self.config.node,
            dialer_nonce: &greeting.dialer_nonce,
            listener_nonce: &greeting.listener_nonce,
        }
    }
}

/// The bytes of a message's frames.
pub(in crate::brain) fn length(frames: &[Bytes]) -> usize {
    frames.iter().map(Bytes::len).sum()
}

/// The refusals of this version by name; a later version's are one.
fn known_refusal(reason: &str) -> &'static str {
    let known =
        ["other mesh", "own name", "link cut", "wrong key", "short hello", NODE_NAME_IN_USE];
    known.into_iter().find(|known| *known == reason).unwrap_or("link refused")
}
