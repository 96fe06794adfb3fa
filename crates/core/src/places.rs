//! Places at ports: how many may be in, how many of one address, and the way in that a crowd cannot shut.
//!
//! ```text
//!            +-- room among `connections` ----------> open  --+
//!  newcomer -+                                                +-- kept --> counted nowhere
//!            +-- full, `reserved` places behind ----> trial --+
//!                                                       |
//!                     not kept in time, or the oldest when another comes: it leaves
//! ```
//!
//! Where fewer are to be in than are, those leave that came last. Who is kept is none of them.
//!
//! A port cannot know what a newcomer is worth before it has spoken. So the places behind the last are
//! for whoever comes, and only for as long as it takes to prove itself to the socket's owner, who then
//! keeps it. Those who have to go are the oldest: to shut the way in, a crowd must come faster than a
//! newcomer can prove itself.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::{Cause, Limits, PeerId};

/// The fewest connections that a port beyond the first may have.
const FURTHER: usize = 64;

/// The places of one socket.
#[derive(Debug)]
pub(crate) struct Places {
    /// What does not change.
    per_address: usize,
    reserved: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The most connections at a port, those on trial and the kept ones apart.
    connections: usize,
    ports: BTreeMap<usize, Port>,
    /// How many connections each address has, the kept ones apart.
    from: HashMap<IpAddr, usize>,
    seats: HashMap<PeerId, Seat>,
}

#[derive(Debug, Default)]
struct Port {
    open: usize,
    kept: usize,
    /// Those on trial, oldest first.
    trial: VecDeque<PeerId>,
}

#[derive(Debug)]
struct Seat {
    port: usize,
    from: Option<IpAddr>,
    standing: Standing,
    leaves: CancellationToken,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Open,
    Trial,
    Kept,
}

/// How a newcomer was let in.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Whether it has to go unless it is kept in time.
    pub(crate) on_trial: bool,
    /// Cancelled when it has to go.
    pub(crate) leaves: CancellationToken,
}

impl Places {
    pub(crate) fn new(limits: Limits) -> Self {
        let Limits { connections, per_address, reserved, .. } = limits;
        let state = State { connections, ..State::default() };
        Self { per_address, reserved, state: Mutex::new(state) }
    }

    /// Takes a place at a port for a connection from this address; none is an address without a limit.
    pub(crate) fn enter(
        &self,
        id: PeerId,
        port: usize,
        from: Option<IpAddr>,
    ) -> Result<Entry, Cause> {
        let from = from.and_then(limited);
        let mut state = self.lock();
        let open_at = state.open_at(port);
        let State { connections: _, ports, from: addresses, seats } = &mut *state;
        let here = from.and_then(|from| addresses.get(&from)).copied().unwrap_or(0);
        if from.is_some() && here >= self.per_address {
            return Err(Cause::TooManyFromAddress);
        }
        let at = ports.entry(port).or_default();
        let standing = if at.open < open_at {
            at.open += 1;
            Standing::Open
        } else if self.reserved > 0 {
            if at.trial.len() >= self.reserved
                && let Some(oldest) = at.trial.pop_front()
                && let Some(seat) = seats.get(&oldest)
            {
                seat.leaves.cancel();
            }
            at.trial.push_back(id);
            Standing::Trial
        } else {
            return Err(Cause::TooManyConnections);
        };
        if let Some(from) = from {
            addresses.insert(from, here + 1);
        }
        let leaves = CancellationToken::new();
        seats.insert(id, Seat { port, from, standing, leaves: leaves.clone() });
        Ok(Entry { on_trial: standing == Standing::Trial, leaves })
    }

