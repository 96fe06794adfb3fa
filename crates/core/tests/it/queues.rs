//! What may wait for a peer, and what becomes of it.

use std::time::Duration;

use hopline_core::{
    Bytes, Cause, DealerEvent, HighWater, Identity, PeerId, RouterOptions, SendError,
};

use crate::raw::Raw;
use crate::rig::{Rig, Via, frames, settled, soon};

over_every_transport! {
    a_peer_that_does_not_read_is_refused_within_its_mark
    a_sender_can_wait_for_room
    waiting_senders_hear_that_the_peer_is_gone
    a_queue_dies_with_its_connection
    what_was_received_was_passed
    what_has_gone_out_is_known_while_the_connection_lives
    over_the_total_a_peer_keeps_its_share
    a_peer_that_is_not_read_waits_and_loses_nothing
}

/// How many messages of 16 KiB are on their way to a router that does not read at most.
const UNDER_WAY: usize = 200;

async fn a_peer_that_is_not_read_waits_and_loses_nothing(via: Via) {
    let mut rig = Rig::new(via).await;
    let high_water = HighWater { messages: 50, ..HighWater::default() };
    let dealer = rig.dealer_with(hopline_core::DealerOptions { high_water, ..Default::default() });
    let peer = rig.attached().await;
    let sender = rig.router.sender();
    sender.pause(peer.id, true);
    let talker = dealer.sender();
    let mut talks = tokio::task::JoinSet::new();
    talks.spawn(async move {
        for number in 0..1_000_u32 {
            let payload = [&number.to_le_bytes()[..], &[7; 16 * 1024]].concat();
            talker.send_multipart(vec![payload.into()]).await.expect("sent");
        }
    });
    let mut numbers = Vec::new();
    let number = |frames: &hopline_core::Frames| {
        u32::from_le_bytes(frames[0][..4].try_into().expect("a number"))
    };
    // What was under way comes; then nothing does.
    while let Ok(event) =
        tokio::time::timeout(Duration::from_millis(300), rig.router.recv_event()).await
    {
        match event {
            hopline_core::RouterEvent::Message(_, frames) => numbers.push(number(&frames)),
            other => panic!("{other:?}"),
        }
    }
    assert!(numbers.len() < UNDER_WAY, "{} came", numbers.len());
    assert!(talks.try_join_next().is_none(), "the peer waits");
    sender.pause(peer.id, false);
    while numbers.len() < 1_000 {
        numbers.push(number(&rig.message().await.1));
    }
    assert_eq!(numbers, (0..1_000).collect::<Vec<_>>());
    soon(talks.join_next()).await.expect("a talker").expect("all sent");
}

/// Sends to a dealer that does not read until it is refused; says how many it took.
async fn fill(rig: &Rig, id: PeerId, payload: &[u8]) -> usize {
    let sender = rig.router.sender();
    let mut took = 0;
    loop {
        match sender.try_send_to(id, frames(&[payload])).await {
            Ok(()) => took += 1,
            Err(SendError::Full { frames: back }) => {
                assert_eq!(back, frames(&[payload]));
                // What the kernel still takes has left the queue soon; a full queue stays full.
                let room = tokio::time::timeout(
                    Duration::from_millis(100),
                    sender.send_to(id, frames(&[payload])),
                );
                match room.await {
                    Ok(sent) => sent.expect("sent"),
                    Err(_) => return took,
                }
                took += 1;
            }
            Err(other) => panic!("{other}"),
        }
        assert!(took < 2_000, "it is never refused");
    }
}

/// Scenario 2.
async fn a_peer_that_does_not_read_is_refused_within_its_mark(via: Via) {
    let high_water = HighWater { messages: 10, bytes: 1 << 30, ..HighWater::default() };
    let options = RouterOptions { high_water, ..RouterOptions::default() };
    let mut rig = Rig::with(via, options).await;
    let mut dealer = rig.dealer();
    let peer = rig.attached().await;
    let payload = vec![1; 64 * 1024];
    let took = fill(&rig, peer.id, &payload).await;
    // The mark, 256 KiB in each of four kernel buffers (doubled by Linux), and our own.
    assert!((10..80).contains(&took), "{took} messages were taken");
    for _ in 0..took {
        assert_eq!(soon(dealer.recv()).await, frames(&[&payload]));
    }
    assert!(rig.router.sender().has_room(peer.id));
}

