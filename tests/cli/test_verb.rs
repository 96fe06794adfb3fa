//! `hopline test`: what a file expects, on paper and in a mesh that runs.

use std::path::PathBuf;
use std::process::Stdio;

use insta::assert_snapshot;

use crate::sandbox::{Sandbox, signal, until};

/// Two sites with a cheap way between them and a dear one.
const SQUARE: &str = r#"
[mesh]
name = "square"

[nodes]
top = { bind = "auto" }
north = { bind = "auto" }
east = { bind = "auto", upstream = [{ node = "top", cost = 5 }, "north"] }
west = { bind = "auto", upstream = [{ node = "top", cost = 5 }, "north"] }

[clients]
alice = "east"
bob = "west"
"#;

/// What holds in the square.
const HOLDS: &str = r#"
[[expect]]
from = "alice"
to = "bob"
path = ["east", "top", "west"]
max_cost = 10

[[expect]]
name = "the detour when the cheap way is cut"
from = "alice"
to = "bob"
via = ["north", "north--west"]
avoids = ["top"]
after = { down = ["east--top"] }

[[expect]]
from = "alice"
to = "bob"
unreachable = true
reason = "unreachable"
after = { down = ["top", "north"] }
"#;

/// What does not.
const FAILS: &str = r#"
[[expect]]
from = "alice"
to = "bob"
path = ["east", "north", "west"]

[[expect]]
name = "a # in a name, and <b> & \"quotes\""
from = "alice"
to = "bob"
via = ["north"]
avoids = ["east--top"]
max_hops = 1
max_cost = 9

[[expect]]
from = "alice"
to = "bob"
unreachable = true

[[expect]]
from = "alice"
to = "bob"
after = { down = ["top", "north"] }

[[expect]]
from = "alice"
to = "bob"
after = { down = ["east"] }

[[expect]]
from = "alice"
to = "bob"
survives = 2
"#;

/// The square with these tables behind it, as a file called `name`.
fn square(sandbox: &mut Sandbox, name: &str, tables: &[&str]) -> String {
    let text = format!("{SQUARE}{}", tables.concat());
    sandbox.file(name, &text).display().to_string()
}

#[test]
fn what_holds_is_told_in_a_line_and_what_does_not_with_what_is() {
    let mut sandbox = Sandbox::new();
    let good = square(&mut sandbox, "good.toml", &[HOLDS]);
    let bad = square(&mut sandbox, "bad.toml", &[FAILS]);
    assert_eq!(sandbox.run(&["test", &good]).status.code(), Some(0));
    assert_eq!(sandbox.run(&["test", &bad]).status.code(), Some(1));
    assert_eq!(sandbox.run(&["test", &good, &bad]).status.code(), Some(1));
    assert_snapshot!([sandbox.show(&["test", &good]), sandbox.show(&["test", &bad])].join("\n"));
}

