//! What holds over every transport.

use std::time::Duration;

use bytes::Bytes;
use hopline_core::{
    Cause, Dealer, DealerEvent, DealerHandler, DealerOptions, Duplicates, Endpoint, Frames,
    HighWater, Identity, Limits, Router, RouterEvent, RouterHandler, RouterOptions, RouterSender,
    SendError, Socket, SocketKind,
};

use crate::rig::{Rig, Via, frames, settled, soon};

macro_rules! over_every_transport {
    ($($rule:ident)*) => {
        mod tcp { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() { super::$rule(super::Via::Tcp).await })* }
        mod ipc { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() { super::$rule(super::Via::Ipc).await })* }
        mod mem { $(#[tokio::test]
            async fn $rule() { super::$rule(super::Via::Mem).await })* }
    };
}

over_every_transport! {
    messages_go_both_ways
    frames_arrive_as_they_were_sent
    a_silent_dealer_is_attached_under_its_identity
    identities_are_any_1_to_255_bytes
    an_anonymous_peer_can_be_answered
    order_is_kept
    an_unknown_peer_is_an_error_at_once
    a_peer_that_does_not_read_is_refused_within_its_mark
    a_sender_can_wait_for_room
    waiting_senders_hear_that_the_peer_is_gone
    a_dealer_comes_back_to_a_new_router
    a_queue_dies_with_its_connection
    big_messages_pass_up_to_the_limit
    recv_under_timeout_loses_nothing
    a_second_live_identity_is_refused
    a_second_live_identity_can_be_admitted
    a_name_is_free_once_its_holder_is_gone
    closing_here_is_told_once
    a_taken_endpoint_is_an_error
    nothing_is_left_after_shutdown
    nothing_is_left_after_a_drop
    what_was_sent_before_shutdown_arrives
    handlers_serve_until_told_to_stop
    every_dealer_gets_its_turn
    too_many_connections_are_refused
}

async fn messages_go_both_ways(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut dealer = rig.called("alice");
    dealer.send_msg("ping").await.expect("sent");
    let (sender, message) = soon(rig.router.recv()).await;
    assert_eq!(
        (sender.as_bytes(), message),
        (&b"alice"[..], frames(&[b"ping"]))
    );
    rig.router
        .sender()
        .send_msg(&sender, "pong")
        .await
        .expect("sent");
    assert_eq!(soon(dealer.recv()).await, frames(&[b"pong"]));
}

async fn frames_arrive_as_they_were_sent(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut dealer = rig.dealer();
    let long = vec![7; 70_000];
    let shapes: [&[&[u8]]; 5] = [
        &[b""],
        &[b"", b""],
        &[b"a", b"", b"b"],
        &[&long, b"x"],
        &[&long],
    ];
    for shape in shapes {
        dealer.send_multipart(frames(shape)).await.expect("sent");
        let (sender, message) = soon(rig.router.recv()).await;
        assert_eq!(message, frames(shape));
        rig.router
            .sender()
            .send_multipart(&sender, message)
            .await
            .expect("sent");
        assert_eq!(soon(dealer.recv()).await, frames(shape));
    }
    assert!(matches!(
        dealer.sender().send_multipart(Frames::new()).await,
        Err(SendError::BadMessage { .. })
    ));
}

async fn a_silent_dealer_is_attached_under_its_identity(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut dealer = rig.called("alice");
    let peer = rig.attached().await;
    assert_eq!(peer.identity, Identity::try_from("alice").ok());
    assert_eq!((peer.kind, peer.port), (SocketKind::Dealer, 0));
    assert_eq!(soon(dealer.recv_event()).await, DealerEvent::Up);
    assert!(dealer.sender().is_up() && dealer.sender().has_room());
    rig.router
        .sender()
        .send_to(peer.id, frames(&[b"first"]))
        .await
        .expect("sent");
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
        let options = DealerOptions {
            identity: identity.clone(),
            ..DealerOptions::default()
        };
        let dealer = rig.dealer_with(options);
        assert_eq!(rig.attached().await.identity, identity);
        dealer.shutdown().await;
        rig.detached().await;
    }
}

async fn an_anonymous_peer_can_be_answered(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut dealer = rig.dealer();
    assert_eq!(rig.attached().await.identity, None);
    dealer.send_msg("who am I").await.expect("sent");
    let (sender, _) = soon(rig.router.recv()).await;
    assert_eq!(sender.as_bytes().len(), 16);
    rig.router
        .sender()
        .send_msg(&sender, "you")
        .await
        .expect("sent");
    assert_eq!(soon(dealer.recv()).await, frames(&[b"you"]));
}