    /// Sets how many connections a port may have, and has those leave that are over it, the newest first. Says
    /// how many.
    pub(crate) fn set_connections(&self, connections: usize) -> usize {
        let mut state = self.lock();
        state.connections = connections;
        let mut over: BTreeMap<usize, usize> = BTreeMap::new();
        for (port, at) in &state.ports {
            over.insert(*port, at.open.saturating_sub(state.open_at(*port)));
        }
        let open = state.seats.iter().filter(|(_, seat)| seat.standing == Standing::Open);
        let mut open: Vec<(PeerId, &Seat)> = open.map(|(id, seat)| (*id, seat)).collect();
        open.sort_unstable_by_key(|(id, _)| Reverse(*id));
        let mut leave = 0;
        for (_, seat) in open {
            if let Some(over @ 1..) = over.get_mut(&seat.port) {
                *over -= 1;
                leave += 1;
                seat.leaves.cancel();
            }
        }
        leave
    }

    /// Lets a connection stay, whoever else comes: from now on it is counted among no limit.
    pub(crate) fn keep(&self, id: PeerId) {
        let mut state = self.lock();
        let Some(seat) = state.seats.get_mut(&id) else {
            return;
        };
        let was = std::mem::replace(&mut seat.standing, Standing::Kept);
        let (port, from) = (seat.port, seat.from.take());
        state.vacate(id, port, from, was);
        state.ports.entry(port).or_default().kept += 1;
    }

    /// Whether a connection has yet to be kept.
    pub(crate) fn is_on_trial(&self, id: PeerId) -> bool {
        self.lock().seats.get(&id).is_some_and(|seat| seat.standing == Standing::Trial)
    }

    /// Gives the place of a connection back.
    pub(crate) fn leave(&self, id: PeerId) {
        let mut state = self.lock();
        if let Some(Seat { port, from, standing, leaves: _ }) = state.seats.remove(&id) {
            state.vacate(id, port, from, standing);
        }
    }

