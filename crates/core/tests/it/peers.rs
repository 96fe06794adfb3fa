//! Who is attached, under which name, and for how long.

use hopline_core::{
    Cause, DealerEvent, DealerOptions, Duplicates, Identity, Limits, RouterOptions, SocketKind,
};

use crate::rig::{Rig, Via, frames, settled, soon};

over_every_transport! {
    a_silent_dealer_is_attached_under_its_identity
    identities_are_any_1_to_255_bytes
    a_second_live_identity_is_refused
    a_second_live_identity_can_be_admitted
    a_name_is_free_once_its_holder_is_gone
    closing_here_is_told_once
    too_many_connections_are_refused
}

async fn a_silent_dealer_is_attached_under_its_identity(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut dealer = rig.called("alice");
    let peer = rig.attached().await;
    assert_eq!(peer.identity, Identity::try_from("alice").ok());
    assert_eq!((peer.kind, peer.port), (SocketKind::Dealer, 0));
    assert_eq!(soon(dealer.recv_event()).await, DealerEvent::Up);
    assert!(dealer.sender().is_up() && dealer.sender().has_room());
    rig.router.sender().send_to(peer.id, frames(&[b"first"])).await.expect("sent");
    assert_eq!(soon(dealer.recv()).await, frames(&[b"first"]));
    dealer.shutdown().await;
    let (id, _) = rig.detached().await;
    assert_eq!(id, peer.id);
    assert!(!rig.router.sender().has_room(id));
}

async fn identities_are_any_1_to_255_bytes(via: Via) {
    let mut rig = Rig::new(via).await;
    for name in [vec![b'x'], vec![0xFF, 0xFE], vec![1; 255]] {
        let identity = Identity::new(name).ok();
        let options = DealerOptions { identity: identity.clone(), ..DealerOptions::default() };
        let dealer = rig.dealer_with(options);
        assert_eq!(rig.attached().await.identity, identity);
        dealer.shutdown().await;
        rig.detached().await;
    }
}

/// Scenario 46: see also `names`.
async fn a_second_live_identity_is_refused(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut first = rig.called("alice");
    let peer = rig.attached().await;
    let mut second = rig.called("alice");
    let DealerEvent::Retrying { cause, .. } = soon(second.recv_event()).await else {
        panic!("the second is let in");
    };
    assert_eq!(cause, Cause::NameInUse);
    assert_eq!(rig.router.counts().refused.get("name in use"), Some(&1));
    rig.router.sender().send_to(peer.id, frames(&[b"still you"])).await.expect("sent");
    assert_eq!(soon(first.recv()).await, frames(&[b"still you"]));
}

async fn a_second_live_identity_can_be_admitted(via: Via) {
    let options = RouterOptions { duplicates: Duplicates::Admit, ..RouterOptions::default() };
    let mut rig = Rig::with(via, options).await;
    let mut first = rig.called("alice");
    let one = rig.attached().await;
    let mut second = rig.called("alice");
    let two = rig.attached().await;
    assert_ne!(one.id, two.id);
    let (sender, name) = (rig.router.sender(), one.identity.expect("named"));
    sender.send_msg(&name, "to the first").await.expect("sent");
    sender.send_to(two.id, frames(&[b"to the second"])).await.expect("sent");
    assert_eq!(soon(first.recv()).await, frames(&[b"to the first"]));
    assert_eq!(soon(second.recv()).await, frames(&[b"to the second"]));
    first.shutdown().await;
    assert_eq!(rig.detached().await.0, one.id);
    sender.send_msg(&name, "now yours").await.expect("sent");
    assert_eq!(soon(second.recv()).await, frames(&[b"now yours"]));
}

async fn a_name_is_free_once_its_holder_is_gone(via: Via) {
    let mut rig = Rig::new(via).await;
    for _ in 0..10 {
        let dealer = rig.called("alice");
        let peer = rig.attached().await;
        dealer.shutdown().await;
        assert_eq!(rig.detached().await.0, peer.id);
    }
    assert!(rig.router.counts().inner_connections <= 3);
}

async fn closing_here_is_told_once(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut dealer = rig.called("alice");
    let peer = rig.attached().await;
    // Who is closed before READY has reached it was never up.
    assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
    rig.router.sender().close(peer.id);
    rig.router.sender().close(peer.id);
    assert_eq!(rig.detached().await, (peer.id, Cause::ClosedHere));
    let again = rig.attached().await;
    assert_ne!(again.id, peer.id);
    assert_eq!(settled(&mut dealer).await, DealerEvent::Down(Cause::Closed));
    assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
    dealer.sender().drop_link();
    assert_eq!(settled(&mut dealer).await, DealerEvent::Down(Cause::ClosedHere));
    assert_eq!(rig.detached().await, (again.id, Cause::Closed));
}

/// Scenario 70: see also `crowds` and `descriptors`.
async fn too_many_connections_are_refused(via: Via) {
    let limits = Limits { connections: 2, ..Limits::default() };
    let mut rig = Rig::with(via, RouterOptions { limits, ..RouterOptions::default() }).await;
    let first = rig.dealer();
    rig.attached().await;
    let _second = rig.dealer();
    rig.attached().await;
    let mut third = rig.dealer();
    assert!(matches!(soon(third.recv_event()).await, DealerEvent::Retrying { .. }));
    assert!(rig.router.counts().refused.contains_key("too many connections"));
    assert_eq!(rig.router.counts().open, 2);
    first.shutdown().await;
    rig.detached().await;
    third.redial_now();
    assert_eq!(settled(&mut third).await, DealerEvent::Up);
}
