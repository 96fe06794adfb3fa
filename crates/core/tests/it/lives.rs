//! Sockets come, go, and come back, and leave nothing behind.

use hopline_core::{
    Bytes, Cause, Dealer, DealerEvent, DealerOptions, Endpoint, Identity, Limits, Router,
    RouterOptions, SendError,
};

use tokio::task::JoinSet;

use crate::rig::{Rig, Via, frames, settled, soon};

over_every_transport! {
    a_dealer_comes_back_to_a_new_router
    a_connection_that_was_vouched_for_counts_as_one_that_lasted
    what_is_sent_while_nobody_is_there_waits_or_is_refused
    a_taken_endpoint_is_an_error
    nothing_is_left_after_shutdown
    nothing_is_left_after_a_drop
    what_was_sent_before_shutdown_arrives
}

/// And is heard after the other side has heard of it. Over threads: what one side is told, it may act on while the other
/// is still being told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hears_of_its_connection_can_send_over_it() {
    let mut rig = Rig::new(Via::Mem).await;
    for round in 0..3_000_u32 {
        let mut dealer = rig.dealer();
        let mut says = JoinSet::new();
        says.spawn(async move {
            assert_eq!(dealer.recv_event().await, DealerEvent::Up);
            dealer.sender().try_send(frames(&[&round.to_le_bytes()])).await.expect("a connection");
            dealer
        });
        let peer = rig.attached().await;
        assert_eq!(rig.message().await, (peer.id, frames(&[&round.to_le_bytes()])));
        let dealer = soon(says.join_next()).await.expect("one").expect("it has said it");
        dealer.shutdown().await;
        rig.detached().await;
    }
}

async fn a_dealer_comes_back_to_a_new_router(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut dealer = rig.called("alice");
    rig.attached().await;
    assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
    let endpoint = rig.endpoint.clone();
    rig.router.shutdown().await;
    assert_eq!(settled(&mut dealer).await, DealerEvent::Down(Cause::Closed));
    let refused = dealer.sender().try_send(frames(&[b"lost"])).await;
    assert_eq!(refused, Err(SendError::NotConnected { frames: frames(&[b"lost"]) }));

    dealer.redial_now();
    let DealerEvent::Retrying { attempt, cause, .. } = soon(dealer.recv_event()).await else {
        panic!("nobody is there to be connected to");
    };
    assert!(attempt >= 1 && matches!(cause, Cause::ConnectFailed(_)));
    let options =
        RouterOptions { runtime_dir: Some(rig.dir.path().into()), ..RouterOptions::default() };
    rig.router = Router::bind(&endpoint, options).await.expect("bind again");
    dealer.redial_now();
    assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
    dealer.send_msg("again").await.expect("sent");
    rig.attached().await;
    assert_eq!(rig.message().await.1, frames(&[b"again"]));
}

async fn a_connection_that_was_vouched_for_counts_as_one_that_lasted(via: Via) {
    let rig = Rig::new(via).await;
    let mut dealer = rig.dealer();
    for _ in 0..8 {
        assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
        dealer.sender().connection().expect("it is up").vouch();
        dealer.sender().drop_link();
        assert_eq!(settled(&mut dealer).await, DealerEvent::Down(Cause::ClosedHere));
    }
    assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
    dealer.sender().connection().expect("it is up").vouch();
    rig.router.shutdown().await;
    assert_eq!(settled(&mut dealer).await, DealerEvent::Down(Cause::Closed));
    let DealerEvent::Retrying { attempt, .. } = soon(dealer.recv_event()).await else {
        panic!("nobody is there to be connected to");
    };
    assert_eq!(attempt, 2, "its end, and the dial that met nobody");
}

/// Scenario 4: without a peer a send is never taken for sent.
async fn what_is_sent_while_nobody_is_there_waits_or_is_refused(via: Via) {
    let rig = Rig::new(via).await;
    let endpoint = rig.endpoint.clone();
    let Rig { router, dir, .. } = rig;
    router.shutdown().await;
    let options =
        DealerOptions { runtime_dir: Some(dir.path().into()), ..DealerOptions::default() };
    let dealer = Dealer::connect(&endpoint, options).expect("connect");
    let refused = dealer.sender().try_send(frames(&[b"now"])).await;
    assert_eq!(refused, Err(SendError::NotConnected { frames: frames(&[b"now"]) }));
    let sending = dealer.send_msg("whenever");
    let mut sending = std::pin::pin!(sending);
    let patience = std::time::Duration::from_millis(50);
    assert!(tokio::time::timeout(patience, &mut sending).await.is_err(), "it waits");
    let options =
        RouterOptions { runtime_dir: Some(dir.path().into()), ..RouterOptions::default() };
    let mut router = Router::bind(&endpoint, options).await.expect("bind again");
    dealer.redial_now();
    soon(sending).await.expect("sent");
    assert_eq!(soon(router.recv()).await.1, frames(&[b"whenever"]));
}

