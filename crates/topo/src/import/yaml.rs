//! YAML as a tree in which an alias is the same branch again: nothing is copied, however often it is
//! named.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScanError, Span};

use super::MAX_DEPTH;
use super::error::{ImportError, Mistake, Place};

/// The most values that a document may come to when its aliases are followed.
const MAX_FOLLOWED: u64 = 10_000_000;

/// A document.
#[derive(Debug, Default)]
pub(super) struct Document {
    values: Vec<Value>,
}

/// A value, by its place in the document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Branch<'a> {
    document: &'a Document,
    index: usize,
}

#[derive(Debug)]
struct Value {
    kind: Kind,
    place: Place,
    /// How many values it comes to when aliases are followed.
    size: u64,
}

#[derive(Debug)]
enum Kind {
    Scalar(String),
    List(Vec<usize>),
    /// Keys and values in turn.
    Map(Vec<usize>),
}

impl Document {
    /// Reads the first document of `text`.
    pub(super) fn read(text: &str) -> Result<Self, ImportError> {
        let mut document = Self::default();
        let mut parser = Parser::new_from_str(text);
        // The lists and maps that are open, with their anchors.
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut anchors: HashMap<usize, usize> = HashMap::new();
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| broken(&error))?;
            let place = start(&span);
            let (kind, anchor) = match event {
                Event::Scalar(text, _, anchor, _) => (Kind::Scalar(text.into_owned()), anchor),
                Event::SequenceStart(anchor, _) => (Kind::List(Vec::new()), anchor),
                Event::MappingStart(anchor, _) => (Kind::Map(Vec::new()), anchor),
                Event::Alias(anchor) => {
                    let cycle = || ImportError::at(place, Mistake::AliasCycle);
                    let index = anchors.get(&anchor).copied().ok_or_else(cycle)?;
                    document.put(&open, index, place)?;
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    if let Some((index, anchor)) = open.pop() {
                        anchors.insert(anchor, index);
                        document.put(&open, index, place)?;
                    }
                    continue;
                }
                Event::DocumentEnd | Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => continue,
            };
            let is_scalar = matches!(kind, Kind::Scalar(_));
            let index = document.values.len();
            document.values.push(Value { kind, place, size: 1 });
            if is_scalar {
                anchors.insert(anchor, index);
                document.put(&open, index, place)?;
            } else if open.len() == MAX_DEPTH {
                return Err(ImportError::at(place, Mistake::TooDeep));
            } else {
                open.push((index, anchor));
            }
        }
        Ok(document)
    }

    /// Puts a value that is complete into the innermost list or map that is open.
    fn put(
        &mut self,
        open: &[(usize, usize)],
        index: usize,
        place: Place,
    ) -> Result<(), ImportError> {
        let size = self.values[index].size;
        let Some(&(holder, _)) = open.last() else {
            return Ok(());
        };
        let holder = &mut self.values[holder];
        holder.size = holder.size.saturating_add(size);
        if holder.size > MAX_FOLLOWED {
            return Err(ImportError::at(place, Mistake::AliasBomb(MAX_FOLLOWED)));
        }
        match &mut holder.kind {
            Kind::List(values) | Kind::Map(values) => values.push(index),
            Kind::Scalar(_) => {}
        }
        Ok(())
    }

    /// The value that holds all others; none where the text is empty.
    pub(super) fn root(&self) -> Option<Branch<'_>> {
        (!self.values.is_empty()).then_some(Branch { document: self, index: 0 })
    }
}

impl<'a> Branch<'a> {
    fn value(self) -> &'a Value {
        &self.document.values[self.index]
    }

    fn at(self, index: usize) -> Self {
        Self { document: self.document, index }
    }

    /// Where it begins.
    pub(super) fn place(self) -> Place {
        self.value().place
    }

    /// Its text, where it is no list and no map.
    pub(super) fn text(self) -> Option<&'a str> {
        match &self.value().kind {
            Kind::Scalar(text) => Some(text),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// Its values, where it is a list.
    pub(super) fn list(self) -> Option<impl ExactSizeIterator<Item = Self>> {
        match &self.value().kind {
            Kind::List(values) => Some(values.iter().map(move |&index| self.at(index))),
            Kind::Scalar(_) | Kind::Map(_) => None,
        }
    }

    /// Its keys and their values, where it is a map; those merged into it with `<<` at the end.
    pub(super) fn map(self) -> Option<Vec<(Self, Self)>> {
        let (merged, mut own): (Vec<_>, Vec<_>) =
            self.pairs()?.partition(|(key, _)| key.text() == Some("<<"));
        let mut known: HashSet<&str> = own.iter().filter_map(|(key, _)| key.text()).collect();
        for (_, merged) in merged {
            let merged = merged.pairs().into_iter().flatten();
            own.extend(merged.filter(|(key, _)| key.text().is_some_and(|key| known.insert(key))));
        }
        Some(own)
    }

    fn pairs(self) -> Option<impl Iterator<Item = (Self, Self)>> {
        match &self.value().kind {
            Kind::Map(values) => {
                Some(values.chunks_exact(2).map(move |pair| (self.at(pair[0]), self.at(pair[1]))))
            }
            Kind::Scalar(_) | Kind::List(_) => None,
        }
    }

    /// The value of a key, where it is a map that has it.
    pub(super) fn key(self, key: &str) -> Option<Self> {
        let mut pairs = self.map()?.into_iter();
        pairs.find(|(other, _)| other.text() == Some(key)).map(|(_, value)| value)
    }
}

fn start(span: &Span) -> Place {
    Place { line: span.start.line(), column: span.start.col() + 1 }
}

fn broken(error: &ScanError) -> ImportError {
    let marker = error.marker();
    let place = Place { line: marker.line(), column: marker.col() + 1 };
    ImportError::at(place, Mistake::Syntax(error.info().into()))
}
