//! From what a file says to what the topology file will say.

use std::collections::BTreeMap;

use hopline_mesh::name::{LinkName, NodeName};

use super::distance::{cost, great_circle};
use super::error::{ImportError, Mistake};
use super::names::{safe, unique};
use super::note::Note;
use super::parts::Shape;
use super::read::{Read, ReadLink, ReadNode};
use super::{Cost, Options};
use crate::files::MAX_FILE;
use crate::topology::{DEFAULT_COST, DEFAULT_HOP_LIMIT};

/// A node that is drawn farther away than this is not placed at all.
const FARTHEST: f64 = 1e9;

/// A network that has been read, ready to be written as a topology file.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// What the file is called that it comes from.
    pub source: String,
    /// The mesh's name.
    pub mesh: NodeName,
    /// How many nodes a path may hold, where the default would not do.
    pub hop_limit: Option<u8>,
    /// The nodes, in the order of the file.
    pub nodes: Vec<ImportedNode>,
    /// The links, in the order of the file.
    pub links: Vec<ImportedLink>,
    /// What was changed or left out.
    pub notes: Vec<Note>,
}

/// A node that has been read.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedNode {
    /// What the file calls it for itself.
    pub id: String,
    /// Its name in the mesh.
    pub name: NodeName,
    /// What people call it, where that is not its name.
    pub label: Option<String>,
    /// Where it is drawn, to the right and upward: on a map, longitude and latitude.
    pub position: Option<(f64, f64)>,
}

/// A link that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedLink {
    /// Its ends; the first dials.
    pub ends: (NodeName, NodeName),
    /// Its cost.
    pub cost: u32,
}

/// What becomes of a file's network under `options`.
pub(super) fn build(text: &str, read: Read, options: &Options) -> Result<Imported, ImportError> {
    let ends = read.ends(text)?;
    let mut notes = read.notes;
    let labels = read.nodes.iter().map(ReadNode::called);
    let names = unique(labels);
    let links = links(text, &read.nodes, &read.links, &ends, &names, options.cost)?;
    notes.extend(links.notes);

    let numbered = read.nodes.iter().zip(&names);
    let numbered = numbered.filter(|(node, name)| safe(node.called()) != name.as_str());
    let numbered: Vec<_> = numbered.map(|(_, name)| name.clone()).collect();
    if !numbered.is_empty() {
        notes.insert(0, Note::Numbered(numbered));
    }
    if options.cost == Cost::Distance {
        let placeless = read.nodes.iter().zip(&names).filter(|(node, _)| node.place().is_none());
        let placeless: Vec<_> = placeless.map(|(_, name)| name.clone()).collect();
        if !placeless.is_empty() {
            notes.push(Note::Placeless(placeless));
        }
    }
    let shape = links.found.iter().map(|&(a, b, cost)| (a, b, cost));
    let shape = Shape::new(names.len(), shape);
    let parts = shape.parts();
    if parts.len() > 1 {
        notes.push(Note::Parts(parts));
    }
    let hop_limit = hop_limit(&shape, &mut notes);

    let nodes = read.nodes.into_iter().zip(&names);
    let nodes = nodes.map(|(node, name)| ImportedNode {
        position: node.position(),
        label: Some(on_one_line(node.called()))
            .filter(|label| !label.is_empty() && label != name.as_str()),
        id: node.id,
        name: name.clone(),
    });
    let links = links
        .found
        .into_iter()
        .map(|(a, b, cost)| ImportedLink { ends: (names[a].clone(), names[b].clone()), cost });
    let mut imported = Imported {
        source: options.source.clone(),
        mesh: options.mesh.clone().unwrap_or_else(|| mesh_name(&options.source)),
        hop_limit,
        nodes: nodes.collect(),
        links: links.collect(),
        notes,
    };
    let size = imported.to_toml().len();
    if size as u64 > MAX_FILE {
        imported.notes.push(Note::LargeFile(size));
    }
    Ok(imported)
}

impl ReadNode {
    /// What it is called: by its label, else by its id.
    fn called(&self) -> &str {
        let label = self.label.as_deref().map(str::trim).filter(|label| !label.is_empty());
        label.unwrap_or(&self.id)
    }

    /// Its longitude and latitude.
    fn place(&self) -> Option<(f64, f64)> {
        self.longitude.zip(self.latitude)
    }

