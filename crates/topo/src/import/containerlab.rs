//! Labs of containerlab: their nodes, and the links between these.

use std::collections::HashSet;

use super::error::{ImportError, Mistake, Spot};
use super::note::Note;
use super::read::{Read, ReadLink, ReadNode, number};
use super::yaml::{Branch, Document};

/// What stands for something outside of the lab in a link.
const OUTSIDE: &[&str] = &["host", "mgmt-net", "macvlan", "vxlan", "vxlan-stitch", "dummy"];

/// The types of links between two nodes.
const BETWEEN_NODES: &[&str] = &["veth"];

/// Reads a lab.
pub(super) fn read(text: &str) -> Result<Read, ImportError> {
    let document = Document::read(text)?;
    let topology = document.root().and_then(|root| root.key("topology"));
    let topology = topology.ok_or(ImportError::whole(Mistake::Missing("map `topology`")))?;
    let mut read = Read::default();
    let mut names = HashSet::new();
    if let Some(nodes) = topology.key("nodes").filter(|nodes| !is_nothing(*nodes)) {
        let expected = || error(nodes, Mistake::Expected("a map of nodes"));
        for (key, node) in nodes.map().ok_or_else(expected)? {
            let name = key.text().ok_or_else(|| error(key, Mistake::Expected("a node's name")))?;
            names.insert(name);
            read.push_node(text, self::node(name, key, node))?;
        }
    }
    let Some(links) = topology.key("links").filter(|links| !is_nothing(*links)) else {
        return Ok(read);
    };
    let links = links.list().ok_or_else(|| error(links, Mistake::Expected("a list of links")))?;
    let mut outside = Vec::new();
    for link in links {
        let ends = ends(link)?;
        let is_outside = |end: &str| OUTSIDE.contains(&end) && !names.contains(end);
        match ends.as_slice() {
            [from, to] if !is_outside(from.node) && !is_outside(to.node) => {
                let (from, to) = (from.node.to_owned(), to.node.to_owned());
                let spot = Spot::Place(link.place());
                read.push_link(text, ReadLink { from, to, dist: None, spot })?;
            }
            _ => outside.push(described(link, &ends)),
        }
    }
    if !outside.is_empty() {
        read.notes.push(Note::Outside(outside));
    }
    Ok(read)
}

fn node(name: &str, key: Branch<'_>, node: Branch<'_>) -> ReadNode {
    let labels = node.key("labels");
    let number = |key| number(labels?.key(key)?.text()?);
    ReadNode {
        id: name.to_owned(),
        label: None,
        longitude: number("graph-geoCoordinateLng"),
        latitude: number("graph-geoCoordinateLat"),
        x: number("graph-posX"),
        // Drawings count downward.
        y: number("graph-posY").map(|y| -y),
        spot: Spot::Place(key.place()),
    }
}

/// One end of a link: a node, or what stands for something outside.
#[derive(Debug)]
struct End<'a> {
    node: &'a str,
    interface: &'a str,
}

/// The ends of a link: of any number but two where it leads outside.
fn ends<'a>(link: Branch<'a>) -> Result<Vec<End<'a>>, ImportError> {
    let missing = || error(link, Mistake::NoEnds);
    let kind = link.key("type").and_then(Branch::text);
    let is_between = kind.is_none_or(|kind| BETWEEN_NODES.contains(&kind));
    let ends = match link.key("endpoints") {
        Some(ends) => ends.list().ok_or_else(missing)?.map(end).collect::<Result<Vec<_>, _>>()?,
        None if is_between => return Err(missing()),
        None => link.key("endpoint").map(end).transpose()?.into_iter().collect(),
    };
    match (is_between, ends.len()) {
        (true, 2) => Ok(ends),
        (true, _) => Err(missing()),
        (false, _) => Ok(ends.into_iter().take(1).collect()),
    }
}

fn end(end: Branch<'_>) -> Result<End<'_>, ImportError> {
    if let Some(text) = end.text() {
        let (node, interface) = text.split_once(':').unwrap_or((text, ""));
        return Ok(End { node, interface });
    }
    let text = |key| end.key(key).and_then(Branch::text);
    let node = text("node").ok_or_else(|| error(end, Mistake::NoEnds))?;
    Ok(End { node, interface: text("interface").unwrap_or_default() })
}

/// A link that leads outside, as it is told of.
fn described(link: Branch<'_>, ends: &[End<'_>]) -> String {
    let mut words: Vec<String> = ends.iter().map(|end| end.words()).collect();
    words.extend(link.key("type").and_then(Branch::text).map(str::to_owned));
    words.join(" to ")
}

impl End<'_> {
    fn words(&self) -> String {
        match self.interface {
            "" => self.node.to_owned(),
            interface => format!("{}:{interface}", self.node),
        }
    }
}

fn is_nothing(value: Branch<'_>) -> bool {
    matches!(value.text(), Some("" | "~" | "null"))
}

fn error(at: Branch<'_>, mistake: Mistake) -> ImportError {
    ImportError::at(at.place(), mistake)
}
