//! What a plan says of a node is what the running node does: its limits, and the services of the mesh.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hopline_core::{Dealer, DealerEvent, DealerOptions, Endpoint, Identity, Limits};
use hopline_mesh::brain::{Liveness, Settings, Window};
use hopline_mesh::client::{Client, ClientOptions, ConnectError};
use hopline_mesh::name::NodeName;
use hopline_mesh::node::{NodeConfig, RoutingNode, StartError};
use hopline_mesh::route::Policy;
use hopline_mesh::wire::hello::MeshKey;
use hopline_testkit::PATIENCE;
use hopline_topo::launch::{node_config, run_alone};
use hopline_topo::{Bind, NodeLimits, Plan, Service, parse};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A test that fails says so, and does not hang.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.unwrap()
}

fn plan() -> Plan {
    let text = "[mesh]\nname = 'm'\n[nodes.top]\n[nodes.east]\nupstream = 'top'\n";
    Plan::new(&parse("m.toml", text).unwrap().topology)
}

fn config(plan: &Plan, name: &str, bind: Endpoint) -> NodeConfig {
    node_config(&plan.mesh, plan.into(), &plan.nodes[name], bind, MeshKey::new([7; 32]))
}

/// One node with these limits, at a port of the loopback.
async fn alone(limits: NodeLimits) -> RoutingNode {
    let mut plan = plan();
    plan.nodes.get_mut("top").unwrap().limits = limits;
    let bind = "tcp://127.0.0.1:0".parse().unwrap();
    RoutingNode::start(config(&plan, "top", bind)).await.unwrap()
}

/// The nodes `top` and `east` of a plan, in this process, linked.
async fn linked(plan: &Plan) -> [RoutingNode; 2] {
    static MESHES: AtomicU64 = AtomicU64::new(0);
    let number = MESHES.fetch_add(1, Ordering::Relaxed);
    let at = |name: &str| format!("mem://planned-{number}-{name}").parse().unwrap();
    let top = RoutingNode::start(config(plan, "top", at("top"))).await.unwrap();
    let east = RoutingNode::start(config(plan, "east", at("east"))).await.unwrap();
    east.dial(NodeName::parse("top").unwrap(), at("top")).await.unwrap();
    until(|| is_linked(&east)).await;
    [top, east]
}

async fn is_linked(node: &RoutingNode) -> bool {
    node.status().await.unwrap().links.iter().any(|link| link.up)
}

async fn clients(node: &RoutingNode) -> Vec<String> {
    let status = node.status().await.unwrap();
    status.clients.into_iter().map(|client| client.name).collect()
}

async fn until<F: Future<Output = bool>>(mut is_so: impl FnMut() -> F) {
    soon(async {
        while !is_so().await {
            tokio::task::yield_now().await
        }
    })
    .await;
}

async fn client(node: &RoutingNode, name: &str) -> Client {
    Client::connect(node.endpoint(), ClientOptions::named(name).unwrap()).await.unwrap()
}

/// A raw client, connected.
async fn raw(node: &RoutingNode, name: &str) -> Dealer {
    let identity = Some(Identity::new(name.as_bytes().to_vec()).unwrap());
    let options = DealerOptions { identity, ..DealerOptions::default() };
    let mut dealer = Dealer::connect(node.endpoint(), options).unwrap();
    assert!(matches!(soon(dealer.recv_event()).await, DealerEvent::Up));
    dealer
}

async fn count(node: &RoutingNode, counter: &str) -> u64 {
    node.status().await.unwrap().counters.get(counter).copied().unwrap_or_default()
}

