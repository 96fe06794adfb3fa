//! Silent peers, stalled peers, and those that are merely slow.

use std::time::Duration;

use hopline_core::{
    Cause, Dealer, DealerEvent, DealerOptions, HighWater, Limits, PeerId, RouterEvent,
    RouterOptions, SendError,
};
use tokio::net::TcpListener;

use crate::raw::{Raw, frame, greeting_of, ready};
use crate::rig::{Rig, Via, frames, now, settled, soon};

const PING: &[u8] = b"\x04PING\0\0live";
const PONG: &[u8] = b"\x04\x09\x04PONGlive";
const EVER: Duration = Duration::from_secs(3_600);

fn limits(ping: u64, silence: u64) -> Limits {
    let (ping, silence) = (Duration::from_millis(ping), Duration::from_millis(silence));
    Limits { ping, silence, stall: EVER, ..Limits::default() }
}

async fn rig(limits: Limits) -> Rig {
    Rig::with(Via::Tcp, RouterOptions { limits, ..RouterOptions::default() }).await
}

/// A stranger of ZMTP 3.1 that is attached.
async fn stranger(rig: &mut Rig, name: &[u8]) -> (Raw, PeerId) {
    let raw = Raw::hello_of(rig, 1, "DEALER", name).await;
    (raw, rig.attached().await.id)
}

/// Scenario 8: a peer that goes silent is down within an interval and what it has to answer.
#[tokio::test]
async fn scenario_8_a_silent_peer_is_asked_and_then_closed() {
    let mut rig = rig(limits(50, 50)).await;
    let (mut raw, id) = stranger(&mut rig, b"").await;
    assert_eq!(raw.frame().await, (4, PING.to_vec()));
    assert_eq!(rig.detached().await, (id, Cause::PeerSilent));
    assert_eq!(rig.router.counts().refused.get("peer silent"), Some(&1));
    raw.closed().await;
}

/// Scenario 8: an idle peer that answers stays, and any word is an answer.
#[tokio::test]
async fn scenario_8_an_idle_peer_that_answers_stays() {
    let mut rig = rig(limits(20, 10_000)).await;
    let (mut raw, id) = stranger(&mut rig, b"").await;
    for _ in 0..20 {
        assert_eq!(raw.frame().await, (4, PING.to_vec()));
        raw.write(PONG).await;
    }
    for _ in 0..20 {
        assert_eq!(raw.frame().await, (4, PING.to_vec()));
        raw.write(&frame(false, b"busy")).await;
        assert_eq!(rig.message().await, (id, frames(&[b"busy"])));
    }
    assert!(rig.router.try_recv_event().is_none());
}

/// Scenario 8: our own sockets answer each other, and both ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_8_our_own_sockets_stay_through_idleness() {
    let limits = limits(20, 10_000);
    let mut rig = rig(limits).await;
    let mut dealer = rig.dealer_with(DealerOptions { limits, ..DealerOptions::default() });
    rig.attached().await;
    assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
    // Others come and go meanwhile, for far more than an interval.
    for _ in 0..10 {
        let (mut raw, id) = stranger(&mut rig, b"").await;
        for _ in 0..3 {
            assert_eq!(raw.frame().await, (4, PING.to_vec()));
            raw.write(PONG).await;
        }
        drop(raw);
        assert_eq!(rig.detached().await.0, id);
    }
    dealer.send_msg("still here").await.expect("sent");
    assert_eq!(rig.message().await.1, frames(&[b"still here"]));
    assert!(dealer.try_recv_event().is_none());
}

