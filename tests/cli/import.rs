//! Networks that others have drawn.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

const SMALL: &str = r#"graph [
  node [ id 0 label "Zürich" Longitude 8.55 Latitude 47.37 ]
  node [ id 1 label "Bern" Longitude 7.45 Latitude 46.95 ]
  node [ id 2 label "Bern" ]
  edge [ source 0 target 1 ]
  edge [ source 1 target 0 ]
  edge [ source 1 target 1 ]
]
"#;

/// A sandbox with the network in it, and the network's path.
fn small() -> (Sandbox, String) {
    let sandbox = Sandbox::new();
    let file = sandbox.path().join("small.gml");
    std::fs::write(&file, SMALL).unwrap();
    (sandbox, file.display().to_string())
}

#[test]
fn import_prints_a_topology_file_and_tells_what_it_has_changed() {
    let (sandbox, file) = small();
    let shown = [
        sandbox.show(&["import", &file]),
        sandbox.show(&["import", &file, "--cost", "distance", "--name", "swiss"]),
        sandbox.show(&["import", &file, "--format", "graphml"]),
        sandbox.show(&["import", "README.md"]),
        sandbox.show(&["import", "no-such-file.gml"]),
        sandbox.show(&["import", &file, "--format", "dot"]),
    ];
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn what_is_imported_can_be_checked_and_asked() {
    let (sandbox, file) = small();
    let out = sandbox.path().join("small.toml").display().to_string();
    let shown = [
        sandbox.show(&["import", &file, "--output", &out]),
        sandbox.show(&["import", &file, "--output", &out]),
        sandbox.show(&["import", &file, "--output", &out, "--force", "--cost", "distance"]),
        sandbox.show(&["check", &out]),
        sandbox.show(&["route", &out, "Zurich", "Bern"]),
        sandbox.show(&["route", &out, "Zurich", "Bern-2"]),
    ];
    assert_snapshot!(shown.join("\n"));
}
