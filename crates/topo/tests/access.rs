//! Access rules of files: their order, whom they are for, and what routes become of them.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod found;

use found::found;
use hopline_mesh::name::NodeName;
use hopline_mesh::route::Down;
use hopline_topo::expect::hold;
use hopline_topo::{
    Change, Expect, IncludeError, Included, Loaded, Offline, Plan, codes, parse, parse_with,
};

const NODES: &str = "[nodes.top]\n[nodes.\"edge-{n}\"]\ncount = 3\nupstream = 'top'\n";

fn loaded(text: &str) -> Loaded {
    parse("m.toml", &format!("[mesh]\nname = 'm'\n{text}")).unwrap()
}

fn offline(text: &str) -> Offline {
    Offline::new(&Plan::new(&loaded(text).topology))
}

fn reason(mesh: &Offline, from: &str, to: &str) -> Option<&'static str> {
    mesh.route(from, to, &[]).unwrap().refusal().map(|refusal| refusal.reason())
}

#[test]
fn rules_of_included_files_come_after_those_of_the_file_that_includes() {
    let first = "include = ['a.toml', 'b.toml']\n[mesh]\nname = 'm'\n[nodes.top]\n\
                 [[access.send]]\ndeny = 'first'\n[[access.attach]]\nallow = 'one'\n";
    let resolver = |_: &str, path: &str| {
        let text = match path {
            "a.toml" => "[[access.send]]\ndeny = 'second'\n[[access.send]]\ndeny = 'third'\n",
            "b.toml" => "[[access.send]]\ndeny = 'fourth'\n[[access.attach]]\nallow = 'two'\n",
            _ => return Err(IncludeError::Unreadable("there is none".to_owned())),
        };
        let name = path.to_owned();
        Ok(Included { identity: name.clone(), name, text: text.to_owned() })
    };
    let topology = parse_with("m.toml", first, &resolver).unwrap().topology;
    let access = topology.access();
    let send: Vec<String> = access.send.iter().map(|rule| rule.who.to_string()).collect();
    assert_eq!(send, ["\"first\"", "\"second\"", "\"third\"", "\"fourth\""]);
    let attach: Vec<String> = access.attach.iter().map(|rule| rule.who.to_string()).collect();
    assert_eq!(attach, ["\"one\"", "\"two\""]);
}

#[test]
fn a_rule_is_for_a_range_of_nodes_and_for_every_node_where_none_is_named() {
    let text = format!(
        "{NODES}[[access.attach]]\nallow = 'a'\nat = ['edge-{{1..2}}', 'top']\n\
         [[access.attach]]\ndeny = ['a', 'b']\n"
    );
    let plan = Plan::new(&loaded(&text).topology);
    let may = |name: &str, node: &str| plan.may_attach(name, &NodeName::parse(node).unwrap());
    assert!(["edge-1", "edge-2", "top"].iter().all(|node| may("a", node)));
    assert!(!may("a", "edge-3") && !may("b", "edge-1") && may("c", "edge-3"));
    let text = format!("{NODES}[[access.attach]]\nallow = 'a'\nat = 'edge-{{1..4}}'\n");
    assert_eq!(found(&text), [codes::UNKNOWN_NODE]);
}

#[test]
fn a_plan_keeps_rules_and_one_without_any_is_as_it_was() {
    let text = format!(
        "open = true\n{NODES}[nodes.gate]\nbind = 'tcp://192.0.2.7:1'\nupstream = 'top'\n\
         [[access.attach]]\nallow = ['a.*', 'hex:*']\nat = 'gate'\n\
         [[access.send]]\ndeny = '*'\nto = 'db'\n"
    );
    let plan = Plan::new(&loaded(&text).topology);
    assert!(plan.has_access() && plan.nodes["gate"].closed && !plan.nodes["top"].closed);
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);

    let plan = Plan::new(&loaded(NODES).topology);
    let json = serde_json::to_string(&plan).unwrap();
    assert!(!json.contains("access") && !json.contains("closed"), "{json}");
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
    assert!(!plan.has_access());
}

