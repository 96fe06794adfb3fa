//! Strangers that break the rules, and what becomes of them and of the others.

use std::time::Duration;

use crate::raw::{Raw, frame, greeting, ready};
use crate::rig::{Rig, Via, frames, soon};
use hopline_core::{Cause, Identity, Limits, RouterOptions, SocketKind};

async fn rig() -> Rig {
    let limits = Limits { handshake: Duration::from_millis(300), ..Limits::default() };
    Rig::with(Via::Tcp, RouterOptions { limits, ..RouterOptions::default() }).await
}

/// Waits until a refusal is counted: it is, before the connection is closed.
fn count(rig: &Rig, reason: &str) -> u64 {
    rig.router.counts().refused.get(reason).copied().unwrap_or(0)
}

/// The router still serves.
async fn serves(rig: &mut Rig) {
    let dealer = rig.called("honest");
    let peer = rig.attached().await;
    dealer.send_msg("hello").await.expect("sent");
    assert_eq!(rig.message().await, (peer.id, frames(&[b"hello"])));
    dealer.shutdown().await;
    assert_eq!(rig.detached().await.0, peer.id);
}

/// Scenarios 57 and 58: other protocols, other versions, other socket types, and lies in a handshake.
#[tokio::test]
async fn scenario_57_58_a_stranger_that_is_no_peer_is_refused_and_counted() {
    let mut rig = rig().await;
    let mut old = greeting();
    old[10] = 2;
    let mut curve = greeting();
    curve[12..17].copy_from_slice(b"CURVE");
    let bomb = [&greeting()[..], &[6], &(1_u64 << 40).to_be_bytes()].concat();
    let message = [greeting(), frame(false, b"hello")].concat();
    let sub = [greeting(), ready("SUB", b"")].concat();
    let named = |name: &[u8]| [greeting(), ready("DEALER", name)].concat();
    let command = |body: &[u8]| [&greeting()[..], &[4, body.len() as u8], body].concat();
    let property = |name: &[u8], value: &[u8]| {
        let len = (value.len() as u32).to_be_bytes();
        [&[name.len() as u8], name, &len, value].concat()
    };
    let says =
        |properties: &[Vec<u8>]| command(&[b"\x05READY".to_vec(), properties.concat()].concat());
    let dealer = property(b"Socket-Type", b"DEALER");
    let (alice, bob) = (property(b"Identity", b"alice"), property(b"IDENTITY", b"bob"));
    let noise: Vec<u8> = (0..200_u8).map(|byte| byte.wrapping_mul(151) ^ 0x5A).collect();
    let large = [&greeting()[..], &[6], &8_193_u64.to_be_bytes()].concat();
    for (bytes, reason) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "bad greeting"),
        (vec![0x16, 3, 1, 2, 0], "bad greeting"),
        (old, "bad version"),
        (curve, "bad mechanism"),
        (bomb, "frame too large"),
        (message, "bad handshake"),
        (sub, "wrong socket type"),
        ([greeting(), ready("PUB", b"")].concat(), "wrong socket type"),
        ([greeting(), ready("dealer", b"")].concat(), "wrong socket type"),
        // A peer of ZMTP 1.0 begins with its identity.
        (b"\x06\x00alice".to_vec(), "bad greeting"),
        (noise, "bad greeting"),
        (named(&[1; 256]), "bad identity"),
        (named(b"\0mine"), "bad identity"),
        (says(std::slice::from_ref(&alice)), "wrong socket type"),
        (says(&[dealer.clone(), dealer.clone()]), "bad handshake"),
        (says(&[dealer.clone(), alice, bob]), "bad handshake"),
        (says(&[dealer.clone(), property(b"", b"x")]), "bad handshake"),
        (says(&[dealer, vec![1, b'x', 0xFF, 0xFF, 0xFF, 0xFF]]), "bad handshake"),
        (command(b"\x05HELLO"), "bad handshake"),
        (command(b"\x04PING\0\0"), "bad handshake"),
        (command(b""), "bad handshake"),
        (large, "frame too large"),
    ] {
        let before = count(&rig, reason);
        let mut raw = Raw::dial(&rig).await;
        raw.write(&bytes).await;
        raw.closed().await;
        assert_eq!(count(&rig, reason), before + 1, "{reason}");
    }
    assert_eq!(rig.router.counts().inner_connections, 0);
    assert!(rig.router.try_recv_event().is_none(), "a failed handshake is no event");
    serves(&mut rig).await;
}

