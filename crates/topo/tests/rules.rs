//! What a file may say, at the edges of the rules, and what it may not.

use hopline_topo::{Bind, codes, parse};

/// The codes of all that is found in a mesh called m with these tables.
fn found(text: &str) -> Vec<&'static str> {
    let text = format!("[mesh]\nname = \"m\"\n{text}");
    let found = match parse("m.toml", &text) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems.diagnostics,
    };
    found.iter().map(|d| d.code).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn a_node_alone_is_a_mesh_and_listens_at_a_free_port() {
    let loaded = parse("m.toml", "[mesh]\nname = \"m\"\n[nodes.a]\n").unwrap();
    assert!(loaded.warnings.is_empty());
    assert_eq!(*loaded.topology.nodes()["a"].bind(), Bind::Auto);
    assert_eq!(loaded.topology.dialects().len(), 4);
    assert_eq!(loaded.topology.hop_limit(), 64);
}

#[test]
fn an_upstream_is_a_name_or_a_list_of_names_and_tables() {
    for upstream in [
        "\"a\"",
        "[]",
        "[\"a\"]",
        "[\"a\", { node = \"b\" }]",
        "[{ node = \"a\", cost = 1 }, { node = \"b\", cost = 4294967295 }]",
        "{ node = \"a\", cost = 3 }",
    ] {
        let nodes = "[nodes.a]\n[nodes.b]\nupstream = \"a\"\n[nodes.c]\n";
        let lints = found(&format!("{nodes}upstream = {upstream}\n"));
        assert!(lints.is_empty() || upstream == "[]", "{upstream}: {lints:?}");
    }
}

#[test]
fn a_cost_is_a_whole_number_from_one_on() {
    for cost in ["0", "-1", "4294967296", "99999999999999999999", "-99999999999999999999"] {
        let link = format!("[nodes.a]\n[nodes.b]\nupstream = {{ node = \"a\", cost = {cost} }}\n");
        assert_eq!(found(&link), [codes::BAD_COST], "{cost}");
    }
}

#[test]
fn a_hop_limit_is_from_1_to_255() {
    assert_eq!(found("hop_limit = 1\n[nodes.a]\n"), NONE);
    assert_eq!(found("hop_limit = 255\n[nodes.a]\n"), NONE);
    assert_eq!(found("hop_limit = 0\n[nodes.a]\n"), [codes::BAD_HOP_LIMIT]);
    assert_eq!(found("hop_limit = 256\n[nodes.a]\n"), [codes::BAD_HOP_LIMIT]);
}

#[test]
fn two_machines_may_use_the_same_port() {
    let two = |a: &str, b: &str| {
        found(&format!(
            "open = true\n\
             [nodes.a]\nhost = \"{a}\"\nbind = \"tcp://*:5555\"\naddress = \"tcp://a:5555\"\n\
             [nodes.b]\nhost = \"{b}\"\nbind = \"tcp://0.0.0.0:5555\"\naddress = \"tcp://b:5555\"\n\
             upstream = \"a\"\n"
        ))
    };
    assert_eq!(two("alpha", "beta"), NONE);
    assert_eq!(two("alpha", "alpha"), [codes::DUPLICATE_ADDRESS]);
}

#[test]
fn a_node_on_another_machine_is_dialled_at_an_address_that_leads_there() {
    let dialled = |target: &str| {
        found(&format!(
            "open = true\n[nodes.a]\nhost = \"alpha\"\n{target}\n\
             [nodes.b]\nhost = \"beta\"\nupstream = \"a\"\n"
        ))
    };
    assert_eq!(dialled("bind = \"tcp://192.0.2.1:5\""), NONE);
    assert_eq!(dialled("bind = \"tcp://*:5\"\naddress = \"tcp://alpha:5\""), NONE);
    for target in
        ["", "bind = \"tcp://127.0.0.1:5\"", "bind = \"ipc:///run/a\"", "bind = \"mem://a\""]
    {
        assert_eq!(dialled(target), [codes::UNKNOWN_ADDRESS], "{target}");
    }
}

