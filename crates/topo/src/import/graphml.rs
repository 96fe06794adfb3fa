//! GraphML, also as yEd writes it: groups of nodes within nodes, labels and places in its own elements.

use std::collections::HashMap;

use quick_xml::Reader as XmlReader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::MAX_DEPTH;
use super::entity::entity;
use super::error::{ImportError, Mistake, Place, Spot};
use super::note::Note;
use super::read::{Read, ReadLink, ReadNode, number};

/// Reads a GraphML text.
pub(super) fn read(text: &str) -> Result<Read, ImportError> {
    let mut reader = Reader {
        text,
        read: Read::default(),
        keys: HashMap::new(),
        open: Vec::new(),
        said: String::new(),
        graphs: 0,
        hyperedges: 0,
    };
    reader.run()?;
    if reader.graphs == 0 {
        return Err(ImportError::whole(Mistake::Missing("<graph>")));
    }
    if reader.hyperedges > 0 {
        reader.read.notes.push(Note::Hyperedges(reader.hyperedges));
    }
    Ok(reader.read)
}

/// An element that is open.
#[derive(Debug)]
enum Element {
    Graph,
    Node(ReadNode),
    Edge(ReadLink),
    /// A `<data>` of a node or link, and the name of its key.
    Data(String),
    /// yEd's label of a node.
    Label,
    Other,
}

