//! The topology file of a network that has been read.

use std::fmt::Write as _;

use super::build::Imported;
use crate::topology::DEFAULT_COST;

impl Imported {
    /// The text of its topology file, with the notes as comments at its head.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = format!("# Imported from {}.\n", line(&self.source));
        for note in &self.notes {
            let _ = writeln!(text, "# note: {}", line(&note.to_string()));
        }
        let _ = writeln!(text, "\n[mesh]\nname = {}", quoted(self.mesh.as_str()));
        if let Some(limit) = self.hop_limit {
            let _ = writeln!(text, "hop_limit = {limit}");
        }
        for node in &self.nodes {
            let _ = writeln!(text, "\n[nodes.{}]", key(node.name.as_str()));
            if let Some(label) = &node.label {
                let _ = writeln!(text, "label = {}", quoted(label));
            }
            if let Some((x, y)) = node.position {
                let _ = writeln!(text, "position = [{}, {}]", number(x), number(y));
            }
        }
        for link in &self.links {
            let (from, to) = (quoted(link.ends.0.as_str()), quoted(link.ends.1.as_str()));
            let _ = writeln!(text, "\n[[links]]\nends = [{from}, {to}]");
            if link.cost != DEFAULT_COST {
                let _ = writeln!(text, "cost = {}", link.cost);
            }
        }
        text
    }
}

/// A text without what would end a comment or is no text of TOML.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.chars().all(is_bare) { name.to_owned() } else { quoted(name) }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            _ if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A number with as many decimals as a topology keeps.
fn number(value: f64) -> String {
    let mut text = format!("{value:.6}");
    let kept = text.trim_end_matches('0').trim_end_matches('.').len();
    text.truncate(kept);
    if text == "-0" { "0".to_owned() } else { text }
}