async fn a_taken_endpoint_is_an_error(via: Via) {
    let mut rig = Rig::new(via).await;
    let error = Router::bind(&rig.endpoint, RouterOptions::default()).await.expect_err("taken");
    assert_eq!(error.endpoint, rig.endpoint);
    assert_eq!(error.source.kind(), std::io::ErrorKind::AddrInUse);
    let dealer = rig.dealer();
    dealer.send_msg("undisturbed").await.expect("sent");
    assert_eq!(soon(rig.router.recv()).await.1, frames(&[b"undisturbed"]));
}

async fn nothing_is_left_after_shutdown(via: Via) {
    let mut rig = Rig::new(via).await;
    let dealer = rig.dealer();
    rig.attached().await;
    let sender = rig.router.sender();
    let files = if via == Via::Mem { 0 } else { 2 + usize::from(via == Via::Ipc) };
    assert_eq!(rig.files(), files);
    dealer.shutdown().await;
    let Rig { router, endpoint, dir } = rig;
    router.shutdown().await;
    assert_eq!(std::fs::read_dir(dir.path()).expect("the directory").count(), 0);
    let again = Router::bind(&endpoint, RouterOptions::default()).await.expect("free again");
    assert!(!again.endpoints().is_empty());
    drop(sender);
}

async fn nothing_is_left_after_a_drop(via: Via) {
    let mut rig = Rig::new(via).await;
    let dealer = rig.dealer();
    rig.attached().await;
    let (router_side, dealer_side) = (rig.router.sender(), dealer.sender());
    let Rig { router, endpoint, dir } = rig;
    drop(router);
    drop(dealer);
    let free = async {
        while Router::bind(&endpoint, RouterOptions::default()).await.is_err() {
            tokio::task::yield_now().await;
        }
        while std::fs::read_dir(dir.path()).expect("the directory").count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    soon(free).await;
    let name = Identity::try_from("x").expect("an identity");
    assert!(router_side.send_msg(&name, "x").await.is_err());
    assert!(soon(dealer_side.send_msg("x")).await.is_err());
}

async fn what_was_sent_before_shutdown_arrives(via: Via) {
    let mut rig = Rig::new(via).await;
    let dealer = rig.dealer();
    for number in 0..100_u8 {
        dealer.send_multipart(vec![vec![number; 5_000].into()]).await.expect("sent");
    }
    let last_words = async {
        for number in 0..100_u8 {
            assert_eq!(soon(rig.router.recv()).await.1, vec![Bytes::from(vec![number; 5_000])]);
        }
    };
    tokio::join!(dealer.shutdown(), last_words);

    rig.router.try_recv_event();
    let mut dealer = rig.dealer();
    dealer.send_msg("hello").await.expect("sent");
    let (sender, _) = soon(rig.router.recv()).await;
    for number in 0..100_u8 {
        let words = vec![vec![number; 5_000].into()];
        rig.router.sender().send_multipart(&sender, words).await.expect("sent");
    }
    let last_words = async {
        for number in 0..100_u8 {
            assert_eq!(soon(dealer.recv()).await, vec![Bytes::from(vec![number; 5_000])]);
        }
    };
    tokio::join!(rig.router.shutdown(), last_words);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_router_listens_on_several_ports() {
    let mut rig = Rig::new(Via::Mem).await;
    assert_eq!(rig.files(), 0, "a router in memory alone makes no files");
    let ipc = Endpoint::Ipc(rig.dir.path().join("also"));
    let tcp: Endpoint = "tcp://127.0.0.1:0".parse().expect("an endpoint");
    assert_eq!(rig.router.bind_also(&ipc).await.expect("bound"), 1);
    assert_eq!(rig.router.bind_also(&tcp).await.expect("bound"), 2);
    assert!(rig.router.bind_also(&ipc).await.is_err());
    for (port, endpoint) in rig.router.endpoints().into_iter().enumerate() {
        rig.endpoint = endpoint;
        let mut dealer = rig.dealer();
        let peer = rig.attached().await;
        assert_eq!(peer.port, port);
        rig.router.sender().send_to(peer.id, frames(&[b"here"])).await.expect("sent");
        assert_eq!(soon(dealer.recv()).await, frames(&[b"here"]));
        dealer.shutdown().await;
        rig.detached().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_port_leaves_room_at_the_others() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let mut rig = Rig::with(Via::Tcp, RouterOptions { limits, ..RouterOptions::default() }).await;
    let ipc = Endpoint::Ipc(rig.dir.path().join("also"));
    rig.router.bind_also(&ipc).await.expect("bound");
    let _first = rig.dealer();
    assert_eq!(rig.attached().await.port, 0);
    let _refused = rig.dealer();
    rig.endpoint = ipc;
    let _also = rig.dealer();
    assert_eq!(rig.attached().await.port, 1);
}
