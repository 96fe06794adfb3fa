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
//! A port cannot know what a newcomer is worth before it has spoken. So the places behind the last are
//! for whoever comes, and only for as long as it takes to prove itself to the socket's owner, who then
//! keeps it. Those who have to go are the oldest: to shut the way in, a crowd must come faster than a
//! newcomer can prove itself.

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
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
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
    trial: VecDeque<(PeerId, CancellationToken)>,
}

#[derive(Debug)]
struct Seat {
    port: usize,
    from: Option<IpAddr>,
    standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Open,
    Trial,
    Kept,
}

/// How a newcomer was let in.
#[derive(Debug)]
pub(crate) enum Entry {
    /// For as long as it likes.
    Open,
    /// Until it is kept; the token says that its place is another's.
    OnTrial(CancellationToken),
}

impl Places {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, state: Mutex::default() }
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
        let State { ports, from: addresses, seats } = &mut *state;
        let here = from.and_then(|from| addresses.get(&from)).copied().unwrap_or(0);
        if from.is_some() && here >= self.limits.per_address {
            return Err(Cause::TooManyFromAddress);
        }
        let at = ports.entry(port).or_default();
        let (entry, standing) = if at.open < self.open_at(port) {
            at.open += 1;
            (Entry::Open, Standing::Open)
        } else if self.limits.reserved > 0 {
            if at.trial.len() >= self.limits.reserved
                && let Some((_, leaves)) = at.trial.pop_front()
            {
                leaves.cancel();
            }
            let over = CancellationToken::new();
            at.trial.push_back((id, over.clone()));
            (Entry::OnTrial(over), Standing::Trial)
        } else {
            return Err(Cause::TooManyConnections);
        };
        if let Some(from) = from {
            addresses.insert(from, here + 1);
        }
        seats.insert(id, Seat { port, from, standing });
        Ok(entry)
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
        if let Some(Seat { port, from, standing }) = state.seats.remove(&id) {
            state.vacate(id, port, from, standing);
        }
    }

    /// How many connections a port may have now, in all.
    pub(crate) fn at_most(&self, port: usize) -> usize {
        let kept = self.lock().ports.get(&port).map_or(0, |port| port.kept);
        self.open_at(port).saturating_add(self.limits.reserved).saturating_add(kept)
    }

    /// The first port has as many places as its owner said, each further one no fewer than a few, so
    /// that it can be used however low that is.
    fn open_at(&self, port: usize) -> usize {
        match port {
            0 => self.limits.connections,
            _ => self.limits.connections.max(FURTHER),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
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
            Standing::Trial => at.trial.retain(|(other, _)| *other != id),
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
        let trial = |id| match places.enter(PeerId(id), 0, None).unwrap() {
            Entry::OnTrial(over) => over,
            Entry::Open => panic!("there is room"),
        };
        assert!(matches!(places.enter(PeerId(1), 0, None), Ok(Entry::Open)));
        let (two, three, four) = (trial(2), trial(3), trial(4));
        assert!(two.is_cancelled() && !three.is_cancelled() && !four.is_cancelled());
        places.keep(PeerId(3));
        let (five, six) = (trial(5), trial(6));
        assert!(!three.is_cancelled(), "who is kept stays");
        assert!(four.is_cancelled() && !five.is_cancelled() && !six.is_cancelled());
        assert!(!places.is_on_trial(PeerId(3)) && places.is_on_trial(PeerId(5)));
        assert_eq!(places.at_most(0), 4);
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