#[tokio::test]
async fn a_client_too_many_has_to_wait_until_another_goes() {
    let node = alone(NodeLimits { connections: Some(1), ..NodeLimits::default() }).await;
    let first = raw(&node, "first").await;
    let identity = Identity::new("second").ok();
    let options = DealerOptions { identity, ..DealerOptions::default() };
    let mut second = Dealer::connect(node.endpoint(), options).unwrap();
    // It might be a node; what it says is no node's word.
    assert!(matches!(soon(second.recv_event()).await, DealerEvent::Up));
    second.sender().try_send(vec!["hello".into()]).await.unwrap();
    assert!(matches!(soon(second.recv_event()).await, DealerEvent::Down(_)));
    assert!(count(&node, "too many connections").await > 0);
    assert_eq!(clients(&node).await, ["first"], "it was never a client");
    first.shutdown().await;
    until(|| async {
        let _ = second.sender().try_send(vec!["hello".into()]).await;
        clients(&node).await == ["second"]
    })
    .await;
    node.shutdown().await;
}

#[tokio::test]
async fn a_crowd_of_clients_keeps_no_neighbour_out() {
    let mut plan = plan();
    let limits = NodeLimits { connections: Some(5), ..NodeLimits::default() };
    plan.nodes.get_mut("top").unwrap().limits = limits;
    let any: Endpoint = "tcp://127.0.0.1:0".parse().unwrap();
    let top = RoutingNode::start(config(&plan, "top", any.clone())).await.unwrap();
    // All places of clients, and all that are reserved.
    let mut crowd = Vec::new();
    for number in 0..60 {
        crowd.push(raw(&top, &format!("c{number}")).await);
    }
    for _ in 0..3 {
        let east = RoutingNode::start(config(&plan, "east", any.clone())).await.unwrap();
        east.dial(NodeName::parse("top").unwrap(), top.endpoint().clone()).await.unwrap();
        until(|| is_linked(&east)).await;
        east.shutdown().await;
        until(|| async { !is_linked(&top).await }).await;
    }
    assert_eq!(clients(&top).await.len(), 5);
    top.shutdown().await;
}

#[tokio::test]
async fn a_node_that_is_not_open_listens_on_this_machine_alone() {
    let plan = plan();
    for endpoint in ["tcp://0.0.0.0:0", "tcp://*:0", "tcp://[::]:0", "tcp://192.0.2.1:0"] {
        let endpoint: Endpoint = endpoint.parse().unwrap();
        let config = config(&plan, "top", endpoint.clone());
        let error = RoutingNode::start(config.clone()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("other machines") && text.contains("open = true"), "{text}");
        let StartError::NotOpen { endpoint: told } = error else { panic!("{text}") };
        assert_eq!(told, endpoint);
    }
    let open = NodeConfig { open: true, ..config(&plan, "top", "tcp://*:0".parse().unwrap()) };
    RoutingNode::start(open).await.unwrap().shutdown().await;
    // The plan of a file says whether it is.
    let mut wide = plan.clone();
    wide.nodes.get_mut("top").unwrap().bind = Bind::At("tcp://*:0".parse().unwrap());
    let alone = run_alone(&wide, "top", [7; 32], None, async {}, |_| {}).await;
    assert!(alone.unwrap_err().to_string().contains("open = true"));
    wide.open = true;
    run_alone(&wide, "top", [7; 32], None, async {}, |_| {}).await.unwrap();
    for endpoint in ["tcp://localhost:0", "tcp://127.0.0.1:0"] {
        let closed = config(&plan, "top", endpoint.parse().unwrap());
        RoutingNode::start(closed).await.unwrap().shutdown().await;
    }
}

#[tokio::test]
async fn what_is_over_a_limit_ends_its_connection() {
    let least = NodeConfig::LEAST_LIMITS;
    let limits = NodeLimits {
        frame: Some(least.frame),
        message: Some(least.message),
        frames: Some(least.frames),
        ..NodeLimits::default()
    };
    let node = alone(limits).await;
    let frame = |size: usize| Bytes::from(vec![b'x'; size]);
    for (reason, within, over) in [
        ("frame too large", vec![frame(least.frame)], vec![frame(least.frame + 1)]),
        ("message too large", vec![frame(400 << 10); 2], vec![frame(400 << 10); 3]),
        ("too many frames", vec![frame(1); 8], vec![frame(1); 9]),
    ] {
        let mut dealer = raw(&node, "alice").await;
        dealer.sender().try_send(within).await.unwrap();
        // It is no JSON, and that is said.
        assert!(matches!(soon(dealer.recv_event()).await, DealerEvent::Message(_)), "{reason}");
        dealer.sender().try_send(over).await.unwrap();
        assert!(matches!(soon(dealer.recv_event()).await, DealerEvent::Down(_)), "{reason}");
        assert_eq!(count(&node, reason).await, 1);
        dealer.shutdown().await;
    }
    node.shutdown().await;
}

