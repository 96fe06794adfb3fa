//! Any bytes at all, in the handshake and after it, to those that listen and to those that dial.
//!
//! Scenario 56. What is sent begins well and goes wrong anywhere, or is noise from the beginning.

use std::time::Duration;

use hopline_core::{
    Backoff, Cause, Dealer, DealerEvent, DealerOptions, Limits, RouterEvent, RouterOptions,
};
use proptest::prelude::*;
use proptest::test_runner::Config;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::raw::{Raw, frame, greeting_of, ready};
use crate::rig::{Rig, Via, frames, soon};

fn limits() -> Limits {
    let handshake = Duration::from_millis(200);
    Limits { frame: 4_096, message: 16_384, frames: 8, handshake, ..Limits::default() }
}

/// A peer's whole life, as it should be, with some bytes of it changed, left out, or put in.
fn a_life(kind: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let command = prop::collection::vec(any::<u8>(), 0..40).prop_map(|body| {
        let len = body.len() as u8;
        [vec![4, len], body].concat()
    });
    let message = prop::collection::vec((any::<bool>(), 0..300_usize), 1..5).prop_map(|parts| {
        parts.into_iter().flat_map(|(more, len)| frame(more, &vec![b'x'; len])).collect()
    });
    let ping = Just(b"\x04\x09\x04PING\0\0xy".to_vec());
    let item = prop_oneof![4 => message, 2 => ping, 1 => command];
    let name = prop_oneof![Just(Vec::new()), prop::collection::vec(any::<u8>(), 0..260)];
    let good =
        (0..3_u8, name, prop::collection::vec(item, 0..4)).prop_map(move |(minor, name, items)| {
            [greeting_of(minor), ready(kind, &name), items.concat()].concat()
        });
    let harm = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 0..4);
    let harmed = (good, harm).prop_map(|(mut bytes, harm)| {
        for (at, byte, how) in harm {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        bytes
    });
    let noise = prop::collection::vec(any::<u8>(), 1..300);
    prop_oneof![8 => harmed, 1 => noise]
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Writes bytes and ends; whoever hears them may have closed by then.
async fn say(raw: &mut Raw, bytes: &[u8]) {
    let said = async {
        let _ = raw.0.write_all(bytes).await;
        let _ = raw.0.shutdown().await;
    };
    soon(said).await;
}

proptest! {
    #![proptest_config(Config { cases: 24, ..Config::default() })]

    #[test]
    fn a_router_lives_through_any_bytes(lives in prop::collection::vec(a_life("DEALER"), 1..12)) {
        runtime().block_on(async {
            let options = RouterOptions { limits: limits(), ..RouterOptions::default() };
            let mut rig = Rig::with(Via::Tcp, options).await;
            let mut raws = Vec::new();
            for life in &lives {
                let mut raw = Raw::dial(&rig).await;
                say(&mut raw, life).await;
                raws.push(raw);
            }
            for mut raw in raws {
                raw.closed().await;
            }
            // The books are balanced, and the next one is served.
            let honest = rig.called("honest");
            honest.send_msg("hello").await.expect("sent");
            let mut inside = 0;
            loop {
                match soon(rig.router.recv_event()).await {
                    RouterEvent::Attached(_) => inside += 1,
                    RouterEvent::Detached { .. } => inside -= 1,
                    RouterEvent::Message(_, message) if message == frames(&[b"hello"]) => break,
                    RouterEvent::Message(_, message) => {
                        assert!(message.len() <= 8 && message.iter().all(|frame| frame.len() <= 4_096));
                    }
                }
            }
            soon(async {
                while inside > 1 {
                    match rig.router.recv_event().await {
                        RouterEvent::Detached { .. } => inside -= 1,
                        RouterEvent::Message(..) => {}
                        RouterEvent::Attached(_) => inside += 1,
                    }
                }
            })
            .await;
            assert_eq!(rig.router.counts().open, 1);
        });
    }

    #[test]
    fn a_dealer_lives_through_any_bytes(lives in prop::collection::vec(a_life("ROUTER"), 1..8)) {
        runtime().block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let port = listener.local_addr().expect("bound").port();
            let endpoint = format!("tcp://127.0.0.1:{port}").parse().expect("an endpoint");
            let at_once = Duration::from_millis(1);
            let backoff = Backoff { first: at_once, most: at_once, jitter: 0.0 };
            let options = DealerOptions { limits: limits(), backoff, ..DealerOptions::default() };
            let mut dealer = Dealer::connect(&endpoint, options).expect("connect");
            for life in &lives {
                let mut raw = Raw(soon(listener.accept()).await.expect("accepted").0);
                say(&mut raw, life).await;
                // It is told that the dial failed, or that it was up and ended.
                loop {
                    match soon(dealer.recv_event()).await {
                        DealerEvent::Up | DealerEvent::Message(_) => {}
                        DealerEvent::Down(cause) => break assert_ne!(cause, Cause::Internal),
                        DealerEvent::Retrying { cause, .. } => break assert_ne!(cause, Cause::Internal),
                    }
                }
            }
            let mut raw = Raw(soon(listener.accept()).await.expect("accepted").0);
            let good = [greeting_of(1), ready("ROUTER", b""), frame(false, b"at last")].concat();
            raw.write(&good).await;
            assert_eq!(soon(dealer.recv()).await, frames(&[b"at last"]));
        });
    }
}
