//! What a file says, whatever its format, before any of it is judged.

use super::error::{ImportError, Mistake, Spot};
use super::note::Note;
use super::{MAX_LINKS, MAX_NODES};

/// A network as its file has it.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) nodes: Vec<ReadNode>,
    pub(super) links: Vec<ReadLink>,
    /// What the reader has left out.
    pub(super) notes: Vec<Note>,
}

/// A node as its file has it.
#[derive(Debug, Default)]
pub(super) struct ReadNode {
    pub(super) id: String,
    pub(super) label: Option<String>,
    pub(super) longitude: Option<f64>,
    pub(super) latitude: Option<f64>,
    /// Where it is drawn, where it is not on a map.
    pub(super) x: Option<f64>,
    /// Upward.
    pub(super) y: Option<f64>,
    /// Where it begins.
    pub(super) spot: Spot,
}

/// A link as its file has it.
#[derive(Debug, Default)]
pub(super) struct ReadLink {
    pub(super) from: String,
    pub(super) to: String,
    /// Its length, in kilometres.
    pub(super) dist: Option<f64>,
    /// Where it begins.
    pub(super) spot: Spot,
}

impl Read {
    pub(super) fn push_node(&mut self, text: &str, node: ReadNode) -> Result<(), ImportError> {
        if self.nodes.len() == MAX_NODES {
            return Err(node.spot.error(text, Mistake::TooManyNodes));
        }
        self.nodes.push(node);
        Ok(())
    }

    pub(super) fn push_link(&mut self, text: &str, link: ReadLink) -> Result<(), ImportError> {
        if self.links.len() == MAX_LINKS {
            return Err(link.spot.error(text, Mistake::TooManyLinks));
        }
        self.links.push(link);
        Ok(())
    }

    /// Holds that every id is there once and every link joins two of them.
    ///
    /// Gives the ends of each link as places in the list of nodes.
    pub(super) fn ends(&self, text: &str) -> Result<Vec<(usize, usize)>, ImportError> {
        if self.nodes.is_empty() {
            return Err(ImportError::whole(Mistake::NoNodes));
        }
        let mut places = std::collections::BTreeMap::new();
        for (place, node) in self.nodes.iter().enumerate() {
            if places.insert(node.id.as_str(), place).is_some() {
                let mistake = Mistake::SecondId(node.id.as_str().into());
                return Err(node.spot.error(text, mistake));
            }
        }
        let end = |link: &ReadLink, id: &str| {
            places.get(id).copied().ok_or_else(|| {
                let mistake = Mistake::UnknownNode(id.into());
                link.spot.error(text, mistake)
            })
        };
        self.links.iter().map(|link| Ok((end(link, &link.from)?, end(link, &link.to)?))).collect()
    }
}

/// A number that can be reckoned with.
pub(super) fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}
