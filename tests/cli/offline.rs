//! Verbs that run nothing.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

const REGIONS: &str = "topologies/regions.toml";

/// Commands and everything they show, one after the other.
fn shown(commands: &[&[&str]]) -> String {
    let sandbox = Sandbox::new();
    let shown: Vec<String> = commands.iter().map(|command| sandbox.show(command)).collect();
    shown.join("\n")
}

#[test]
fn help_is_short_and_complete() {
    assert_snapshot!(shown(&[
        &["--help"],
        &["route", "--help"],
        &["up", "--help"],
        &["recv", "--help"]
    ]));
}

#[test]
fn bad_usage_is_bad_input() {
    assert_snapshot!(shown(&[
        &["route", REGIONS],
        &["rout"],
        &["trace", REGIONS, "a", "b", "--timeout", "5"]
    ]));
}

#[test]
fn the_schema_is_one_json_document() {
    let shown = shown(&[&["schema"]]);
    let json = shown.split_once('{').map(|(_, rest)| format!("{{{rest}"));
    let json = json.and_then(|json| Some(json[..=json.rfind('}')?].to_owned())).unwrap_or_default();
    let schema: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["properties"]["mesh"]["required"][0], "name");
}

#[test]
fn check_tells_every_mistake_at_its_place() {
    assert_snapshot!(shown(&[
        &["check", REGIONS],
        &["check", "topologies/invalid/unknown-node.toml", REGIONS],
        &["check", "no-such-file.toml"],
    ]));
}

#[test]
fn check_prints_findings_as_one_document() {
    assert_snapshot!(shown(&[&["check", "--json", "topologies/invalid/bad-cost.toml", REGIONS]]));
}

#[test]
fn a_lint_is_an_error_where_it_is_denied() {
    let file = "topologies/invalid/costs-differ.toml";
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&["check", file]).status.code(), Some(0));
    for deny in ["all", "costs-differ"] {
        assert_eq!(sandbox.run(&["check", file, "--deny", deny]).status.code(), Some(1));
    }
    let other = sandbox.run(&["check", file, "--deny", "no-upstream"]);
    assert_eq!(other.status.code(), Some(0));
    assert_snapshot!(shown(&[&["check", file, "--deny", "cost-differ"]]));
}

#[test]
fn a_note_is_an_error_only_where_it_itself_is_denied() {
    let sandbox = Sandbox::new();
    for (deny, code) in [("all", 0), ("cut-node", 1), ("bridge", 1)] {
        assert_eq!(sandbox.run(&["check", REGIONS, "--deny", deny]).status.code(), Some(code));
    }
}

#[test]
fn what_a_file_allows_is_listed_and_never_denied() {
    let mut sandbox = Sandbox::new();
    let text = "[mesh]\nname = \"office\"\n[nodes.top]\n[nodes.east]\nupstream = [\"top\"]\n\
                [lints.allow]\nbridge = \"one uplink, by contract\"\n";
    let file = sandbox.file("office.toml", text);
    let file = file.to_str().unwrap();
    let output = sandbox.run(&["check", "--json", file, "--deny", "bridge", "--deny", "all"]);
    assert_eq!(output.status.code(), Some(0));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let allowed = &report["files"][0]["allowed"];
    let expected = serde_json::json!([
        { "code": "bridge", "reason": "one uplink, by contract", "findings": 1 }
    ]);
    assert_eq!(*allowed, expected);
    assert_eq!(report["files"][0]["findings"], serde_json::json!([]));
}

#[test]
fn codes_are_listed_and_explained() {
    assert_snapshot!(shown(&[
        &["check", "--explain", "unknown-node"],
        &["check", "--explain", "unknown-nod"],
        &["check", "--explain", "colour"],
        &["check", "--list-codes"],
    ]));
    let sandbox = Sandbox::new();
    let all = sandbox.run(&["check", "--explain", "all"]).stdout;
    assert_eq!(all, sandbox.run(&["check", "--list-codes"]).stdout);
}

#[test]
fn route_tells_the_way_or_why_there_is_none() {
    assert_snapshot!(shown(&[
        &["route", REGIONS, "alice", "bob"],
        &["route", REGIONS, "east", "west", "--json"],
        &["route", REGIONS, "alice", "bob", "--down", "top--west"],
        &["route", REGIONS, "alice", "bob", "--down", "top", "--json"],
        &["route", REGIONS, "alice", "bob", "--down", "east"],
        &["route", REGIONS, "alice", "bob", "--down", "east", "--json"],
        &["route", REGIONS, "alice", "south.1"],
    ]));
}

#[test]
fn each_node_on_the_way_decides_by_its_own_routes() {
    let file = "topologies/static-routes.toml";
    assert_snapshot!(shown(&[
        &["route", file, "edge", "sensors.1"],
        &["route", file, "edge", "sensors.lab.1"],
        &["route", file, "edge", "sensors.lab.spare"],
    ]));
}

#[test]
fn a_link_that_is_down_may_leave_another_way() {
    assert_snapshot!(shown(&[
        &["route", "topologies/diamond.toml", "bottom", "top"],
        &["route", "topologies/diamond.toml", "bottom", "top", "--down", "left"],
    ]));
}

#[test]
fn unknown_names_are_told_with_the_one_that_was_meant() {
    assert_snapshot!(shown(&[
        &["route", REGIONS, "alice", "bbo"],
        &["route", REGIONS, "alice", "bbo", "--json"],
        &["route", REGIONS, "carol", "bob"],
        &["route", REGIONS, "alice", "bob@wets"],
        &["route", REGIONS, "alice", "bob", "--down", "tpo"],
        &["route", REGIONS, "alice", "bob", "--down", "east--west"],
    ]));
}

#[test]
fn graph_draws_the_mesh_with_a_route_and_what_is_down() {
    assert_snapshot!(shown(&[
        &["graph", REGIONS],
        &["graph", REGIONS, "--route", "alice", "bob"],
        &["graph", REGIONS, "--format", "dot", "--down", "top--west"],
        &["graph", REGIONS, "--format", "mermaid", "--route", "alice", "top"],
        &["graph", REGIONS, "--route", "alice", "bob", "--down", "west"],
    ]));
}

#[test]
fn every_shell_has_its_completions() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(sandbox.data(&["completions", shell]).contains("hopline"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["completions", "bash"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
