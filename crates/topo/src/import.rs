//! Networks that others have written down, as topology files.
//!
//! ```text
//! text ──> Gml | GraphML | node-link | containerlab ──> Read ──> Imported ──> TOML
//!                  what the file says            names made safe, links merged
//! ```
//!
//! The texts come from strangers. Their size, depth and numbers are limited, nothing in them is
//! expanded, and whatever is wrong with one is an [`ImportError`] with its place.

mod build;
mod containerlab;
mod distance;
mod entity;
mod error;
mod format;
mod gml;
mod graphml;
mod names;
mod node_link;
mod note;
mod parts;
mod read;
mod write;
mod yaml;

use hopline_mesh::name::NodeName;

pub use build::{Imported, ImportedLink, ImportedNode};
pub use error::{ImportError, Mistake, Place};
pub use format::Format;
pub use note::Note;

/// The largest text that is read, in bytes.
pub const MAX_IMPORT: u64 = 64 << 20;

/// The most nodes that are taken over: as many as a topology may have.
pub const MAX_NODES: usize = crate::MAX_NODES as usize;

/// The most links that are taken over, parallel ones and loops included.
pub const MAX_LINKS: usize = crate::MAX_LINKS as usize;

/// How deep lists and elements may lie within each other.
const MAX_DEPTH: usize = 64;

/// How to import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What the text is called, in the notes at the head of the topology file.
    pub source: String,
    /// The name of the mesh; by default the source's name as far as it can be one.
    pub mesh: Option<NodeName>,
    /// Where the costs of links come from.
    pub cost: Cost,
}

impl Options {
    /// The default options for a text that is called `source`.
    #[must_use]
    pub fn new(source: &str) -> Self {
        Self { source: source.to_owned(), mesh: None, cost: Cost::default() }
    }
}

/// Where the costs of links come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cost {
    /// Every link has the default cost, so that the way with the fewest links is the best.
    #[default]
    Hops,
    /// Whole kilometres, at least 1: the link's own `dist`, else the great circle between its ends.
    Distance,
}

/// Reads a network from `text`.
///
/// - Each node gets a safe name made from its label, else from its id; of nodes with the same label
///   the later ones get `-2`, `-3` and so on. The label is kept where it is not the name.
/// - Links have no direction. Of parallel links the one of least cost is kept, loops are dropped.
/// - The end that the text names first dials; neither is the other's upstream.
///
/// What was changed or left out is told by [`Imported::notes`].
///
/// # Errors
/// [`ImportError`] says what cannot be read, and where.
///
/// # Examples
/// ```
/// use hopline_topo::import::{Format, Options, import};
///
/// let text = r#"graph [
///   node [ id 0 label "Zürich" ]
///   node [ id 1 label "Genève" ]
///   edge [ source 0 target 1 ]
/// ]"#;
/// let imported = import(text, Format::Gml, &Options::new("swiss.gml"))?;
/// assert_eq!(imported.nodes[0].name.as_str(), "Zurich");
/// assert!(imported.to_toml().contains(r#"ends = ["Zurich", "Geneve"]"#));
/// # Ok::<(), hopline_topo::import::ImportError>(())
/// ```
pub fn import(text: &str, format: Format, options: &Options) -> Result<Imported, ImportError> {
    if text.len() as u64 > MAX_IMPORT {
        return Err(ImportError::whole(Mistake::TooLarge));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let read = match format {
        Format::Gml => gml::read(text),
        Format::GraphMl => graphml::read(text),
        Format::NodeLink => node_link::read(text),
        Format::Containerlab => containerlab::read(text),
    }?;
    build::build(text, read, options)
}