async fn order_is_kept(via: Via) {
    let mut rig = Rig::new(via).await;
    let dealer = rig.dealer();
    let sender = dealer.sender();
    let mut sending = tokio::task::JoinSet::new();
    sending.spawn(async move {
        for number in 0..5_000_u32 {
            let frame = Bytes::copy_from_slice(&number.to_be_bytes());
            sender.send_multipart(vec![frame]).await.expect("sent");
        }
    });
    for number in 0..5_000_u32 {
        let (_, message) = soon(rig.router.recv()).await;
        assert_eq!(message, frames(&[&number.to_be_bytes()]));
    }
    soon(sending.join_next()).await;
}

async fn an_unknown_peer_is_an_error_at_once(via: Via) {
    let rig = Rig::new(via).await;
    let nobody = Identity::try_from("nobody").expect("an identity");
    let refused = rig.router.sender().send_msg(&nobody, "hello").await;
    assert_eq!(
        refused,
        Err(SendError::UnknownPeer {
            identity: nobody,
            frames: frames(&[b"hello"])
        })
    );
}

/// Sends to a dealer that does not read until it is refused; says how many it took.
async fn fill(rig: &Rig, id: hopline_core::PeerId, payload: &[u8]) -> usize {
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
    let high_water = HighWater {
        messages: 10,
        bytes: 1 << 30,
    };
    let options = RouterOptions {
        high_water,
        ..RouterOptions::default()
    };
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
    let high_water = HighWater {
        messages: 4,
        bytes: 1 << 30,
    };
    let mut rig = Rig::with(
        via,
        RouterOptions {
            high_water,
            ..RouterOptions::default()
        },
    )
    .await;
    let mut dealer = rig.dealer();
    let peer = rig.attached().await;
    let sender = rig.router.sender();
    let mut sending = tokio::task::JoinSet::new();
    sending.spawn(async move {
        for number in 0..200_u8 {
            sender
                .send_to(peer.id, vec![vec![number; 32 * 1024].into()])
                .await
                .expect("sent");
        }
    });
    for number in 0..200_u8 {
        let message = soon(dealer.recv()).await;
        assert_eq!(message, vec![Bytes::from(vec![number; 32 * 1024])]);
    }
    soon(sending.join_next()).await;
}

async fn waiting_senders_hear_that_the_peer_is_gone(via: Via) {
    let high_water = HighWater {
        messages: 1,
        bytes: 1,
    };
    let mut rig = Rig::with(
        via,
        RouterOptions {
            high_water,
            ..RouterOptions::default()
        },
    )
    .await;
    let _dealer = rig.dealer();
    let peer = rig.attached().await;
    let payload = vec![1; 256 * 1024];
    fill(&rig, peer.id, &payload).await;
    let sender = rig.router.sender();
    assert!(!sender.has_room(peer.id));
    let waiting = sender.send_to(peer.id, frames(&[&payload]));
    let (refused, ()) = tokio::join!(waiting, async { sender.close(peer.id) });
    assert_eq!(
        refused,
        Err(SendError::Gone {
            frames: frames(&[&payload])
        })
    );
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
    assert_eq!(
        refused,
        Err(SendError::NotConnected {
            frames: frames(&[b"lost"])
        })
    );

    dealer.redial_now();
    let DealerEvent::Retrying { attempt, cause, .. } = soon(dealer.recv_event()).await else {
        panic!("nobody is there to be connected to");
    };
    assert!(attempt >= 1 && matches!(cause, Cause::ConnectFailed(_)));
    let options = RouterOptions {
        runtime_dir: Some(rig.dir.path().into()),
        ..RouterOptions::default()
    };
    rig.router = Router::bind(&endpoint, options).await.expect("bind again");
    dealer.redial_now();
    assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
    dealer.send_msg("again").await.expect("sent");
    rig.attached().await;
    assert_eq!(rig.message().await.1, frames(&[b"again"]));
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
    rig.router
        .sender()
        .send_msg(&name, "new")
        .await
        .expect("sent");
    assert_eq!(soon(new.recv()).await, frames(&[b"new"]));
    let late = rig
        .router
        .sender()
        .try_send_to(old.id, frames(&[b"late"]))
        .await;
    assert_eq!(
        late,
        Err(SendError::Gone {
            frames: frames(&[b"late"])
        })
    );
}