struct Reader<'a> {
    text: &'a str,
    read: Read,
    /// The names of the keys, by their ids.
    keys: HashMap<String, String>,
    open: Vec<Element>,
    /// The text since the last tag.
    said: String,
    graphs: usize,
    hyperedges: usize,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), ImportError> {
        let mut xml = XmlReader::from_str(self.text);
        loop {
            let at = usize::try_from(xml.buffer_position()).unwrap_or(usize::MAX);
            let event = xml.read_event().map_err(|error| {
                let at = usize::try_from(xml.error_position()).unwrap_or(at);
                self.error(at, Mistake::Syntax(error.to_string().into()))
            })?;
            match event {
                Event::Start(tag) => {
                    let element = self.element(&tag, at)?;
                    if self.open.len() == MAX_DEPTH {
                        return Err(self.error(at, Mistake::TooDeep));
                    }
                    self.open.push(element);
                    self.said.clear();
                }
                Event::Empty(tag) => {
                    let element = self.element(&tag, at)?;
                    self.said.clear();
                    self.close(element)?;
                }
                Event::End(_) => {
                    if let Some(element) = self.open.pop() {
                        self.close(element)?;
                    }
                    self.said.clear();
                }
                Event::Text(text) => self.said.push_str(&text),
                Event::CData(text) => self.said.push_str(&text),
                Event::GeneralRef(name) => {
                    let c = entity(&name).map_err(|mistake| self.error(at, mistake))?;
                    self.said.push(c);
                }
                Event::DocType(kind) => {
                    if kind.contains("<!ENTITY") || kind.contains('[') {
                        return Err(self.error(at, Mistake::Entities));
                    }
                }
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => {
                    return match self.open.is_empty() {
                        true => Ok(()),
                        false => Err(self.error(at, Mistake::Unclosed("an element"))),
                    };
                }
            }
        }
    }

    fn element(&mut self, tag: &BytesStart<'_>, at: usize) -> Result<Element, ImportError> {
        let text = self.text;
        let attribute = |name: &str| attribute(text, tag, name, at);
        let inside = self.open.last();
        let name = tag.local_name();
        Ok(match (name.as_ref(), inside) {
            ("key", _) => {
                if let (Some(id), Some(name)) = (attribute("id")?, attribute("attr.name")?) {
                    self.keys.insert(id, name);
                }
                Element::Other
            }
            ("graph", Some(Element::Node(_))) => {
                // A group of nodes is a node of its own, and its nodes are nodes beside it.
                Element::Graph
            }
            ("graph", _) => {
                self.graphs += 1;
                if self.graphs > 1 {
                    return Err(self.error(at, Mistake::SecondGraph));
                }
                if attribute("edgedefault")?.as_deref() == Some("directed") {
                    self.read.notes.push(Note::Directed);
                }
                Element::Graph
            }
            ("node", Some(Element::Graph)) => {
                let id = attribute("id")?.ok_or_else(|| self.error(at, Mistake::NoId))?;
                Element::Node(ReadNode { id, spot: Spot::Byte(at), ..ReadNode::default() })
            }
            ("edge", Some(Element::Graph)) => {
                let (from, to) = (attribute("source")?, attribute("target")?);
                let (Some(from), Some(to)) = (from, to) else {
                    return Err(self.error(at, Mistake::NoEnds));
                };
                Element::Edge(ReadLink { from, to, spot: Spot::Byte(at), ..ReadLink::default() })
            }
            ("hyperedge", Some(Element::Graph)) => {
                self.hyperedges += 1;
                Element::Other
            }
            ("data", Some(Element::Node(_) | Element::Edge(_))) => {
                let key = attribute("key")?.unwrap_or_default();
                Element::Data(self.keys.get(&key).cloned().unwrap_or(key))
            }
            ("NodeLabel", _) => Element::Label,
            ("Geometry", _) => {
                let (x, y) = (attribute("x")?, attribute("y")?);
                if let Some(node) = self.node() {
                    node.x = node.x.or(x.as_deref().and_then(number));
                    // Drawings count downward.
                    node.y = node.y.or(y.as_deref().and_then(number).map(|y| -y));
                }
                Element::Other
            }
            _ => Element::Other,
        })
    }

    fn close(&mut self, element: Element) -> Result<(), ImportError> {
        let said = std::mem::take(&mut self.said);
        let said = said.trim();
        match element {
            Element::Node(node) => self.read.push_node(self.text, node)?,
            Element::Edge(link) => self.read.push_link(self.text, link)?,
            Element::Data(key) => match self.open.last_mut() {
                Some(Element::Node(node)) if key == "label" && !said.is_empty() => {
                    // It goes before a label that yEd has drawn.
                    node.label = Some(said.to_owned());
                }
                Some(Element::Node(node)) if key.eq_ignore_ascii_case("longitude") => {
                    node.longitude = node.longitude.or(number(said));
                }
                Some(Element::Node(node)) if key.eq_ignore_ascii_case("latitude") => {
                    node.latitude = node.latitude.or(number(said));
                }
                Some(Element::Edge(link)) if key == "dist" => {
                    link.dist = link.dist.or(number(said));
                }
                _ => {}
            },
            Element::Label if !said.is_empty() => {
                if let Some(node) = self.node() {
                    node.label.get_or_insert_with(|| said.to_owned());
                }
            }
            Element::Graph | Element::Label | Element::Other => {}
        }
        Ok(())
    }

    /// The node that is open, unless something between is a link.
    fn node(&mut self) -> Option<&mut ReadNode> {
        let open = self.open.iter_mut().rev();
        open.take_while(|element| !matches!(element, Element::Edge(_) | Element::Graph)).find_map(
            |element| match element {
                Element::Node(node) => Some(node),
                _ => None,
            },
        )
    }

    fn error(&self, at: usize, mistake: Mistake) -> ImportError {
        ImportError::at(Place::of(self.text, at), mistake)
    }
}

fn attribute(
    text: &str,
    tag: &BytesStart<'_>,
    name: &str,
    at: usize,
) -> Result<Option<String>, ImportError> {
    let broken = |error: String| {
        let place = Place::of(text, at);
        ImportError::at(place, Mistake::Syntax(error.into()))
    };
    let found = tag.try_get_attribute(name).map_err(|error| broken(error.to_string()))?;
    let Some(found) = found else {
        return Ok(None);
    };
    let value = found.normalized_value(XmlVersion::Implicit1_0);
    Ok(Some(value.map_err(|error| broken(error.to_string()))?.into_owned()))
}