/// Scenario 8: a peer of ZMTP 3.0 cannot be asked, so it is not.
#[tokio::test]
async fn scenario_8_a_peer_that_knows_no_ping_is_not_asked() {
    let mut rig = rig(limits(20, 20)).await;
    let mut old = Raw::hello(&rig, "DEALER", b"old").await;
    let old_id = rig.attached().await.id;
    for _ in 0..5 {
        let (_raw, id) = stranger(&mut rig, b"").await;
        assert_eq!(rig.detached().await, (id, Cause::PeerSilent));
    }
    rig.router.sender().send_to(old_id, frames(&[b"first"])).await.expect("sent");
    assert_eq!(old.frame().await, (0, b"first".to_vec()), "nothing came before");
}

/// Scenario 8: the time to live that a PING carries is honoured.
#[tokio::test]
async fn scenario_8_a_peer_keeps_what_its_ping_promises() {
    let mut rig = rig(limits(3_600_000, 3_600_000)).await;
    for minor in [0, 1] {
        let mut raw = Raw::hello_of(&rig, minor, "DEALER", b"").await;
        let id = rig.attached().await.id;
        let ping = |ttl: u8| [&b"\x04\x07\x04PING\0"[..], &[ttl]].concat();
        for _ in 0..3 {
            raw.write(&ping(2)).await;
            assert_eq!(raw.frame().await, (4, b"\x04PONG".to_vec()));
        }
        assert_eq!(rig.detached().await, (id, Cause::PeerSilent));

        let mut raw = Raw::hello_of(&rig, minor, "DEALER", b"").await;
        let id = rig.attached().await.id;
        raw.write(&ping(1)).await;
        raw.frame().await;
        raw.write(&ping(0)).await;
        raw.frame().await;
        // Longer than it had promised.
        let (mut other, other_id) = stranger(&mut rig, b"").await;
        other.write(&ping(3)).await;
        assert_eq!(rig.detached().await, (other_id, Cause::PeerSilent));
        raw.write(&frame(false, b"hi")).await;
        assert_eq!(rig.message().await, (id, frames(&[b"hi"])));
        drop(raw);
        rig.detached().await;
    }
}

/// Scenario 8: a dealer whose router goes silent dials again.
#[tokio::test]
async fn scenario_8_a_dealer_leaves_a_silent_router() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let endpoint = format!("tcp://127.0.0.1:{port}").parse().expect("an endpoint");
    let options = DealerOptions { limits: limits(50, 50), ..DealerOptions::default() };
    let mut dealer = Dealer::connect(&endpoint, options).expect("connect");
    for _ in 0..2 {
        let mut raw = Raw(soon(listener.accept()).await.expect("accepted").0);
        raw.write(&[greeting_of(1), ready("ROUTER", b"")].concat()).await;
        assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
        assert_eq!(settled(&mut dealer).await, DealerEvent::Down(Cause::PeerSilent));
        dealer.redial_now();
    }
    assert_eq!(dealer.counts().refused.get("peer silent"), Some(&2));
}

