//! What is sent arrives as it was sent, in order, to whom it was sent.

use std::sync::Arc;
use std::time::Duration;

use hopline_core::{
    Bytes, Dealer, DealerEvent, DealerHandler, DealerOptions, Frames, Identity, Limits,
    RouterEvent, RouterHandler, RouterOptions, RouterSender, SendError, Serves, Socket,
};
use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinSet};

use crate::rig::{Rig, Via, frames, settled, soon};

over_every_transport! {
    messages_go_both_ways
    frames_arrive_as_they_were_sent
    an_anonymous_peer_can_be_answered
    order_is_kept
    an_unknown_peer_is_an_error_at_once
    big_messages_pass_up_to_the_limit
    recv_under_timeout_loses_nothing
    every_dealer_gets_its_turn
    handlers_serve_until_told_to_stop
    a_handler_that_panics_takes_nobody_along
}

async fn messages_go_both_ways(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut dealer = rig.called("alice");
    dealer.send_msg("ping").await.expect("sent");
    let (sender, message) = soon(rig.router.recv()).await;
    assert_eq!((sender.as_bytes(), message), (&b"alice"[..], frames(&[b"ping"])));
    rig.router.sender().send_msg(&sender, "pong").await.expect("sent");
    assert_eq!(soon(dealer.recv()).await, frames(&[b"pong"]));
}

async fn frames_arrive_as_they_were_sent(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut dealer = rig.dealer();
    let long = vec![7; 70_000];
    let shapes: [&[&[u8]]; 5] = [&[b""], &[b"", b""], &[b"a", b"", b"b"], &[&long, b"x"], &[&long]];
    for shape in shapes {
        dealer.send_multipart(frames(shape)).await.expect("sent");
        let (sender, message) = soon(rig.router.recv()).await;
        assert_eq!(message, frames(shape));
        rig.router.sender().send_multipart(&sender, message).await.expect("sent");
        assert_eq!(soon(dealer.recv()).await, frames(shape));
    }
    assert!(matches!(
        dealer.sender().send_multipart(Frames::new()).await,
        Err(SendError::BadMessage { .. })
    ));
}

