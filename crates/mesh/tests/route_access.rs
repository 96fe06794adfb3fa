//! Access rules: the first that matches counts, and no spelling of an address gets around it.
#![expect(clippy::unwrap_used, reason = "the names in these tests are names")]

use std::collections::BTreeMap;

use hopline_mesh::name::{ClientName, LinkName, NodeName};
use hopline_mesh::route::access::{
    AccessRules, Asked, AttachRule, By, Effect, NameSet, NameSetError, SendRule,
};
use hopline_mesh::route::{
    Directory, End, Graph, Pattern, Refusal, Sender, StaticRoutes, WalkInput, Walker,
};
use proptest::prelude::*;

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

fn names(texts: &[&str]) -> NameSet {
    NameSet::parse(texts.iter().copied()).unwrap()
}

fn send(effect: Effect, who: &str, to: &[&str]) -> SendRule {
    SendRule { effect, who: names(&[who]), to: names(to) }
}

fn attach(effect: Effect, who: &str, at: Option<&[&str]>) -> AttachRule {
    let at = at.map(|at| at.iter().map(|at| node(at)).collect());
    AttachRule { effect, who: names(&[who]), at }
}

#[test]
fn without_a_rule_the_port_decides() {
    let (rules, east) = (AccessRules::default(), node("east"));
    let (inside, beyond) = (rules.at(&east, false), rules.at(&east, true));
    for (access, allowed) in [(inside, true), (beyond, false)] {
        for said in [access.attach("alice"), access.attach("hex:ff"), access.send("alice", "bob")] {
            assert_eq!((said.allowed, said.by), (allowed, None));
        }
    }
    assert_eq!(beyond.hand("alice", "south.1", "bob"), None, "that is for the sender's node");
}

#[test]
fn a_rule_is_for_the_nodes_that_it_names() {
    let rules = AccessRules {
        attach: vec![
            attach(Effect::Deny, "alice", Some(&["east"])),
            attach(Effect::Allow, "*", Some(&["east", "west"])),
        ],
        send: Vec::new(),
    };
    let said = |client, at: &str| {
        let at = node(at);
        let said = rules.at(&at, true).attach(client);
        assert_eq!(said.asked, Asked::Attach);
        (said.allowed, said.by.map(|by| by.to_string()))
    };
    let first = "access.attach[1] deny \"alice\" at east".to_owned();
    let second = "access.attach[2] allow \"*\" at east, west".to_owned();
    assert_eq!(said("alice", "east"), (false, Some(first)));
    assert_eq!(said("alice", "west"), (true, Some(second.clone())));
    assert_eq!(said("hex:00", "east"), (true, Some(second)));
    assert_eq!(said("alice", "top"), (false, None));
}

#[test]
fn an_address_is_for_the_name_in_it_however_it_is_written() {
    let rules = AccessRules {
        attach: Vec::new(),
        send: vec![send(Effect::Deny, "*", &["db", "hex:ff", "east"])],
    };
    let here = node("east");
    let allowed = |to: &str| rules.at(&here, false).send("alice", to).allowed;
    for to in ["db", "db@east", "db@nowhere", "hex:ff", "hex:ff@west", "east", "east@west"] {
        assert!(!allowed(to), "{to}");
    }
    // To somebody at the node is not to the node; and what is no address is not for rules to refuse.
    for to in ["bob@east", "DB", "db.x", "hex:6462", "hex:FF", "#g", "*", "@", ""] {
        assert!(allowed(to), "{to}");
    }
    let all = AccessRules { attach: Vec::new(), send: vec![send(Effect::Deny, "*", &["*"])] };
    let allowed = |to: &str| all.at(&here, false).send("alice", to).allowed;
    assert!(!allowed("#g") && !allowed("*") && !allowed(&"x".repeat(2000)));
    assert!(allowed("@"), "the answer to it is `bad address`");
}

#[test]
fn whoever_is_denied_is_not_reached_by_a_static_route_either() {
    // `x.1` is handed to db at west by a route that only west knows of.
    let graph = Graph::new([], [(LinkName::parse("east--west").unwrap(), 10)]);
    let statics = |to: &str, hop: &str| -> StaticRoutes {
        [(to.parse::<Pattern>().unwrap(), hop.into())].into_iter().collect()
    };
    let statics = BTreeMap::from([
        (node("east"), statics("x.*", "west")),
        (node("west"), statics("x.*", "db")),
    ]);
    let directory: Directory =
        [(ClientName::from_identity(b"db"), node("west"))].into_iter().collect();
    let mesh = WalkInput {
        graph: &graph,
        upstreams: &BTreeMap::new(),
        statics: &statics,
        directory: &directory,
        hop_limit: 64,
    };
    let east = node("east");
    let walk = |rules: &AccessRules, closed| {
        let sender = Sender { client: "alice", access: rules.at(&east, closed) };
        Walker::new(mesh).walk_from(&east, sender, "x.1")
    };
    let attach = vec![attach(Effect::Allow, "*", None)];
    let rules = |send| AccessRules { attach: attach.clone(), send };
    let to_x = || send(Effect::Allow, "*", &["x.*"]);

    let way = walk(&rules(vec![to_x()]), false);
    assert_eq!(way.end, End::Client("db".to_owned()));
    // At a closed port the name that was written needs a rule; that it leads to db needs none.
    assert_eq!(walk(&rules(vec![to_x()]), true).end, End::Client("db".to_owned()));
    let denied = walk(&rules(vec![to_x(), send(Effect::Deny, "alice", &["db"])]), false);
    assert_eq!(denied.refusal(), Some(Refusal::AccessDenied));
    assert_eq!(denied.path, [east.clone(), node("west")], "west knows whom it would hand it to");
    // A rule for somebody else has no say.
    let way = walk(&rules(vec![send(Effect::Deny, "carol", &["db"])]), false);
    assert_eq!(way.end, End::Client("db".to_owned()));
    // Where the name itself is denied, the message does not leave the node.
    let denied = walk(&rules(vec![send(Effect::Deny, "*", &["x.*"])]), false);
    assert_eq!((denied.refusal(), denied.path), (Some(Refusal::AccessDenied), vec![east.clone()]));
}

