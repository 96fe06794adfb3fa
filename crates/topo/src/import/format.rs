//! The forms of files that can be imported.

use std::fmt;
use std::str::FromStr;

/// A form of file that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// GML, also as the Internet Topology Zoo writes it.
    Gml,
    /// GraphML.
    GraphMl,
    /// The node-link JSON of networkx.
    NodeLink,
    /// A lab of containerlab.
    Containerlab,
}

/// A text that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no format: there are gml, graphml, json and clab")]
pub struct UnknownFormat(String);

impl Format {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Gml, Self::GraphMl, Self::NodeLink, Self::Containerlab];

    /// The format's short name, as on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gml => "gml",
            Self::GraphMl => "graphml",
            Self::NodeLink => "json",
            Self::Containerlab => "clab",
        }
    }

    /// The format of a file by the ending of its name, else by how its text begins.
    #[must_use]
    pub fn guess(file: &str, text: &str) -> Option<Self> {
        let ending = file.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("gml") => Some(Self::Gml),
            Some("graphml") => Some(Self::GraphMl),
            Some("json") => Some(Self::NodeLink),
            Some("yml" | "yaml") => Some(Self::Containerlab),
            _ => Self::of_text(text),
        }
    }

    fn of_text(text: &str) -> Option<Self> {
        let text = text.trim_start_matches('\u{feff}');
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.find(|line| !line.starts_with('#'))?;
        if first.starts_with('<') {
            return Some(Self::GraphMl);
        }
        if first.starts_with('{') {
            return Some(Self::NodeLink);
        }
        let is_gml = |line: &str| {
            let rest = line.strip_prefix("graph").map(str::trim_start);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        };
        if is_gml(first) || first.starts_with("Creator") || first.starts_with("Version") {
            return Some(Self::Gml);
        }
        let is_lab = |line: &str| line.starts_with("topology:");
        (is_lab(first) || lines.any(is_lab)).then_some(Self::Containerlab)
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let mut all = Self::ALL.into_iter();
        all.find(|format| format.name() == text).ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells_the_format() {
        for (file, format) in [
            ("Abilene.gml", Format::Gml),
            ("a/b.GraphML", Format::GraphMl),
            ("x.json", Format::NodeLink),
            ("lab.clab.yml", Format::Containerlab),
            ("lab.yaml", Format::Containerlab),
        ] {
            assert_eq!(Format::guess(file, ""), Some(format), "{file}");
        }
    }

    #[test]
    fn the_text_tells_the_format_where_the_ending_does_not() {
        for (text, format) in [
            ("# made by hand\ngraph [\n]", Some(Format::Gml)),
            ("Creator \"x\"\ngraph\n[\n]", Some(Format::Gml)),
            ("\u{feff}<?xml version=\"1.0\"?><graphml/>", Some(Format::GraphMl)),
            ("\n {\"nodes\": []}", Some(Format::NodeLink)),
            ("name: lab\n\ntopology:\n  nodes: {}", Some(Format::Containerlab)),
            ("graphics are nice", None),
            ("", None),
        ] {
            assert_eq!(Format::guess("network", text), format, "{text}");
        }
    }
}