#[test]
fn what_is_no_rule_is_one_mistake() {
    let rule = |text: &str| found(&format!("[nodes.a]\n[[access.attach]]\n{text}\n"));
    for (text, code) in [
        ("", codes::BAD_ACCESS),
        ("allow = 1", codes::WRONG_TYPE),
        ("allow = [1]", codes::WRONG_TYPE),
        ("allow = 'a'\ndeny = 'b'", codes::BAD_ACCESS),
        ("allow = 'a'\nto = 'b'", codes::UNKNOWN_KEY),
        ("allow = 'a'\nat = []", codes::BAD_ACCESS),
        ("allow = ['a', 'a']", codes::BAD_VALUE),
        ("allow = ''", codes::BAD_ACCESS),
        ("deny = 'a\\tb*'", codes::BAD_ACCESS),
    ] {
        let text = text.replace("'a\\tb*'", "\"a\\tb*\"");
        assert_eq!(rule(&text), [code], "{text}");
    }
    let send = "[nodes.a]\n[[access.send]]\nallow = 'a'\nat = 'a'\n";
    assert_eq!(found(send), [codes::UNKNOWN_KEY]);
    assert_eq!(found("[nodes.a]\n[access]\nsends = 1\n"), [codes::UNKNOWN_KEY]);
    assert_eq!(found("[nodes.a]\n[access]\nsend = 1\n"), [codes::WRONG_TYPE]);
    assert_eq!(found("access = 1\n[nodes.a]\n").len(), 1);
    // A single table stands for a list of one.
    assert!(found("[nodes.a]\n[access.send]\nallow = 'a'\n").is_empty());
}

#[test]
fn scenario_62_without_rules_nobody_may_at_a_node_that_listens_beyond_its_machine() {
    let text = "open = true\n[nodes.top]\nbind = 'tcp://192.0.2.7:1'\n[nodes.east]\nupstream = 'top'\n\
                [clients]\nalice = 'top'\nbob = 'east'\n\
                [services.db]\nat = ['east', 'top']\n";
    let mesh = offline(text);
    for to in ["bob", "alice", "db", "top", "east"] {
        assert_eq!(reason(&mesh, "alice", to), Some("access denied"), "{to}");
    }
    assert_eq!(reason(&mesh, "bob", "alice"), Some("unknown destination"));
    assert_eq!(reason(&mesh, "bob", "db@top"), Some("unknown destination"));
    assert_eq!(reason(&mesh, "bob", "db"), None);
    assert_eq!(reason(&mesh, "top", "bob"), None, "a node is no client");
    // To attach is not to send.
    let allowed = format!("{text}[[access.attach]]\nallow = 'alice'\n");
    let mesh = offline(&allowed);
    assert_eq!(reason(&mesh, "bob", "alice"), None);
    assert_eq!(reason(&mesh, "alice", "bob"), Some("access denied"));
    let mesh = offline(&format!("{allowed}[[access.send]]\nallow = 'alice'\nto = 'bob'\n"));
    assert_eq!(reason(&mesh, "alice", "bob"), None);
    assert_eq!(reason(&mesh, "alice", "top"), Some("access denied"));
}

#[test]
fn what_a_file_expects_is_held_against_its_rules() {
    let mesh = offline(&format!(
        "{NODES}[clients]\na = 'edge-1'\nb = 'edge-2'\n[[access.send]]\ndeny = 'a'\nto = 'b'\n"
    ));
    let expect = Expect {
        unreachable: true,
        reason: Some("access denied".to_owned()),
        ..Expect::arrival("a", "b")
    };
    assert!(hold(&mesh, &expect).unwrap().holds());
    assert!(
        hold(&mesh, &Expect { from: "b".to_owned(), ..expect.clone() }).unwrap().broken.len() == 1
    );
    let down: Vec<Down> = vec!["edge-1--top".parse().unwrap()];
    // It does not come to the way at all.
    assert!(hold(&mesh, &Expect { down, ..expect }).unwrap().holds());
    assert!(!hold(&mesh, &Expect::arrival("a", "b")).unwrap().holds());
}

#[test]
fn a_change_of_rules_moves_no_way_and_opens_and_closes_some() {
    let clients = "[clients]\na = 'edge-1'\nb = 'edge-2'\nc = 'edge-3'\n";
    let rules = "[[access.send]]\nallow = 'a'\nto = 'b'\n[[access.send]]\ndeny = 'a'\n";
    let old = loaded(&format!("{NODES}{clients}")).topology;
    let new = loaded(&format!("{NODES}{clients}{rules}")).topology;
    let change = Change::between(&old, &new);
    assert_eq!(change.access.len(), 2);
    let count = change.routes.clients;
    assert_eq!((count.compared, count.lost, count.moved, count.gained), (6, 1, 0, 0));
    assert_eq!(change.routes.nodes.changed(), 0);
    let back = Change::between(&new, &old).routes.clients;
    assert_eq!((back.lost, back.gained), (0, 1));
}
