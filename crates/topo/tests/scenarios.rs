//! Scenarios 73 to 75: bad names, a node among its own neighbours, two ends that disagree.
//!
//! A host that cannot be resolved (the other half of 73) is a matter of the launch, not of the file.

use hopline_topo::{Plan, codes, parse};

fn found(tables: &str) -> Vec<&'static str> {
    let text = format!("[mesh]\nname = \"m\"\n{tables}");
    match parse("m.toml", &text) {
        Ok(loaded) => loaded.warnings.iter().map(|d| d.code).collect(),
        Err(problems) => problems.diagnostics.iter().map(|d| d.code).collect(),
    }
}

#[test]
fn scenario_73_control_characters_and_blanks_in_names_are_refused() {
    for name in ["", " ", "a b", "a\\u0007", "a\\n", "a\\t", "\\u0000", "a\\u00a0b", "-a", "a--b"] {
        for table in [
            format!("[nodes.\"{name}\"]\n"),
            format!(
                "[nodes.x]\n[groups.\"{name}\"]\n[nodes.y]\ngroups = [\"{name}\"]\nupstream = \"x\"\n"
            ),
            format!("[nodes.\"{name}{{n}}-\"]\ncount = 2\n"),
            format!(
                "[[trees]]\nroot = \"r\"\nlevels = [{{ names = \"-{name}{{n}}\", fan_out = 2 }}]\n"
            ),
        ] {
            assert_eq!(found(&table), [codes::BAD_NAME], "{table}");
        }
    }
    for name in ["", "a\\u0007", "a\\n"] {
        for table in [
            format!("[nodes.x]\n[clients]\n\"{name}\" = \"x\"\n"),
            format!("[nodes.x]\n[services.\"{name}\"]\nat = [\"x\"]\n"),
            format!("[nodes.x]\n[clients]\nc = \"x\"\n[client_groups]\n\"{name}\" = [\"c\"]\n"),
        ] {
            assert_eq!(found(&table), [codes::BAD_NAME], "{table}");
        }
    }
}

#[test]
fn scenario_73_no_control_character_reaches_a_terminal() {
    let problems =
        parse("m.toml", "[mesh]\nname = \"m\"\n[nodes.\"a\\u001b[31mb\"]\n").unwrap_err();
    assert!(!problems.render(false).contains('\u{1b}'));
}

#[test]
fn scenario_74_a_node_among_its_own_neighbours_is_refused() {
    assert_eq!(found("[nodes.a]\nupstream = \"a\"\n"), [codes::SELF_LINK]);
    assert_eq!(found("[nodes.a]\n[[links]]\nends = [\"a\", \"a\"]\n"), [codes::SELF_LINK]);
    assert_eq!(
        found("[nodes.\"a-{n}\"]\ncount = 2\nupstream = \"a-{1..2}\"\n")[0],
        codes::SELF_LINK
    );
    assert_eq!(
        found("[groups.g]\nupstream = \"a\"\n[nodes.a]\ngroups = \"g\"\n"),
        [codes::SELF_LINK]
    );
    // Its own place under another node's name.
    let twice = "[nodes.a]\nbind = \"tcp://127.0.0.1:1\"\n[nodes.b]\nbind = \"tcp://localhost:1\"\nupstream = \"a\"\n";
    assert_eq!(found(twice), [codes::DUPLICATE_ADDRESS]);
}

#[test]
fn scenario_74_the_same_neighbour_twice_is_refused() {
    let twice = |upstream: &str| found(&format!("[nodes.a]\n[nodes.b]\nupstream = {upstream}\n"));
    assert_eq!(twice("[\"a\", \"a\"]"), [codes::DUPLICATE_UPSTREAM]);
    assert_eq!(twice("[\"a\", { node = \"a\", cost = 3 }]"), [codes::DUPLICATE_UPSTREAM]);
    let made = "[nodes.\"a-{n}\"]\ncount = 2\n[nodes.b]\nupstream = [\"a-{1..2}\", \"a-2\"]\n";
    assert_eq!(found(made), [codes::DUPLICATE_UPSTREAM]);
}

#[test]
fn scenario_75_of_two_costs_the_greater_counts() {
    let both = "[mesh]\nname = \"m\"\n[nodes.a]\nupstream = { node = \"b\", cost = 1 }\n\
                [nodes.b]\nupstream = { node = \"a\", cost = 5 }\n";
    let loaded = parse("m.toml", both).unwrap();
    let told: Vec<_> = loaded.warnings.iter().map(|lint| lint.code).collect();
    assert_eq!(told, [codes::LINK_DECLARED_TWICE, codes::COSTS_DIFFER]);
    let plan = Plan::new(&loaded.topology);
    assert_eq!(plan.nodes["a"].dials[0].cost, 5);
    assert_eq!(plan.nodes["b"].accepts[0].cost, 5);
    // However often it is declared.
    let thrice = "[nodes.a]\n[nodes.b]\nupstream = { node = \"a\", cost = 2 }\n\
                  [[links]]\nends = [\"a\", \"b\"]\ncost = 2\n[[links]]\nends = [\"b\", \"a\"]\ncost = 9\n";
    let loaded = parse("m.toml", &format!("[mesh]\nname = \"m\"\n{thrice}")).unwrap();
    let costs: Vec<u32> = loaded.topology.links().values().map(|link| link.cost).collect();
    assert_eq!(costs, [9]);
    assert_eq!(found(thrice), [codes::LINK_DECLARED_TWICE, codes::COSTS_DIFFER]);
}

#[test]
fn scenario_75_a_link_that_one_end_declares_is_a_link_of_both() {
    let one = "[mesh]\nname = \"m\"\n[nodes.a]\n[nodes.b]\nupstream = { node = \"a\", cost = 5 }\n";
    let plan = Plan::new(&parse("m.toml", one).unwrap().topology);
    assert_eq!(plan.nodes["b"].dials[0].node.as_str(), "a");
    assert_eq!(plan.nodes["a"].accepts[0].node.as_str(), "b");
    assert_eq!(plan.nodes["a"].accepts[0].cost, 5);
}
