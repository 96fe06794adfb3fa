//! What an import has changed or left out.

use std::fmt;

use hopline_mesh::name::{LinkName, NodeName};

/// How many of a kind a note names.
const NAMED: usize = 6;

/// Something that an import has changed or left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The file's links have a direction.
    Directed,
    /// Links that join more than two nodes at once, how many there were.
    Hyperedges(usize),
    /// Links that lead out of a lab, as the file has them.
    Outside(Vec<String>),
    /// Nodes that got a number because others are called the same.
    Numbered(Vec<NodeName>),
    /// Pairs of nodes that the file joins more than once, and how many links were left out.
    Parallel(Vec<(LinkName, usize)>),
    /// Nodes that the file joins to themselves, and how often.
    Loops(Vec<(NodeName, usize)>),
    /// The sizes of the parts that no link joins, the largest first; there is more than one.
    Parts(Vec<usize>),
    /// Nodes whose place is not known, where costs come from distances.
    Placeless(Vec<NodeName>),
    /// The longest way holds more nodes than the default hop limit; the one that was set.
    HopLimit(u8),
    /// The longest way holds more nodes than any hop limit allows.
    TooLong(usize),
    /// The mesh is too large to look for its longest way; it has the highest hop limit.
    NotSearched(u8),
    /// The topology file is larger than one may be, how many bytes.
    LargeFile(usize),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directed => f.write_str("the links had a direction; here they go both ways"),
            Self::Hyperedges(count) => {
                write!(f, "left out {count} {} of more than two ends", plural(*count, "link"))
            }
            Self::Outside(links) => {
                let count = links.len();
                write!(f, "left out {count} {} that lead out of the lab: ", plural(count, "link"))?;
                listed(f, links.iter())
            }
            Self::Numbered(nodes) => {
                let count = nodes.len();
                let (are, others) = if count == 1 { ("is", "another") } else { ("are", "others") };
                write!(f, "{count} {} {are} called like {others}", plural(count, "node"))?;
                f.write_str(" and got a number: ")?;
                listed(f, nodes.iter())
            }
            Self::Parallel(links) => {
                let count: usize = links.iter().map(|(_, count)| count).sum();
                let cheapest = "the one of least cost stands for all";
                write!(f, "left out {count} parallel {}, {cheapest}: ", plural(count, "link"))?;
                listed(f, links.iter().map(Times))
            }
            Self::Loops(nodes) => {
                let count: usize = nodes.iter().map(|(_, count)| count).sum();
                write!(f, "left out {count} {} from a node to itself: ", plural(count, "link"))?;
                listed(f, nodes.iter().map(Times))
            }
            Self::Parts(sizes) => {
                let count = sizes.len();
                write!(f, "the mesh is in {count} parts that no link joins; nodes in each: ")?;
                listed(f, sizes.iter())
            }
            Self::Placeless(nodes) => {
                let count = nodes.len();
                write!(f, "{count} {} without a place on the map: ", plural(count, "node"))?;
                listed(f, nodes.iter())
            }
            Self::HopLimit(limit) => {
                write!(f, "the longest way needs a hop limit of {limit}, which is set")
            }
            Self::TooLong(nodes) => write!(
                f,
                "the longest way takes {nodes} nodes, and no hop limit is above 255: some ways \
                 are refused"
            ),
            Self::NotSearched(limit) => write!(
                f,
                "the mesh is too large to look for its longest way, so the hop limit is set to \
                 {limit}"
            ),
            Self::LargeFile(bytes) => write!(
                f,
                "the topology file has {bytes} bytes, more than a file may have: import a part"
            ),
        }
    }
}

/// Something and how often it was there, where that is more than once.
struct Times<'a, T>(&'a (T, usize));

impl<T: fmt::Display> fmt::Display for Times<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            (thing, 1) => write!(f, "{thing}"),
            (thing, count) => write!(f, "{thing} ({count})"),
        }
    }
}

fn listed(
    f: &mut fmt::Formatter<'_>,
    things: impl ExactSizeIterator<Item = impl fmt::Display>,
) -> fmt::Result {
    let more = things.len().saturating_sub(NAMED);
    for (place, thing) in things.take(NAMED).enumerate() {
        write!(f, "{}{thing}", if place == 0 { "" } else { ", " })?;
    }
    if more > 0 {
        write!(f, " and {more} more")?;
    }
    Ok(())
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}
