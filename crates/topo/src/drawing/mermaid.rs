//! The mesh as a Mermaid flowchart.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Marks, edges};
use crate::topology::Topology;

/// Draws `topology` as a Mermaid flowchart: nodes as boxes, clients with round ends, services as hexagons, the
/// upper end of each
/// link above.
///
/// Costs that are not the default stand at their links. The route is blue, what is down is red and dashed.
#[must_use]
pub fn mermaid(topology: &Topology, marks: &Marks) -> String {
    let mut text = "flowchart TD\n".to_owned();
    let mut styles = String::new();
    let mut ids = BTreeMap::new();
    for (index, (name, node)) in topology.nodes().iter().enumerate() {
        let id = format!("n{index}");
        let second = node.label().map_or(String::new(), |text| format!("<br>{}", label(text)));
        let _ = writeln!(text, "    {id}[\"{name}{second}\"]");
        if let Some(style) = style(marks.down_nodes.contains(name), marks.has_node(name)) {
            let _ = writeln!(styles, "    style {id} {style}");
        }
        ids.insert(name, id);
    }
    for (index, client) in topology.clients().keys().enumerate() {
        let _ = writeln!(text, "    c{index}([\"{}\"])", label(client));
    }
    for (index, service) in topology.services().keys().enumerate() {
        let _ = writeln!(text, "    s{index}{{{{\"{}\"}}}}", label(service));
    }
    for (index, edge) in edges(topology, marks).iter().enumerate() {
        let (upper, lower) = (&ids[&edge.upper], &ids[&edge.lower]);
        let cost = edge.cost.map_or(String::new(), |cost| format!("|{cost}|"));
        let _ = writeln!(text, "    {upper} ---{cost} {lower}");
        if let Some(style) = style(edge.is_down(), edge.is_on_route()) {
            let _ = writeln!(styles, "    linkStyle {index} {style}");
        }
    }
    for (index, node) in topology.clients().values().enumerate() {
        let _ = writeln!(text, "    {} -.- c{index}", ids[node]);
    }
    for (index, service) in topology.services().values().enumerate() {
        for node in &service.at {
            let _ = writeln!(text, "    {} -.- s{index}", ids[node]);
        }
    }
    text + &styles
}

fn style(is_down: bool, is_on_route: bool) -> Option<&'static str> {
    match (is_down, is_on_route) {
        (true, _) => Some("stroke:red,stroke-dasharray:4"),
        (false, true) => Some("stroke:blue,stroke-width:3px"),
        (false, false) => None,
    }
}

/// `name` with what Mermaid reads as its own written as entities.
fn label(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        match c {
            '"' | '<' | '>' | '&' | '#' | ';' | '`' | '\\' | '[' | ']' => {
                let _ = write!(text, "#{};", u32::from(c));
            }
            _ => text.push(c),
        }
    }
    text
}
