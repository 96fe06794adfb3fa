//! Tables that were there before, for messages that others have sent by them.
//!
//! ```text
//!  a -> b -> w -> x -> d       x drains, or a link there gets worse: the best way is a -> c -> d now
//!       b, w and x know it first, and to them a is the better way
//!  m: a (then) . b             a has sent m before it knew: from b it would go back
//!  m: a (then) . b . w . x . d by the tables that they had then, it arrives
//! ```
//!
//! A stamp says what its node knew of the mesh ([`Revision`](crate::route::Revision)). A message that would go back to
//! where it has been goes on by the table that this node had when it knew the same, if the link is up. So a message is
//! carried by one state of the mesh, the old or the new one, to its end (Reitblatt et al., Abstractions for Network
//! Update, 2012: per-packet consistency). In a mesh at rest all stamps say what the table says, and no earlier one is
//! asked.

use std::collections::VecDeque;
use std::time::Duration;

use crate::route::Table;
use crate::wire::Path;

/// So many tables are kept,
const MOST: usize = 3;
/// and for so long: then the others have heard of the change, and what they sent before has arrived, on slow links too.
const KEPT: Duration = Duration::from_secs(60);

/// The last tables, the newest one first, each with the time when it was replaced.
#[derive(Debug, Default)]
pub(in crate::brain) struct Earlier(VecDeque<(Duration, Table)>);

impl Earlier {
    /// A table is replaced by another. It is kept if a way has become worse: where all are as good, nothing goes back.
    pub(super) fn keep(&mut self, now: Duration, mut last: Table, by: &Table) {
        self.forget(now);
        if !last.has_better_ways_than(by) {
            return;
        }
        last.forget_alternates();
        self.0.truncate(MOST - 1);
        self.0.push_front((now, last));
    }

    /// Lets go of those that are too old.
    pub(in crate::brain) fn forget(&mut self, now: Duration) {
        self.0.retain(|(replaced, _)| *replaced + KEPT > now);
    }

    /// The tables of when this node knew what one on this path knew, the newest first.
    pub(in crate::brain) fn of<'t>(&'t self, path: &Path<'_>) -> Vec<&'t Table> {
        let known = |table: &&Table| {
            let revision = table.revision().short();
            path.stamps().any(|stamp| stamp.revision == revision)
        };
        self.0.iter().map(|(_, table)| table).filter(known).collect()
    }
}
