//! Small networks in every form that can be imported, and texts of all kinds of wrong.

use hopline_topo::import::{
    Cost, Format, ImportError, Imported, Mistake, Note, Options, Place, import,
};
use hopline_topo::parse;
use proptest::prelude::*;

const GML: &str = r#"# by hand
Creator "somebody"
graph [
  directed 0
  label "Small"
  node [ id 0 label "Zürich" Longitude 8.55 Latitude 47.37 graphics [ x 1 y 2 ] ]
  node [ id 1 label "Gary" label "Ignored" Longitude 7.45 Latitude 46.95 ]
  node [ id 2 label "Gary" Longitude 6.14 Latitude 46.2 ]
  node [ id 3 label "Gary-2 &amp; &quot;Co&quot; &#38; A&B" ]
  edge [ source 0 target 1 LinkLabel "a
    b" ]
  edge [ source 1 target 0 dist 2.5 ]
  edge [ source 1 target 2 ]
  edge [ source 2 target 2 ]
]
"#;

const GRAPHML: &str = r#"<?xml version="1.0"?>
<!DOCTYPE graphml SYSTEM "graphml.dtd">
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:y="y">
  <key id="d0" for="node" attr.name="label"/>
  <key id="d1" for="edge" attr.name="dist" attr.type="double"/>
  <graph edgedefault="directed">
    <node id="a"><data key="d0">Z&#252;rich &amp; more</data></node>
    <node id="g">
      <data key="yed"><y:ShapeNode><y:Geometry x="3" y="4"/><y:NodeLabel>Group</y:NodeLabel>
      </y:ShapeNode></data>
      <graph edgedefault="directed"><node id="g::1"/><edge source="g::1" target="g"/></graph>
    </node>
    <edge source="a" target="g"><data key="d1">7</data></edge>
    <edge source="g" target="a"><data key="d1">3</data></edge>
    <hyperedge><endpoint node="a"/></hyperedge>
  </graph>
</graphml>
"#;

const NODE_LINK: &str = r#"{
  "directed": false, "multigraph": true, "graph": {"name": "x"},
  "nodes": [{"id": 0, "name": "R0", "pos": [1.5, -2]}, {"id": "b"}, {"id": 2, "label": ""}],
  "edges": [{"source": 0, "target": "b", "dist": 59.14, "key": 0},
            {"source": "b", "target": 2, "dist": 0.2}]
}
"#;

const LAB: &str = r#"name: lab
topology:
  defaults: &d { kind: linux }
  nodes:
    a: *d
    b: { labels: { graph-posX: "10", graph-posY: "20" } }
    c:
  links:
    - endpoints: ["a:eth1", "b:eth1"]
    - type: veth
      endpoints:
        - node: b
          interface: eth2
        - { node: c, interface: eth1 }
    - endpoints: ["a:eth2", "host:a-eth2"]
    - endpoints: ["mgmt-net:x", "b:eth9"]
    - type: macvlan
      endpoint: { node: c, interface: eth5 }
"#;

fn read(text: &str, format: Format, cost: Cost) -> Result<Imported, ImportError> {
    import(text, format, &Options { cost, ..Options::new("dir/small net.gml") })
}

fn by_hops(text: &str, format: Format) -> Imported {
    read(text, format, Cost::Hops).unwrap_or_else(|error| panic!("{error}"))
}

fn names(imported: &Imported) -> Vec<&str> {
    imported.nodes.iter().map(|node| node.name.as_str()).collect()
}

fn links(imported: &Imported) -> Vec<(&str, &str, u32)> {
    let links = imported.links.iter();
    links.map(|link| (link.ends.0.as_str(), link.ends.1.as_str(), link.cost)).collect()
}

#[test]
fn gml_becomes_a_topology_file() {
    insta::assert_snapshot!(by_hops(GML, Format::Gml).to_toml());
}

#[test]
fn graphml_becomes_a_topology_file() {
    insta::assert_snapshot!(by_hops(GRAPHML, Format::GraphMl).to_toml());
}

#[test]
fn node_link_json_becomes_a_topology_file() {
    insta::assert_snapshot!(read(NODE_LINK, Format::NodeLink, Cost::Distance).unwrap().to_toml());
}

#[test]
fn a_lab_becomes_a_topology_file() {
    insta::assert_snapshot!(by_hops(LAB, Format::Containerlab).to_toml());
}

