//! Plans, differences and pictures: verbs that run nothing.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

const DUAL: &str = "topologies/dual-homed.toml";

/// Commands and everything they show, one after the other.
fn shown(commands: &[&[&str]]) -> String {
    let sandbox = Sandbox::new();
    let shown: Vec<String> = commands.iter().map(|command| sandbox.show(command)).collect();
    shown.join("\n")
}

#[test]
fn a_plan_shows_what_each_node_is_to_do() {
    assert_snapshot!(shown(&[
        &["plan", "topologies/static-routes.toml"],
        &["plan", DUAL, "site"],
        &["plan", DUAL, "sit"],
        &["plan", DUAL, "main", "--json"],
    ]));
}

#[test]
fn a_plan_says_which_ways_are_over_the_hop_limit() {
    let mut sandbox = Sandbox::new();
    let text = "[mesh]\nname = 'm'\nhop_limit = 3\n[nodes]\na = {}\nb = { upstream = 'a' }\n\
                c = { upstream = 'b' }\nd = { upstream = 'c' }\n";
    let file = sandbox.file("m.toml", text).display().to_string();
    let plan = sandbox.data(&["plan", &file, "a"]);
    let why = |to: &str| {
        let mut lines = plan.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        lines.find(|words| words.first() == Some(&to)).unwrap()[4..].join(" ")
    };
    assert_eq!((why("c"), why("d")), ("computed".into(), "computed, over the hop limit".into()));
}

#[test]
fn a_difference_shows_what_came_and_went() {
    assert_snapshot!(shown(&[
        &["diff", "topologies/line.toml", "topologies/star.toml"],
        &["diff", DUAL, DUAL],
        &["diff", DUAL, "no-such-file.toml"],
    ]));
}

/// Who is offered elsewhere is reached elsewhere, also where no link has changed.
#[test]
fn routes_to_a_service_move_with_it() {
    let mut sandbox = Sandbox::new();
    let text = "[mesh]\nname = 'm'\n[nodes]\na = {}\nb = { upstream = 'a' }\nc = { upstream = 'a' }\n\
                [clients]\napp = 'a'\n[services.sv]\nat = ['b', 'c']\n[client_groups]\nall = ['app']\n";
    let old = sandbox.file("old.toml", text).display().to_string();
    let mut shown = String::new();
    for (name, was, is) in [
        ("at.toml", "at = ['b', 'c']", "at = ['c']"),
        ("policy.toml", "at = ['b', 'c']", "at = ['b', 'c']\npolicy = 'balanced'"),
        ("group.toml", "all = ['app']", "each = ['app']"),
    ] {
        let new = sandbox.file(name, &text.replace(was, is)).display().to_string();
        shown.push_str(&sandbox.show(&["diff", &old, &new]));
    }
    sandbox.data(&["up", "--detach", &old]);
    std::fs::write(&old, text.replace("['b', 'c']", "['c']")).unwrap();
    shown.push_str(&sandbox.show(&["apply", &old, "--dry-run"]));
    shown.push_str(&sandbox.show(&["apply", &old]));
    assert_snapshot!(shown);
}

#[test]
fn a_difference_is_told_by_the_exit_code_where_it_is_asked_for() {
    let sandbox = Sandbox::new();
    let code = |args: &[&str]| sandbox.run(args).status.code();
    assert_eq!(code(&["diff", DUAL, "topologies/star.toml"]), Some(0));
    assert_eq!(code(&["diff", DUAL, "topologies/star.toml", "--exit-code"]), Some(1));
    assert_eq!(code(&["diff", DUAL, DUAL, "--exit-code"]), Some(0));
}

#[test]
fn a_picture_is_laid_out_as_it_is_asked_for() {
    assert_snapshot!(shown(&[
        &["graph", "topologies/regions.toml", "--format", "svg", "--route", "alice", "bob"],
        &["graph", DUAL, "--layout", "layers"],
        &["graph", DUAL, "--format", "svg", "--layout", "map"],
    ]));
}

#[test]
fn a_drawing_is_written_to_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mesh.svg");
    let sandbox = Sandbox::new();
    let args = ["graph", DUAL, "--format", "svg", "-o", file.to_str().unwrap()];
    let output = sandbox.run(&args);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b""[..]));
    let printed = sandbox.run(&args[..4]).stdout;
    assert_eq!(std::fs::read(&file).unwrap(), printed);
}
