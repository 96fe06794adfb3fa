//! What waits for something by client: a queue each, oldest first, and how much is in them.

use std::collections::{BTreeMap, VecDeque};

use super::{ConnId, Window};

/// What waits, by client. No queue in it is empty.
#[derive(Debug)]
pub(super) struct Held<T> {
    clients: BTreeMap<ConnId, Queue<T>>,
    all: Window,
}

#[derive(Debug)]
struct Queue<T> {
    /// Each with its bytes.
    items: VecDeque<(usize, T)>,
    bytes: usize,
}

/// Nothing of anything.
const NONE: Window = Window { messages: 0, bytes: 0 };

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { clients: BTreeMap::new(), all: NONE }
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { items: VecDeque::new(), bytes: 0 }
    }
}

impl<T> Held<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Whether anything of this client waits.
    pub(super) fn has(&self, conn: ConnId) -> bool {
        self.clients.contains_key(&conn)
    }

    /// How much waits in all.
    pub(super) fn all(&self) -> Window {
        self.all
    }

    /// The clients of which something waits, in order.
    pub(super) fn conns(&self) -> impl Iterator<Item = ConnId> + '_ {
        self.clients.keys().copied()
    }

    /// What waits, client by client.
    pub(super) fn items(&self) -> impl Iterator<Item = &T> {
        self.clients.values().flat_map(|queue| queue.items.iter().map(|(_, item)| item))
    }

    /// The first of each client, in order.
    pub(super) fn firsts(&self) -> impl Iterator<Item = (ConnId, &T)> {
        self.conns().filter_map(|conn| Some((conn, self.first(conn)?)))
    }

    /// The first of a client.
    pub(super) fn first(&self, conn: ConnId) -> Option<&T> {
        self.clients.get(&conn)?.items.front().map(|(_, item)| item)
    }

    /// Whether one more of these bytes is within `most` for its client. The first one always is.
    pub(super) fn fits(&self, conn: ConnId, bytes: usize, most: Window) -> bool {
        self.clients.get(&conn).is_none_or(|queue| {
            queue.items.len() < most.messages && queue.bytes.saturating_add(bytes) <= most.bytes
        })
    }

    /// The client of which most bytes wait.
    pub(super) fn fullest(&self) -> Option<ConnId> {
        self.clients.iter().max_by_key(|(_, queue)| queue.bytes).map(|(conn, _)| *conn)
    }

    /// Puts one of these bytes behind the others of its client.
    pub(super) fn push(&mut self, conn: ConnId, bytes: usize, item: T) {
        self.insert(conn, usize::MAX, bytes, item);
    }

    /// Puts one of these bytes behind the first `ahead` of its client.
    pub(super) fn insert(&mut self, conn: ConnId, ahead: usize, bytes: usize, item: T) {
        let queue = self.clients.entry(conn).or_default();
        queue.items.insert(ahead.min(queue.items.len()), (bytes, item));
        queue.bytes += bytes;
        self.all.messages += 1;
        self.all.bytes += bytes;
    }

    /// Takes the first of a client.
    pub(super) fn pop(&mut self, conn: ConnId) -> Option<T> {
        let queue = self.clients.get_mut(&conn)?;
        let (bytes, item) = queue.items.pop_front()?;
        queue.bytes -= bytes;
        if queue.items.is_empty() {
            self.clients.remove(&conn);
        }
        self.all.messages -= 1;
        self.all.bytes -= bytes;
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: ConnId = ConnId(1);
    const BOB: ConnId = ConnId(2);

    #[test]
    fn each_client_has_a_queue_and_all_of_it_is_counted() {
        let mut held = Held::default();
        for (conn, bytes, item) in [(BOB, 7, 'x'), (ANN, 2, 'a'), (ANN, 3, 'b')] {
            held.push(conn, bytes, item);
        }
        assert_eq!(held.all(), Window { messages: 3, bytes: 12 });
        assert_eq!(held.fullest(), Some(BOB));
        assert!(held.firsts().eq([(ANN, &'a'), (BOB, &'x')]));
        assert_eq!([held.pop(ANN), held.pop(ANN), held.pop(ANN)], [Some('a'), Some('b'), None]);
        assert!(!held.has(ANN) && held.has(BOB));
        held.pop(BOB);
        assert!(held.is_empty() && held.all() == NONE);
    }

    #[test]
    fn the_first_fits_whatever_its_size() {
        let (mut held, most) = (Held::default(), Window { messages: 2, bytes: 10 });
        assert!(held.fits(ANN, 11, most));
        held.push(ANN, 4, ());
        assert!(held.fits(ANN, 6, most) && !held.fits(ANN, 7, most));
        held.push(ANN, 4, ());
        assert!(!held.fits(ANN, 0, most) && held.fits(BOB, 11, most));
    }
}