#[test]
fn links_are_also_found_under_their_other_name() {
    let text = NODE_LINK.replace("\"edges\"", "\"links\"");
    let (edges, links) = (by_hops(NODE_LINK, Format::NodeLink), by_hops(&text, Format::NodeLink));
    assert_eq!(edges, links);
    assert_eq!(names(&edges), ["R0", "b", "2"]);
}

#[test]
fn of_parallel_links_the_cheapest_stands_in_the_place_of_the_first() {
    let text = GRAPHML.replace("<edge source=\"g::1\" target=\"g\"/>", "");
    let imported = read(&text, Format::GraphMl, Cost::Distance).unwrap();
    assert_eq!(links(&imported), [("Zurich-more", "Group", 3)]);
    assert!(imported.notes.iter().any(|note| matches!(note, Note::Parallel(_))));
    assert!(imported.notes.contains(&Note::Parts(vec![2, 1])));
}

#[test]
fn a_distance_is_the_links_own_else_the_great_circle() {
    let text = GML.replace("dist 2.5", "");
    let imported = read(&text, Format::Gml, Cost::Distance).unwrap();
    assert_eq!(links(&imported), [("Zurich", "Gary", 95), ("Gary", "Gary-2", 130)]);
    assert!(imported.notes.iter().any(|note| matches!(note, Note::Placeless(_))));
}

#[test]
fn no_distance_is_guessed() {
    let text = GML.replace("source 1 target 2", "source 1 target 3");
    let error = read(&text, Format::Gml, Cost::Distance).unwrap_err();
    assert_eq!(error.place, Some(Place { line: 13, column: 3 }));
    insta::assert_snapshot!(error);
}