    fn position(&self) -> Option<(f64, f64)> {
        let is_near = |&(x, y): &(f64, f64)| x.abs() <= FARTHEST && y.abs() <= FARTHEST;
        self.place().or(self.x.zip(self.y)).filter(is_near)
    }
}

/// The longest label that is kept, in characters.
const LONGEST_LABEL: usize = 200;

/// A label without line ends and other controls, which no drawing could show.
fn on_one_line(label: &str) -> String {
    let words = label.split(|c: char| c.is_control() || c.is_whitespace());
    let words = words.filter(|word| !word.is_empty());
    let mut line = String::new();
    for word in words {
        let blank = if line.is_empty() { "" } else { " " };
        line.extend([blank, word]);
        if line.chars().count() > LONGEST_LABEL {
            line = line.chars().take(LONGEST_LABEL).chain(['\u{2026}']).collect();
            break;
        }
    }
    line
}

/// Links between places in the list of nodes.
struct Links {
    found: Vec<(usize, usize, u32)>,
    notes: Vec<Note>,
}

fn links(
    text: &str,
    nodes: &[ReadNode],
    links: &[ReadLink],
    ends: &[(usize, usize)],
    names: &[NodeName],
    by: Cost,
) -> Result<Links, ImportError> {
    let mut found: Vec<(usize, usize, u32)> = Vec::new();
    let mut places: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut parallel: BTreeMap<LinkName, usize> = BTreeMap::new();
    let mut loops: BTreeMap<NodeName, usize> = BTreeMap::new();
    for (link, &(from, to)) in links.iter().zip(ends) {
        let Ok(name) = LinkName::new(names[from].clone(), names[to].clone()) else {
            *loops.entry(names[from].clone()).or_default() += 1;
            continue;
        };
        let cost = match by {
            Cost::Hops => DEFAULT_COST,
            Cost::Distance => {
                let between = || Some(great_circle(nodes[from].place()?, nodes[to].place()?));
                let given = link.dist.filter(|dist| (0.0..=FARTHEST).contains(dist));
                let length = given.or_else(between).ok_or_else(|| {
                    let called = |node: usize| nodes[node].called().into();
                    let (from, to) = (called(from), called(to));
                    link.spot.error(text, Mistake::NoDistance { from, to })
                })?;
                cost(length)
            }
        };
        let place = *places.entry((from.min(to), from.max(to))).or_insert(found.len());
        match found.get_mut(place) {
            Some((.., least)) => {
                *least = cost.min(*least);
                *parallel.entry(name).or_default() += 1;
            }
            None => found.push((from, to, cost)),
        }
    }
    let mut notes = Vec::new();
    if !parallel.is_empty() {
        notes.push(Note::Parallel(parallel.into_iter().collect()));
    }
    if !loops.is_empty() {
        notes.push(Note::Loops(loops.into_iter().collect()));
    }
    Ok(Links { found, notes })
}

/// The hop limit that lets every way through, where the default does not.
fn hop_limit(shape: &Shape, notes: &mut Vec<Note>) -> Option<u8> {
    let parts = shape.parts();
    if parts.first().is_none_or(|&largest| largest <= usize::from(DEFAULT_HOP_LIMIT)) {
        return None;
    }
    let Some(longest) = shape.longest() else {
        notes.push(Note::NotSearched(u8::MAX));
        return Some(u8::MAX);
    };
    let limit = u8::try_from(longest).unwrap_or(u8::MAX);
    if limit <= DEFAULT_HOP_LIMIT {
        return None;
    }
    notes.push(match usize::from(limit) < longest {
        true => Note::TooLong(longest),
        false => Note::HopLimit(limit),
    });
    Some(limit)
}

/// The name of a mesh that comes from the file `source`.
fn mesh_name(source: &str) -> NodeName {
    let file = source.rsplit(['/', '\\']).next().unwrap_or(source);
    let endings = [".gml", ".graphml", ".xml", ".json", ".yml", ".yaml", ".clab"];
    let mut stem = file;
    for _ in 0..2 {
        stem = endings.iter().find_map(|ending| stem.strip_suffix(ending)).unwrap_or(stem);
    }
    let name = safe(stem);
    unique(std::iter::once(name.as_str())).remove(0)
}
