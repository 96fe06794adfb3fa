//! The decision, rule by rule in the order of `decide`'s own list.
#![expect(clippy::unwrap_used, reason = "the names in these tests are names")]

use std::collections::{BTreeMap, BTreeSet};

use hopline_mesh::name::{ClientName, LinkName, NodeName};
use hopline_mesh::route::{
    Directory, Graph, Local, Places, Policy, Question, Refusal, StaticRoutes, Table, TableInput,
    Verdict, decide,
};
use hopline_mesh::wire::MessageId;
use proptest::prelude::*;

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

fn client(name: &str) -> ClientName {
    ClientName::from_identity(name.as_bytes())
}

/// What the node `east` of `west -- top -- east -- far -- farther` knows.
struct East {
    graph: Graph,
    table: Table,
    directory: Directory,
    here: BTreeSet<String>,
    down: BTreeSet<String>,
    full: BTreeSet<String>,
}

impl East {
    fn new() -> Self {
        Self::with_statics(&[])
    }

    fn with_statics(statics: &[(&str, &str)]) -> Self {
        let links = ["top--west", "east--top", "east--far", "far--farther", "x--y"];
        let links = links.map(|link| (LinkName::parse(link).unwrap(), 10));
        let graph = Graph::new([], links);
        let statics: StaticRoutes =
            statics.iter().map(|(to, hop)| (to.parse().unwrap(), (*hop).into())).collect();
        let table = Table::build(&TableInput {
            me: &node("east"),
            graph: &graph,
            upstreams: &[(node("top"), 10)],
            statics: &statics,
            hop_limit: 64,
        });
        Self {
            graph,
            table,
            directory: Directory::new(),
            here: BTreeSet::new(),
            down: BTreeSet::new(),
            full: BTreeSet::new(),
        }
    }

    fn here(mut self, name: &str) -> Self {
        self.here.insert(name.to_owned());
        self
    }

    fn held(mut self, name: &str, at: &str) -> Self {
        self.directory.add(client(name), node(at));
        self
    }

    fn down(mut self, neighbour: &str) -> Self {
        self.down.insert(neighbour.to_owned());
        self
    }

    fn full(mut self, neighbour: &str) -> Self {
        self.full.insert(neighbour.to_owned());
        self
    }

    fn ask<'t>(&'t self, message: &Message) -> Verdict<'t> {
        let question = Question {
            id: MessageId::default(),
            destination: message.to,
            retrace: message.retrace,
            path: message.path,
            from: message.path.last().copied(),
            hop_limit: message.hop_limit,
            size: 100,
        };
        decide(&self.table, self, &question)
    }

    fn to(&self, to: &'static str) -> Verdict<'_> {
        self.ask(&Message { to, ..MESSAGE })
    }
}

impl Places for East {
    fn is_here(&self, name: &str) -> Option<&str> {
        self.here.get(name).map(String::as_str)
    }
    fn holder(&self, name: &str, id: MessageId) -> Option<&NodeName> {
        self.directory.holder(name, &self.table, id)
    }
    fn is_balanced(&self, name: &str) -> bool {
        self.directory.policy(name) == Some(Policy::Balanced)
    }
    fn link_is_up(&self, neighbour: &str) -> bool {
        let mut neighbours = self.graph.neighbours(self.table.me());
        neighbours.any(|(node, _)| node.as_str() == neighbour) && !self.down.contains(neighbour)
    }
    fn has_room(&self, neighbour: &str, _: usize) -> bool {
        self.link_is_up(neighbour) && !self.full.contains(neighbour)
    }
}

struct Message {
    to: &'static str,
    retrace: Option<&'static str>,
    path: &'static [&'static str],
    hop_limit: u8,
}

const MESSAGE: Message = Message { to: "west", retrace: None, path: &[], hop_limit: 64 };

fn error_back_to(neighbour: &'static str) -> Message {
    Message { retrace: Some(neighbour), path: &["farther", "far"], ..MESSAGE }
}

fn forward(verdict: Verdict<'_>) -> Result<&str, Refusal> {
    match verdict {
        Verdict::Forward(neighbour) => Ok(neighbour.as_str()),
        Verdict::Refuse(refusal) => Err(refusal),
        Verdict::Deliver(local) => panic!("delivered to {local:?}"),
    }
}

#[test]
fn rule_1_an_error_retraces_the_path_of_the_message_that_failed() {
    let message = Message { to: "farther", retrace: Some("top"), ..MESSAGE };
    assert_eq!(forward(East::new().ask(&message)), Ok("top"));
}