async fn a_sender_can_wait_for_room(via: Via) {
    let high_water = HighWater { messages: 4, bytes: 1 << 30, ..HighWater::default() };
    let mut rig = Rig::with(via, RouterOptions { high_water, ..RouterOptions::default() }).await;
    let mut dealer = rig.dealer();
    let peer = rig.attached().await;
    let sender = rig.router.sender();
    let mut sending = tokio::task::JoinSet::new();
    sending.spawn(async move {
        for number in 0..200_u8 {
            sender.send_to(peer.id, vec![vec![number; 32 * 1024].into()]).await.expect("sent");
        }
    });
    for number in 0..200_u8 {
        let message = soon(dealer.recv()).await;
        assert_eq!(message, vec![Bytes::from(vec![number; 32 * 1024])]);
    }
    soon(sending.join_next()).await;
}

async fn waiting_senders_hear_that_the_peer_is_gone(via: Via) {
    let high_water = HighWater { messages: 1, bytes: 1, ..HighWater::default() };
    let mut rig = Rig::with(via, RouterOptions { high_water, ..RouterOptions::default() }).await;
    let _dealer = rig.dealer();
    let peer = rig.attached().await;
    let payload = vec![1; 256 * 1024];
    fill(&rig, peer.id, &payload).await;
    let sender = rig.router.sender();
    assert!(!sender.has_room(peer.id));
    let waiting = sender.send_to(peer.id, frames(&[&payload]));
    let (refused, ()) = tokio::join!(waiting, async { sender.close(peer.id) });
    assert_eq!(refused, Err(SendError::Gone { frames: frames(&[&payload]) }));
}

async fn what_has_gone_out_is_known_while_the_connection_lives(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut dealer = rig.dealer();
    let peer = rig.attached().await;
    let sender = rig.router.sender();
    assert_eq!(sender.passed(peer.id), 0);
    for number in 1..=3 {
        sender.send_to(peer.id, frames(&[b"a", &[7; 40_000]])).await.expect("sent");
        soon(dealer.recv()).await;
        let counted = async {
            while sender.passed(peer.id) != number {
                tokio::task::yield_now().await;
            }
        };
        soon(counted).await;
    }
}

/// Scenario 5.
async fn a_queue_dies_with_its_connection(via: Via) {
    let mut rig = Rig::new(via).await;
    let dealer = rig.called("alice");
    let old = rig.attached().await;
    fill(&rig, old.id, &[1; 64 * 1024]).await;
    rig.router.sender().close(old.id);
    assert_eq!(rig.detached().await, (old.id, Cause::ClosedHere));
    dealer.shutdown().await;

    // Whether or not the dealer was back before it was shut down, nothing old reaches a new one.
    let mut new = rig.called("alice");
    let name = Identity::try_from("alice").expect("an identity");
    assert_eq!(settled(&mut new).await, DealerEvent::Up);
    rig.router.sender().send_msg(&name, "new").await.expect("sent");
    assert_eq!(soon(new.recv()).await, frames(&[b"new"]));
    let late = rig.router.sender().try_send_to(old.id, frames(&[b"late"])).await;
    assert_eq!(late, Err(SendError::Gone { frames: frames(&[b"late"]) }));
}

async fn what_was_received_was_passed(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut dealer = rig.dealer();
    let peer = rig.attached().await;
    let (sender, mut sent) = (rig.router.sender(), 0);
    for len in [0, 1, 255, 256, 100_000, 3] {
        let message = frames(&[&vec![0; len], b"", &[7; 300], &vec![1; len]]);
        sender.send_to(peer.id, message.clone()).await.expect("sent");
        sender.hand_over(peer.id, message.clone()).await.expect("handed over");
        for _ in 0..2 {
            assert_eq!(soon(dealer.recv()).await, message);
            sent += 1;
        }
    }
    assert!(sender.is_alive(peer.id, Duration::from_secs(5)).await);
    dealer.shutdown().await;
    assert_eq!(rig.ended().await, (peer.id, Cause::Closed, sent));
}