#[tokio::test]
async fn a_handshake_may_take_as_long_as_the_plan_says() {
    let node =
        alone(NodeLimits { handshake: Some(Duration::from_millis(30)), ..NodeLimits::default() });
    let node = node.await;
    let Endpoint::Tcp { host, port } = node.endpoint() else { panic!("{}", node.endpoint()) };
    let mut silent = TcpStream::connect((host.as_str(), *port)).await.unwrap();
    // It would be 5 s by default.
    let mut heard = Vec::new();
    let ended = timeout(Duration::from_secs(4), silent.read_to_end(&mut heard)).await;
    assert!(ended.is_ok());
    assert_eq!(count(&node, "handshake timeout").await, 1);
    node.shutdown().await;
}

/// How many of 40 messages that `alice` at `east` sends at once to `bob` at `top` are delivered, and how
/// many are refused because a queue is full.
async fn fates(limits: NodeLimits) -> (u64, u64) {
    let mut plan = plan();
    plan.nodes.get_mut("east").unwrap().limits = limits;
    let [top, east] = linked(&plan).await;
    let (alice, _bob) = (client(&east, "alice").await, client(&top, "bob").await);
    for _ in 0..40 {
        alice.send("bob@top", "hello").await.unwrap();
    }
    let fates = || async { (count(&top, "delivered").await, count(&east, "queue full").await) };
    until(|| async {
        let (delivered, refused) = fates().await;
        delivered + refused == 40
    })
    .await;
    let fates = fates().await;
    top.shutdown().await;
    east.shutdown().await;
    fates
}

#[tokio::test]
async fn queue_and_window_of_a_link_are_those_of_the_plan() {
    // One is under way and three wait; what is acknowledged meanwhile makes room for more.
    let few =
        NodeLimits { window_messages: Some(1), queue_messages: Some(3), ..NodeLimits::default() };
    let small =
        NodeLimits { window_bytes: Some(1), queue_bytes: Some(200), ..NodeLimits::default() };
    for limits in [few, small] {
        let (delivered, refused) = fates(limits).await;
        assert!(delivered > 0 && refused > 0, "{delivered} delivered, {refused} refused");
    }
    assert_eq!(fates(NodeLimits::default()).await, (40, 0));
}

/// At its start, or as it is told later, when the client is there already.
#[tokio::test]
async fn what_may_wait_for_a_client_is_what_the_plan_says() {
    for (limit, changed, slow) in [
        (Some(5), None, true),
        (None, None, false),
        (None, Some(Some(5)), true),
        (Some(5), Some(None), false),
    ] {
        let mut plan = plan();
        let limits = |limit| NodeLimits { queue_messages: limit, ..NodeLimits::default() };
        plan.nodes.get_mut("top").unwrap().limits = limits(limit);
        let [top, east] = linked(&plan).await;
        // Connected, and not reading.
        let bob = raw(&top, "bob").await;
        if let Some(changed) = changed {
            plan.nodes.get_mut("top").unwrap().limits = limits(changed);
            let told = config(&plan, "top", top.endpoint().clone()).settings;
            top.reconfigure(told).await.unwrap();
        }
        let alice = client(&east, "alice").await;
        for _ in 0..40 {
            alice.send("bob@top", "hello").await.unwrap();
        }
        let fates =
            || async { (count(&top, "delivered").await, count(&top, "receiver slow").await) };
        until(|| async {
            let (delivered, refused) = fates().await;
            delivered + refused == 40
        })
        .await;
        assert_eq!(fates().await.1 > 0, slow);
        drop(bob);
        top.shutdown().await;
        east.shutdown().await;
    }
}