#[test]
fn what_could_not_be_tried_is_no_answer() {
    let mut sandbox = Sandbox::new();
    let good = square(&mut sandbox, "good.toml", &[HOLDS]);
    let nothing = square(&mut sandbox, "nothing.toml", &[]);
    let wrong = square(&mut sandbox, "wrong.toml", &["[nodes.south]\nupstream = \"tpo\"\n"]);
    let shown: Vec<String> = [
        &["test", &nothing][..],
        &["test", &wrong, &good],
        &["test", "no-such-file.toml"],
        &["test", &good, "--live"],
        &["test", &good, "--survive", "0"],
        &["test", &good, "--survive", "1", "--live"],
    ]
    .iter()
    .map(|command| sandbox.show(command))
    .collect();
    for file in [&nothing, &wrong] {
        assert_eq!(sandbox.run(&["test", file]).status.code(), Some(2), "{file}");
    }
    assert_eq!(sandbox.run(&["test", &wrong, &good]).status.code(), Some(2));
    assert_eq!(sandbox.run(&["test", &good, "--live"]).status.code(), Some(2));
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn all_cases_of_failures_are_tried() {
    let mut sandbox = Sandbox::new();
    let file = square(&mut sandbox, "square.toml", &[HOLDS]);
    let bare = square(&mut sandbox, "bare.toml", &[]);
    let spur = ["[nodes.spur]\nupstream = \"west\"\n"];
    let spur = square(&mut sandbox, "spur.toml", &spur);
    for (file, most, code) in [(&bare, "1", 0), (&bare, "2", 1), (&spur, "1", 1)] {
        let output = sandbox.run(&["test", file, "--survive", most]);
        assert_eq!(output.status.code(), Some(code), "{file} {most}");
    }
    assert_snapshot!(
        [
            &["test", &file, "--survive", "1"][..],
            &["test", &file, "--survive", "2"],
            &["test", &spur, "--survive", "1", "--json"],
        ]
        .map(|command| sandbox.show(command))
        .join("\n")
    );
}

#[test]
fn other_programs_read_it_in_their_own_forms() {
    let mut sandbox = Sandbox::new();
    let good = square(&mut sandbox, "good.toml", &[HOLDS]);
    let bad = square(&mut sandbox, "bad.toml", &[FAILS]);
    for format in ["tap", "junit", "json"] {
        let run = |file: &str| sandbox.run(&["test", file, "--format", format]).status.code();
        assert_eq!((run(&good), run(&bad)), (Some(0), Some(1)), "{format}");
    }
    assert_eq!(sandbox.json(&["test", &good, "--json"])["held"], 3);
    assert_snapshot!(
        [
            &["test", &good, &bad, "no-such-file.toml", "--format", "tap"][..],
            &["test", &good, &bad, "no-such-file.toml", "--format", "junit"],
            &["test", &bad, "--format", "json"],
        ]
        .map(|command| sandbox.show(command))
        .join("\n")
    );
}

#[test]
fn a_running_mesh_is_cut_traced_and_healed() {
    let mut sandbox = Sandbox::new();
    let wrong_way = "[[expect]]\nfrom = \"alice\"\nto = \"bob\"\navoids = [\"top\"]\n";
    let good = square(&mut sandbox, "square.toml", &[HOLDS]);
    sandbox.data(&["up", "--detach", &good]);
    let held = sandbox.show(&["test", &good, "--live"]);
    let bad = square(&mut sandbox, "square.toml", &[HOLDS, wrong_way]);
    let failed = sandbox.show(&["test", &bad, "--live"]);
    assert!(held.ends_with("--- exit 0\n") && failed.ends_with("--- exit 1\n"), "{held}{failed}");
    assert_snapshot!([held, failed].join("\n"));
    // All is as it was: whole, and without those who stood in for alice and bob.
    assert_whole(&sandbox, &good);
    for node in sandbox.json(&["status", &good, "--json"])["nodes"].as_array().unwrap() {
        let clients = node["clients"].as_array().unwrap();
        assert!(clients.iter().all(|client| client["attached"] == false), "{node}");
    }
}

#[tokio::test]
async fn a_test_that_is_interrupted_leaves_nothing_cut() {
    let mut sandbox = Sandbox::new();
    let survives = "[[expect]]\nfrom = \"east\"\nto = \"west\"\nsurvives = 1\n";
    let file: PathBuf = square(&mut sandbox, "square.toml", &[survives]).into();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let mut command = sandbox.command(&["test", &text, "--live"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("a link is cut", || async {
        let status = sandbox.json(&["status", &text, "--json"]);
        let nodes = status["nodes"].as_array().unwrap();
        nodes.iter().flat_map(|node| node["links"].as_array().unwrap()).any(|l| l["cut"] == true)
    })
    .await;
    let second = sandbox.run(&["test", &text, "--live"]);
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stdout).contains("another `hopline test --live`"));
    assert!(signal("-INT", &[child.id()]));
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("interrupted"), "{told}");
    assert_whole(&sandbox, &text);
}

/// Every link of the mesh of `file` is up, and none is cut.
fn assert_whole(sandbox: &Sandbox, file: &str) {
    let status = sandbox.json(&["status", file, "--json"]);
    for node in status["nodes"].as_array().unwrap() {
        for link in node["links"].as_array().unwrap() {
            assert_eq!((&link["up"], &link["cut"]), (&true.into(), &false.into()), "{node}");
        }
    }
}