async fn big_messages_pass_up_to_the_limit(via: Via) {
    let limits = Limits {
        frame: 16 << 20,
        message: 33 << 20,
        frames: 3,
        ..Limits::default()
    };
    let mut rig = Rig::with(
        via,
        RouterOptions {
            limits,
            ..RouterOptions::default()
        },
    )
    .await;
    let mut dealer = rig.dealer_with(DealerOptions {
        limits,
        ..DealerOptions::default()
    });
    let big = Bytes::from(vec![5; 16 << 20]);
    for message in [
        vec![Bytes::from(vec![1; 1 << 20])],
        vec![big.clone(), big.clone()],
    ] {
        dealer.send_multipart(message.clone()).await.expect("sent");
        let (sender, got) = soon(rig.router.recv()).await;
        assert!(got == message);
        rig.router
            .sender()
            .send_multipart(&sender, got)
            .await
            .expect("sent");
        assert!(soon(dealer.recv()).await == message);
    }
    let over = Bytes::from(vec![5; (16 << 20) + 1]);
    for message in [vec![over], vec![big.clone(); 3], vec![Bytes::new(); 4]] {
        let refused = dealer.sender().send_multipart(message.clone()).await;
        assert!(refused == Err(SendError::BadMessage { frames: message }));
    }
}

async fn recv_under_timeout_loses_nothing(via: Via) {
    let mut rig = Rig::new(via).await;
    let dealer = rig.dealer();
    let sender = dealer.sender();
    let mut sending = tokio::task::JoinSet::new();
    sending.spawn(async move {
        for number in 0..2_000_u32 {
            sender
                .send_msg(Bytes::copy_from_slice(&number.to_be_bytes()))
                .await
                .expect("sent");
            if number % 50 == 0 {
                tokio::task::yield_now().await;
            }
        }
    });
    let mut next = 0_u32;
    while next < 2_000 {
        let patience = Duration::from_micros(u64::from(next % 7) * 20);
        if let Ok((_, message)) = tokio::time::timeout(patience, rig.router.recv()).await {
            assert_eq!(message, frames(&[&next.to_be_bytes()]));
            next += 1;
        } else if let Some(RouterEvent::Message(_, message)) = rig.router.try_recv_event() {
            assert_eq!(message, frames(&[&next.to_be_bytes()]));
            next += 1;
        }
    }
    soon(sending.join_next()).await;
}

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
    rig.router
        .sender()
        .send_to(peer.id, frames(&[b"still you"]))
        .await
        .expect("sent");
    assert_eq!(soon(first.recv()).await, frames(&[b"still you"]));
}

async fn a_second_live_identity_can_be_admitted(via: Via) {
    let options = RouterOptions {
        duplicates: Duplicates::Admit,
        ..RouterOptions::default()
    };
    let mut rig = Rig::with(via, options).await;
    let mut first = rig.called("alice");
    let one = rig.attached().await;
    let mut second = rig.called("alice");
    let two = rig.attached().await;
    assert_ne!(one.id, two.id);
    let (sender, name) = (rig.router.sender(), one.identity.expect("named"));
    sender.send_msg(&name, "to the first").await.expect("sent");
    sender
        .send_to(two.id, frames(&[b"to the second"]))
        .await
        .expect("sent");
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
    rig.router.sender().close(peer.id);
    rig.router.sender().close(peer.id);
    assert_eq!(rig.detached().await, (peer.id, Cause::ClosedHere));
    let again = rig.attached().await;
    assert_ne!(again.id, peer.id);
    assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
    assert_eq!(settled(&mut dealer).await, DealerEvent::Down(Cause::Closed));
    assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
    dealer.sender().drop_link();
    assert_eq!(
        settled(&mut dealer).await,
        DealerEvent::Down(Cause::ClosedHere)
    );
    assert_eq!(rig.detached().await, (again.id, Cause::Closed));
}

async fn a_taken_endpoint_is_an_error(via: Via) {
    let mut rig = Rig::new(via).await;
    let error = Router::bind(&rig.endpoint, RouterOptions::default())
        .await
        .expect_err("taken");
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
    let files = if via == Via::Mem {
        0
    } else {
        2 + usize::from(via == Via::Ipc)
    };
    assert_eq!(rig.files(), files);
    dealer.shutdown().await;
    let Rig {
        router,
        endpoint,
        dir,
    } = rig;
    router.shutdown().await;
    assert_eq!(
        std::fs::read_dir(dir.path())
            .expect("the directory")
            .count(),
        0
    );
    let again = Router::bind(&endpoint, RouterOptions::default())
        .await
        .expect("free again");
    assert!(!again.endpoints().is_empty());
    drop(sender);
}

