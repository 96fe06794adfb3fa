//! A change as people read it.

use std::collections::BTreeMap;
use std::fmt;

use hopline_mesh::name::NodeName;

use super::{Altered, Change, Count, Difference, Kind, Move, Route};
use crate::words::visible;

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return writeln!(f, "no difference");
        }
        if !self.mesh.is_empty() {
            writeln!(f, "mesh")?;
            for altered in &self.mesh {
                writeln!(f, "  {altered}")?;
            }
        }
        section(f, "nodes", &self.nodes)?;
        section(f, "links", &self.links)?;
        section(f, "clients", &self.clients)?;
        for (node, differences) in &self.statics {
            section(f, &format!("static routes of {node}"), differences)?;
        }
        section(f, "services", &self.services)?;
        section(f, "client groups", &self.client_groups)?;
        section(f, "access rules", &self.access)?;
        writeln!(f, "routes between clients: {}", self.routes.clients)?;
        writeln!(f, "routes between nodes: {}", self.routes.nodes)?;
        if self.routes.services.compared > 0 {
            writeln!(f, "routes to services: {}", self.routes.services)?;
        }
        for moved in &self.routes.list {
            writeln!(f, "  {moved}")?;
        }
        match self.routes.more {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more"),
        }
    }
}

fn section<K: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    differences: &BTreeMap<K, Difference>,
) -> fmt::Result {
    if differences.is_empty() {
        return Ok(());
    }
    let kinds = [(Kind::Added, "added"), (Kind::Removed, "removed"), (Kind::Changed, "changed")];
    let number = |kind| differences.values().filter(|found| found.change == kind).count();
    let counts = kinds.map(|(kind, word)| (number(kind), word));
    let counts = counts.iter().filter(|(number, _)| *number > 0);
    let counts: Vec<String> = counts.map(|(number, word)| format!("{number} {word}")).collect();
    writeln!(f, "{what}: {}", counts.join(", "))?;
    for (name, difference) in differences {
        writeln!(f, "  {}", line(&name.to_string(), difference))?;
    }
    Ok(())
}

fn line(name: &str, difference: &Difference) -> String {
    let sign = match difference.change {
        Kind::Added => '+',
        Kind::Removed => '-',
        Kind::Changed => '~',
    };
    let name = visible(name);
    let what: Vec<String> = match difference.change {
        Kind::Changed => difference.what.iter().map(ToString::to_string).collect(),
        Kind::Added | Kind::Removed => difference.what.iter().map(said).collect(),
    };
    let separator = if difference.change == Kind::Changed { "; " } else { ", " };
    match what.is_empty() {
        true => format!("{sign} {name}"),
        false => format!("{sign} {name}  {}", what.join(separator)),
    }
}

/// A property of a thing that came or went.
fn said(property: &Altered) -> String {
    let value = property.after.as_ref().or(property.before.as_ref());
    let value = value.map_or("none", String::as_str);
    format!("{} {}", property.what, visible(value))
}

impl fmt::Display for Altered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &Option<String>| match text {
            Some(text) => visible(text),
            None => "none".to_owned(),
        };
        write!(f, "{}: {} becomes {}", self.what, shown(&self.before), shown(&self.after))
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.compared == 0 {
            return f.write_str("none in both");
        }
        write!(f, "{} compared", self.compared)?;
        if self.changed() == 0 {
            return f.write_str(", none moves");
        }
        let all = [
            (self.moved, "moved"),
            (self.repriced, "at another cost"),
            (self.lost, "lost"),
            (self.gained, "gained"),
        ];
        for (number, word) in all.into_iter().filter(|(number, _)| *number > 0) {
            write!(f, ", {number} {word}")?;
            if word == "moved" && self.dearer + self.cheaper > 0 {
                write!(f, " ({} at more cost, {} at less)", self.dearer, self.cheaper)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_end =
            |name: &str, node: Option<&NodeName>| node.is_some_and(|at| at.as_str() == name);
        let any = self.before.as_ref().or(self.after.as_ref());
        let path = any.map_or(&[][..], |route| route.path.as_slice());
        if !is_end(&self.from, path.first()) || !is_end(&self.to, path.last()) {
            write!(f, "{} to {}:  ", visible(&self.from), visible(&self.to))?;
        }
        let why = self.reason.unwrap_or("unreachable");
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "{before}  becomes  {after}"),
            (Some(before), None) => write!(f, "{before}  is lost: {why}"),
            (None, Some(after)) => write!(f, "{after}  is new, was: {why}"),
            (None, None) => f.write_str(why),
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, node) in self.path.iter().enumerate() {
            let arrow = if place == 0 { "" } else { " -> " };
            write!(f, "{arrow}{node}")?;
        }
        write!(f, "  (cost {})", self.cost)
    }
}