/// Sends to a peer until it is refused.
async fn fill(rig: &Rig, id: PeerId, payload: &[u8]) {
    for _ in 0..100_000 {
        match rig.router.sender().try_send_to(id, frames(&[payload])).await {
            Ok(()) => tokio::task::yield_now().await,
            Err(SendError::Full { .. }) => return,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("it is never refused");
}

/// Scenario 51, by time: messages of 64 bytes, 1 KiB and 1 MiB.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_51_a_peer_that_takes_nothing_is_closed_and_the_others_do_not_notice() {
    let limits = Limits { stall: Duration::from_millis(300), ..limits(3_600_000, 3_600_000) };
    let high_water = HighWater { messages: 50_000, ..HighWater::default() };
    let mut rig =
        Rig::with(Via::Tcp, RouterOptions { limits, high_water, ..RouterOptions::default() }).await;
    let mut other = rig.dealer();
    let other_id = rig.attached().await.id;
    for (size, minor) in [(64, 0), (1 << 10, 1), (1 << 20, 1)] {
        let _stalled = Raw::hello_of(&rig, minor, "DEALER", b"").await;
        let id = rig.attached().await.id;
        fill(&rig, id, &vec![7; size]).await;
        let (sender, since) = (rig.router.sender(), now());
        let mut talked = 0;
        loop {
            sender.send_to(other_id, frames(&[b"on"])).await.expect("sent");
            assert_eq!(soon(other.recv()).await, frames(&[b"on"]));
            talked += 1;
            match rig.router.try_recv_event() {
                None => assert!(since.elapsed() < Duration::from_secs(10)),
                Some(RouterEvent::Detached { peer, cause, .. }) => {
                    assert_eq!((peer, cause), (id, Cause::Stalled));
                    break;
                }
                Some(event) => panic!("{event:?}"),
            }
        }
        assert!(talked > 3, "the other one was heard {talked} times");
    }
    assert_eq!(rig.router.counts().refused.get("stalled"), Some(&3));
}

/// Scenario 52: big messages and a reader that takes a little at a time, for longer than any limit of
/// time. Its PONG comes late, behind all that it has to read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_52_a_slow_but_honest_reader_is_never_closed() {
    let limits = Limits { stall: Duration::from_millis(1_000), ..limits(100, 100) };
    let mut rig = rig(limits).await;
    let (mut raw, id) = stranger(&mut rig, b"").await;
    let big = vec![7; 1 << 20];
    for _ in 0..4 {
        rig.router.sender().hand_over(id, frames(&[&big])).await.expect("taken");
    }
    let mut pace = tokio::time::interval(Duration::from_millis(40));
    let (mut left, mut slowly) = (4 * (9 + big.len()), 60);
    while left > 0 {
        if slowly > 0 {
            pace.tick().await;
            slowly -= 1;
        }
        let len = left.min(32 * 1024);
        // What stands between messages is for it, too.
        raw.read_some(len, &mut left).await;
        if let Some(event) = rig.router.try_recv_event() {
            panic!("{event:?} with {left} bytes unread");
        }
    }
    raw.write(&[PONG, &frame(false, b"got it all")[..]].concat()).await;
    assert_eq!(rig.message().await, (id, frames(&[b"got it all"])));
}

/// Scenario 52: what we do not read of a peer is no silence of its.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_52_a_peer_that_we_do_not_listen_to_is_not_silent() {
    let limits = limits(50, 50);
    let mut rig = rig(limits).await;
    let (mut raw, id) = stranger(&mut rig, b"").await;
    // Nobody takes these out of the socket; they fill all buffers, and the gate stops reading.
    let flood = frame(false, &vec![7; 1 << 20]);
    let mut wrote = 0;
    let full = async {
        loop {
            tokio::io::AsyncWriteExt::write_all(&mut raw.0, &flood).await.expect("written");
            wrote += 1;
            assert!(wrote < 1_000, "it is never full");
        }
    };
    assert!(tokio::time::timeout(Duration::from_millis(1_000), full).await.is_err());
    for _ in 0..wrote {
        assert_eq!(rig.message().await.0, id);
    }
    let last = rig.router.try_recv_event();
    assert!(!matches!(last, Some(RouterEvent::Detached { .. })), "{last:?}");
}

/// A socket that closes stays until a slow peer has all that was written for it, although the peer goes on talking, so
/// that the kernel would answer with a reset and take back what is on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_talks_while_we_close_gets_all_that_was_written() {
    let mut rig = rig(limits(10_000, 10_000)).await;
    let (mut raw, id) = stranger(&mut rig, b"").await;
    let big = vec![7; 480 * 1024];
    rig.router.sender().hand_over(id, frames(&[&big])).await.expect("taken");
    let mut closing = tokio::task::JoinSet::new();
    closing.spawn(rig.router.shutdown());
    let mut left = 9 + big.len();
    while left > 0 {
        raw.write(&frame(false, b"still here")).await;
        raw.read_some(left.min(16 * 1024), &mut left).await;
    }
    raw.closed().await;
    drop(raw);
    soon(closing.join_all()).await;
}
