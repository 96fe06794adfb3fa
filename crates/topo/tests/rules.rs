//! What a file may say, at the edges of the rules, and what it may not.

mod found;

use found::found;
use hopline_topo::{Bind, codes, parse};

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

#[test]
fn a_limit_is_no_less_than_what_a_node_needs() {
    for (least, less) in [
        ("frame = \"512KiB\"", "frame = 524287"),
        ("message = \"1MiB\"", "message = \"1023KiB\""),
        ("frames = 8", "frames = 7"),
        ("handshake = \"10ms\"", "handshake = \"9ms\""),
        ("per_address = 1", "per_address = 0"),
        ("ping = \"10ms\"", "ping = \"9ms\""),
        ("silence = \"10ms\"", "silence = \"9ms\""),
        ("stall = \"10ms\"", "stall = \"9ms\""),
        ("queue_bytes = 1", "queue_bytes = 0"),
        ("window_bytes = 1", "window_bytes = 0"),
        ("flow_messages = 1", "flow_messages = 0"),
        ("flow_bytes = 1", "flow_bytes = 0"),
        ("kept = 1", "kept = 0"),
        ("unfinished = \"1MiB\"", "unfinished = \"1023KiB\""),
        ("reserved = 32", "reserved = 31"),
    ] {
        let of = |limit: &str| found(&format!("[nodes.a]\nlimits = {{ {limit} }}\n"));
        assert_eq!(of(least), NONE, "{least}");
        assert_eq!(of(less), [codes::BAD_LIMIT], "{less}");
    }
}

#[test]
fn a_link_outlives_a_sign_of_life_that_comes_late() {
    let of = |keys: &str| found(&format!("{keys}\n[nodes.a]\n"));
    for good in
        ["hello = '100ms'", "link_silence = '501ms'", "hello = '2s'\nlink_silence = '4001ms'"]
    {
        assert_eq!(of(good), NONE, "{good}");
    }
    let wrong = [
        "hello = '500ms'",
        "link_silence = '500ms'",
        "hello = '9ms'",
        "hello = '2s'\nlink_silence = '4s'",
        "link_silence = '2 days'",
        "hello = '0s'",
    ];
    for wrong in wrong {
        assert_eq!(of(wrong), [codes::BAD_LIVENESS], "{wrong}");
    }
    let parsed =
        parse("m.toml", "[mesh]\nname = 'm'\nhello = '1s'\nlink_silence = '3s'\n[nodes.a]\n");
    let liveness = parsed.unwrap().topology.liveness();
    assert_eq!((liveness.hello.as_secs(), liveness.silence.as_secs()), (1, 3));
}
