//! What a file may say of labels, positions, services and links between equals, in every drawing.

use hopline_mesh::route::Policy;

use super::*;
use crate::topology::{Position, Service};

/// A ring of four with a label each, at the corners of a map, where nobody is above another.
fn ring() -> Topology {
    let text = "[mesh]\nname = 'ring'\n[nodes.east]\n[nodes.north]\nupstream = ['east']\n\
        [nodes.south]\nupstream = [{ node = 'east', cost = 25 }]\n\
        [nodes.west]\nupstream = ['north', 'south']\n[clients]\nalice = 'west'\n";
    let mut topology = crate::parse("ring.toml", text).unwrap().topology;
    for link in topology.links.values_mut() {
        link.lower.clear();
    }
    let corners = [("east", 3, 1), ("north", 0, 2), ("south", 1, -2), ("west", -3, 0)];
    for (name, x, y) in corners {
        let node = topology.nodes.get_mut(name).unwrap();
        node.upstream.clear();
        node.label = Some(format!("The <{name}>"));
        node.position = Some(Position { x: x * 1_000_000, y: y * 1_000_000 });
    }
    let at = ["east", "west"].map(|name| NodeName::parse(name).unwrap()).into();
    let service = Service { at, policy: Policy::Closest };
    topology.services.insert("db".to_owned(), service);
    topology
}

#[test]
fn lines_tell_labels_equals_and_services() {
    let marks = Marks::default();
    let ring = ring();
    let all = [tree(&ring, &marks), dot(&ring, &marks), mermaid(&ring, &marks)];
    insta::assert_snapshot!("ring", all.join("\n"));
}

#[test]
fn a_mesh_with_positions_is_a_map() {
    let ring = ring();
    let map = svg(&ring, &Marks::default(), Layout::Auto);
    assert_eq!(map, svg(&ring, &Marks::default(), Layout::Map));
    assert_eq!(map.matches("<circle class=\"dot").count(), 4);
    insta::assert_snapshot!("ring-map", map);
}

#[test]
fn a_mesh_of_equals_is_laid_out_by_springs() {
    let mut ring = ring();
    ring.nodes.get_mut("east").unwrap().position = None;
    assert_eq!(without_position(&ring).unwrap().as_str(), "east");
    let picture = svg(&ring, &Marks::default(), Layout::Auto);
    assert_eq!(picture, svg(&ring, &Marks::default(), Layout::Spring));
    assert_eq!(picture, svg(&ring, &Marks::default(), Layout::Map));
    assert_ne!(picture, svg(&ring, &Marks::default(), Layout::Layers));
    assert!(picture.contains("The &lt;west&gt;"));
}

#[test]
fn nodes_in_one_place_are_drawn() {
    let mut ring = ring();
    for node in ring.nodes.values_mut() {
        node.position = Some(Position { x: 5, y: 5 });
    }
    let picture = svg(&ring, &Marks::default(), Layout::Auto);
    assert!(!picture.contains("NaN") && !picture.contains("inf"));
}
