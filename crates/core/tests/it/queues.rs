//! What may wait for a peer, and what becomes of it.

use std::time::Duration;

use hopline_core::{
    Bytes, Cause, DealerEvent, HighWater, Identity, PeerId, RouterOptions, SendError,
};

use crate::rig::{Rig, Via, frames, settled, soon};

over_every_transport! {
    a_peer_that_does_not_read_is_refused_within_its_mark
    a_sender_can_wait_for_room
    waiting_senders_hear_that_the_peer_is_gone
    a_queue_dies_with_its_connection
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

async fn a_peer_that_does_not_read_is_refused_within_its_mark(via: Via) {
    let high_water = HighWater { messages: 10, bytes: 1 << 30 };
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
    let high_water = HighWater { messages: 4, bytes: 1 << 30 };
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
    let high_water = HighWater { messages: 1, bytes: 1 };
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
