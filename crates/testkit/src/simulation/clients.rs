//! Clients: what they send, what they are given.

use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::brain::Opened;
use hopline_mesh::wire::hello::Hello;
use hopline_mesh::wire::{Kind, Path, Prefix};

use super::pipes::{End, PipeId, Side};
use super::{Simulation, node_name};

/// How long a mesh may take to come to rest once a client has said hello.
const TAKEN_IN: Duration = Duration::from_secs(120);

/// Where a probe came by: the nodes up to its end, or up to its refusal and the reason for that.
pub type Way = Result<Vec<String>, (Vec<String>, String)>;

/// A client of the simulation, for as long as that lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub(super) usize);

/// A client and its one connection.
#[derive(Debug)]
pub(super) struct SimClient {
    pub(super) pipe: Option<PipeId>,
    /// It does not read: its node has no room for it.
    pub(super) stalled: bool,
    /// Its machine is gone or stands still, and nobody has heard of that: nothing comes of it, not even its end.
    pub(super) silent: bool,
    /// What has arrived and was not taken yet.
    pub(super) inbox: Vec<Vec<Bytes>>,
    /// Routed messages that its node handed to its connection.
    pub(super) handed: Vec<Vec<Bytes>>,
}

impl Simulation {
    /// A client connects to a node, under an identity or without one.
    pub fn attach(&mut self, node: &str, identity: Option<&[u8]>) -> ClientId {
        let identity = identity.map(Bytes::copy_from_slice);
        self.connect_client(node, identity, false)
    }

    /// A native client connects to a node, under a name or without one, and is taken in.
    ///
    /// # Panics
    /// Where the mesh does not come to rest.
    pub fn attach_native(&mut self, node: &str, name: Option<&str>) -> ClientId {
        let client = self.attach(node, name.map(str::as_bytes));
        self.say_hello(client);
        assert!(self.run_until_quiet(TAKEN_IN), "the mesh does not come to rest");
        self.take(client);
        client
    }

    /// A client says that it is a native one.
    pub fn say_hello(&mut self, client: ClientId) {
        let hello = Prefix::new(Kind::Hello).write();
        self.send(client, vec![hello, Bytes::new(), Hello::Client {}.write()]);
    }

    /// A client connects to a node's control socket.
    pub fn attach_operator(&mut self, node: &str) -> ClientId {
        self.connect_client(node, None, true)
    }

    fn connect_client(&mut self, node: &str, identity: Option<Bytes>, operator: bool) -> ClientId {
        let client = ClientId(self.clients.len());
        let opened = Opened::Accepted { identity, request: false, operator };
        let runs = self.runs(node);
        let node_at = node_name(node);
        let pipe = runs.then(|| self.open(End::Client(client), &node_at, node_at.clone(), opened));
        self.clients.push(SimClient {
            pipe,
            stalled: false,
            silent: false,
            inbox: Vec::new(),
            handed: Vec::new(),
        });
        client
    }

    /// A client closes its connection: what it has sent arrives first.
    pub fn detach(&mut self, client: ClientId) {
        if let Some(pipe) = self.clients[client.0].pipe {
            self.close(pipe, Side::Dialler);
        }
    }

    /// A client's connection breaks: what is in flight is lost, and both ends hear of it.
    pub fn break_client(&mut self, client: ClientId) {
        if let Some(pipe) = self.clients[client.0].pipe {
            self.break_pipe(pipe);
        }
    }

    /// Whether a client's connection is open, as far as the client has heard.
    #[must_use]
    pub fn is_connected(&self, client: ClientId) -> bool {
        let pipe = self.clients[client.0].pipe.and_then(|pipe| self.pipes.get(&pipe));
        pipe.is_some_and(|pipe| !pipe.closed)
    }

    /// A client stops reading, or reads again.
    pub fn stall(&mut self, client: ClientId, stalled: bool) {
        self.clients[client.0].stalled = stalled;
        if let Some(pipe) = self.clients[client.0].pipe {
            if stalled {
                self.full.insert(pipe);
            } else {
                self.full.remove(&pipe);
            }
        }
    }

    /// A client falls silent, or is heard again: its connection stays, and while it is silent it does not answer when
    /// its node asks whether it is there.
    pub fn silence(&mut self, client: ClientId, silent: bool) {
        self.clients[client.0].silent = silent;
    }

    /// A client sends frames. Says whether its connection took them.
    pub fn send(&mut self, client: ClientId, frames: Vec<Bytes>) -> bool {
        let pipe = self.clients[client.0].pipe;
        pipe.is_some_and(|pipe| self.send_on(pipe, Side::Dialler, frames))
    }

    /// A client sends one frame of text.
    pub fn send_text(&mut self, client: ClientId, text: impl Into<String>) -> bool {
        self.send(client, vec![Bytes::from(text.into())])
    }

    /// A client sends a probe to an address.
    pub fn send_probe(&mut self, client: ClientId, destination: &str) -> bool {
        let prefix = Prefix { destination, ..Prefix::new(Kind::Probe) };
        self.send(client, vec![prefix.write(), Bytes::new()])
    }

    /// All that has arrived at a client since it was last asked, frame by frame.
    pub fn take(&mut self, client: ClientId) -> Vec<Vec<Bytes>> {
        std::mem::take(&mut self.clients[client.0].inbox)
    }

    /// All that has arrived at a json client since it was last asked.
    ///
    /// # Panics
    /// Where something is not one frame of JSON.
    pub fn take_json(&mut self, client: ClientId) -> Vec<serde_json::Value> {
        let read = |frames: Vec<Bytes>| match frames.as_slice() {
            [frame] => {
                serde_json::from_slice(frame).unwrap_or_else(|error| panic!("{error} in {frame:?}"))
            }
            frames => panic!("one frame was expected, not {}", frames.len()),
        };
        self.take(client).into_iter().map(read).collect()
    }

    /// The answers to a client's probes since it was last asked: each one's path there.
    pub fn take_ways(&mut self, client: ClientId) -> Vec<Way> {
        self.take(client).iter().filter_map(|frames| way(frames)).collect()
    }

    /// All routed messages that were ever handed to a client's connection.
    #[must_use]
    pub fn handed(&self, client: ClientId) -> &[Vec<Bytes>] {
        &self.clients[client.0].handed
    }
}

/// The way in a probe's answer: the path there, or the path to the refusal and its reason.
fn way(frames: &[Bytes]) -> Option<Way> {
    let prefix = Prefix::read(frames.first()?).ok()?;
    let path = Path::read(frames.get(2)?).ok()?.nodes();
    match prefix.kind {
        Kind::Reply => Some(Ok(path)),
        Kind::Error => {
            let tail = hopline_mesh::wire::Tail::read(prefix.tail).ok()?;
            Some(Err((path, tail.reason?)))
        }
        _ => None,
    }
}