/// A stranger that reads nothing, and how many messages were taken for it.
async fn stalled(rig: &mut Rig) -> (Raw, PeerId, u64) {
    let raw = Raw::hello(rig, "DEALER", b"").await;
    let peer = rig.attached().await;
    let took = fill(rig, peer.id, &[1; PAYLOAD]).await;
    (raw, peer.id, took as u64)
}

const PAYLOAD: usize = 10_000;

#[tokio::test]
async fn what_a_stranger_that_is_cut_off_can_still_read_was_passed() {
    let mut rig = Rig::new(Via::Tcp).await;
    let (mut raw, id, took) = stalled(&mut rig).await;
    rig.router.sender().close(id);
    let (ended, cause, passed) = rig.ended().await;
    assert_eq!((ended, cause), (id, Cause::ClosedHere));
    let mut bytes = Vec::new();
    soon(tokio::io::AsyncReadExt::read_to_end(&mut raw.0, &mut bytes)).await.expect("the end");
    assert_eq!(passed, (bytes.len() / (9 + PAYLOAD)) as u64);
    assert!(bytes.len() % (9 + PAYLOAD) > 0, "it is cut within a message");
    assert!(0 < passed && passed < took, "{passed} of {took}");
}

#[tokio::test]
async fn what_waits_for_a_stranger_that_resets_was_not_passed() {
    let mut rig = Rig::new(Via::Tcp).await;
    let (raw, id, took) = stalled(&mut rig).await;
    raw.reset();
    let (ended, cause, passed) = rig.ended().await;
    assert_eq!((ended, cause), (id, Cause::Reset));
    // A sender is woken at half the mark, so as much waits at the least; what was passed fits the
    // kernel's buffers.
    assert!(took - passed >= (1 << 19) / PAYLOAD as u64, "{passed} of {took}");
    assert!(passed * (PAYLOAD as u64) < 8 << 20, "{passed} of {took}");
}

#[tokio::test]
async fn in_memory_what_is_unread_was_not_passed_and_is_lost() {
    let mut rig = Rig::new(Via::Mem).await;
    let mut dealer = rig.dealer();
    let peer = rig.attached().await;
    assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
    for _ in 0..5 {
        rig.router.sender().send_to(peer.id, frames(&[b"x"])).await.expect("sent");
    }
    for _ in 0..2 {
        dealer.recv().await;
    }
    rig.router.sender().close(peer.id);
    assert_eq!(rig.ended().await, (peer.id, Cause::ClosedHere, 2));
    assert_eq!(settled(&mut dealer).await, DealerEvent::Down(Cause::Closed));
}

/// Scenario 51, by bytes.
async fn over_the_total_a_peer_keeps_its_share(via: Via) {
    const PIECE: usize = 64 * 1024;
    let high_water = HighWater { messages: 10_000, bytes: 256 * PIECE, total: 128 * PIECE };
    let mut rig = Rig::with(via, RouterOptions { high_water, ..RouterOptions::default() }).await;
    let sender = rig.router.sender();
    let _stalled = rig.dealer();
    let stalled = rig.attached().await;
    // More than the total, whatever the kernel's buffers take of it.
    for _ in 0..256 {
        sender.hand_over(stalled.id, frames(&[&[1; PIECE]])).await.expect("handed over");
    }
    let _dealer = rig.dealer();
    let peer = rig.attached().await;
    let took = fill(&rig, peer.id, &[2; PIECE]).await;
    // A sixteenth of the mark, and what the buffers on the way hold.
    assert!((16..90).contains(&took), "{took} messages were taken");
    assert!(!sender.has_room(peer.id));

    let waiting = sender.send_to(peer.id, frames(&[&[2; PIECE]]));
    let (sent, ()) = tokio::join!(soon(waiting), async { sender.close(stalled.id) });
    sent.expect("there is room once the other's queue is gone");
    soon(async {
        while !sender.has_room(peer.id) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let more = fill(&rig, peer.id, &[2; PIECE]).await;
    assert!(took + 1 + more > 128, "{more} messages more were taken");
}
