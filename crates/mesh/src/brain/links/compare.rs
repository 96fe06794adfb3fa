//! Two neighbours compare what they know: when their link comes up, and when something seems to have been lost.
//!
//! A link is announced to the others when this end has told what the other lacked (as a router of OSPF lists a
//! neighbour once their databases are the same: RFC 2328, section 10.3). It counts when both have announced it. So a
//! message that goes by a new link finds a node that knows where it is to go.

use crate::brain::{Brain, Now};
use crate::name::NodeName;
use crate::wire::link_state::Summary;

/// Two that differ for so many signs of life do not only wait for a flood that is on its way.
const DIFFERED: u32 = 4;

impl Brain {
    /// The link to a neighbour is up. The greater name says what it knows, as a digest; the lesser one compares.
    pub(in crate::brain) fn compare_with(&mut self, neighbour: &NodeName) {
        let is_greater = self.config.node > *neighbour;
        if let Some(session) = self.session(neighbour).filter(|_| is_greater) {
            session.owed.digest(session.compared.start);
        }
    }

    /// The neighbour's digest of what it knew when the link came up.
    pub(in crate::brain) fn compare_start(&mut self, neighbour: &NodeName, digest: u64) {
        let Some(session) = self.session(neighbour) else {
            return;
        };
        if session.compared.start == digest {
            session.owed.answer();
            self.announce(neighbour);
        } else {
            session.owed.summary();
        }
    }

    /// The neighbour's digest of what it knows now.
    pub(in crate::brain) fn compare_again(&mut self, neighbour: &NodeName, digest: u64) {
        let own = self.database.digest();
        let Some(session) = self.session(neighbour) else {
            return;
        };
        if digest == own {
            // Whatever was flooded is known there, although no word of it has come back.
            session.floods_acknowledged = session.floods_sent;
        }
        let compared = &mut session.compared;
        compared.differed = if digest == own { 0 } else { compared.differed + 1 };
        if compared.differed >= DIFFERED {
            compared.differed = 0;
            session.owed.summary();
            self.counters.add(DIFFERENT);
        }
    }

    /// A neighbour's summary: it is told what it lacks, and asked for what this node lacks.
    pub(in crate::brain) fn compare_all(
        &mut self,
        now: Now,
        neighbour: &NodeName,
        theirs: &Summary,
    ) {
        let differences = self.database.compare(theirs, now.since_start);
        let Self { links, database, .. } = self;
        let Some(session) = links.get_mut(neighbour).and_then(|link| link.session.as_mut()) else {
            return;
        };
        for held in &differences.theirs {
            let (links, names) = database.ages(&held.origin);
            session.owed.newer(held, links.unwrap_or_default(), names.unwrap_or_default());
        }
        for origin in &differences.ours {
            session.owed.ask(origin);
        }
        if theirs.whole {
            session.owed.answer();
        }
        self.announce(neighbour);
    }

    /// What the neighbour lacked goes out with the next flood, and so does word of the link.
    fn announce(&mut self, neighbour: &NodeName) {
        if let Some(session) = self.session(neighbour)
            && !std::mem::replace(&mut session.compared.told, true)
        {
            self.originate_adjacency();
        }
    }
}

/// The counter of comparisons because neighbours came to know different things.
const DIFFERENT: &str = "link state differed";