#[tokio::test]
async fn what_a_greeting_and_a_ready_may_hold_besides_is_no_matter() {
    let mut rig = rig().await;
    let mut odd = greeting();
    // A filler and an as-server of its own, and a later minor version.
    odd[3] = 7;
    odd[11] = 9;
    odd[32] = 1;
    odd[60] = 5;
    let mut ready = ready("REQ", b"odd");
    ready.extend(b"\x0AX-Whatever\0\0\0\x01y");
    let len = (ready.len() - 9) as u64;
    ready[1..9].copy_from_slice(&len.to_be_bytes());
    let mut raw = Raw::dial(&rig).await;
    raw.write(&[odd, ready].concat()).await;
    let peer = rig.attached().await;
    assert_eq!((peer.kind, peer.identity), (SocketKind::Req, Identity::try_from("odd").ok()));
}

/// Scenario 69, in small: see also `crowds`.
#[tokio::test]
async fn scenario_69_a_handshake_has_a_deadline_as_a_whole() {
    let mut rig = rig().await;
    let mut silent = Raw::dial(&rig).await;
    let mut slow = Raw::dial(&rig).await;
    slow.write(&greeting()[..20]).await;
    serves(&mut rig).await;
    silent.closed().await;
    slow.closed().await;
    assert_eq!(count(&rig, "handshake timeout"), 2);
}

/// Scenario 57.
#[tokio::test]
async fn scenario_57_messages_over_the_limits_close_the_connection() {
    let mut rig = rig().await;
    let header = [&[2][..], &u64::MAX.to_be_bytes()].concat();
    let three_big = frame(true, &vec![0; 16 << 20]).repeat(4);
    let too_long = [&three_big[..], &frame(false, b"x")].concat();
    for (bytes, cause) in [
        (header, Cause::FrameTooLarge),
        ([1, 0].repeat(1_000), Cause::TooManyFrames),
        (too_long, Cause::MessageTooLarge),
        (vec![8, 0], Cause::BadCommand),
        (vec![4, 6, 5, b'H', b'E', b'L', b'L', b'O'], Cause::BadCommand),
        ([&[1, 1, b'x'][..], &[4, 7], b"\x04PING\0\0"].concat(), Cause::BadCommand),
    ] {
        let mut raw = Raw::hello(&rig, "DEALER", b"").await;
        let peer = rig.attached().await;
        let writing = async {
            use tokio::io::AsyncWriteExt;
            let _ = raw.0.write_all(&bytes).await;
            raw.closed().await;
        };
        tokio::join!(writing, async { assert_eq!(rig.detached().await, (peer.id, cause)) });
        assert!(count(&rig, cause.reason()) >= 1);
    }
    serves(&mut rig).await;
}

#[tokio::test]
async fn ping_is_answered_between_messages() {
    let mut rig = rig().await;
    let mut raw = Raw::hello(&rig, "REQ", b"").await;
    let peer = rig.attached().await;
    assert_eq!(peer.kind, SocketKind::Req);
    let ping = b"\x04\x0A\x04PING\0\0ctx";
    raw.write(ping).await;
    assert_eq!(raw.frame().await, (4, b"\x04PONGctx".to_vec()));
    raw.write(&[ping, &[0, 2, b'h', b'i'][..], ping, b"\x04\x05\x04PONG"].concat()).await;
    assert_eq!(rig.message().await, (peer.id, frames(&[b"hi"])));
    assert_eq!(raw.frame().await.1, b"\x04PONGctx");
    assert_eq!(raw.frame().await.1, b"\x04PONGctx");
    let big = vec![7; 1 << 20];
    rig.router.sender().send_to(peer.id, frames(&[&big, b"end"])).await.expect("sent");
    assert_eq!(raw.read(9).await[0], 3);
    raw.write(ping).await;
    assert_eq!(raw.read(1 << 20).await, big);
    assert_eq!(raw.frame().await, (0, b"end".to_vec()));
    assert_eq!(raw.frame().await, (4, b"\x04PONGctx".to_vec()));
}