async fn an_anonymous_peer_can_be_answered(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut dealer = rig.dealer();
    assert_eq!(rig.attached().await.identity, None);
    dealer.send_msg("who am I").await.expect("sent");
    let (sender, _) = soon(rig.router.recv()).await;
    assert_eq!(sender.as_bytes().len(), 16);
    rig.router.sender().send_msg(&sender, "you").await.expect("sent");
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

/// Scenario 1.
async fn an_unknown_peer_is_an_error_at_once(via: Via) {
    let rig = Rig::new(via).await;
    let nobody = Identity::try_from("nobody").expect("an identity");
    let refused = rig.router.sender().send_msg(&nobody, "hello").await;
    assert_eq!(
        refused,
        Err(SendError::UnknownPeer { identity: nobody, frames: frames(&[b"hello"]) })
    );
}

async fn big_messages_pass_up_to_the_limit(via: Via) {
    let limits = Limits { frame: 16 << 20, message: 33 << 20, frames: 3, ..Limits::default() };
    let mut rig = Rig::with(via, RouterOptions { limits, ..RouterOptions::default() }).await;
    let mut dealer = rig.dealer_with(DealerOptions { limits, ..DealerOptions::default() });
    let big = Bytes::from(vec![5; 16 << 20]);
    for message in [vec![Bytes::from(vec![1; 1 << 20])], vec![big.clone(), big.clone()]] {
        dealer.send_multipart(message.clone()).await.expect("sent");
        let (sender, got) = soon(rig.router.recv()).await;
        assert!(got == message);
        rig.router.sender().send_multipart(&sender, got).await.expect("sent");
        assert!(soon(dealer.recv()).await == message);
    }
    let over = Bytes::from(vec![5; (16 << 20) + 1]);
    for message in [vec![over], vec![big.clone(); 3], vec![Bytes::new(); 4]] {
        let refused = dealer.sender().send_multipart(message.clone()).await;
        assert!(refused == Err(SendError::BadMessage { frames: message }));
    }
}

/// Scenario 9.
async fn recv_under_timeout_loses_nothing(via: Via) {
    let mut rig = Rig::new(via).await;
    let dealer = rig.dealer();
    let sender = dealer.sender();
    let mut sending = tokio::task::JoinSet::new();
    sending.spawn(async move {
        for number in 0..2_000_u32 {
            sender.send_msg(Bytes::copy_from_slice(&number.to_be_bytes())).await.expect("sent");
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

/// Scenario 3.
async fn every_dealer_gets_its_turn(via: Via) {
    let mut rig = Rig::new(via).await;
    let mut loud = rig.called("loud");
    rig.attached().await;
    assert_eq!(settled(&mut loud).await, DealerEvent::Up);
    let quiet = rig.called("quiet");
    rig.attached().await;
    for _ in 0..1_000 {
        loud.sender().try_send(frames(&[b"noise"])).await.expect("there is room");
    }
    quiet.send_msg("a word").await.expect("sent");
    let mut noise = 0;
    while soon(rig.router.recv()).await.0.as_bytes() != b"quiet" {
        noise += 1;
    }
    assert!(noise <= 1_000);
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
    assert_eq!(collect.0, [frames(&[b"one"]), frames(&[b"two"]), frames(&[b"three"])]);
}

/// Scenario 60: a message makes the handler panic. The task that served ends and nothing else does: the socket is as it
/// was, whoever is connected stays so, and serving goes on behind that message, which does not come again.
async fn a_handler_that_panics_takes_nobody_along(via: Via) {
    struct Fragile(RouterSender);
    impl RouterHandler for Fragile {
        async fn got_message(&mut self, sender: Identity, frames: Frames) {
            assert_ne!(frames[0], "poison", "this handler does not know what to do with it");
            self.0.send_multipart(&sender, frames).await.expect("sent");
        }
    }
    struct Told(RouterSender);
    impl DealerHandler for Told {
        async fn got_message(&mut self, frames: Frames) {
            assert_ne!(frames[0], "poison", "nor does this one");
            let alice = Identity::try_from("alice").expect("an identity");
            self.0.send_multipart(&alice, frames).await.expect("sent");
        }
    }
    let mut rig = Rig::new(via).await;
    let (mut alice, mut mallory) = (rig.called("alice"), rig.called("mallory"));
    for dealer in [&mut alice, &mut mallory] {
        rig.attached().await;
        assert_eq!(soon(dealer.recv_event()).await, DealerEvent::Up);
    }
    let sender = rig.router.sender();
    let router = Arc::new(Mutex::new(rig.router));
    for round in ["one", "two", "three"] {
        mallory.send_msg("poison").await.expect("sent");
        let ended = soon(serve(&router, Fragile(sender.clone()))).await;
        assert!(ended.expect_err("the handler panics").is_panic());
        let mut serving = JoinSet::new();
        serving.spawn(served(Arc::clone(&router), Fragile(sender.clone())));
        for dealer in [&mut alice, &mut mallory] {
            dealer.send_msg(round).await.expect("sent");
            assert_eq!(soon(dealer.recv()).await, frames(&[round.as_bytes()]));
        }
        serving.shutdown().await;
    }
    let events = router.lock().await.counts();
    assert_eq!(events.refused.len(), 0, "nobody was turned away");

    // The other way round: a dealer's handler.
    let mallory = Arc::new(Mutex::new(mallory));
    let name = Identity::try_from("mallory").expect("an identity");
    sender.send_msg(&name, "poison").await.expect("sent");
    let ended = soon(serve(&mallory, Told(sender.clone()))).await;
    assert!(ended.expect_err("the handler panics").is_panic());
    sender.send_msg(&name, "four").await.expect("sent");
    let mut serving = JoinSet::new();
    serving.spawn(served(Arc::clone(&mallory), Told(sender.clone())));
    assert_eq!(soon(alice.recv()).await, frames(&[b"four"]));
}

/// Serves in a task of its own, and says how that ended.
async fn serve<S, H>(socket: &Arc<Mutex<S>>, handler: H) -> Result<(), JoinError>
where
    S: Socket + 'static,
    H: Serves<S> + 'static,
{
    let mut serving = JoinSet::new();
    serving.spawn(served(Arc::clone(socket), handler));
    serving.join_next().await.expect("it was spawned")
}

async fn served<S: Socket, H: Serves<S>>(socket: Arc<Mutex<S>>, mut handler: H) {
    socket.lock().await.serve(&mut handler, std::future::pending()).await;
}