#[test]
fn settings_of_the_file_are_those_of_its_nodes() {
    let text = "[mesh]\nname = 'm'\nhello = '100ms'\nlink_silence = '400ms'\n[nodes.top]\n\
                limits = { flow_messages = 7, flow_bytes = '1KiB', kept = '3MiB', unfinished = '2MiB', reserved = 40 }\n";
    let plan = Plan::new(&parse("m.toml", text).unwrap().topology);
    // As it is stored.
    let plan: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    let NodeConfig { settings, limits, .. } =
        config(&plan, "top", "tcp://127.0.0.1:0".parse().unwrap());
    assert_eq!(settings.flow, Window { messages: 7, bytes: 1 << 10 });
    assert_eq!(settings.kept, 3 << 20);
    let (hello, silence) = (Duration::from_millis(100), Duration::from_millis(400));
    assert_eq!(settings.liveness, Liveness { hello, silence, ..Liveness::default() });
    assert_eq!((limits.unfinished, limits.reserved), (2 << 20, 40));
}

#[test]
fn a_plan_that_says_nothing_is_the_default_and_no_limit_is_less_than_a_node_needs() {
    let mut plan = plan();
    let bind: Endpoint = "tcp://127.0.0.1:0".parse().unwrap();
    let default = config(&plan, "top", bind.clone());
    let reserved = NodeConfig::LEAST_LIMITS.reserved;
    assert_eq!(default.limits, Limits { reserved, ..Limits::default() });
    assert_eq!(
        (default.settings.queue, default.settings.window),
        (Window::WAITING, Window::UNACKNOWLEDGED)
    );
    let none = Some(0);
    plan.nodes.get_mut("top").unwrap().limits = NodeLimits {
        connections: none,
        per_address: none,
        handshake: Some(Duration::ZERO),
        ping: Some(Duration::ZERO),
        silence: Some(Duration::ZERO),
        stall: Some(Duration::ZERO),
        frame: none,
        message: none,
        frames: none,
        queue_messages: none,
        queue_bytes: none,
        window_messages: none,
        window_bytes: none,
        flow_messages: none,
        flow_bytes: none,
        kept: none,
        inflated: none,
        unfinished: none,
        reserved: none,
    };
    let least = config(&plan, "top", bind);
    assert_eq!(least.limits, NodeConfig::LEAST_LIMITS);
    let nothing = Window { messages: 0, bytes: 0 };
    let Settings { queue, window, flow, kept, .. } = least.settings;
    assert_eq!((queue, window, flow, kept), (nothing, nothing, nothing, 0));
}

#[tokio::test]
async fn running_nodes_share_the_services_of_their_plan() {
    let mut plan = plan();
    let at = ["top", "east"].map(|name| NodeName::parse(name).unwrap());
    let everywhere = Service { at: at.clone().into(), policy: Policy::Closest };
    let at_top = Service { at: at.into_iter().take(1).collect(), policy: Policy::Balanced };
    plan.services = [("db".to_owned(), everywhere), ("log".to_owned(), at_top)].into();
    let [top, east] = linked(&plan).await;
    let (mut there, mut here) = (client(&top, "db").await, client(&east, "db").await);
    assert_eq!(there.address().as_deref(), Some("db@top"));
    let alice = client(&east, "alice").await;
    for (to, member) in [("db", &mut here), ("db@top", &mut there)] {
        alice.send(to, "hello").await.unwrap();
        let message = soon(member.recv()).await.unwrap().message().unwrap();
        assert_eq!(message.payload[0], "hello");
    }
    let refused = Client::connect(east.endpoint(), ClientOptions::named("log").unwrap()).await;
    let Err(ConnectError::Refused { reason }) = refused else { panic!("{refused:?}") };
    assert_eq!(reason, "not offered here");
    top.shutdown().await;
    east.shutdown().await;
}