#[test]
fn the_end_that_does_not_dial_needs_no_address_there() {
    let text = "open = true\n[nodes.a]\nhost = \"alpha\"\nbind = \"tcp://192.0.2.1:5\"\n\
                [nodes.b]\nhost = \"beta\"\nupstream = \"a\"\n";
    assert_eq!(found(text), NONE);
}

#[test]
fn every_interface_needs_an_open_mesh_and_an_address() {
    for host in ["*", "0.0.0.0", "[::]"] {
        let node = format!("[nodes.a]\nbind = \"tcp://{host}:5\"\n");
        let codes = [codes::MISSING_ADDRESS, codes::NOT_OPEN];
        assert_eq!(found(&node), codes, "{host}");
        assert_eq!(found(&format!("open = true\n{node}")), [codes[0]], "{host}");
    }
    assert_eq!(found("[nodes.a]\nbind = \"tcp://[::1]:5\"\n"), NONE);
    assert_eq!(found("open = \"yes\"\n[nodes.a]\nbind = \"tcp://h:5\"\n"), [codes::WRONG_TYPE]);
}

#[test]
fn a_route_leads_from_a_name_or_prefix_to_a_node_a_client_or_upstream() {
    let route = |line: &str| {
        found(&format!(
            "[nodes.a]\n[nodes.b]\nupstream = \"a\"\n[clients]\nc = \"b\"\n[routes.b]\n{line}\n"
        ))
    };
    for good in ["x = \"a\"", "\"x.*\" = \"c\"", "\"x.y.*\" = \"upstream\"", "\"hex:ff00\" = \"a\""]
    {
        assert_eq!(route(good), NONE, "{good}");
    }
    for bad in [
        "\"*\" = \"a\"",
        "\".*\" = \"a\"",
        "\"x*\" = \"a\"",
        "\"x@b\" = \"a\"",
        "\"hex:f\" = \"a\"",
    ] {
        assert_eq!(route(bad), [codes::BAD_ROUTE], "{bad}");
    }
    assert_eq!(route("x = \"b\""), [codes::SELF_ROUTE]);
    assert_eq!(route("x = \"nobody\""), [codes::UNKNOWN_NEXT_HOP]);
}

#[test]
fn a_client_may_be_called_anything_that_an_identity_may_say() {
    let client = |name: &str| found(&format!("[nodes.a]\n[clients]\n\"{name}\" = \"a\"\n"));
    for good in ["upstream", "caf\u{e9} no. 7", &"x".repeat(255)] {
        assert_eq!(client(good), NONE, "{good}");
    }
    for bad in ["", "a@b", "#a", "*", "hex:00", "a\\u0007", &"x".repeat(256)] {
        assert_eq!(client(bad), [codes::BAD_NAME], "{bad}");
    }
    assert_eq!(client("a"), [codes::DUPLICATE_NAME]);
}

#[test]
fn a_name_that_is_no_good_is_one_mistake_however_often_it_is_used() {
    let text = "[nodes.\"a b\"]\n[nodes.c]\nupstream = \"a b\"\n[clients]\nx = \"a b\"\n\
                [routes.\"a b\"]\ny = \"c\"\n";
    assert_eq!(found(text), [codes::BAD_NAME]);
}

#[test]
fn each_part_that_is_cut_off_is_one_finding() {
    let text = "[nodes.a]\n[nodes.b]\nupstream = \"a\"\n[nodes.c]\nupstream = \"a\"\n\
                [nodes.x]\n[nodes.y]\nupstream = \"x\"\n[nodes.z]\n";
    assert_eq!(found(text), [codes::UNREACHABLE_NODE, codes::UNREACHABLE_NODE]);
}