#[test]
fn what_stands_for_no_names_is_told_why() {
    let error = |text: &str| NameSet::parse([text]).unwrap_err();
    assert_eq!(error(""), NameSetError::Empty);
    assert_eq!(error(".*"), NameSetError::Empty);
    for (text, mark) in [
        ("a*", '*'),
        ("a.*.*", '*'),
        ("**", '*'),
        ("*.a", '*'),
        ("a@b", '@'),
        ("#g", '#'),
        ("a:b", ':'),
        ("a\nb", '\n'),
    ] {
        assert_eq!(error(text), NameSetError::Mark(mark), "{text}");
    }
    for text in ["hex:", "hex:f", "hex:FF", "hex:zz", "hex:ff.*", "hex:**"] {
        assert_eq!(error(text), NameSetError::NoBytes, "{text}");
    }
    assert_eq!(error("hex:616c"), NameSetError::IsText(ClientName::from_identity(b"al")));
    assert_eq!(error(&"x".repeat(256)), NameSetError::TooLong(256));
    assert_eq!(error(&format!("hex:{}", "ff".repeat(256))), NameSetError::TooLong(256));
    assert!(NameSet::parse(["x".repeat(255).as_str(), "hex:ff", "hex:*", "*", "a.b.*"]).is_ok());
}

#[test]
fn rules_are_kept_as_they_are_written() {
    let set = names(&["b", "hex:*", "a.*", "a", "*", "a"]);
    assert_eq!(set.to_string(), r#""*", "hex:*", "a.*", "a", "b""#);
    let rules = AccessRules {
        attach: vec![attach(Effect::Allow, "a.*", Some(&["east"]))],
        send: vec![SendRule { effect: Effect::Deny, who: set, to: names(&["db"]) }],
    };
    let text = serde_json::to_string(&rules).unwrap();
    assert_eq!(serde_json::from_str::<AccessRules>(&text).unwrap(), rules);
    assert_eq!(serde_json::from_str::<AccessRules>("{}").unwrap(), AccessRules::default());
    assert!(serde_json::from_str::<NameSet>(r#"["a*"]"#).is_err());
    let by = By::Send(2, &rules.send[0]);
    assert_eq!(by.to_string(), r#"access.send[2] deny "*", "hex:*", "a.*", "a", "b" to "db""#);
}

const WORDS: [&str; 9] = ["a", "a.b", "a.b.c", "ab", "a.", "a..b", "b.c", "hex:ff", "hex:0a"];
const TEXTS: [&str; 9] = ["*", "hex:*", "a", "a.*", "a.b.*", "a.b", "hex:ff", "b.c", "b.*"];

/// Whether a text is for a name, told in the dullest way.
fn is_for(text: &str, name: &str) -> bool {
    match text {
        "*" => true,
        "hex:*" => name.starts_with("hex:"),
        text if text.starts_with("hex:") => text == name,
        text => text.parse::<Pattern>().unwrap().matches(name),
    }
}

fn texts() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(&TEXTS[..]), 1..4)
}

fn effect() -> impl Strategy<Value = Effect> {
    prop_oneof![Just(Effect::Allow), Just(Effect::Deny)]
}

type Written = (Effect, Vec<&'static str>, Vec<&'static str>);

proptest! {
    #[test]
    fn the_first_rule_that_matches_counts(
        written in prop::collection::vec((effect(), texts(), texts()), 0..6),
        closed: bool,
    ) {
        let rules = AccessRules {
            attach: Vec::new(),
            send: written
                .iter()
                .map(|(effect, who, to)| SendRule { effect: *effect, who: names(who), to: names(to) })
                .collect(),
        };
        let here = node("east");
        for client in WORDS {
            for to in WORDS {
                let any = |texts: &[&str], name| texts.iter().any(|text| is_for(text, name));
                let is_match = |(_, who, to_texts): &Written| any(who, client) && any(to_texts, to);
                let first = written.iter().position(is_match);
                let expected = first.map_or(!closed, |at| written[at].0 == Effect::Allow);
                let access = rules.at(&here, closed);
                for to in [to.to_owned(), format!("{to}@west")] {
                    let said = access.send(client, &to);
                    prop_assert_eq!(said.allowed, expected, "{} to {}", client, to);
                    let number = said.by.map(|by| match by {
                        By::Send(number, _) | By::Attach(number, _) => number - 1,
                    });
                    prop_assert_eq!(number, first);
                }
                // Handed on under another name, a message is asked about that name alone.
                let handed = access.hand(client, "elsewhere", to).map(|said| said.allowed);
                prop_assert_eq!(handed, first.map(|at| written[at].0 == Effect::Allow));
                prop_assert_eq!(access.hand(client, to, to), None);
            }
        }
    }

    #[test]
    fn a_set_covers_another_if_it_has_all_its_names(a in texts(), b in texts()) {
        let (all, some) = (names(&a), names(&b));
        if all.covers(&some) {
            for name in WORDS {
                prop_assert!(!some.contains(name) || all.contains(name), "{} {} {}", all, some, name);
            }
        }
        prop_assert!(all.covers(&all) && NameSet::everybody().covers(&all));
    }
}
