//! What access rules say on paper is what the running mesh does, and says.
#![expect(clippy::unwrap_used, reason = "what a test needs may panic as the test itself may")]

use std::collections::BTreeMap;
use std::time::Duration;

use hopline_mesh::client::ConnectError;
use hopline_mesh::name::{ClientName, LinkName, NodeName};
use hopline_mesh::route::access::{AccessRules, AttachRule, Effect, NameSet, SendRule};
use hopline_mesh::route::explain::DecidedBy;
use hopline_mesh::route::{Directory, Graph, Sender, StaticRoutes, WalkInput, Walker};
use hopline_testkit::simulation::{ClientId, Simulation, config, dials, listens};
use hopline_testkit::{Mesh, MeshError};
use proptest::prelude::*;

const LIMIT: Duration = Duration::from_secs(20);
const NODES: [&str; 3] = ["east", "top", "west"];
/// Clients, each with its node.
const CLIENTS: [(&str, &str); 5] =
    [("a.1", "east"), ("a.2", "west"), ("b", "top"), ("db", "west"), ("hex:ff", "east")];
const TEXTS: [&str; 8] = ["*", "hex:*", "a.*", "a.1", "b", "db", "hex:ff", "west"];

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

fn client(name: &str) -> ClientName {
    ClientName::from_identity(identity(name))
}

fn identity(name: &str) -> &[u8] {
    if name == "hex:ff" { b"\xff" } else { name.as_bytes() }
}

fn name_sets() -> impl Strategy<Value = NameSet> {
    let texts = prop::collection::vec(prop::sample::select(&TEXTS[..]), 1..4);
    texts.prop_map(|texts| NameSet::parse(texts).unwrap())
}

fn access() -> impl Strategy<Value = AccessRules> {
    let effect = || prop_oneof![Just(Effect::Allow), Just(Effect::Deny)];
    let nodes = prop::collection::btree_set(prop::sample::select(&NODES[..]).prop_map(node), 1..3);
    let attach = (effect(), name_sets(), prop::option::of(nodes))
        .prop_map(|(effect, who, at)| AttachRule { effect, who, at });
    let send = (effect(), name_sets(), name_sets()).prop_map(|(effect, who, to)| SendRule {
        effect,
        who,
        to,
    });
    (prop::collection::vec(attach, 0..4), prop::collection::vec(send, 0..5))
        .prop_map(|(attach, send)| AccessRules { attach, send })
}

/// `south.*` goes to west, which hands it to db.
fn statics(name: &str) -> StaticRoutes {
    let hop = if name == "west" { "db" } else { "west" };
    [("south.*".parse().unwrap(), hop.into())].into_iter().collect()
}

fn start(seed: u64, access: &AccessRules, closed: &[bool; 3]) -> Simulation {
    let mut mesh = Simulation::new(seed);
    for mut config in [
        config("east", [dials("top", 10)]),
        config("top", [listens("east", 10), listens("west", 10)]),
        config("west", [dials("top", 10)]),
    ] {
        let place = NODES.iter().position(|name| *name == config.node.as_str()).unwrap();
        config.settings.closed = closed[place];
        config.settings.statics = statics(config.node.as_str());
        config.settings.access = access.clone();
        mesh.add(config);
    }
    mesh.start_all();
    mesh
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_rules_say_on_paper_is_what_nodes_do(seed: u64, access in access(), closed: [bool; 3]) {
        let mut mesh = start(seed, &access, &closed);
        prop_assert!(mesh.run_until_quiet(LIMIT));
        let clients: BTreeMap<&str, ClientId> = CLIENTS
            .iter()
            .map(|(name, at)| (*name, mesh.attach(at, Some(identity(name)))))
            .collect();
        prop_assert!(mesh.run_until_quiet(LIMIT));

        let links = ["east--top", "top--west"].map(|link| (LinkName::parse(link).unwrap(), 10));
        let graph = Graph::new([], links);
        let statics: BTreeMap<_, _> = NODES.map(|name| (node(name), statics(name))).into();
        let closed: BTreeMap<_, _> = NODES.into_iter().zip(closed).collect();
        let places: BTreeMap<&str, NodeName> = CLIENTS.map(|(name, at)| (name, node(at))).into();
        let at = |name: &str| access.at(&places[name], closed[places[name].as_str()]);
        let is_in = |(name, _): &&(&str, &str)| at(name).attach(name).allowed;
        let directory: Directory =
            CLIENTS.iter().filter(is_in).map(|(name, at)| (client(name), node(at))).collect();
        let upstreams = BTreeMap::new();
        let mut walker = Walker::new(WalkInput {
            graph: &graph,
            upstreams: &upstreams,
            statics: &statics,
            directory: &directory,
            hop_limit: 64,
        });
        let destinations = [
            "a.1", "a.2", "b", "db", "hex:ff", "db@west", "a.1@west", "hex:ff@east", "east", "west",
            "south.1", "nobody", "#g", "*", "@",
        ];
        for (from, at_node) in CLIENTS {
            for to in destinations {
                mesh.send_probe(clients[from], to);
                prop_assert!(mesh.run_until_quiet(LIMIT));
                let sender = Sender { client: from, access: at(from) };
                let walk = walker.walk_from(&node(at_node), sender, to);
                let path: Vec<_> = walk.path.iter().map(ToString::to_string).collect();
                let expected = match walk.refusal() {
                    None => Ok(path),
                    Some(refusal) => Err((path, refusal.reason().to_owned())),
                };
                let said = mesh.take_ways(clients[from]);
                if directory.at(from).is_some() {
                    prop_assert_eq!(said, [expected], "from {} to {} by {:?}", from, to, access);
                } else {
                    // One that may not attach is told so outside of routed messages, without a path.
                    let reasons: Vec<_> = said.into_iter().map(|way| way.unwrap_err().1).collect();
                    prop_assert_eq!(reasons, ["access denied"], "from {} to {}", from, to);
                    prop_assert_eq!(walk.refusal().map(|it| it.reason()), Some("access denied"));
                }
            }
        }
    }
}

