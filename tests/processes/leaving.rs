//! Nodes that take long to leave, because links carry less than is sent, and whoever does not want to wait for them.

use std::time::Duration;

use tokio::time::Instant;

use crate::drain::{DIAMOND, Receiver, Sender};
use crate::sandbox::until;
use crate::stage::{Order, Stage, send_many};
use crate::supervised::signal;

/// What the links of `b` carry.
const RATE: &[&str] = &["--rate", "6kB/s"];

/// Somebody at `a` who has sent much more to somebody at `d` than the links of `b`, on the better way, carry in ten seconds.
async fn backlog(stage: &Stage) -> (Sender, Receiver) {
    let mut dave = Receiver::attach(&stage.at("d"), "dave").await;
    let mut alice = Sender::attach(&stage.at("a"), "alice", "dave").await;
    for link in ["a--b", "b--d"] {
        stage.impair(link, RATE).finish();
    }
    send_many(&mut alice, &mut dave, 3_000).await;
    (alice, dave)
}

/// Scenario 80 where it takes time: neither the node nor its supervisor gives up on what is on its way while that moves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_80_a_node_behind_links_that_cannot_keep_up_is_given_the_time() {
    let stage = Stage::up(DIAMOND);
    let (mut alice, mut dave) = backlog(&stage).await;
    let started = Instant::now();
    let stop = Order::of(&stage, &["drain", "b", "--stop"]);
    until("it has left", || async { stage.process("b").is_none() }).await;
    stop.finish();
    assert!(started.elapsed() > Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(alice.unaccounted(&mut dave).await, Vec::<u32>::new(), "{:?}", alice.told);
    assert!(alice.told.values().all(|why| why == "next hop is source"), "{:?}", alice.told);
    alice.send().await.unwrap();
    assert_eq!(alice.unaccounted(&mut dave).await, Vec::<u32>::new(), "{:?}", alice.told);
    assert_eq!(dave.way, ["a", "c", "d"]);
}

/// What has nodes end at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Insists {
    /// Ctrl-C, and once more while they leave.
    Twice,
    /// `down --now` while they leave.
    Later,
    /// The same, before anybody has told them to leave.
    AtOnce,
    /// The same, after their supervisor was killed.
    Orphaned,
}

/// Who cannot wait does not have to: `down --now`, and Ctrl-C once more, end nodes that are leaving, or have not begun to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_take_long_to_leave_are_ended_at_once_where_that_is_wanted() {
    for insists in [Insists::Twice, Insists::Later, Insists::AtOnce, Insists::Orphaned] {
        let stage = Stage::up(DIAMOND);
        let _clients = backlog(&stage).await;
        let processes = stage.sandbox.processes(&stage.file);
        let started = Instant::now();
        match insists {
            Insists::Twice | Insists::Later => {
                signal("-INT", &processes[0]);
                until("it leaves", || async {
                    // Some have left already.
                    let running = stage.sandbox.running(&stage.file);
                    let statuses = running.statuses(Duration::from_millis(100)).await;
                    statuses.get("b").is_some_and(|status| status.draining)
                })
                .await;
            }
            Insists::Orphaned => {
                signal("-KILL", &processes[0]);
                until("it has ended", || async { !processes[0].is_alive().await }).await;
            }
            Insists::AtOnce => {}
        }
        match insists {
            Insists::Twice => signal("-INT", &processes[0]),
            Insists::Later | Insists::AtOnce | Insists::Orphaned => {
                Order::of(&stage, &["down", "--now"]).finish();
            }
        }
        for process in &processes {
            until("it has ended", || async { !process.is_alive().await }).await;
        }
        assert!(started.elapsed() < Duration::from_secs(5), "{insists:?}: {:?}", started.elapsed());
        let state = stage.sandbox.run(&["status", &stage.file.display().to_string()]);
        assert_eq!(state.status.code(), Some(1), "nothing is left behind");
        let sockets = std::fs::read_dir(stage.sandbox.path().join("run")).unwrap();
        assert_eq!(sockets.count(), 0, "sockets are left behind");
    }
}
