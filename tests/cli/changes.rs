//! Verbs that change a running mesh.

use insta::assert_snapshot;

use crate::sandbox::Sandbox;

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
        &["routes", "unset", &file, "west", "north.*", "--json"][..],
        &["routes", "unset", &file, "west", "north.*"],
        &["routes", "set", &file, "wets", "north.*", "top"],
        &["routes", "set", &file, "west", "north.*.a", "top"],
        &["routes", "set", &file, "west", "north.*", "tpo"],
        &["routes", "set", &file, "west", "north.*", "west"],
        &["routes", "set", &file, "west", "north.*", "carol"],
    ] {
        text.push('\n');
        text.push_str(&sandbox.show(command));
    }
    assert!(!goes("north.*"));
    assert_snapshot!(text);
}
