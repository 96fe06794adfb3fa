//! Links that are lost one after the other, or all at once, under traffic, as processes.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::drain::{Receiver, Sender};
use crate::ledger::ledger;
use crate::sandbox::until;
use crate::stage::{Stage, send_many, send_until, until_accounted};

/// All of four nodes are linked. From `a` to `b` it is least by `d` and `c`, then by `d`, then by `c`, then straight.
const FULL: &str = r#"
[mesh]
name = "full"

[nodes]
a = { bind = "auto" }
b = { bind = "auto" }
c = { bind = "auto" }
d = { bind = "auto" }

[[links]]
ends = ["a", "d"]
[[links]]
ends = ["c", "d"]
[[links]]
ends = ["b", "c"]
[[links]]
ends = ["b", "d"]
cost = 25
[[links]]
ends = ["a", "c"]
cost = 30
[[links]]
ends = ["a", "b"]
cost = 50
"#;

/// Scenarios 26 and 27: of a mesh of four, one link after the other is lost under traffic. Each time the next best way
/// is taken; each message was accepted or came back, and none is unknown. What is lost does not come back by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_26_27_each_loss_leaves_the_next_best_way_and_no_message_unknown() {
    let stage = Stage::up(FULL);
    let mut bob = Receiver::attach(&stage.at("b"), "bob").await;
    let mut alice = Sender::attach(&stage.at("a"), "alice", "bob").await;
    send_until(&mut alice, &mut bob, &["a", "d", "c", "b"]).await;
    let losses =
        [("c--d", &["a", "d", "b"][..]), ("b--d", &["a", "c", "b"]), ("b--c", &["a", "b"])];
    for (link, way) in losses {
        let order = stage.impair(link, &["--cut"]);
        send_until(&mut alice, &mut bob, way).await;
        order.finish();
        send_many(&mut alice, &mut bob, 200).await;
        assert_eq!(bob.way, way);
    }
    until_accounted(&mut alice, &mut bob).await;
    // What the nodes count says the same as what the clients know: no message is open, and none unaccounted for.
    until("every message has ended", || async {
        let ledger = ledger(&stage.sandbox, &stage.file.display().to_string());
        ["waiting", "under_way"].iter().all(|key| ledger[*key] == 0)
    })
    .await;
    // A node that has lost its way back says so while the news travel.
    let known = ["in doubt", "next hop is source", "unreachable", "loop"];
    assert!(alice.told.values().all(|it| known.contains(&it.as_str())), "{:?}", alice.told);
    stage.until_converged().await;
    for (node, lost) in [("b", &["c", "d"][..]), ("c", &["b", "d"]), ("d", &["b", "c"])] {
        let links = stage.status(node).await.links;
        let down = links.iter().filter(|link| !link.up && link.cut);
        assert_eq!(down.map(|link| link.neighbour.as_str()).collect::<Vec<_>>(), lost, "{node}");
    }
}

/// Two rings of three, with two links between them.
const SIX: &str = r#"
[mesh]
name = "six"

[nodes.east-1]
bind = "auto"

[nodes.east-2]
bind = "auto"
upstream = ["east-1"]

[nodes.east-3]
bind = "auto"
upstream = ["east-1", "east-2"]

[nodes.west-1]
bind = "auto"
upstream = ["east-1"]

[nodes.west-2]
bind = "auto"
upstream = ["west-1", { node = "east-2", cost = 20 }]

[nodes.west-3]
bind = "auto"
upstream = ["west-1", "west-2"]
"#;