async fn nothing_is_left_after_a_drop(via: Via) {
    let mut rig = Rig::new(via).await;
    let dealer = rig.dealer();
    rig.attached().await;
    let (router_side, dealer_side) = (rig.router.sender(), dealer.sender());
    let Rig {
        router,
        endpoint,
        dir,
    } = rig;
    drop(router);
    drop(dealer);
    let free = async {
        while Router::bind(&endpoint, RouterOptions::default())
            .await
            .is_err()
        {
            tokio::task::yield_now().await;
        }
        while std::fs::read_dir(dir.path())
            .expect("the directory")
            .count()
            > 0
        {
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
        dealer
            .send_multipart(vec![vec![number; 5_000].into()])
            .await
            .expect("sent");
    }
    let last_words = async {
        for number in 0..100_u8 {
            assert_eq!(
                soon(rig.router.recv()).await.1,
                vec![Bytes::from(vec![number; 5_000])]
            );
        }
    };
    tokio::join!(dealer.shutdown(), last_words);

    rig.router.try_recv_event();
    let mut dealer = rig.dealer();
    dealer.send_msg("hello").await.expect("sent");
    let (sender, _) = soon(rig.router.recv()).await;
    for number in 0..100_u8 {
        let words = vec![vec![number; 5_000].into()];
        rig.router
            .sender()
            .send_multipart(&sender, words)
            .await
            .expect("sent");
    }
    let last_words = async {
        for number in 0..100_u8 {
            assert_eq!(
                soon(dealer.recv()).await,
                vec![Bytes::from(vec![number; 5_000])]
            );
        }
    };
    tokio::join!(rig.router.shutdown(), last_words);
}

async fn handlers_serve_until_told_to_stop(via: Via) {
    struct Echo(RouterSender);
    impl RouterHandler for Echo {
        async fn got_message(&mut self, sender: Identity, frames: Frames) {
            self.0.send_multipart(&sender, frames).await.expect("sent");
        }
    }
    struct Collect(Vec<Frames>, tokio::sync::mpsc::Sender<()>);
    impl DealerHandler for Collect {
        async fn got_message(&mut self, frames: Frames) {
            self.0.push(frames);
            if self.0.len() == 3 {
                self.1.send(()).await.expect("heard");
            }
        }
    }
    let mut rig = Rig::new(via).await;
    let mut dealer: Dealer = rig.dealer();
    let mut echo = Echo(rig.router.sender());
    let (done, mut is_done) = tokio::sync::mpsc::channel(1);
    let mut collect = Collect(Vec::new(), done);
    for text in ["one", "two", "three"] {
        Socket::send_msg(&dealer, text.into()).await.expect("sent");
    }
    let stop = tokio_util::sync::CancellationToken::new();
    let serving = rig.router.serve(&mut echo, stop.cancelled());
    let collecting = dealer.serve(&mut collect, async {
        is_done.recv().await;
        stop.cancel();
    });
    soon(async { tokio::join!(serving, collecting) }).await;
    assert_eq!(
        collect.0,
        [frames(&[b"one"]), frames(&[b"two"]), frames(&[b"three"])]
    );
}

async fn every_dealer_gets_its_turn(via: Via) {
    let mut rig = Rig::new(via).await;
    let loud = rig.called("loud");
    rig.attached().await;
    let quiet = rig.called("quiet");
    rig.attached().await;
    for _ in 0..1_000 {
        loud.sender()
            .try_send(frames(&[b"noise"]))
            .await
            .expect("there is room");
    }
    quiet.send_msg("a word").await.expect("sent");
    let mut noise = 0;
    while soon(rig.router.recv()).await.0.as_bytes() != b"quiet" {
        noise += 1;
    }
    assert!(noise <= 1_000);
}

async fn too_many_connections_are_refused(via: Via) {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let mut rig = Rig::with(
        via,
        RouterOptions {
            limits,
            ..RouterOptions::default()
        },
    )
    .await;
    let first = rig.dealer();
    rig.attached().await;
    let _second = rig.dealer();
    rig.attached().await;
    let mut third = rig.dealer();
    assert!(matches!(
        soon(third.recv_event()).await,
        DealerEvent::Retrying { .. }
    ));
    assert!(
        rig.router
            .counts()
            .refused
            .contains_key("too many connections")
    );
    assert_eq!(rig.router.counts().open, 2);
    first.shutdown().await;
    rig.detached().await;
    third.redial_now();
    assert_eq!(settled(&mut third).await, DealerEvent::Up);
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
        rig.router
            .sender()
            .send_to(peer.id, frames(&[b"here"]))
            .await
            .expect("sent");
        assert_eq!(soon(dealer.recv()).await, frames(&[b"here"]));
        dealer.shutdown().await;
        rig.detached().await;
    }
}
