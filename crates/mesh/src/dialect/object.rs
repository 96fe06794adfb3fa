//! A JSON object, taken apart without being decoded.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::text::key;

/// Why bytes are no JSON object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// No bytes.
    #[error("it is empty")]
    Empty,
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    NotText,
    /// Not JSON.
    #[error("{0}")]
    NotJson(String),
    /// JSON, but no object.
    #[error("a JSON object is expected, not {0}")]
    NotAnObject(&'static str),
}

/// A JSON object's fields, each value as its own text.
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A JSON string, borrowed where it has no escapes.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'a> Object<'a> {
    pub(crate) fn read(frame: &'a [u8]) -> Result<Self, ObjectError> {
        if frame.is_empty() {
            return Err(ObjectError::Empty);
        }
        let text = std::str::from_utf8(frame).map_err(|_| ObjectError::NotText)?;
        let kind = match text.trim_ascii_start().as_bytes().first() {
            Some(b'{') | None => None,
            Some(b'[') => Some("an array"),
            Some(b'"') => Some("a string"),
            Some(b't' | b'f') => Some("a truth value"),
            Some(b'n') => Some("null"),
            Some(_) => Some("a number"),
        };
        let not_json = |error: serde_json::Error| ObjectError::NotJson(error.to_string());
        if let Some(kind) = kind {
            let _: &RawValue = serde_json::from_str(text).map_err(not_json)?;
            return Err(ObjectError::NotAnObject(kind));
        }
        serde_json::from_str(text).map_err(not_json)
    }

    pub(crate) fn last(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// The object's text without these fields and without its closing brace.
    pub(super) fn without(&self, hidden: &[&str], room: usize) -> Vec<u8> {
        let length: usize =
            self.0.iter().map(|(key, value)| key.len() + value.get().len() + 6).sum();
        let mut text = Vec::with_capacity(length + room);
        text.push(b'{');
        for (name, value) in &self.0 {
            if !hidden.contains(&name.as_ref()) {
                key(&mut text, name);
                text.extend_from_slice(value.get().as_bytes());
            }
        }
        text
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((Text(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Fields).map(Object)
    }
}

/// A field that is a string.
pub(super) fn text_of(field: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let Text(text) = serde_json::from_str(field?.get()).ok()?;
    Some(text)
}

/// A field as it is repeated to its client: a string's text, else its JSON, `None` where it is missing or null.
pub(super) fn written(field: Option<&RawValue>) -> String {
    match (text_of(field), field.map(RawValue::get)) {
        (Some(text), _) => text.into_owned(),
        (None, None | Some("null")) => "None".to_owned(),
        (None, Some(json)) => json.to_owned(),
    }
}