#[test]
fn a_long_line_of_nodes_gets_the_hop_limit_that_it_needs() {
    let line = |nodes: usize| {
        let node = |node: usize| format!("node [ id {node} ]\n");
        let edge = |node: usize| format!("edge [ source {node} target {} ]\n", node + 1);
        let nodes_text: String = (0..nodes).map(node).collect();
        let edges: String = (0..nodes - 1).map(edge).collect();
        by_hops(&format!("graph [\n{nodes_text}{edges}]"), Format::Gml)
    };
    assert_eq!(line(64).hop_limit, None);
    assert_eq!(line(65).hop_limit, Some(65));
    assert!(line(65).to_toml().contains("hop_limit = 65\n"));
    let long = line(300);
    assert_eq!(long.hop_limit, Some(255));
    assert_eq!(long.notes, [Note::TooLong(300)]);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let deep = format!("graph [ {} ]", "x [ ".repeat(100));
    let (open, close) = ("[".repeat(500), "]".repeat(500));
    let deep_json = format!("{{\"nodes\": [{open}{close}], \"links\": []}}");
    let deep_yaml = format!("topology: {}", "[".repeat(100));
    let deep_xml = "<a>".repeat(100);
    let cases: &[(Format, &str)] = &[
        (Format::Gml, ""),
        (Format::Gml, "graph [ ]"),
        (Format::Gml, "graph [\n node [ label \"x\" ] ]"),
        (Format::Gml, "graph [\n node [ id 1 ]\n node [ id 1 ] ]"),
        (Format::Gml, "graph [ node [ id 1 ]\n edge [ source 1 ] ]"),
        (Format::Gml, "graph [ node [ id 1 ]\n  edge [ source 1 target 2 ] ]"),
        (Format::Gml, "graph [ node [ id 1 ] ] graph [ ]"),
        (Format::Gml, "graph [\n label \"x ]"),
        (Format::Gml, "graph [\n label ]"),
        (Format::Gml, "graph [\n node ["),
        (Format::Gml, "graph [ node [ id 1 label \"&lol;\" ] ]"),
        (Format::Gml, &deep),
        (Format::GraphMl, "<graphml/>"),
        (Format::GraphMl, "<graphml><graph><node/></graph></graphml>"),
        (Format::GraphMl, "<graphml>\n<graph><node id='a'></graph></graphml>"),
        (Format::GraphMl, "<graphml><graph>"),
        (Format::GraphMl, &deep_xml),
        (Format::GraphMl, "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><x>&b;</x>"),
        (Format::GraphMl, "<graphml><graph><node id='a'>&lol;</node></graph></graphml>"),
        (Format::NodeLink, "{\"nodes\": [\n {\"id\": 1},\n ]}"),
        (Format::NodeLink, "{\"nodes\": [\n {\"id\": 1},\n  2], \"links\": []}"),
        (Format::NodeLink, "{\"nodes\": [{\"id\": 1}]}"),
        (Format::NodeLink, "{\"links\": []}"),
        (
            Format::NodeLink,
            "{\"nodes\": [{\"id\": 1}], \"links\": [\n{\"source\": 1, \"target\": 3}]}",
        ),
        (Format::NodeLink, &deep_json),
        (Format::Containerlab, "name: x"),
        (Format::Containerlab, "topology:\n  nodes: [a, b]"),
        (Format::Containerlab, "topology:\n  nodes: {a: }\n  links:\n    - endpoints: [\"a:1\"]"),
        (Format::Containerlab, "topology:\n  nodes: {a: }\n  links:\n    - endpoints: [a:1, b:1]"),
        (Format::Containerlab, "topology:\n  nodes: {a: \n  links: ]"),
        (Format::Containerlab, "topology: &a\n  nodes: *a"),
        (Format::Containerlab, &deep_yaml),
    ];
    let mut told = String::new();
    for (format, text) in cases {
        let error = read(text, *format, Cost::Hops).unwrap_err();
        let text: String = text.chars().take(70).collect();
        told.push_str(&format!("{format} {text:?}\n  {error}\n"));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_little_text_that_stands_for_a_huge_one_is_refused() {
    let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..10 {
        let again = vec![format!("*a{}", level - 1); 10].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{again}]\n"));
    }
    laughs.push_str("topology: { nodes: { a: *a9 } }\n");
    let error = read(&laughs, Format::Containerlab, Cost::Hops).unwrap_err();
    assert!(matches!(error.mistake, Mistake::AliasBomb(_)), "{error}");
}

#[test]
fn too_many_nodes_are_refused() {
    let nodes: String = (0..=100_000).map(|node| format!("node [ id {node} ]\n")).collect();
    let error = read(&format!("graph [\n{nodes}]"), Format::Gml, Cost::Hops).unwrap_err();
    assert_eq!(error.mistake, Mistake::TooManyNodes);
    assert_eq!(error.place, Some(Place { line: 100_002, column: 1 }));
}

/// Pieces that put into a good text make a bad one, or one that is good in an odd way.
const PIECES: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "<",
    ">",
    "/",
    "&",
    "&amp;",
    "&#0;",
    "&#xD800;",
    "&x;",
    "*d",
    "&d ",
    "#",
    "\n",
    "\t",
    ":",
    "-",
    "- ",
    ",",
    "null",
    "1e999",
    "-1",
    "\u{0}",
    "\u{e9}",
    "\u{1F600}",
    "<![CDATA[",
    "]]>",
    "<!--",
    "<?",
    "<!DOCTYPE x [",
    "node [ ",
    "edge [ ",
    "id 0",
    "\\u0000",
    "--",
    "graph [",
    "<graph>",
    "<node id=\"a\"/>",
    "source",
    "? ",
    "|",
    ">\n",
    "%YAML 1.2\n---\n",
    "<<: *d",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_text_is_read_without_panic(text in any::<String>()) {
        every_way(&text);
    }

    #[test]
    fn a_good_text_with_parts_replaced_is_read_without_panic(
        which in 0_usize..4,
        edits in proptest::collection::vec(
            (0_usize..2_000, 0_usize..30, proptest::sample::select(PIECES)), 1..6),
    ) {
        let mut text = [GML, GRAPHML, NODE_LINK, LAB][which].to_owned();
        for (from, length, put) in edits {
            let from = text.floor_char_boundary(from % text.len().max(1));
            let to = text.ceil_char_boundary((from + length).min(text.len()));
            text.replace_range(from..to, put);
        }
        every_way(&text);
    }
}

/// Reads `text` in every format, and shows whatever comes of it.
fn every_way(text: &str) {
    let _ = Format::guess("network", text);
    for format in Format::ALL {
        for cost in [Cost::Hops, Cost::Distance] {
            match read(text, format, cost) {
                Ok(imported) => {
                    let toml = imported.to_toml();
                    let loaded = parse("imported.toml", &toml);
                    let loaded = loaded.unwrap_or_else(|told| panic!("{text:?}\n{toml}\n{told}"));
                    assert_eq!(loaded.topology.nodes().len(), imported.nodes.len());
                    assert_eq!(loaded.topology.links().len(), imported.links.len());
                    assert_eq!(imported, read(text, format, cost).expect("it was read before"));
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}
