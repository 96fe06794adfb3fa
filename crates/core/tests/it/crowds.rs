//! More connections than there is room for: places for those who prove themselves.

use std::time::Duration;

use hopline_core::{
    Backoff, Cause, Dealer, DealerEvent, DealerOptions, Limits, PeerId, RouterEvent, RouterOptions,
    raise_descriptor_limit,
};

use crate::raw::{Raw, frame, greeting};
use crate::rig::{Rig, Via, frames, settled, soon};

over_every_transport! {
    who_comes_to_a_full_port_is_on_trial
    who_is_kept_stays_and_leaves_its_place_to_another
    a_newcomer_on_trial_makes_the_oldest_leave
    where_fewer_may_be_in_the_newest_are_closed
}

/// A router whose one place is taken.
async fn full(via: Via, reserved: usize, handshake: Duration) -> (Rig, Dealer) {
    let limits = Limits { connections: 1, reserved, handshake, ..Limits::default() };
    let mut rig = Rig::with(via, RouterOptions { limits, ..RouterOptions::default() }).await;
    let first = rig.dealer();
    assert!(!rig.attached().await.on_trial);
    (rig, first)
}

/// A dealer that does not come back by itself in this test's time, once it had to leave.
fn once(rig: &Rig) -> Dealer {
    let backoff = Backoff { first: LONG, most: LONG, jitter: 0.0 };
    rig.dealer_with(DealerOptions { backoff, ..DealerOptions::default() })
}

async fn on_trial(rig: &mut Rig) -> (Dealer, PeerId) {
    let dealer = once(rig);
    let peer = rig.attached().await;
    assert!(peer.on_trial);
    (dealer, peer.id)
}

const LONG: Duration = Duration::from_secs(60);

async fn who_comes_to_a_full_port_is_on_trial(via: Via) {
    let (mut rig, _first) = full(via, 2, Duration::from_millis(300)).await;
    let (mut dealer, id) = on_trial(&mut rig).await;
    // It is heard, so that it can prove what it is; this one does not.
    dealer.send_msg("hello").await.expect("sent");
    assert_eq!(rig.message().await, (id, frames(&[b"hello"])));
    assert_eq!(rig.detached().await, (id, Cause::TooManyConnections));
    assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
    assert_eq!(settled(&mut dealer).await, DealerEvent::Down(Cause::Closed));
    assert_eq!(rig.router.counts().refused.get("too many connections"), Some(&1));
    drop(dealer);

    // Whoever is closed by then has failed as well.
    let (_dealer, id) = on_trial(&mut rig).await;
    rig.router.sender().close(id);
    assert_eq!(rig.detached().await, (id, Cause::TooManyConnections));
}

async fn who_is_kept_stays_and_leaves_its_place_to_another(via: Via) {
    let (mut rig, first) = full(via, 1, LONG).await;
    let (mut kept, id) = on_trial(&mut rig).await;
    rig.router.sender().keep(id);
    // The place behind the last is free again; whoever comes after takes it from the one before.
    let (_second, second_id) = on_trial(&mut rig).await;
    let _third = once(&rig);
    let (_, ended) = rig.attached_and_detached().await;
    assert_eq!(ended, (second_id, Cause::TooManyConnections));
    assert_eq!(rig.router.counts().open, 3);
    rig.router.sender().send_to(id, frames(&[b"you stay"])).await.expect("sent");
    assert_eq!(soon(kept.recv()).await, frames(&[b"you stay"]));
    drop(first);
    rig.detached().await;
    let _next = once(&rig);
    assert!(!rig.attached().await.on_trial, "the place of the first is free for anybody");
}

async fn a_newcomer_on_trial_makes_the_oldest_leave(via: Via) {
    let (mut rig, _first) = full(via, 3, LONG).await;
    let mut trials = std::collections::VecDeque::new();
    for _ in 0..3 {
        trials.push_back(on_trial(&mut rig).await);
    }
    for _ in 0..9 {
        let newcomer = once(&rig);
        let (id, ended) = rig.attached_and_detached().await;
        let (_dealer, oldest) = trials.pop_front().expect("there are three");
        assert_eq!(ended, (oldest, Cause::TooManyConnections));
        trials.push_back((newcomer, id));
    }
    for (mut dealer, id) in trials {
        rig.router.sender().send_to(id, frames(&[b"still here"])).await.expect("sent");
        assert_eq!(soon(dealer.recv()).await, frames(&[b"still here"]));
    }
}

/// Scenario 79.
async fn where_fewer_may_be_in_the_newest_are_closed(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut dealers = Vec::new();
    for _ in 0..4 {
        let dealer = once(&rig);
        dealers.push((dealer, rig.attached().await.id));
    }
    rig.router.sender().keep(dealers[3].1);
    assert_eq!(rig.router.sender().set_connections(1), 2);
    let mut ended = [rig.detached().await, rig.detached().await];
    ended.sort_unstable_by_key(|(id, _)| *id);
    assert_eq!(ended, [1, 2].map(|at| (dealers[at].1, Cause::TooManyConnections)));
    assert_eq!(rig.router.counts().refused.get("too many connections"), Some(&2));
    for at in [0, 3] {
        let (dealer, id) = &mut dealers[at];
        rig.router.sender().send_to(*id, frames(&[b"you stay"])).await.expect("sent");
        assert_eq!(soon(dealer.recv()).await, frames(&[b"you stay"]));
    }
}

