//! What a neighbour may not know yet: origins, not records, so that many changes of one are told once, as it is then.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::NodeName;
use crate::wire::link_state::{Age, Held};

/// What is to be told to one neighbour.
#[derive(Debug, Default)]
pub(in crate::brain) struct Owed {
    origins: BTreeMap<NodeName, News>,
    /// None where there is no question; none of them is an answer too, to who has told how old all is that it knows.
    questions: Option<BTreeSet<NodeName>>,
    digest: Option<u64>,
    summary: bool,
}

/// What there is to be told of one node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::brain) struct News {
    /// Its links.
    pub(in crate::brain) links: bool,
    /// Its attachments.
    pub(in crate::brain) names: Names,
}

/// What there is to be told of a node's attachments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::brain) enum Names {
    /// Nothing: they are known.
    #[default]
    Known,
    /// What has changed since they were this old.
    Since(Age),
    /// All.
    Whole,
}

impl Owed {
    /// How many nodes there is something to be told or asked of.
    pub(in crate::brain) fn len(&self) -> usize {
        let compared = usize::from(self.digest.is_some()) + usize::from(self.summary);
        self.origins.len() + usize::from(self.questions.is_some()) + compared
    }

    /// This digest of all that is known is to be told.
    pub(in crate::brain) fn digest(&mut self, digest: u64) {
        self.digest = Some(digest);
    }

    /// How old all that is known is, is to be told.
    pub(in crate::brain) fn summary(&mut self) {
        self.summary = true;
    }

    /// What a neighbour lacks that has this old a word of a node is to be told.
    pub(in crate::brain) fn newer(&mut self, held: &Held, links: Age, names: Age) {
        if links > held.links {
            self.links(&held.origin);
        }
        if names > held.names {
            let since = Some(held.names).filter(|since| *since != Age::default());
            self.names(&held.origin, since);
        }
    }

    /// A node's links are to be told.
    pub(in crate::brain) fn links(&mut self, origin: &NodeName) {
        self.origins.entry(origin.clone()).or_default().links = true;
    }

    /// A node's attachments are to be told: what has changed since they were as old as the neighbour knows them, or
    /// all, where that is not known.
    pub(in crate::brain) fn names(&mut self, origin: &NodeName, since: Option<Age>) {
        let news = self.origins.entry(origin.clone()).or_default();
        news.names = match (news.names, since) {
            (Names::Known, Some(since)) => Names::Since(since),
            // It has not been told of the change before this one either.
            (Names::Since(earlier), Some(_)) => Names::Since(earlier),
            (Names::Whole, _) | (_, None) => Names::Whole,
        };
    }

    /// All that is known of a node is to be told.
    pub(in crate::brain) fn all(&mut self, origin: &NodeName) {
        self.origins.insert(origin.clone(), News { links: true, names: Names::Whole });
    }

    /// The neighbour is to be told that there is nothing to ask it for, if there is not.
    pub(in crate::brain) fn answer(&mut self) {
        self.questions.get_or_insert_default();
    }

    /// The neighbour is to be asked for what it knows of a node that is newer.
    pub(in crate::brain) fn ask(&mut self, origin: &NodeName) {
        self.questions.get_or_insert_default().insert(origin.clone());
    }

    /// The neighbour knows a node's links.
    pub(in crate::brain) fn knows_links(&mut self, origin: &NodeName) {
        self.knows(origin, |news| news.links = false);
    }

    /// The neighbour knows a node's attachments.
    pub(in crate::brain) fn knows_names(&mut self, origin: &NodeName) {
        self.knows(origin, |news| news.names = Names::Known);
    }

    fn knows(&mut self, origin: &NodeName, mark: impl FnOnce(&mut News)) {
        if let Some(news) = self.origins.get_mut(origin) {
            mark(news);
            if *news == News::default() {
                self.origins.remove(origin);
            }
        }
    }

    /// The next node that there is something to be told of.
    pub(in crate::brain) fn pop(&mut self) -> Option<(NodeName, News)> {
        self.origins.pop_first()
    }

    /// The nodes that the neighbour is to be asked for.
    pub(in crate::brain) fn take_questions(&mut self) -> Option<BTreeSet<NodeName>> {
        self.questions.take()
    }

    /// The digest that is to be told.
    pub(in crate::brain) fn take_digest(&mut self) -> Option<u64> {
        self.digest.take()
    }

    /// Whether a summary is to be told.
    pub(in crate::brain) fn take_summary(&mut self) -> bool {
        std::mem::take(&mut self.summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> NodeName {
        NodeName::parse(name).unwrap()
    }

    fn age(sequence: u64) -> Age {
        Age { incarnation: 1, sequence }
    }

    #[test]
    fn many_changes_are_one_piece_of_news_since_the_first() {
        let mut owed = Owed::default();
        for sequence in 3..9 {
            owed.names(&node("a"), Some(age(sequence)));
        }
        owed.links(&node("a"));
        assert_eq!(owed.len(), 1);
        let news = News { links: true, names: Names::Since(age(3)) };
        assert_eq!(owed.pop(), Some((node("a"), news)));
        assert_eq!(owed.pop(), None);
    }

    #[test]
    fn what_the_neighbour_knows_is_not_told() {
        let mut owed = Owed::default();
        owed.all(&node("a"));
        owed.knows_links(&node("a"));
        assert_eq!(owed.len(), 1);
        owed.knows_names(&node("a"));
        assert_eq!((owed.len(), owed.pop()), (0, None));
        owed.ask(&node("b"));
        assert_eq!((owed.len(), owed.take_questions()), (1, Some(BTreeSet::from([node("b")]))));
        assert_eq!(owed.len(), 0);
    }

    #[test]
    fn what_cannot_be_told_as_a_change_is_told_whole() {
        let mut owed = Owed::default();
        owed.names(&node("a"), Some(age(3)));
        owed.names(&node("a"), None);
        owed.names(&node("a"), Some(age(5)));
        assert_eq!(owed.pop().map(|(_, news)| news.names), Some(Names::Whole));
    }
}
