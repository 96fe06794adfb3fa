//! Two that say one name: who keeps it, who gets it, and that the dead take nothing with them.

use std::time::Duration;

use hopline_core::{
    Backoff, Cause, DealerEvent, DealerOptions, Duplicates, Identity, Limits, PeerId, RouterEvent,
    RouterOptions,
};

use crate::raw::{Raw, frame, greeting, greeting_of, ready};
use crate::rig::{Rig, Via, frames, now, settled, soon};

over_every_transport! {
    the_newcomer_takes_the_name_over_where_that_is_wanted
    a_dealer_that_is_restarted_has_its_name_again_each_time
}

const EVER: Duration = Duration::from_secs(3_600);

fn alice() -> Identity {
    Identity::try_from("alice").expect("an identity")
}

fn options(duplicates: Duplicates) -> RouterOptions {
    // Nothing but the rule of names ends a connection.
    let limits = Limits { ping: EVER, silence: EVER, stall: EVER, ..Limits::default() };
    RouterOptions { duplicates, limits, ..RouterOptions::default() }
}

/// Whoever is attached under the name is reached by it, and heard.
async fn is_alice(rig: &mut Rig, id: PeerId, raw: &mut Raw) {
    rig.router.sender().send_msg(&alice(), "to alice").await.expect("sent");
    loop {
        let (flags, body) = raw.frame().await;
        if flags == 0 {
            assert_eq!(body, b"to alice");
            break;
        }
    }
    raw.write(&frame(false, b"from alice")).await;
    assert_eq!(rig.message().await, (id, frames(&[b"from alice"])));
}

async fn the_newcomer_takes_the_name_over_where_that_is_wanted(via: Via) {
    let mut rig = Rig::with(via, options(Duplicates::Takeover)).await;
    // It does not come back by itself, to take the name over in its turn.
    let backoff = Backoff { first: EVER, most: EVER, jitter: 0.0 };
    let options = DealerOptions { identity: Some(alice()), backoff, ..DealerOptions::default() };
    let mut first = rig.dealer_with(options);
    let old = rig.attached().await.id;
    assert_eq!(settled(&mut first).await, DealerEvent::Up);
    let mut second = rig.called("alice");
    let (_, ended) = rig.attached_and_detached().await;
    assert_eq!(ended, (old, Cause::TakenOver));
    assert_eq!(settled(&mut first).await, DealerEvent::Down(Cause::Closed));
    assert_eq!(rig.router.counts().refused.get("taken over"), Some(&1));
    rig.router.sender().send_msg(&alice(), "yours").await.expect("sent");
    assert_eq!(soon(second.recv()).await, frames(&[b"yours"]));
    drop(first);
    rig.router.sender().send_msg(&alice(), "still yours").await.expect("sent");
    assert_eq!(soon(second.recv()).await, frames(&[b"still yours"]));
}

/// Scenario 47: killed and started again under its name, a hundred times.
async fn a_dealer_that_is_restarted_has_its_name_again_each_time(via: Via) {
    let mut rig = Rig::with(via, options(Duplicates::Refuse)).await;
    for round in 0..100_u32 {
        let mut dealer = rig.called("alice");
        let id = rig.attached().await.id;
        assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
        dealer.send_msg(round.to_be_bytes().to_vec()).await.expect("sent");
        assert_eq!(rig.message().await, (id, frames(&[&round.to_be_bytes()])));
        rig.router.sender().send_msg(&alice(), "back").await.expect("sent");
        assert_eq!(soon(dealer.recv()).await, frames(&[b"back"]));
        drop(dealer);
        assert_eq!(rig.detached().await.0, id);
    }
    assert!(rig.router.counts().inner_connections <= 4);
}

