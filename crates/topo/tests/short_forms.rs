//! What may be written in short, and what it stands for: groups, templates, ranges, trees; services and
//! expectations.

mod found;

use found::found;
use hopline_topo::{codes, parse};

const NONE: [&str; 0] = [];

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
        "open = true\n[defaults]\nhost = \"d\"\nlabel = \"d\"\ncost = 3\nlimits = { frames = 9, connections = 1 }\n\
         [groups.far]\nhost = \"far\"\nlabel = \"far\"\ndialects = [\"json\"]\n\
         [groups.near]\nhost = \"near\"\ngroups = [\"far\"]\nlimits = { connections = 2 }\n\
         [groups.other]\nlabel = \"other\"\ndialects = [\"native\"]\n\
         [nodes.a]\nbind = \"tcp://192.0.2.1:5\"\ngroups = [\"near\", \"other\"]\nlimits = { frame = \"1MiB\" }\n\
         [nodes.b]\nhost = \"own\"\nupstream = \"a\"\n",
    );
    let (a, b) = (&mesh.nodes()["a"], &mesh.nodes()["b"]);
    assert_eq!((a.host(), a.label()), (Some("near"), Some("far")));
    assert_eq!(a.dialects().map(<[_]>::len), Some(1));
    let limits = a.limits();
    assert_eq!(
        (limits.frame, limits.connections, limits.frames),
        (Some(1 << 20), Some(2), Some(9))
    );
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

#[test]
fn one_text_is_a_list_of_one() {
    let file = |open: &str, close: &str| {
        let one = |name: &str| format!("{open}\"{name}\"{close}");
        mesh(&format!(
            "[groups.far]\nlabel = \"far\"\n[groups.near]\ngroups = {far}\n\
             [nodes.a]\ngroups = {near}\n[nodes.b]\nupstream = \"a\"\n[nodes.c]\nupstream = \"b\"\n\
             [services.print]\nat = {c}\n\
             [[expect]]\nfrom = \"a\"\nto = \"c\"\nvia = {b}\n\
             [[expect]]\nfrom = \"a\"\nto = \"b\"\navoids = {c}\nafter = {{ down = {c} }}\n",
            far = one("far"),
            near = one("near"),
            b = one("b"),
            c = one("c"),
        ))
    };
    let (short, long) = (file("", ""), file("[", "]"));
    assert_eq!(short.nodes()["a"].label(), Some("far"));
    assert_eq!(format!("{short:?}"), format!("{long:?}"));
}

#[test]
fn a_level_that_cannot_be_made_hides_no_mistake_but_about_its_own_nodes() {
    let tree = "[[trees]]\nroot = \"r\"\nlevels = [{ names = \"k\", fan_out = 3 }]\n";
    let rest = |upstream: &str| {
        found(&format!("[nodes.a]\nupstream = \"{upstream}\"\ngroups = \"none\"\n{tree}"))
    };
    assert_eq!(rest("topp"), [codes::UNKNOWN_NODE, codes::UNKNOWN_GROUP, codes::BAD_TEMPLATE],);
    assert_eq!(rest("k1"), [codes::UNKNOWN_GROUP, codes::BAD_TEMPLATE]);
}

#[test]
fn a_count_of_nothing_and_a_tree_without_end_are_mistakes() {
    assert_eq!(found("[nodes.a]\n[nodes.\"l-{n}\"]\ncount = {}\n"), [codes::BAD_TEMPLATE]);
    let level = "{ names = \"{parent}.{i}\", fan_out = 1 }, ".repeat(300);
    let tree = format!("[[trees]]\nroot = \"r\"\nlevels = [{level}]\n");
    assert!(found(&tree).iter().all(|code| [codes::BAD_TEMPLATE, codes::BAD_NAME].contains(code)));
}

#[test]
fn what_many_inherit_is_wrong_once() {
    let text =
        "[mesh]\nname = \"m\"\n[defaults]\nlimits = { frames = 0 }\n[nodes.\"a-{n}\"]\ncount = 9\n";
    let problems = parse("m.toml", text).unwrap_err();
    assert_eq!(problems.errors().count(), 1);
    assert!(!problems.to_string().contains("more like it"), "{problems}");
}
