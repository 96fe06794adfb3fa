//! Verbs that change a running mesh.

use std::process::Stdio;
use std::time::Duration;

use hopline::topo::launch::Lack;
use insta::assert_snapshot;
use tokio::time::Instant;

use crate::sandbox::{PATIENCE, Sandbox, signal, until};

/// Static routes are set and taken away at a running node, and whatever cannot be one is told.
#[test]
fn a_static_route_is_set_and_taken_away() {
    let (sandbox, file) = Sandbox::with_regions();
    let file = file.display().to_string();
    sandbox.data(&["up", "--detach", &file]);
    let goes =
        |to: &str| sandbox.json(&["routes", &file, "west", "--json"]).to_string().contains(to);
    assert!(!goes("north.*"));
    let mut text = sandbox.show(&["routes", "set", &file, "west", "north.*", "upstream"]);
    assert!(goes("north.*"));
    for command in [
        &["routes", "unset", &file, "west", "north.*"][..],
        &["routes", "unset", &file, "east", "south.*", "--json"],
        &["routes", "unset", &file, "west", "north.*"],
        &["routes", "set", &file, "wets", "north.*", "top"],
        &["routes", "set", &file, "west", "north.*.a", "top"],
        &["routes", "set", &file, "west", "north.*", "tpo"],
        &["routes", "set", &file, "west", "north.*", "west"],
        &["routes", "set", &file, "west", "north.*", "carol"],
        &["routes", "set", &file, "west", "west", "upstream"],
    ] {
        text.push('\n');
        text.push_str(&sandbox.show(command));
    }
    assert!(!goes("north.*"));
    assert_snapshot!(text);
}

/// What was set by hand is in no plan, so no comparison shows it: that it goes is told.
#[test]
fn a_route_that_was_set_by_hand_goes_with_an_apply_that_finds_no_difference() {
    let (sandbox, file) = Sandbox::with_regions();
    let file = file.display().to_string();
    sandbox.data(&["up", "--detach", &file]);
    sandbox.data(&["routes", "set", &file, "west", "north.*", "upstream"]);
    let goes = || sandbox.json(&["routes", &file, "west", "--json"]).to_string().contains("north");
    for (command, is_there) in
        [(&["apply", &file, "--dry-run"][..], true), (&["apply", &file], false)]
    {
        let output = sandbox.run(command);
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "no difference\n");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("static routes set by hand are in no plan"), "{told}");
        assert_eq!(goes(), is_there, "{command:?}");
    }
}

/// Of several who apply the same file at once, the first one changes the mesh, and the others are told that nothing differed.
#[test]
fn a_difference_is_told_once_however_many_apply_it_at_once() {
    let (sandbox, file) = Sandbox::with_regions();
    let path = file.display().to_string();
    sandbox.data(&["up", "--detach", &path]);
    let text = std::fs::read_to_string(&file).unwrap();
    let north = "[nodes.north]\nbind = 'auto'\nupstream = ['top']\n";
    std::fs::write(&file, format!("{text}\n{north}")).unwrap();
    let applying: Vec<_> = (0..4)
        .map(|_| sandbox.command(&["apply", &path]).stdout(Stdio::piped()).spawn().unwrap())
        .collect();
    let told: Vec<String> = applying
        .into_iter()
        .map(|child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
        .collect();
    let differed = told.iter().filter(|told| told.contains("north")).count();
    let same = told.iter().filter(|told| told.contains("no difference")).count();
    assert_eq!((differed, same), (1, 3), "{told:#?}");
}

/// A mesh that is whole has converged, one with a cut link too, one with silent nodes has not; and all nodes are
/// asked at the same time.
#[tokio::test]
async fn it_is_told_whether_the_mesh_has_converged_and_what_lacks() {
    let (sandbox, file) = Sandbox::with_regions();
    let text = file.display().to_string();
    sandbox.data(&["up", "--detach", &text]);
    let running = sandbox.running(&file);
    assert_eq!(running.converged(PATIENCE).await, Ok(()));
    let said = sandbox.data(&["status", &text, "--converged", "--wait", "10s"]);
    assert!(said.starts_with("regions: converged (revision "), "{said}");

    sandbox.data(&["impair", &text, "top--west", "--cut"]);
    let said = sandbox.json(&["status", &text, "--converged", "--wait", "10s", "--json"]);
    assert_eq!(said["converged"], true, "{said}");
    sandbox.data(&["impair", &text, "top--west", "--heal"]);

    let pids = ["west", "east"].map(|it| running.processes[it].process.as_ref().unwrap().pid);
    assert!(signal("-STOP", &pids));
    let started = Instant::now();
    let output = sandbox.run(&["status", &text, "--converged"]);
    let taken = started.elapsed();
    let started = Instant::now();
    let waited = sandbox.run(&["status", &text, "--converged", "--wait", "1s"]);
    let wait = started.elapsed();
    let lack = running.converged(Duration::from_millis(300)).await;
    let _ = signal("-CONT", &pids);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "regions: not converged: `east` does not answer\n");
    assert_eq!(waited.status.code(), Some(1));
    assert!(wait < Duration::from_secs(4), "no longer than it may take: {wait:?}");
    assert!(matches!(lack, Err(Lack::Silent(_))), "{lack:?}");
    assert!(taken < Duration::from_secs(9), "both are waited for at once: {taken:?}");
}

/// A way over a node that drains is told as that, not by a number that means it.
#[tokio::test]
async fn a_way_over_a_node_that_drains_is_told_as_draining() {
    let (sandbox, file) = Sandbox::with_regions();
    let file = file.display().to_string();
    sandbox.data(&["up", "--detach", &file]);
    sandbox.data(&["drain", &file, "top"]);
    let told = |command: &[&str]| {
        let said = sandbox.data(command);
        said.contains("draining") && !said.contains("4294967295") && !said.contains("8589934590")
    };
    until("it is told", || async {
        told(&["routes", &file, "east"]) && told(&["explain", &file, "east", "west"])
    })
    .await;
}
