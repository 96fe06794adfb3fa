//! Deciding allocates nothing, whatever the verdict.
//!
//! This binary counts allocations: its tests measure only what runs in their own thread.
#![expect(clippy::unwrap_used, reason = "the names in these tests are names")]

use std::collections::BTreeSet;

use hopline_mesh::name::{ClientName, LinkName, NodeName};
use hopline_mesh::route::access::{AccessRules, AttachRule, Effect, NameSet, SendRule};
use hopline_mesh::route::{
    Directory, Graph, Places, Policy, Question, Refusal, Table, TableInput, Verdict, decide,
};
use hopline_mesh::wire::MessageId;

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

struct Here {
    table: Table,
    directory: Directory,
    clients: BTreeSet<&'static str>,
}

impl Places for Here {
    fn is_here(&self, name: &str) -> Option<&str> {
        self.clients.get(name).copied()
    }
    fn holder(&self, name: &str, id: MessageId) -> Option<&NodeName> {
        self.directory.holder(name, &self.table, id)
    }
    fn is_balanced(&self, name: &str) -> bool {
        self.directory.policy(name) == Some(Policy::Balanced)
    }
    fn link_is_up(&self, neighbour: &str) -> bool {
        neighbour == "top"
    }
    fn has_room(&self, neighbour: &str, size: usize) -> bool {
        neighbour == "top" && size < 1000
    }
}

fn here() -> Here {
    let links = ["east--top", "top--west", "east--far", "x--y"];
    let graph = Graph::new([], links.map(|link| (LinkName::parse(link).unwrap(), 10)));
    let statics = [("south.*", "upstream"), ("north.*", "alice"), ("gone", "nobody")];
    let attached = [
        ("bob", "west"),
        ("bob", "x"),
        ("carol", "x"),
        ("dave", "top"),
        ("near", "top"),
        ("near", "west"),
        ("near", "x"),
        ("shared", "east"),
        ("shared", "top"),
        ("shared", "west"),
        ("shared", "x"),
    ];
    let services = [("near", Policy::Closest), ("shared", Policy::Balanced)];
    let client = |name: &str| ClientName::from_identity(name.as_bytes());
    let mut directory = Directory::with_services(services.map(|(name, it)| (client(name), it)));
    for (name, at) in attached {
        directory.add(client(name), node(at));
    }
    Here {
        table: Table::build(&TableInput {
            me: &node("east"),
            graph: &graph,
            upstreams: &[(node("top"), 10)],
            statics: &statics
                .map(|(to, hop)| (to.parse().unwrap(), hop.into()))
                .into_iter()
                .collect(),
            hop_limit: 64,
        }),
        directory,
        clients: BTreeSet::from(["alice", "shared"]),
    }
}

#[test]
fn deciding_allocates_nothing() {
    let here = here();
    let too_long = "x".repeat(2000);
    let destinations = [
        "east",
        "west",
        "alice",
        "bob",
        "bob@west",
        "carol",
        "dave",
        "near",
        "near@west",
        "shared",
        "alice@east",
        "far",
        "x",
        "south.1.2",
        "north.1",
        "gone",
        "nobody",
        "nobody@nowhere",
        "#lights",
        "*",
        "",
        "@",
        &too_long,
    ];
    let (no_path, from_top): (&[&str], &[&str]) = (&[], &["dave", "top"]);
    let in_a_loop: &[&str] = &["east", "far"];
    let mut verdicts = BTreeSet::new();
    for destination in destinations {
        for (counter, path) in [(0, no_path), (1, from_top), (2, in_a_loop), (3, no_path)] {
            for (retrace, hop_limit, size) in [
                (None, 64, 100),
                (None, 2, 100),
                (None, 64, 5000),
                (Some("top"), 64, 100),
                (Some("nobody"), 64, 100),
            ] {
                let question = Question {
                    id: MessageId { incarnation: 1, counter },
                    destination,
                    retrace,
                    path,
                    from: path.last().copied(),
                    hop_limit,
                    size,
                };
                let mut verdict = None;
                let counted = allocation_counter::measure(|| {
                    verdict = Some(decide(&here.table, &here, &question));
                });
                assert_eq!(counted.count_total, 0, "{destination} {verdict:?}");
                verdicts.insert(match verdict {
                    Some(Verdict::Refuse(refusal)) => refusal.reason(),
                    Some(Verdict::Deliver(_)) => "deliver",
                    Some(Verdict::Forward(_)) => "forward",
                    None => "nothing",
                });
            }
        }
    }
    // Every verdict there is was among them, but the one of access rules.
    assert!(!verdicts.contains(Refusal::AccessDenied.reason()));
    assert_eq!(verdicts.len(), Refusal::ALL.len() - 1 + 2);
}

#[test]
fn asking_access_rules_allocates_nothing() {
    let names = |texts: &[&str]| NameSet::parse(texts.iter().copied()).unwrap();
    let rule =
        |effect, who: &[&str], to: &[&str]| SendRule { effect, who: names(who), to: names(to) };
    let rules = AccessRules {
        attach: vec![
            AttachRule { effect: Effect::Allow, who: names(&["sensor.*", "hex:*"]), at: None },
            AttachRule {
                effect: Effect::Deny,
                who: names(&["alice"]),
                at: Some(BTreeSet::from([node("east")])),
            },
        ],
        send: vec![
            rule(Effect::Allow, &["sensor.*"], &["collector", "log.*"]),
            rule(Effect::Deny, &["alice", "sensor.*"], &["*"]),
        ],
    };
    let (east, mut answers) = (node("east"), BTreeSet::new());
    for client in ["sensor.1.a", "alice", "bob", "hex:ff00"] {
        for to in ["collector", "collector@west", "log.x", "bob", "#group", "@", ""] {
            for closed in [true, false] {
                let mut said = None;
                let counted = allocation_counter::measure(|| {
                    let access = rules.at(&east, closed);
                    let handed = access.hand(client, to, "bob").map(|said| said.allowed);
                    let attach = access.attach(client).allowed;
                    said = Some((attach, access.send(client, to).allowed, handed));
                });
                assert_eq!(counted.count_total, 0, "{client} to {to}");
                answers.insert(said);
            }
        }
    }
    assert!(answers.len() > 5, "{answers:?}");
}

#[test]
fn an_allocation_would_be_seen() {
    let counted = allocation_counter::measure(|| {
        std::hint::black_box(String::from("a name"));
    });
    assert_eq!(counted.count_total, 1);
}