/// Scenario 47: with a reset in the middle of everything, and back at once, before the end is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_47_a_peer_that_resets_and_comes_back_at_once_has_its_name_again_each_time() {
    let mut rig = Rig::with(Via::Tcp, options(Duplicates::Refuse)).await;
    let mut last = None;
    for _ in 0..100 {
        let mut raw = Raw::hello_of(&rig, 1, "DEALER", b"alice").await;
        let id = loop {
            match soon(rig.router.recv_event()).await {
                RouterEvent::Attached(peer) => break peer.id,
                RouterEvent::Detached { peer, .. } => assert_eq!(last.take(), Some(peer)),
                other => panic!("{other:?}"),
            }
        };
        if last.is_some() {
            assert_eq!(rig.detached().await.0, last.take().expect("it was attached"));
        }
        is_alice(&mut rig, id, &mut raw).await;
        rig.router.sender().send_to(id, frames(&[&[1; 100_000]])).await.expect("sent");
        raw.write(&frame(true, b"cut")).await;
        raw.reset();
        last = Some(id);
    }
    assert_eq!(rig.router.counts().accepted, 100);
}

/// Scenario 46: both alive, the first is asked, answers, and keeps the name.
#[tokio::test]
async fn scenario_46_a_holder_that_answers_keeps_its_name() {
    let mut rig = Rig::with(Via::Tcp, options(Duplicates::Refuse)).await;
    let mut holder = Raw::hello_of(&rig, 1, "DEALER", b"alice").await;
    let id = rig.attached().await.id;
    for answer in [&b"\x04\x05\x04PONG"[..], &frame(false, b"any word")] {
        let mut newcomer = Raw::dial(&rig).await;
        newcomer.write(&[greeting(), ready("DEALER", b"alice")].concat()).await;
        assert_eq!(holder.frame().await, (4, b"\x04PING\0\0".to_vec()));
        holder.write(answer).await;
        newcomer.read(64).await;
        newcomer.closed().await;
    }
    assert_eq!(rig.router.counts().refused.get("name in use"), Some(&2));
    assert_eq!(rig.message().await, (id, frames(&[b"any word"])));
    is_alice(&mut rig, id, &mut holder).await;
}

/// Scenario 46: a peer of ZMTP 3.0 knows no PING, and is there as long as its connection is.
#[tokio::test]
async fn scenario_46_a_holder_that_cannot_be_asked_keeps_its_name() {
    let mut rig = Rig::with(Via::Tcp, options(Duplicates::Refuse)).await;
    let mut holder = Raw::hello(&rig, "DEALER", b"alice").await;
    let id = rig.attached().await.id;
    let mut newcomer = Raw::dial(&rig).await;
    newcomer.write(&[greeting_of(1), ready("DEALER", b"alice")].concat()).await;
    newcomer.read(64).await;
    newcomer.closed().await;
    is_alice(&mut rig, id, &mut holder).await;
}

/// Scenario 41: the old connection is a black hole, the peer comes back under its name, and only then
/// does the old one die.
#[tokio::test]
async fn scenario_41_a_holder_that_does_not_answer_loses_its_name_and_its_end_takes_nothing_along()
{
    let mut rig = Rig::with(Via::Tcp, options(Duplicates::Refuse)).await;
    let old = Raw::hello_of(&rig, 1, "DEALER", b"alice").await;
    let old_id = rig.attached().await.id;
    let stuck = frames(&[&vec![1; 4 << 20]]);
    rig.router.sender().try_send_to(old_id, stuck).await.expect("sent");
    let asked = now();
    let mut new = Raw::dial(&rig).await;
    new.write(&[greeting_of(1), ready("DEALER", b"alice")].concat()).await;
    new.read(64).await;
    new.frame().await;
    assert!(asked.elapsed() >= Duration::from_millis(200), "the holder had time to answer");
    let (id, ended) = rig.attached_and_detached().await;
    assert_eq!(ended, (old_id, Cause::PeerSilent));
    is_alice(&mut rig, id, &mut new).await;
    old.reset();
    is_alice(&mut rig, id, &mut new).await;
    assert!(rig.router.try_recv_event().is_none());
}
