//! Why a text cannot be imported.

use std::fmt;

use super::{MAX_DEPTH, MAX_IMPORT, MAX_LINKS, MAX_NODES};

/// Why a text cannot be imported, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{mistake}", Before(*.place))]
pub struct ImportError {
    /// Where it is, unless it is the text as a whole.
    pub place: Option<Place>,
    /// What it is.
    pub mistake: Mistake,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The character of the line, from 1.
    pub column: usize,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// The text is too large.
    #[error("the file is larger than {} MiB", MAX_IMPORT >> 20)]
    TooLarge,
    /// Lists or elements lie too deep in each other.
    #[error("lists or elements lie more than {MAX_DEPTH} deep in each other")]
    TooDeep,
    /// There are too many nodes.
    #[error("there are more than {MAX_NODES} nodes")]
    TooManyNodes,
    /// There are too many links.
    #[error("there are more than {MAX_LINKS} links")]
    TooManyLinks,
    /// There is no node at all.
    #[error("there are no nodes")]
    NoNodes,
    /// There is no graph in it.
    #[error("there is no {0} in the file")]
    Missing(&'static str),
    /// There is more than one graph in it.
    #[error("there is more than one graph in the file: split it, or keep one")]
    SecondGraph,
    /// The text is not what its format says.
    #[error("the file is not well formed: {0}")]
    Syntax(Box<str>),
    /// Something else was expected.
    #[error("expected {0}")]
    Expected(&'static str),
    /// It does not end.
    #[error("{0} is not closed")]
    Unclosed(&'static str),
    /// The text defines entities, which could make a little text a huge one.
    #[error("the file defines entities, which are not expanded: write out what they stand for")]
    Entities,
    /// An entity that is none of the predefined ones.
    #[error("`&{0};` stands for nothing: only &amp; &lt; &gt; &quot; &apos; and numbers are known")]
    UnknownEntity(Box<str>),
    /// Aliases that come to more than they should.
    #[error("the aliases of the file come to more than {0} values when they are followed")]
    AliasBomb(u64),
    /// An alias of what holds it.
    #[error("an alias stands within what it stands for")]
    AliasCycle,
    /// A node has no id.
    #[error("a node has no `id`")]
    NoId,
    /// Two nodes have one id.
    #[error("a second node has the id `{0}`")]
    SecondId(Box<str>),
    /// A link does not say what it joins.
    #[error("a link does not name its two ends")]
    NoEnds,
    /// A link names a node that is not there.
    #[error("a link names the node `{0}`, which is not in the file")]
    UnknownNode(Box<str>),
    /// The length of a link is not known, and costs by distance were asked for.
    #[error(
        "the link from `{from}` to `{to}` has no `dist`, and not both of its ends have a \
         latitude and a longitude, so it has no cost by distance: import it with costs by hops"
    )]
    NoDistance {
        /// One end.
        from: Box<str>,
        /// The other end.
        to: Box<str>,
    },
}

impl ImportError {
    pub(super) fn at(place: Place, mistake: Mistake) -> Self {
        Self { place: Some(place), mistake }
    }

    pub(super) fn whole(mistake: Mistake) -> Self {
        Self { place: None, mistake }
    }
}

impl Place {
    /// The place of the byte at `offset` of `text`.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let offset = text.floor_char_boundary(offset);
        let before = &text[..offset];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
            column: before[start..].chars().count() + 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Where something stands, found out only if it is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Spot {
    /// At this byte of the text.
    Byte(usize),
    Place(Place),
}

impl Default for Spot {
    fn default() -> Self {
        Self::Byte(0)
    }
}

impl Spot {
    pub(super) fn error(self, text: &str, mistake: Mistake) -> ImportError {
        ImportError::at(self.place(text), mistake)
    }

    pub(super) fn place(self, text: &str) -> Place {
        match self {
            Self::Byte(offset) => Place::of(text, offset),
            Self::Place(place) => place,
        }
    }
}

struct Before(Option<Place>);

impl fmt::Display for Before {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(place) => write!(f, "line {}, column {}: ", place.line, place.column),
            None => Ok(()),
        }
    }
}
