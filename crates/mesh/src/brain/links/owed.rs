//! What a neighbour may not know yet: origins, not records, so that many changes of one are told once, as it is then.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::NodeName;
use crate::wire::link_state::Age;

/// What is to be told to one neighbour.
#[derive(Debug, Default)]
pub(in crate::brain) struct Owed {
    origins: BTreeMap<NodeName, News>,
    questions: BTreeSet<NodeName>,
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
        self.origins.len() + self.questions.len()
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

    /// The neighbour is to be asked for all that it knows of a node.
    pub(in crate::brain) fn ask(&mut self, origin: &NodeName) {
        self.questions.insert(origin.clone());
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

    /// The next node that the neighbour is to be asked for.
    pub(in crate::brain) fn pop_question(&mut self) -> Option<NodeName> {
        self.questions.pop_first()
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
        assert_eq!((owed.len(), owed.pop_question()), (1, Some(node("b"))));
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
