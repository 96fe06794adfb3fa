//! Vectors of questions, orders and answers.

use std::collections::BTreeMap;
use std::time::Duration;

use hopline_mesh::brain::Impairment;
use hopline_mesh::dialect::broker::Listed;
use hopline_mesh::route::Policy;
use hopline_mesh::route::access::Asked;
use hopline_mesh::route::explain::{Choice, Cleared, Decision, Offer, SetRoute, Step};
use hopline_mesh::wire::control::{
    Answer, ClientStatus, LinkStatus, NodeStatus, Request, RouteLine,
};

use super::{Vector, node, vector};

pub(super) fn controls() -> Vec<Vector> {
    let name = "alice".to_owned();
    let neighbour = node("top");
    let requests = [
        ("request status", "what the node is", Request::Status {}),
        ("request routes", "its routing table", Request::Routes {}),
        ("request locate", "where a name is", Request::Locate { name: name.clone() }),
        (
            "request claim",
            "is its holder alive",
            Request::Claim { name: name.clone(), takeover: false },
        ),
        (
            "request claim takeover",
            "its holder loses it",
            Request::Claim { name: name.clone(), takeover: true },
        ),
        ("request join", "a member of a group", Request::Join { group: "workers".to_owned() }),
        ("request leave", "one no more", Request::Leave { group: "workers".to_owned() }),
        ("request cut", "order: take a link down", Request::Cut { neighbour: neighbour.clone() }),
        ("request heal", "order: let it come up", Request::Heal { neighbour: neighbour.clone() }),
        (
            "request explain",
            "what it would decide, and why",
            Request::Explain {
                destination: "bob".to_owned(),
                path: vec![node("east")],
                from: Some(node("east")),
                client: None,
            },
        ),
        (
            "request explain client",
            "the same of a message that a client sent",
            Request::Explain {
                destination: "bob".to_owned(),
                path: Vec::new(),
                from: None,
                client: Some(name.clone()),
            },
        ),
        (
            "request impair",
            "order: hold back, lose",
            Request::Impair {
                neighbour: neighbour.clone(),
                impairment: Impairment {
                    latency: Some(Duration::from_millis(20)),
                    jitter: Some(Duration::from_micros(5500)),
                    loss_ppm: Some(10_000),
                    bytes_per_second: Some(1_000_000),
                    seed: Some(7),
                },
            },
        ),
        (
            "request impair none",
            "order: leave the link alone",
            Request::Impair { neighbour: neighbour.clone(), impairment: Impairment::default() },
        ),
        ("request graph", "the links that its routes are made of", Request::Graph {}),
        ("request broker clients", "its clients of the broker dialect", Request::BrokerClients {}),
        (
            "request drain",
            "order: have the others route round it",
            Request::Drain { draining: true },
        ),
        (
            "request set route",
            "order: set a static route",
            Request::SetRoute {
                destination: "south.*".to_owned(),
                next_hop: Some("upstream".to_owned()),
            },
        ),
        (
            "request unset route",
            "order: take it away",
            Request::SetRoute { destination: "south.*".to_owned(), next_hop: None },
        ),
    ];
    let link = LinkStatus {
        neighbour: neighbour.clone(),
        cost: 10,
        up: true,
        dials: true,
        cut: false,
        queued: 3,
        trouble: None,
        impairment: Impairment::default(),
    };
    let attached = ClientStatus {
        name: name.clone(),
        dialect: Some("json".to_owned()),
        attached: true,
        since: 1_700_000_000_001,
    };
    let status = NodeStatus {
        mesh: "regions".to_owned(),
        node: node("east"),
        incarnation: 1_700_000_000_000,
        uptime_ms: 1500,
        revision: "0123456789abcdef".to_owned(),
        attachments: "fedcba9876543210".to_owned(),
        draining: false,
        pending: 1,
        waiting: 0,
        kept: 0,
        namesakes: Vec::new(),
        reachable: vec![node("east"), neighbour],
        links: vec![link],
        clients: vec![attached],
        counters: BTreeMap::from([("accepted".to_owned(), 2), ("unreachable".to_owned(), 1)]),
    };
    let doubled = NodeStatus { namesakes: vec![node("east")], ..status.clone() };
    let line = RouteLine {
        destination: "west".to_owned(),
        next_hop: Some("top".to_owned()),
        cost: Some(20),
        hops: Some(2),
        origin: "computed".to_owned(),
    };
    let route = SetRoute { pattern: "south.*".to_owned(), next_hop: "upstream".to_owned() };
    let computed =
        Decision::Computed { at: node("west"), neighbour: node("west"), cost: 10, hops: 1 };
    let alternate =
        Decision::Alternate { at: node("west"), neighbour: node("top"), instead_of: node("west") };
    let set = Decision::StaticRoute { route, neighbour: node("top"), at: Some(node("west")) };
    let deliver = Decision::Deliver { client: Some("bob".to_owned()), route: None };
    let refuse = Decision::Refuse {
        reason: "unreachable".to_owned(),
        rule: "no route".to_owned(),
        route: None,
        at: Some(node("west")),
    };
    let choice = Choice {
        policy: Some(Policy::Closest),
        of: vec![
            Offer { node: node("east"), cost: Some(10) },
            Offer { node: node("west"), cost: None },
        ],
    };
    let explained = |decision, choice| {
        Answer::Explained(Box::new(Step { node: node("top"), decision, choice, access: None }))
    };
    let denied = Step {
        node: node("top"),
        decision: Decision::Refuse {
            reason: "access denied".to_owned(),
            rule: "access".to_owned(),
            route: None,
            at: None,
        },
        choice: None,
        access: Some(Cleared {
            asked: Asked::Send,
            allowed: false,
            rule: Some("access.send[1] deny \"*\"".to_owned()),
        }),
    };
    let answers = [
        ("answer status", "what the node is and knows", Answer::Status(Box::new(status))),
        (
            "answer status namesakes",
            "there are two nodes of its name",
            Answer::Status(Box::new(doubled)),
        ),
        ("answer routes", "one line of its table", Answer::Routes(vec![line])),
        (
            "answer located",
            "the nodes that have a name",
            Answer::Located { nodes: vec![node("east")] },
        ),
        ("answer claimed", "the holder is alive", Answer::Claimed { name, held: true }),
        ("answer done", "the order was carried out", Answer::Done {}),
        ("answer refused", "it was not", Answer::Refused { reason: "not allowed".to_owned() }),
        ("answer explained computed", "it goes the computed way", explained(computed, None)),
        (
            "answer explained alternate",
            "it goes to the loop-free alternate",
            explained(alternate, None),
        ),
        ("answer explained static", "it goes by a static route", explained(set, None)),
        ("answer explained deliver", "it is delivered", explained(deliver, Some(choice))),
        ("answer explained refuse", "it is refused", explained(refuse, None)),
        (
            "answer explained denied",
            "an access rule denies it",
            Answer::Explained(Box::new(denied)),
        ),
        (
            "answer broker clients",
            "one client of the broker dialect",
            Answer::BrokerClients {
                clients: vec![Listed {
                    name: Some("bob".to_owned()),
                    since: 1_767_225_600_000_000_000,
                    active: 1_767_225_600_500_000_000,
                    count: 3,
                }],
            },
        ),
        (
            "answer graph",
            "one link",
            Answer::Graph {
                nodes: vec![node("east"), node("top")],
                links: vec![(node("east"), node("top"), 10)],
            },
        ),
    ];
    let requests = requests
        .into_iter()
        .map(|(name, meaning, value)| vector(name, meaning, value, Request::write, Request::read));
    let answers = answers
        .into_iter()
        .map(|(name, meaning, value)| vector(name, meaning, value, Answer::write, Answer::read));
    requests.chain(answers).collect()
}
