//! GML, in the dialect of the Internet Topology Zoo too: links that are repeated without a word about
//! it, entities in texts, lists in lists, keys that come twice.

use super::MAX_DEPTH;
use super::entity::entity;
use super::error::{ImportError, Mistake, Place, Spot};
use super::note::Note;
use super::read::{Read, ReadLink, ReadNode, number};

/// What a list is, by where it stands and its key.
#[derive(Debug)]
enum List {
    Graph,
    Node(ReadNode, bool),
    /// The link and whether each of its ends is named.
    Edge(ReadLink, [bool; 2]),
    /// Where a node is drawn.
    Graphics,
    /// Nothing to do with the shape of the network.
    Other,
}

/// Reads a GML text.
pub(super) fn read(text: &str) -> Result<Read, ImportError> {
    let mut reader =
        Reader { text, words: Words { text, at: 0 }, read: Read::default(), graphs: 0 };
    reader.run()?;
    match reader.graphs {
        0 => Err(ImportError::whole(Mistake::Missing("graph"))),
        _ => Ok(reader.read),
    }
}

struct Reader<'a> {
    text: &'a str,
    words: Words<'a>,
    read: Read,
    graphs: usize,
}

impl<'a> Reader<'a> {
    fn run(&mut self) -> Result<(), ImportError> {
        // The lists that are open, each with the place where it begins.
        let mut open: Vec<(List, usize)> = Vec::new();
        loop {
            let (at, word) = self.words.next()?;
            let key = match word {
                Word::Bare(key) => key,
                Word::Close => {
                    let (list, start) =
                        open.pop().ok_or_else(|| self.error(at, Mistake::Expected("a key")))?;
                    self.close(list, start)?;
                    continue;
                }
                Word::End => {
                    return match open.last() {
                        Some((_, start)) => {
                            Err(self.error(*start, Mistake::Unclosed("the list that begins here")))
                        }
                        None => Ok(()),
                    };
                }
                Word::Text(_) | Word::Open => {
                    return Err(self.error(at, Mistake::Expected("a key")));
                }
            };
            match self.words.next()? {
                (_, Word::Open) => {
                    if open.len() == MAX_DEPTH {
                        return Err(self.error(at, Mistake::TooDeep));
                    }
                    let list = self.open(open.last().map(|(list, _)| list), key, at)?;
                    open.push((list, at));
                }
                (_, Word::Bare(value)) => self.value(&mut open, key, value),
                (at, Word::Text(value)) => {
                    let value = unescaped(value);
                    let value = value.map_err(|mistake| self.error(at, mistake))?;
                    self.value(&mut open, key, &value);
                }
                (at, Word::Close | Word::End) => {
                    return Err(self.error(at, Mistake::Expected("a value")));
                }
            }
        }
    }

    fn open(&mut self, inside: Option<&List>, key: &str, at: usize) -> Result<List, ImportError> {
        Ok(match (inside, key) {
            (None, "graph") => {
                self.graphs += 1;
                if self.graphs > 1 {
                    return Err(self.error(at, Mistake::SecondGraph));
                }
                List::Graph
            }
            (Some(List::Graph), "node") => {
                List::Node(ReadNode { spot: Spot::Byte(at), ..ReadNode::default() }, false)
            }
            (Some(List::Graph), "edge") => {
                List::Edge(ReadLink { spot: Spot::Byte(at), ..ReadLink::default() }, [false; 2])
            }
            (Some(List::Node(..)), "graphics") => List::Graphics,
            _ => List::Other,
        })
    }

    /// Takes a value. Of a key that comes twice the first counts.
    fn value(&mut self, open: &mut [(List, usize)], key: &str, value: &str) {
        let [.., (before, _), (list, _)] = open else {
            if matches!(open, [(List::Graph, _)]) && key == "directed" && value == "1" {
                self.read.notes.push(Note::Directed);
            }
            return;
        };
        match (list, key) {
            (List::Node(node, has_id @ false), "id") => {
                value.clone_into(&mut node.id);
                *has_id = true;
            }
            (List::Node(node, _), "label") => {
                node.label.get_or_insert_with(|| value.to_owned());
            }
            (List::Node(node, _), _) if key.eq_ignore_ascii_case("longitude") => {
                node.longitude = node.longitude.or(number(value));
            }
            (List::Node(node, _), _) if key.eq_ignore_ascii_case("latitude") => {
                node.latitude = node.latitude.or(number(value));
            }
            (List::Edge(link, [has_source @ false, _]), "source") => {
                value.clone_into(&mut link.from);
                *has_source = true;
            }
            (List::Edge(link, [_, has_target @ false]), "target") => {
                value.clone_into(&mut link.to);
                *has_target = true;
            }
            (List::Edge(link, _), "dist") => link.dist = link.dist.or(number(value)),
            (List::Graphics, "x" | "y") => {
                if let List::Node(node, _) = before {
                    match key {
                        "x" => node.x = node.x.or(number(value)),
                        // Drawings count downward.
                        _ => node.y = node.y.or(number(value).map(|y| -y)),
                    }
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, list: List, start: usize) -> Result<(), ImportError> {
        match list {
            List::Node(_, false) => Err(self.error(start, Mistake::NoId)),
            List::Node(node, true) => self.read.push_node(self.text, node),
            List::Edge(link, [true, true]) => self.read.push_link(self.text, link),
            List::Edge(..) => Err(self.error(start, Mistake::NoEnds)),
            List::Graph | List::Graphics | List::Other => Ok(()),
        }
    }

    fn error(&self, at: usize, mistake: Mistake) -> ImportError {
        ImportError::at(Place::of(self.text, at), mistake)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<'a> {
    /// A key or a number.
    Bare(&'a str),
    /// What stands between quotes.
    Text(&'a str),
    Open,
    Close,
    End,
}

struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Result<(usize, Word<'a>), ImportError> {
        self.skip();
        let start = self.at;
        let rest = &self.text[start..];
        let (length, word) = match rest.chars().next() {
            None => (0, Word::End),
            Some('[') => (1, Word::Open),
            Some(']') => (1, Word::Close),
            Some('"') => match rest[1..].find('"') {
                Some(length) => (length + 2, Word::Text(&rest[1..=length])),
                None => {
                    let place = Place::of(self.text, start);
                    let mistake = Mistake::Unclosed("the text that begins here");
                    return Err(ImportError::at(place, mistake));
                }
            },
            Some(_) => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '[' | ']' | '"');
                let length = rest.find(ends).unwrap_or(rest.len());
                (length, Word::Bare(&rest[..length]))
            }
        };
        self.at += length;
        Ok((start, word))
    }

    /// Skips blanks and comments.
    fn skip(&mut self) {
        loop {
            let rest = &self.text[self.at..];
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }
}

/// A text with its entities written out. An `&` that begins none is left as it is.
fn unescaped(text: &str) -> Result<String, Mistake> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let is_name = |name: &&str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '#')
        };
        let name = rest.split_once(';').map(|(name, _)| name).filter(is_name);
        match name {
            Some(name) => {
                out.push(entity(name)?);
                rest = &rest[name.len() + 1..];
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    Ok(out)
}