/// Scenario 38: six nodes are parted in two halves. Within a half messages go on; to the other one each comes back,
/// and none is delivered late when the halves are one again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_38_two_halves_go_on_by_themselves_and_are_one_again() {
    let stage = Stage::up(SIX);
    let mut bob = Receiver::attach(&stage.at("east-3"), "bob").await;
    let mut carol = Receiver::attach(&stage.at("west-2"), "carol").await;
    let mut alice = Sender::attach(&stage.at("west-3"), "alice", "bob").await;
    let mut anna = Sender::attach(&stage.at("west-3"), "anna", "carol").await;
    let across = ["west-3", "west-1", "east-1", "east-3"];
    send_until(&mut alice, &mut bob, &across).await;

    for link in ["east-1--west-1", "east-2--west-2"] {
        let order = stage.impair(link, &["--cut"]);
        send_many(&mut alice, &mut bob, 50).await;
        order.finish();
    }
    stage.until_converged().await;
    until_accounted(&mut alice, &mut bob).await;
    let (arrived, told) = (bob.numbers.len(), alice.told.len());
    send_many(&mut alice, &mut bob, 100).await;
    send_many(&mut anna, &mut carol, 100).await;
    until_accounted(&mut alice, &mut bob).await;
    until_accounted(&mut anna, &mut carol).await;
    assert_eq!((bob.numbers.len(), alice.told.len() - told), (arrived, 100), "{:?}", alice.told);
    // Clients of the other half are known no more: nobody is there who could hold the name.
    let last = alice.told.values().next_back().unwrap();
    assert!(["unreachable", "unknown destination"].contains(&last.as_str()), "{last}");
    assert_eq!((carol.numbers.len(), anna.told.len()), (100, 0), "{:?}", anna.told);

    for link in ["east-1--west-1", "east-2--west-2"] {
        stage.impair(link, &["--heal"]).finish();
    }
    let healed = Instant::now();
    send_until(&mut alice, &mut bob, &across).await;
    stage.until_converged().await;
    assert!(healed.elapsed() < Duration::from_secs(5), "{:?}", healed.elapsed());
    send_many(&mut alice, &mut bob, 100).await;
    until_accounted(&mut alice, &mut bob).await;
    assert_eq!(bob.way, across);
}

/// By then all has arrived that does not go over the link that stalls: a message each millisecond for half of it.
const STALL: Duration = Duration::from_secs(6);

/// `hub` between a sender's node and two others, one of them behind a link that becomes slow.
const FORK: &str = r#"
[mesh]
name = "fork"

[nodes.hub]
bind = "auto"

[nodes.near]
bind = "auto"
upstream = ["hub"]

[nodes.slow]
bind = "auto"
upstream = ["hub"]

[nodes.fast]
bind = "auto"
upstream = ["hub"]
"#;

/// Scenario 53: a link in the middle stalls. What goes over it waits, everything else goes on; and when it recovers, all
/// that waited arrives, and nothing is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_53_a_link_that_stalls_holds_nobody_else_up_and_recovers() {
    let stage = Stage::up(FORK);
    let mut bob = Receiver::attach(&stage.at("slow"), "bob").await;
    let mut carol = Receiver::attach(&stage.at("fast"), "carol").await;
    let mut alice = Sender::attach(&stage.at("near"), "alice", "bob").await;
    let mut anna = Sender::attach(&stage.at("near"), "anna", "carol").await;
    send_many(&mut anna, &mut carol, 500).await;
    stage.impair("hub--slow", &["--rate", "5kB/s"]).finish();

    let mut stalled = JoinSet::new();
    stalled.spawn(async move {
        for _ in 0..3_000 {
            alice.send().await.unwrap();
        }
        alice
    });
    let started = Instant::now();
    send_many(&mut anna, &mut carol, 1_500).await;
    while carol.numbers.len() < 2_000 {
        carol.hear(Duration::from_millis(5)).await;
        assert!(started.elapsed() < STALL, "{} of 2,000 have arrived", carol.numbers.len());
    }
    bob.hear(Duration::ZERO).await;
    assert!(bob.numbers.len() < 1_500, "the link has not stalled");

    stage.impair("hub--slow", &["--clear"]).finish();
    let mut alice = loop {
        bob.hear(Duration::from_millis(5)).await;
        if let Some(alice) = stalled.try_join_next() {
            break alice.unwrap();
        }
    };
    until_accounted(&mut alice, &mut bob).await;
    until_accounted(&mut anna, &mut carol).await;
    assert_eq!((anna.told.len(), alice.told.len()), (0, 0), "{:?}", alice.told);
    stage.until_converged().await;
    for node in ["hub", "near", "slow", "fast"] {
        let status = stage.status(node).await;
        let queued: u64 = status.links.iter().map(|link| link.queued).sum();
        assert_eq!((status.waiting, queued), (0, 0), "{node}");
    }
}