#[test]
fn rule_1_an_error_is_routed_where_it_cannot_retrace() {
    let east = East::new().held("alice", "west").down("far");
    let error = |before| Message { to: "alice", retrace: Some(before), ..MESSAGE };
    // Its link is down, it is no neighbour, it is nobody, it is this node.
    for before in ["far", "farther", "nobody", "east"] {
        assert_eq!(forward(east.ask(&error(before))), Ok("top"), "{before}");
    }
    // It has been there.
    assert_eq!(forward(East::new().ask(&error_back_to("far"))), Ok("top"));
}

#[test]
fn rule_1_an_error_that_finds_the_queue_full_is_refused() {
    let east = East::new().full("top");
    let verdict = east.ask(&error_back_to("top"));
    assert_eq!(verdict, Verdict::Refuse(Refusal::QueueFull));
}

#[test]
fn rule_1_an_error_keeps_to_the_hop_limit_and_out_of_loops() {
    let short = Message { hop_limit: 3, ..error_back_to("top") };
    assert_eq!(forward(East::new().ask(&short)), Err(Refusal::HopLimit));
    let been_here = Message { path: &["east", "far"], ..error_back_to("top") };
    assert_eq!(forward(East::new().ask(&been_here)), Err(Refusal::Loop));
}

#[test]
fn rule_2_what_is_no_address_is_refused() {
    let east = East::new();
    for to in ["", "@", "a@", "@east", "#"] {
        assert_eq!(east.to(to), Verdict::Refuse(Refusal::BadAddress), "{to}");
    }
    for to in ["*", "#lights"] {
        assert_eq!(east.to(to), Verdict::Refuse(Refusal::UnsupportedAddress));
    }
}

#[test]
fn rule_2_a_destination_of_more_than_a_kibibyte_is_unknown() {
    let to = String::leak("x".repeat(1025));
    assert_eq!(forward(East::new().to(to)), Err(Refusal::UnknownDestination));
}

#[test]
fn rule_3_what_is_for_this_node_or_a_client_here_is_delivered() {
    let east = East::new().here("alice").here("hex:00ff");
    assert_eq!(east.to("east"), Verdict::Deliver(Local::Node));
    for to in ["alice", "alice@east"] {
        assert_eq!(east.to(to), Verdict::Deliver(Local::Client("alice")));
    }
    let anonymous = Verdict::Deliver(Local::Client("hex:00ff"));
    assert_eq!(east.to("hex:00ff@east"), anonymous);
}

#[test]
fn rule_3_a_nodes_name_beats_a_clients_of_the_same_spelling() {
    let east = East::new().here("east").here("west");
    assert_eq!(east.to("east"), Verdict::Deliver(Local::Node));
    assert_eq!(forward(east.to("west")), Ok("top"));
    let named_west = Verdict::Deliver(Local::Client("west"));
    assert_eq!(east.to("west@east"), named_west);
}

#[test]
fn rule_3_a_name_attached_here_is_local_whoever_else_holds_it() {
    let east = East::new().here("alice").held("alice", "A0");
    assert_eq!(east.to("alice"), Verdict::Deliver(Local::Client("alice")));
}

#[test]
fn rule_3_what_a_static_route_gives_to_a_client_here_is_delivered() {
    let east = East::with_statics(&[("south.*", "gateway")]).here("gateway");
    let last = Message { to: "south.1", path: &["far"], hop_limit: 2, ..MESSAGE };
    let gateway = Verdict::Deliver(Local::Client("gateway"));
    assert_eq!(east.ask(&last), gateway);
}

#[test]
fn rule_4_a_message_that_was_here_is_in_a_loop() {
    let east = East::new().here("alice");
    let been_here = Message { path: &["east", "far"], ..MESSAGE };
    assert_eq!(forward(east.ask(&been_here)), Err(Refusal::Loop));
    let unknown = Message { to: "nobody", ..been_here };
    assert_eq!(forward(east.ask(&unknown)), Err(Refusal::Loop));
    let local = Message { to: "alice", ..unknown };
    assert_eq!(east.ask(&local), Verdict::Deliver(Local::Client("alice")));
}

#[test]
fn rule_5_a_path_has_at_most_as_many_nodes_as_the_hop_limit() {
    let east = East::new();
    let within = |hop_limit, path| forward(east.ask(&Message { hop_limit, path, ..MESSAGE }));
    // east, top, west.
    assert_eq!(within(3, &[]), Ok("top"));
    assert_eq!(within(2, &[]), Err(Refusal::HopLimit));
    // far, east, top, west.
    assert_eq!(within(4, &["far"]), Ok("top"));
    assert_eq!(within(3, &["far"]), Err(Refusal::HopLimit));
    assert_eq!(within(0, &[]), Err(Refusal::HopLimit));
}