const OPEN: &str = r#"
    [mesh]
    name = "open"
    open = true
    [nodes.top]
    bind = "tcp://192.0.2.7:5555"
    [nodes.east]
    upstream = "top"
    [nodes.west]
    upstream = "top"
    [clients]
    alice = "east"
    sensor = "east"
    db = "west"
    guest = "top"
    friend = "top"
    [routes.west]
    "south.*" = "db"
    [[access.attach]]
    deny = "guest"
    [[access.attach]]
    allow = "friend"
    at = "top"
    [[access.send]]
    allow = "alice"
    [[access.send]]
    allow = "sensor"
    to = ["db", "south.*"]
    [[access.send]]
    deny = "sensor"
    [lints.allow]
    client-denied = "the test is about that"
"#;

#[tokio::test]
async fn running_nodes_explain_access_as_the_file_does() {
    let mesh = Mesh::from_text("open.toml", OPEN).await.unwrap();
    let mut clients = Vec::new();
    for name in ["alice", "sensor", "db", "friend"] {
        clients.push(mesh.client(name).await.unwrap());
    }
    // The file says where nodes listen in earnest; here all are in memory, and the rules hold all the same.
    let refused = mesh.client("guest").await.unwrap_err();
    let is_denied = |reason: &str| reason == "access denied";
    assert!(
        matches!(&refused, MeshError::Connect(ConnectError::Refused { reason }) if is_denied(reason)),
        "{refused}"
    );
    let refused = mesh.client_at("nobody", "top").await.unwrap_err();
    assert!(matches!(refused, MeshError::Connect(ConnectError::Refused { .. })));
    mesh.converged().await.unwrap();

    let mut decided = BTreeMap::new();
    for from in ["alice", "sensor", "db", "guest", "friend", "east", "top"] {
        for to in ["alice", "db", "db@west", "guest", "south.1", "west", "top", "nobody"] {
            let live = mesh.explain(from, to).await.unwrap();
            assert_eq!(live, mesh.explain_offline(from, to).unwrap(), "{from} to {to}");
            let walk = mesh.route(from, to).unwrap();
            let reason = walk.refusal().map(|refusal| refusal.reason().to_owned());
            assert_eq!((live.reason.clone(), &live.path), (reason, &walk.path), "{from} to {to}");
            let said = live.steps.last().unwrap().access.clone();
            decided.insert((from, to), (live.reason, said.and_then(|said| said.rule)));
            let denied = mesh.trace(from, to).await;
            let denied = matches!(denied, Err(MeshError::Denied { .. }));
            let is_it = live.decided_by == DecidedBy::Refused { by: "access".to_owned() };
            assert_eq!(denied, is_it, "{from} to {to}");
        }
    }
    let denied = || Some("access denied".to_owned());
    let third = Some("access.send[3] deny \"sensor\"".to_owned());
    assert_eq!(decided[&("sensor", "alice")], (denied(), third.clone()));
    assert_eq!(decided[&("sensor", "west")], (denied(), third));
    assert_eq!(decided[&("sensor", "db")].0, None);
    let first = Some("access.attach[1] deny \"guest\"".to_owned());
    assert_eq!(decided[&("guest", "db")], (denied(), first));
    assert_eq!(
        decided[&("friend", "db")],
        (denied(), None),
        "no rule, at a port beyond the machine"
    );
    assert_eq!(decided[&("alice", "guest")].0.as_deref(), Some("unknown destination"));
    assert_eq!(decided[&("top", "db")], (None, None));
    for client in clients {
        client.shutdown().await;
    }
    mesh.shutdown().await;
}