#[tokio::test]
async fn a_peer_may_speak_in_the_packet_of_its_ready() {
    let mut rig = rig().await;
    let mut raw = Raw::dial(&rig).await;
    let all = [greeting(), ready("DEALER", b"eager"), frame(true, b"a"), frame(false, b"b")];
    raw.write(&all.concat()).await;
    let peer = rig.attached().await;
    assert_eq!(rig.message().await, (peer.id, frames(&[b"a", b"b"])));
}

#[tokio::test]
async fn our_greeting_is_sent_before_the_peers_is_read() {
    let rig = rig().await;
    let mut raw = Raw::dial(&rig).await;
    let ours = raw.read(64).await;
    assert_eq!(&ours[..12], b"\xFF\0\0\0\0\0\0\0\x01\x7F\x03\x01");
}

/// Scenario 7.
#[tokio::test]
async fn scenario_7_a_message_that_is_cut_is_never_delivered() {
    let mut rig = rig().await;
    let whole = [frame(true, b"one"), frame(true, &[7; 3_000]), frame(false, &[8; 100])].concat();
    let cuts = (1..whole.len()).step_by(97).chain([12, 13, 20, 21, whole.len() - 1]);
    for cut in cuts {
        let mut raw = Raw::hello(&rig, "DEALER", b"").await;
        let peer = rig.attached().await;
        raw.write(&whole[..cut]).await;
        drop(raw);
        assert_eq!(rig.detached().await, (peer.id, Cause::Aborted), "cut at {cut}");
    }
    assert!(rig.router.counts().inner_connections <= 3, "cuts cost no private connection");
    serves(&mut rig).await;
}

#[tokio::test]
async fn a_large_message_that_is_cut_costs_a_private_connection_and_no_more() {
    let mut rig = rig().await;
    for _ in 0..3 {
        let mut raw = Raw::hello(&rig, "DEALER", b"").await;
        let peer = rig.attached().await;
        raw.write(&frame(false, b"whole")).await;
        raw.write(&[&[2][..], &(10_u64 << 20).to_be_bytes(), &[1; 100_000]].concat()).await;
        assert_eq!(rig.message().await.1, frames(&[b"whole"]));
        raw.reset();
        let (id, cause) = rig.detached().await;
        assert_eq!(id, peer.id);
        assert_eq!(cause, Cause::Aborted);
    }
    assert!(rig.router.counts().inner_connections <= 2);
    serves(&mut rig).await;
}

/// Scenario 63: see also `names`.
#[tokio::test]
async fn scenario_63_saying_the_name_of_a_live_peer_gains_nothing() {
    let mut rig = rig().await;
    let mut victim = Raw::hello(&rig, "DEALER", b"alice").await;
    let peer = rig.attached().await;
    let mut thief = Raw::dial(&rig).await;
    thief.write(&[greeting(), ready("DEALER", b"alice")].concat()).await;
    thief.read(64).await;
    thief.closed().await;
    let alice = Identity::try_from("alice").expect("an identity");
    rig.router.sender().send_msg(&alice, "secret").await.expect("sent");
    assert_eq!(victim.frame().await, (0, b"secret".to_vec()));
    victim.write(&frame(false, b"mine")).await;
    assert_eq!(rig.message().await, (peer.id, frames(&[b"mine"])));
}

/// Scenario 41: see also `names`.
#[tokio::test]
async fn scenario_41_the_late_end_of_an_old_connection_leaves_the_new_one_alone() {
    let options =
        RouterOptions { duplicates: hopline_core::Duplicates::Admit, ..RouterOptions::default() };
    let mut rig = Rig::with(Via::Tcp, options).await;
    let old = Raw::hello(&rig, "DEALER", b"alice").await;
    let old_peer = rig.attached().await;
    let stuck = frames(&[&vec![1; 4 << 20]]);
    rig.router.sender().try_send_to(old_peer.id, stuck).await.expect("sent");
    let mut new = Raw::hello(&rig, "DEALER", b"alice").await;
    let new_peer = rig.attached().await;
    old.reset();
    assert_eq!(rig.detached().await, (old_peer.id, Cause::Reset));
    let alice = Identity::try_from("alice").expect("an identity");
    rig.router.sender().send_msg(&alice, "after").await.expect("sent");
    assert_eq!(new.frame().await, (0, b"after".to_vec()));
    new.write(&frame(false, b"still here")).await;
    assert_eq!(rig.message().await, (new_peer.id, frames(&[b"still here"])));
}

