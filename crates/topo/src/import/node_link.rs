//! The node-link JSON of networkx, with its links under `links` or `edges`.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::{ImportError, Mistake, Place, Spot};
use super::note::Note;
use super::read::{Read, ReadLink, ReadNode};

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(default)]
    directed: bool,
    #[serde(borrow)]
    nodes: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    links: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    edges: Option<Vec<&'a RawValue>>,
}

/// Reads a node-link text.
pub(super) fn read(text: &str) -> Result<Read, ImportError> {
    let document: Document<'_> =
        serde_json::from_str(text).map_err(|error| broken(&error, None))?;
    let nodes = document.nodes.ok_or(ImportError::whole(Mistake::Missing("list `nodes`")))?;
    let links = document.links.or(document.edges);
    let links = links.ok_or(ImportError::whole(Mistake::Missing("list `links` or `edges`")))?;
    let mut read = Read::default();
    if document.directed {
        read.notes.push(Note::Directed);
    }
    for raw in nodes {
        let (value, spot) = object(text, raw)?;
        let id = value.get("id").and_then(id).ok_or_else(|| spot.error(text, Mistake::NoId))?;
        let texts = ["label", "name"].into_iter().filter_map(|key| value.get(key));
        let label = texts.filter_map(Value::as_str).find(|label| !label.is_empty());
        let number = |keys: [&str; 2]| keys.iter().find_map(|key| value.get(*key)?.as_f64());
        let pos = |place| value.get("pos").and_then(|pos| pos.get(place)).and_then(Value::as_f64);
        let node = ReadNode {
            id,
            label: label.map(str::to_owned),
            longitude: number(["Longitude", "longitude"]),
            latitude: number(["Latitude", "latitude"]),
            x: pos(0).or_else(|| number(["x", "X"])),
            y: pos(1).or_else(|| number(["y", "Y"])),
            spot,
        };
        read.push_node(text, node)?;
    }
    for raw in links {
        let (value, spot) = object(text, raw)?;
        let end = |key| value.get(key).and_then(id);
        let (Some(from), Some(to)) = (end("source"), end("target")) else {
            return Err(spot.error(text, Mistake::NoEnds));
        };
        let dist = value.get("dist").and_then(Value::as_f64);
        read.push_link(text, ReadLink { from, to, dist, spot })?;
    }
    Ok(read)
}

/// One entry of a list, and where it begins.
fn object(text: &str, raw: &RawValue) -> Result<(Value, Spot), ImportError> {
    // The entry is a part of the text: it has been borrowed from it.
    let spot = Spot::Byte((raw.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize));
    let value: Value =
        serde_json::from_str(raw.get()).map_err(|error| broken(&error, Some(spot.place(text))))?;
    match value {
        Value::Object(_) => Ok((value, spot)),
        _ => Err(spot.error(text, Mistake::Expected("an object `{ ... }`"))),
    }
}

/// A node's id: a text, or a number or a list (what Python makes of a pair) as it is written.
fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(_) => Some(value.to_string()),
        Value::Null | Value::Bool(_) | Value::Object(_) => None,
    }
}

/// What is wrong with JSON that begins at `start`.
fn broken(error: &serde_json::Error, start: Option<Place>) -> ImportError {
    let start = start.unwrap_or(Place { line: 1, column: 1 });
    let column = if error.line() > 1 { 1 } else { start.column };
    let place = Place {
        line: (start.line + error.line()).saturating_sub(1),
        column: (column + error.column()).saturating_sub(1),
    };
    let text = error.to_string();
    // The place is told by ourselves.
    let text = text.rfind(" at line ").map_or(text.as_str(), |at| &text[..at]);
    if text.starts_with("recursion limit") {
        return ImportError::at(place, Mistake::TooDeep);
    }
    ImportError::at(place, Mistake::Syntax(text.into()))
}
