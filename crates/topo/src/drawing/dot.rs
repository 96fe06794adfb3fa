//! The mesh as a Graphviz graph.

use std::fmt::Write as _;

use super::{Marks, edges};
use crate::topology::Topology;

/// Draws `topology` in the DOT language: nodes as boxes, clients as ellipses, services as hexagons, the upper end of each link above.
///
/// Costs that are not the default stand at their links. The route is blue, what is down is red and dashed.
#[must_use]
pub fn dot(topology: &Topology, marks: &Marks) -> String {
    let mut text = format!("graph {} {{\n    node [shape=box];\n", id(topology.name().as_str()));
    for (name, node) in topology.nodes() {
        let mut style = style(marks.down_nodes.contains(name), marks.has_node(name));
        if let Some(label) = node.label() {
            let (name, label) = (escape(name.as_str()), escape(label));
            style.insert(0, format!("label=\"{name}\\n{label}\""));
        }
        let _ = writeln!(text, "    {}{};", id(name.as_str()), attributes(&style));
    }
    for client in topology.clients().keys() {
        let _ = writeln!(text, "    {} [shape=ellipse];", id(client));
    }
    for service in topology.services().keys() {
        let label = id(service);
        let _ = writeln!(text, "    {} [label={label}, shape=hexagon];", service_id(service));
    }
    for edge in edges(topology, marks) {
        let mut style = style(edge.is_down(), edge.is_on_route());
        if let Some(cost) = edge.cost {
            style.insert(0, format!("label=\"{cost}\""));
        }
        let (upper, lower) = (id(edge.upper.as_str()), id(edge.lower.as_str()));
        let _ = writeln!(text, "    {upper} -- {lower}{};", attributes(&style));
    }
    for (client, node) in topology.clients() {
        let (node, client) = (id(node.as_str()), id(client));
        let _ = writeln!(text, "    {node} -- {client} [style=dotted];");
    }
    for (name, service) in topology.services() {
        for node in &service.at {
            let (node, name) = (id(node.as_str()), service_id(name));
            let _ = writeln!(text, "    {node} -- {name} [style=dotted];");
        }
    }
    text.push_str("}\n");
    text
}

fn style(is_down: bool, is_on_route: bool) -> Vec<String> {
    let style: &[&str] = match (is_down, is_on_route) {
        (true, _) => &["color=red", "style=dashed"],
        (false, true) => &["color=blue", "penwidth=2"],
        (false, false) => &[],
    };
    style.iter().map(|attribute| (*attribute).to_owned()).collect()
}

fn attributes(list: &[String]) -> String {
    match list.is_empty() {
        true => String::new(),
        false => format!(" [{}]", list.join(", ")),
    }
}

fn id(name: &str) -> String {
    format!("\"{}\"", escape(name))
}

/// A service's own name, which a client may have as well.
fn service_id(name: &str) -> String {
    id(&format!("service {name}"))
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