#[test]
fn the_length_of_a_way_is_that_of_the_way_that_is_taken() {
    // The direct link costs more than the way round, which takes four nodes.
    let ring = "[nodes.a]\n[nodes.b]\nupstream = \"a\"\n[nodes.c]\nupstream = \"b\"\n\
                [nodes.d]\nupstream = [\"c\", { node = \"a\", cost = 31 }]\n";
    let short = codes::HOP_LIMIT_BELOW_DIAMETER;
    assert_eq!(found(&format!("hop_limit = 3\n{ring}")), [short]);
    assert_eq!(found(&format!("hop_limit = 4\n{ring}")), NONE);
    // At the same cost the way with fewer hops is taken.
    let ring = ring.replace("31", "30");
    assert_eq!(found(&format!("hop_limit = 3\n{ring}")), NONE);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_are_no_mistake() {
    let text = "\u{feff}[mesh]\r\nname = \"m\"\r\n[nodes.a]\r\n[nodes.b]\r\nupstream = [\r\n  \"a\",\r\n]\r\n";
    assert!(parse("m.toml", text).is_ok());
}

fn mesh(tables: &str) -> hopline_topo::Topology {
    let text = format!("[mesh]\nname = \"m\"\n{tables}");
    parse("m.toml", &text).unwrap_or_else(|problems| panic!("{problems}")).topology
}

fn names(tables: &str) -> Vec<String> {
    mesh(tables).nodes().keys().map(ToString::to_string).collect()
}

fn links(tables: &str) -> Vec<String> {
    mesh(tables).links().keys().map(ToString::to_string).collect()
}

#[test]
fn what_a_node_says_counts_before_its_groups_and_those_before_the_defaults() {
    let mesh = mesh(
        "open = true\n[defaults]\nhost = \"d\"\nlabel = \"d\"\ncost = 3\nlimits = { frames = 1, connections = 1 }\n\
         [groups.far]\nhost = \"far\"\nlabel = \"far\"\ndialects = [\"json\"]\n\
         [groups.near]\nhost = \"near\"\ngroups = [\"far\"]\nlimits = { connections = 2 }\n\
         [groups.other]\nlabel = \"other\"\ndialects = [\"native\"]\n\
         [nodes.a]\nbind = \"tcp://192.0.2.1:5\"\ngroups = [\"near\", \"other\"]\nlimits = { frame = \"1KiB\" }\n\
         [nodes.b]\nhost = \"own\"\nupstream = \"a\"\n",
    );
    let (a, b) = (&mesh.nodes()["a"], &mesh.nodes()["b"]);
    assert_eq!((a.host(), a.label()), (Some("near"), Some("far")));
    assert_eq!(a.dialects().map(<[_]>::len), Some(1));
    let limits = a.limits();
    assert_eq!((limits.frame, limits.connections, limits.frames), (Some(1024), Some(2), Some(1)));
    assert_eq!((b.host(), b.label()), (Some("own"), Some("d")));
    assert_eq!(mesh.links().values().next().map(|link| link.cost), Some(3));
}

#[test]
fn a_group_that_comes_round_to_itself_is_one_mistake() {
    assert_eq!(
        found("[groups.g]\ngroups = \"g\"\n[nodes.a]\ngroups = \"g\"\n"),
        [codes::GROUP_CYCLE]
    );
    // Two ways to one group are no circle.
    let diamond = "[groups.a]\ngroups = [\"b\", \"c\"]\n[groups.b]\ngroups = \"d\"\n\
                   [groups.c]\ngroups = \"d\"\n[groups.d]\n[nodes.n]\ngroups = [\"a\", \"d\"]\n";
    assert_eq!(found(diamond), NONE);
}

#[test]
fn a_template_stands_for_every_combination_of_its_counters() {
    assert_eq!(names("[nodes.\"l{n}\"]\ncount = 1\n"), ["l1"]);
    let upstream = "upstream = \"top\"\n[nodes.top]\n";
    assert_eq!(
        names(&format!("[nodes.\"l{{n}}\"]\ncount = \"5..7\"\n{upstream}")),
        ["l5", "l6", "l7", "top"]
    );
    let two = "[nodes.\"{pod}.{n}\"]\ncount = { pod = 2, n = \"0..1\" }\n";
    assert_eq!(names(&format!("{two}{upstream}")), ["1.0", "1.1", "2.0", "2.1", "top"]);
    for bad in ["0", "-1", "\"5..4\"", "\"x\"", "{ name = 3 }", "{ \"a b\" = 3 }", "\"\""] {
        let template = format!(
            "[nodes.\"l{{n}}\"]\ncount = {bad}\nupstream = \"top\"\n[nodes.top]\n[clients]\nc = \"l1\"\n"
        );
        assert_eq!(found(&template), [codes::BAD_TEMPLATE], "{bad}");
    }
}

#[test]
fn braces_of_a_template_hold_sums_and_its_name() {
    let mesh = mesh(
        "open = true\n[nodes.\"l{n}\"]\ncount = 2\nbind = \"tcp://192.0.2.1:{6000+n*10}\"\n\
         address = \"tcp://{name}.example:{6000 + n*10}\"\nlabel = \"{{{n}}}\"\nupstream = \"l{1..n-1}\"\n",
    );
    let second = &mesh.nodes()["l2"];
    assert_eq!(second.address().map(ToString::to_string).as_deref(), Some("tcp://l2.example:6020"));
    assert_eq!(second.label(), Some("{2}"));
    assert_eq!(mesh.links().len(), 1);
    // A single node's own texts are what they are.
    assert_eq!(self::mesh("[nodes.a]\nlabel = \"{n}\"\n").nodes()["a"].label(), Some("{n}"));
}

#[test]
fn a_mistake_in_a_template_is_told_once() {
    let template = |line: &str| found(&format!("[nodes.\"l{{n}}\"]\ncount = 9\n{line}\n"));
    for line in
        ["bind = \"tcp://h:{m}\"", "label = \"{n\"", "host = \"{n/0}\"", "host = \"h{1..2}\""]
    {
        assert_eq!(template(line)[0], codes::BAD_TEMPLATE, "{line}");
        assert_eq!(template(line).len(), 1, "{line}");
    }
    assert_eq!(template("upstream = \"nobody\""), [codes::UNKNOWN_NODE]);
    assert_eq!(template("bind = \"tcp://127.0.0.1:{n-1}\"")[0], codes::BAD_ENDPOINT);
    assert_eq!(template("limits = { frame = 0 }"), [codes::BAD_LIMIT]);
}

#[test]
fn what_two_templates_make_has_two_names() {
    let two = "[nodes.\"a{n}\"]\ncount = 2\n[nodes.\"a{m}\"]\ncount = { m = 2 }\n";
    assert_eq!(found(two), [codes::DUPLICATE_NAME]);
}

#[test]
fn links_of_ranges_join_each_pair_once() {
    let nodes = "[nodes.\"a{n}\"]\ncount = 3\n";
    assert_eq!(
        links(&format!("{nodes}[[links]]\nends = [\"a{{1..3}}\", \"a{{1..3}}\"]\n")),
        ["a1--a2", "a1--a3", "a2--a3"]
    );
    assert_eq!(
        links(&format!("{nodes}[[links]]\nends = [\"a1\", \"a{{2..3}}\"]\n")),
        ["a1--a2", "a1--a3"]
    );
}

#[test]
fn the_first_end_of_a_link_dials_and_neither_is_upstream() {
    let mesh = mesh(
        "[nodes.a]\n[nodes.b]\n[[links]]\nends = [\"b\", \"a\"]\ncost = 4\nlatency = \"5ms\"\nloss = 0.25\n",
    );
    let link = mesh.links().values().next().unwrap();
    assert_eq!((link.dialer.as_str(), link.cost, link.lower.len()), ("b", 4, 0));
    assert_eq!(link.impairment.loss_ppm, Some(250_000));
    let plan = hopline_topo::Plan::new(&mesh);
    assert_eq!(plan.nodes["b"].dials.len(), 1);
    assert!(plan.nodes["b"].upstreams.is_empty() && plan.nodes["a"].upstreams.is_empty());
}

#[test]
fn a_tree_has_its_levels_below_its_root() {
    let tree = "[[trees]]\nroot = \"hq\"\nlevels = [\n{ names = \"r{n}\", fan_out = 2, cost = 5 },\n\
                { names = \"{parent}.s{i}\", fan_out = 2, label = \"{name} is {n}\" },\n]\n";
    let mesh = mesh(tree);
    let all: Vec<&str> = mesh.nodes().keys().map(|name| name.as_str()).collect();
    assert_eq!(all, ["hq", "r1", "r1.s1", "r1.s2", "r2", "r2.s1", "r2.s2"]);
    assert_eq!(mesh.nodes()["r2.s1"].label(), Some("r2.s1 is 3"));
    assert_eq!(mesh.nodes()["r2.s1"].upstream().keys().next().map(|up| up.as_str()), Some("r2"));
    assert_eq!(mesh.nodes()["r1"].upstream()["hq"], 5);
    assert_eq!(found(&format!("[nodes.hq]\nlabel = \"top\"\n{tree}")), NONE);
    for (from, to, code) in [
        ("fan_out = 2, cost", "fan_out = 0, cost", codes::BAD_TEMPLATE),
        ("r{n}", "r", codes::BAD_TEMPLATE),
        ("root = \"hq\"", "root = 3", codes::WRONG_TYPE),
        ("root = \"hq\"\n", "", codes::MISSING_KEY),
    ] {
        let text = format!("{}[clients]\nc = \"r1.s1\"\n", tree.replace(from, to));
        assert_eq!(found(&text), [code], "{text}");
    }
}

#[test]
fn routes_and_services_take_ranges_of_nodes() {
    let mesh = mesh(
        "[nodes.top]\n[nodes.\"l{n}\"]\ncount = 3\nupstream = \"top\"\n[routes.\"l{1..2}\"]\nx = \"top\"\n\
         [routes.l2]\ny = \"top\"\n[services.db]\nat = [\"l{2..3}\"]\npolicy = \"balanced\"\n",
    );
    assert_eq!(mesh.routes()["l1"].len(), 1);
    assert_eq!(mesh.routes()["l2"].len(), 2);
    assert_eq!(mesh.services()["db"].at.len(), 2);
    let twice = "[nodes.a]\n[nodes.b]\nupstream = \"a\"\n[routes.\"{n}\"]\nx = \"a\"\n";
    assert_eq!(found(twice), [codes::BAD_TEMPLATE]);
    let twice = "[nodes.a1]\n[nodes.b]\nupstream = \"a1\"\n[routes.\"a{1..1}\"]\nx = \"b\"\n[routes.a1]\nx = \"b\"\n";
    assert_eq!(found(twice), [codes::DUPLICATE_KEY]);
}

#[test]
fn an_expectation_names_what_is_there_and_does_not_contradict_itself() {
    let nodes = "[nodes.a]\n[nodes.b]\nupstream = \"a\"\n[nodes.c]\nupstream = \"b\"\n[clients]\nx = \"a\"\n\
                 [services.s]\nat = [\"c\"]\n[routes.a]\n\"far.*\" = \"b\"\n";
    let expect = |lines: &str| found(&format!("{nodes}[[expect]]\n{lines}\n"));
    for good in [
        "from = \"x\"\nto = \"c\"",
        "from = \"a\"\nto = \"s\"\npath = [\"a\", \"b\", \"c\"]\nmax_hops = 2\nmax_cost = 20",
        "from = \"c\"\nto = \"x@b\"\nvia = \"b--c\"\navoids = [\"a\"]",
        "from = \"a\"\nto = \"far.away\"",
        "from = \"a\"\nto = \"c\"\nunreachable = true\nreason = \"unreachable\"\nafter = { down = \"b\" }",
        "from = \"a\"\nto = \"a\"\nmax_hops = 0\nsurvives = 1",
    ] {
        assert_eq!(expect(good), NONE, "{good}");
    }
    let pair = "from = \"a\"\nto = \"c\"\n";
    for (bad, code) in [
        ("path = [\"b\", \"c\"]", codes::BAD_EXPECT),
        ("path = [\"a\", \"b\"]", codes::BAD_EXPECT),
        ("path = [\"a\", \"c\"]", codes::BAD_EXPECT),
        ("path = []", codes::BAD_EXPECT),
        ("path = [\"a\", \"nobody\", \"c\"]", codes::UNKNOWN_NODE),
        ("path = [\"a\", \"b\", \"c\"]\nmax_hops = 1", codes::BAD_EXPECT),
        ("path = [\"a\", \"b\", \"c\"]\nmax_cost = 19", codes::BAD_EXPECT),
        ("path = [\"a\", \"b\", \"c\"]\navoids = \"b--a\"", codes::BAD_EXPECT),
        ("path = [\"a\", \"b\", \"c\"]\nafter = { down = \"b\" }", codes::BAD_EXPECT),
        ("via = \"b\"\navoids = \"b\"", codes::BAD_EXPECT),
        ("via = \"a--b\"\navoids = \"b--a\"", codes::BAD_EXPECT),
        ("via = \"a--c\"", codes::UNKNOWN_LINK),
        ("via = \"a--d\"", codes::UNKNOWN_NODE),
        ("via = \"a--a\"", codes::BAD_EXPECT),
        ("unreachable = true\nvia = \"b\"", codes::BAD_EXPECT),
        ("unreachable = true\nsurvives = 1", codes::BAD_EXPECT),
        ("reason = \"loop\"", codes::BAD_EXPECT),
        ("unreachable = true\nreason = \"lop\"", codes::BAD_VALUE),
        ("survives = 0", codes::BAD_EXPECT),
        ("max_hops = -1", codes::BAD_EXPECT),
        ("after = {}", codes::MISSING_KEY),
    ] {
        assert_eq!(expect(&format!("{pair}{bad}")), [code], "{bad}");
    }
    assert_eq!(expect("from = \"y\"\nto = \"c\""), [codes::UNKNOWN_CLIENT]);
    assert_eq!(expect("from = \"s\"\nto = \"c\""), [codes::UNKNOWN_CLIENT]);
    assert_eq!(expect("from = \"a\"\nto = \"near\""), [codes::UNKNOWN_CLIENT]);
    assert_eq!(expect("from = \"a\"\nto = \"x@nowhere\""), [codes::UNKNOWN_NODE]);
    assert_eq!(expect("from = \"a\""), [codes::MISSING_KEY]);
}

#[test]
fn an_expectation_knows_its_line() {
    let mesh = mesh("[nodes.a]\n\n[[expect]]\nfrom = \"a\"\nto = \"a\"\n");
    assert_eq!((mesh.expects()[0].line, mesh.expects()[0].file.as_str()), (5, "m.toml"));
}

#[test]
fn a_service_is_nobody_else_and_offered_somewhere() {
    let service = |lines: &str| found(&format!("[nodes.a]\n[clients]\nc = \"a\"\n{lines}\n"));
    assert_eq!(service("[services.s]\nat = \"a\""), NONE);
    assert_eq!(service("[services.s]\nat = []"), [codes::EMPTY_SERVICE]);
    assert_eq!(service("[services.s]"), [codes::MISSING_KEY]);
    assert_eq!(service("[services.s]\nat = [\"a\", \"a\"]"), [codes::BAD_VALUE]);
    assert_eq!(service("[services.s]\nat = [\"b\"]"), [codes::UNKNOWN_NODE]);
    assert_eq!(service("[services.a]\nat = [\"a\"]"), [codes::DUPLICATE_NAME]);
    assert_eq!(service("[services.c]\nat = [\"a\"]"), [codes::DUPLICATE_NAME]);
    assert_eq!(service("[services.s]\nat = \"a\"\npolicy = \"any\""), [codes::BAD_VALUE]);
    assert_eq!(service("[client_groups]\ng = [\"c\"]"), NONE);
    assert_eq!(service("[client_groups]\ng = [\"d\"]"), [codes::UNKNOWN_CLIENT]);
    assert_eq!(service("[client_groups]\ng = []"), [codes::BAD_VALUE]);
}

#[test]
fn what_is_no_table_is_no_second_mistake() {
    for table in ["groups", "nodes", "trees", "services", "clients"] {
        let text = format!(
            "{table} = 3\n[mesh]\nname = \"m\"\n{}",
            match table {
                "nodes" => "[clients]\nc = \"a\"\n",
                "trees" => "[clients]\nc = \"a\"\n",
                "groups" => "[nodes.a]\ngroups = \"g\"\n",
                _ => "[nodes.a]\n[[expect]]\nfrom = \"c\"\nto = \"a\"\n",
            }
        );
        let problems = parse("m.toml", &text).unwrap_err();
        let codes: Vec<_> = problems.errors().map(|error| error.code).collect();
        assert_eq!(codes, [codes::WRONG_TYPE], "{problems}");
    }
}