#[test]
fn rule_5_the_last_node_that_the_hop_limit_allows_delivers() {
    let last = Message { to: "east", path: &["far"], hop_limit: 2, ..MESSAGE };
    assert_eq!(East::new().ask(&last), Verdict::Deliver(Local::Node));
}

#[test]
fn rule_6_a_name_that_nobody_holds_is_unknown() {
    let east = East::new().held("ghost", "east");
    for to in ["nobody", "nobody@nowhere", "west@nowhere", "nobody@east", "ghost"] {
        assert_eq!(forward(east.to(to)), Err(Refusal::UnknownDestination), "{to}");
    }
}

#[test]
fn rule_6_a_node_or_holder_without_a_way_is_unreachable() {
    let east = East::new().held("bob", "x").held("carol", "gone");
    for to in ["x", "bob", "bob@x", "carol"] {
        assert_eq!(forward(east.to(to)), Err(Refusal::Unreachable), "{to}");
    }
}

#[test]
fn rule_6_a_client_is_reached_by_way_of_its_node() {
    let east = East::new().held("bob", "west").held("bob", "x");
    for to in ["bob", "bob@west", "unheard-of@west", "west"] {
        assert_eq!(forward(east.to(to)), Ok("top"), "{to}");
    }
}

#[test]
fn rule_6_of_several_holders_the_lesser_that_can_be_reached_is_chosen() {
    let east = East::new().held("bob", "west").held("bob", "farther");
    assert_eq!(forward(east.to("bob")), Ok("far"));
    let east = East::new().held("bob", "west").held("bob", "A0");
    assert_eq!(forward(east.to("bob")), Ok("top"));
}

#[test]
fn rule_7_a_message_does_not_go_back_where_it_came_from() {
    let back = Message { path: &["top"], ..MESSAGE };
    let east = East::new();
    assert_eq!(forward(east.ask(&back)), Err(Refusal::NextHopIsSource));
}

#[test]
fn rule_8_a_full_queue_refuses_and_a_link_that_went_down_is_unreachable() {
    let east = East::new().full("top");
    assert_eq!(forward(east.to("west")), Err(Refusal::QueueFull));
    let east = East::new().down("top");
    assert_eq!(forward(east.to("west")), Err(Refusal::Unreachable));
}

#[test]
fn rule_9_all_else_is_forwarded() {
    assert_eq!(forward(East::new().to("farther")), Ok("far"));
}

#[test]
fn reasons_are_stable_and_tell_refusals_apart() {
    let reasons: BTreeMap<_, _> = Refusal::ALL.map(|r| (r, r.reason())).into_iter().collect();
    let texts: Vec<_> = reasons.values().copied().collect();
    assert_eq!(
        texts,
        [
            "bad address",
            "unsupported address",
            "loop",
            "hop limit",
            "unknown destination",
            "unreachable",
            "next hop is source",
            "queue full",
            "access denied",
        ]
    );
    assert_eq!(Refusal::HopLimit.to_string(), "hop limit");
}

fn texts() -> impl Strategy<Value = String> {
    const KNOWN: [&str; 10] =
        ["east", "top", "west", "far", "x", "bob", "alice", "south.1", "south.", "."];
    prop_oneof![
        any::<String>(),
        "[a-z@#*.:-]{0,12}",
        proptest::sample::select(&KNOWN[..]).prop_map(str::to_owned),
        (proptest::sample::select(&KNOWN[..]), proptest::sample::select(&KNOWN[..]))
            .prop_map(|(name, node)| format!("{name}@{node}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn every_question_has_an_answer_that_keeps_the_rules(
        destination in texts(),
        retrace in proptest::option::of(texts()),
        path in proptest::collection::vec(texts(), 0..6),
        from in proptest::option::of(texts()),
        hop_limit in any::<u8>(),
        size in any::<usize>(),
        statics in proptest::collection::vec(
            (proptest::sample::select(&["south.*", "bob", "east", "west.*", "x"][..]),
             proptest::sample::select(&["upstream", "west", "x", "east", "alice", "nobody"][..])),
            0..4),
    ) {
        let east = East::with_statics(&statics).here("alice").held("bob", "west").full("far");
        let question = Question {
 id: MessageId::default(),
            destination: &destination,
            retrace: retrace.as_deref(),
            path: path.as_slice(),
            from: from.as_deref(),
            hop_limit,
            size,
        };
        let verdict = decide(&east.table, &east, &question);
        prop_assert_eq!(verdict, decide(&east.table, &east, &question));
        if let Verdict::Forward(neighbour) = verdict {
            prop_assert!(east.has_room(neighbour.as_str(), size));
            prop_assert!(from.as_deref() != Some(neighbour.as_str()));
            prop_assert!(!path.iter().any(|name| name == "east"));
            prop_assert!(path.len() + 2 <= usize::from(hop_limit));
        }
    }
}