/// Scenario 79: whoever shakes hands has a place as well, and loses it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_79_who_shakes_hands_is_closed_where_fewer_may_be_in() {
    let limits = Limits { handshake: LONG, ..Limits::default() };
    let rig = Rig::with(Via::Tcp, RouterOptions { limits, ..RouterOptions::default() }).await;
    let mut raw = Raw::dial(&rig).await;
    soon(async {
        while rig.router.counts().open < 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(rig.router.sender().set_connections(0), 1);
    raw.closed().await;
    assert_eq!(rig.router.counts().refused.get("too many connections"), Some(&1));
}

/// Scenario 57, by many: large messages under way at once take no more memory than they may, each is
/// finished in its turn, and none that is never finished keeps the others waiting for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_57_messages_under_way_wait_for_each_other_and_all_that_go_on_arrive() {
    const SIZE: usize = 1 << 20;
    let stall = Duration::from_millis(400);
    let limits = Limits { unfinished: 2 * SIZE, stall, ..Limits::default() };
    let mut rig = Rig::with(Via::Tcp, RouterOptions { limits, ..RouterOptions::default() }).await;
    let whole = frame(false, &vec![7; SIZE]);
    let mut trickles = Vec::new();
    for _ in 0..4 {
        let mut raw = Raw::hello(&rig, "DEALER", b"").await;
        let id = rig.attached().await.id;
        raw.write(&whole[..SIZE / 2]).await;
        trickles.push((id, raw));
    }
    let mut honest = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let mut raw = Raw::hello(&rig, "DEALER", b"").await;
        rig.attached().await;
        let whole = whole.clone();
        honest.spawn(async move {
            raw.write(&whole).await;
            raw
        });
    }
    let (mut arrived, mut ended) = (0, Vec::new());
    while arrived < 8 {
        match soon(rig.router.recv_event()).await {
            RouterEvent::Message(_, message) => {
                assert_eq!(message[0].len(), SIZE);
                arrived += 1;
            }
            RouterEvent::Detached { peer, cause, .. } => ended.push((peer, cause)),
            RouterEvent::Attached(_) => panic!("nobody else comes"),
        }
    }
    while let Some(sent) = soon(honest.join_next()).await {
        sent.expect("it wrote all");
    }
    assert!(!ended.is_empty(), "all room was taken by those that do not go on");
    for (id, cause) in ended {
        assert_eq!(cause, Cause::Stalled);
        assert!(trickles.iter().any(|(trickle, _)| *trickle == id));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_closed_while_it_waits_for_its_turn_leaves_nothing_behind() {
    let limits = Limits { unfinished: 1, stall: LONG, ..Limits::default() };
    let mut rig = Rig::with(Via::Tcp, RouterOptions { limits, ..RouterOptions::default() }).await;
    let half = |len: usize| frame(false, &vec![7; 2 * len])[..len].to_vec();
    let mut oldest = Raw::hello(&rig, "DEALER", b"").await;
    rig.attached().await;
    oldest.write(&half(100_000)).await;
    for _ in 0..20 {
        let mut waiting = Raw::hello(&rig, "DEALER", b"").await;
        let id = rig.attached().await.id;
        waiting.write(&[frame(false, b"before"), half(100_000)].concat()).await;
        assert_eq!(rig.message().await, (id, frames(&[b"before"])));
        rig.router.sender().close(id);
        assert_eq!(rig.detached().await, (id, Cause::ClosedHere));
        let mut next = Raw::hello(&rig, "DEALER", b"").await;
        let id = rig.attached().await.id;
        next.write(&frame(false, b"hello")).await;
        assert_eq!(rig.message().await, (id, frames(&[b"hello"])));
        drop(next);
        rig.detached().await;
    }
    assert!(rig.router.counts().inner_connections <= 4, "they were used again");
}

/// Scenario 69: a thousand sockets that say nothing, or a part of a greeting, are closed when their time
/// is over, and an honest dial takes less than a second meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_69_half_open_handshakes_hold_nobody_up() {
    // Both ends of each are in this process.
    let crowd = if raise_descriptor_limit().is_ok_and(|most| most >= 4_096) { 1_000 } else { 50 };
    let limits = Limits { handshake: Duration::from_millis(1_500), ..Limits::default() };
    let options = RouterOptions { limits, ..RouterOptions::default() };
    let mut rig = Rig::with(Via::Tcp, options).await;
    let mut silent = Vec::new();
    for number in 0..crowd {
        let mut raw = Raw::dial(&rig).await;
        raw.write(&greeting()[..number % 64]).await;
        silent.push(raw);
    }
    soon(async {
        while rig.router.counts().open < crowd as u64 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let honest = async {
        let dealer = rig.called("honest");
        let peer = rig.attached().await;
        dealer.send_msg("hello").await.expect("sent");
        assert_eq!(rig.message().await, (peer.id, frames(&[b"hello"])));
        dealer
    };
    let dealer = tokio::time::timeout(Duration::from_secs(1), honest).await.expect("in a second");
    for mut raw in silent {
        raw.closed().await;
    }
    assert_eq!(rig.router.counts().refused.get("handshake timeout"), Some(&(crowd as u64)));
    soon(async {
        while rig.router.counts().open > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(dealer);
}