/// Scenario 50, in small.
#[tokio::test]
async fn scenario_50_churn_uses_the_same_private_connections() {
    let mut rig = rig().await;
    for round in 0..300_u32 {
        let name = [&[9; 251][..], &round.to_be_bytes()].concat();
        let mut raw = Raw::hello(&rig, "DEALER", &name).await;
        let peer = rig.attached().await;
        assert_eq!(peer.identity.expect("named").as_bytes(), name);
        let sender = rig.router.sender();
        sender.send_to(peer.id, frames(&[&round.to_be_bytes()])).await.expect("sent");
        assert_eq!(raw.frame().await, (0, round.to_be_bytes().to_vec()));
        raw.write(&frame(false, &round.to_be_bytes())).await;
        assert_eq!(rig.message().await, (peer.id, frames(&[&round.to_be_bytes()])));
        // Left behind for a peer that does not wait for it.
        sender.send_to(peer.id, frames(&[&[1; 10_000]])).await.expect("sent");
        drop(raw);
        assert_eq!(rig.detached().await.0, peer.id);
    }
    let counts = rig.router.counts();
    assert_eq!((counts.accepted, counts.open), (300, 0));
    assert!(counts.inner_connections <= 4, "{counts:?}");
}

/// Waits until there are so many private connections, while the router hears.
async fn private_connections(rig: &mut Rig, count: u64) {
    let fewer = async {
        while rig.router.counts().inner_connections != count {
            assert!(rig.router.try_recv_event().is_none(), "nothing more happens");
            tokio::task::yield_now().await;
        }
    };
    soon(fewer).await;
}

#[tokio::test]
async fn a_crowd_that_left_leaves_few_private_connections() {
    let mut rig = rig().await;
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(Raw::hello(&rig, "DEALER", b"").await);
        rig.attached().await;
    }
    assert_eq!(rig.router.counts().inner_connections, 100);
    drop(crowd);
    for _ in 0..100 {
        rig.detached().await;
    }
    private_connections(&mut rig, 64).await;
    serves(&mut rig).await;
}

#[tokio::test]
async fn a_private_connection_that_carried_a_large_frame_is_not_used_again() {
    let mut rig = rig().await;
    for (len, left) in [(256 * 1024, 1), (256 * 1024 + 1, 0)] {
        let mut raw = Raw::hello(&rig, "DEALER", b"").await;
        let peer = rig.attached().await;
        let body = vec![7; len];
        let frame = frame(false, &body);
        let (_, heard) = tokio::join!(raw.write(&frame), rig.message());
        assert_eq!(heard, (peer.id, frames(&[&body])));
        drop(raw);
        assert_eq!(rig.detached().await.0, peer.id);
        private_connections(&mut rig, left).await;
    }
    serves(&mut rig).await;
}

#[tokio::test]
async fn a_peer_is_asked_whether_it_is_there() {
    let mut rig = rig().await;
    let sender = rig.router.sender();
    let (long, short) = (Duration::from_secs(5), Duration::from_millis(50));

    let dealer = rig.called("ours");
    let ours = rig.attached().await;
    assert!(sender.is_alive(ours.id, long).await);
    dealer.shutdown().await;
    rig.detached().await;
    assert!(!sender.is_alive(ours.id, long).await);

    let mut new = Raw::dial(&rig).await;
    let mut greets = greeting();
    greets[11] = 1;
    new.write(&[greets, ready("DEALER", b"new")].concat()).await;
    let peer = rig.attached().await;
    assert!(!sender.is_alive(peer.id, short).await, "it does not answer");
    new.read(64).await;
    new.frame().await;
    assert_eq!(new.frame().await, (4, b"\x04PING\0\0".to_vec()));
    let answering = async {
        new.frame().await;
        new.write(b"\x04\x05\x04PONG").await;
    };
    let (alive, ()) = tokio::join!(sender.is_alive(peer.id, long), answering);
    assert!(alive);

    let _old = Raw::hello(&rig, "DEALER", b"old").await;
    let peer = rig.attached().await;
    assert!(sender.is_alive(peer.id, short).await, "it cannot be asked");
}