    /// How many connections a port may have now, in all.
    pub(crate) fn at_most(&self, port: usize) -> usize {
        let state = self.lock();
        let kept = state.ports.get(&port).map_or(0, |port| port.kept);
        state.open_at(port).saturating_add(self.reserved).saturating_add(kept)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first port has as many places as its owner said, each further one no fewer than a few, so
    /// that it can be used however low that is.
    fn open_at(&self, port: usize) -> usize {
        match port {
            0 => self.connections,
            _ => self.connections.max(FURTHER),
        }
    }

    fn vacate(&mut self, id: PeerId, port: usize, from: Option<IpAddr>, was: Standing) {
        if let Some(from) = from
            && let Some(count) = self.from.get_mut(&from)
        {
            *count -= 1;
            if *count == 0 {
                self.from.remove(&from);
            }
        }
        let at = self.ports.entry(port).or_default();
        match was {
            Standing::Open => at.open = at.open.saturating_sub(1),
            Standing::Kept => at.kept = at.kept.saturating_sub(1),
            Standing::Trial => at.trial.retain(|other| *other != id),
        }
    }
}

/// What an address is counted as: none if it is of this machine; of IPv6 the network of 64 bits, as
/// whoever has one address there has them all.
fn limited(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        address if address.is_loopback() => None,
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            Some(IpAddr::V6(Ipv6Addr::from_bits(network)))
        }
        address @ IpAddr::V4(_) => Some(address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(connections: usize, reserved: usize, per_address: usize) -> Places {
        Places::new(Limits { connections, reserved, per_address, ..Limits::default() })
    }

    fn from(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    fn enter(places: &Places, id: u64, address: &str) -> Result<Entry, Cause> {
        places.enter(PeerId(id), 0, from(address))
    }

    /// Scenario 70.
    #[test]
    fn an_address_has_its_limit_and_this_machine_has_none() {
        let places = places(100, 0, 2);
        for (round, one, same, other) in [
            (0, "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
            (10, "2001:db8:0:1::1", "2001:db8:0:1:ffff::9", "2001:db8:0:2::1"),
        ] {
            assert!(enter(&places, round + 1, one).is_ok());
            assert!(enter(&places, round + 2, same).is_ok());
            let third = enter(&places, round + 3, one).unwrap_err();
            assert_eq!(third, Cause::TooManyFromAddress);
            assert!(enter(&places, round + 4, other).is_ok());
            places.leave(PeerId(round + 1));
            assert!(enter(&places, round + 5, one).is_ok(), "a place is free again");
        }
        for id in 20..30 {
            assert!(enter(&places, id, "127.0.0.1").is_ok());
            assert!(enter(&places, id + 10, "::1").is_ok());
            assert!(places.enter(PeerId(id + 20), 0, None).is_ok());
        }
    }

    /// Scenario 70.
    #[test]
    fn a_full_port_refuses_the_next_and_takes_one_for_each_that_leaves() {
        let places = places(2, 0, 100);
        assert!(enter(&places, 1, "192.0.2.1").is_ok());
        assert!(enter(&places, 2, "192.0.2.1").is_ok());
        assert_eq!(enter(&places, 3, "192.0.2.1").unwrap_err(), Cause::TooManyConnections);
        places.leave(PeerId(3));
        assert_eq!(enter(&places, 3, "192.0.2.1").unwrap_err(), Cause::TooManyConnections);
        places.leave(PeerId(1));
        assert!(enter(&places, 4, "192.0.2.1").is_ok());
        assert!(places.enter(PeerId(5), 1, None).is_ok(), "another port has room of its own");
    }

    #[test]
    fn behind_a_crowd_newcomers_are_on_trial_and_the_oldest_leaves_first() {
        let places = places(1, 2, 100);
        let enter = |id| places.enter(PeerId(id), 0, None).unwrap();
        let trial = |id| {
            let entry = enter(id);
            assert!(entry.on_trial, "there is no room");
            entry.leaves
        };
        assert!(!enter(1).on_trial);
        let (two, three, four) = (trial(2), trial(3), trial(4));
        assert!(two.is_cancelled() && !three.is_cancelled() && !four.is_cancelled());
        places.keep(PeerId(3));
        let (five, six) = (trial(5), trial(6));
        assert!(!three.is_cancelled(), "who is kept stays");
        assert!(four.is_cancelled() && !five.is_cancelled() && !six.is_cancelled());
        assert!(!places.is_on_trial(PeerId(3)) && places.is_on_trial(PeerId(5)));
        assert_eq!(places.at_most(0), 4);
    }

    /// Scenario 79.
    #[test]
    fn where_fewer_may_be_in_the_newest_leave_and_who_is_kept_stays() {
        let places = places(5, 1, 100);
        let enter = |id, port| places.enter(PeerId(id), port, None).unwrap().leaves;
        let first: Vec<_> = (1..=5).map(|id| enter(id, 0)).collect();
        let further: Vec<_> = (11..=74).map(|id| enter(id, 1)).collect();
        places.keep(PeerId(4));
        places.keep(PeerId(5));
        let left = |of: &[CancellationToken]| of.iter().filter(|it| it.is_cancelled()).count();
        assert_eq!(places.set_connections(4), 0);
        assert_eq!(places.set_connections(1), 2);
        let here: Vec<bool> = first.iter().map(|it| !it.is_cancelled()).collect();
        assert_eq!(here, [true, false, false, true, true]);
        assert_eq!(left(&further), 0, "a further port has its few");
        for id in [2, 3] {
            assert!(places.enter(PeerId(100 + id), 0, None).unwrap().on_trial, "it is full");
            places.leave(PeerId(id));
        }
        assert_eq!(places.set_connections(2), 0);
        assert!(!places.enter(PeerId(200), 0, None).unwrap().on_trial);
        assert!(!first[0].is_cancelled());
    }

    #[test]
    fn who_is_kept_leaves_its_place_to_another() {
        let places = places(1, 0, 1);
        assert!(enter(&places, 1, "192.0.2.1").is_ok());
        places.keep(PeerId(1));
        places.keep(PeerId(1));
        assert!(enter(&places, 2, "192.0.2.1").is_ok());
        assert!(enter(&places, 3, "192.0.2.2").is_err());
        places.leave(PeerId(1));
        assert!(enter(&places, 3, "192.0.2.2").is_err(), "it held none any more");
        places.leave(PeerId(2));
        assert!(enter(&places, 3, "192.0.2.2").is_ok());
        assert_eq!(places.at_most(0), 1);
    }
}
