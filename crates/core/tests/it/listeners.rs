//! Hostile listeners, and what becomes of who dials them.

use std::time::Duration;

use hopline_core::{Cause, Dealer, DealerEvent, DealerOptions, Limits};
use tokio::net::TcpListener;

use crate::raw::{Raw, frame, greeting, ready};
use crate::rig::{frames, settled, soon};

/// A dealer that dials a listener of ours.
async fn dials(options: DealerOptions) -> (TcpListener, Dealer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let endpoint = format!("tcp://127.0.0.1:{port}").parse().expect("an endpoint");
    (listener, Dealer::connect(&endpoint, options).expect("connect"))
}

/// Scenario 57, the other way round: bombs from a listener, once it has shaken hands.
#[tokio::test]
async fn scenario_57_limits_hold_for_whom_a_dealer_dials() {
    let limits = Limits { frame: 1_000, message: 2_000, frames: 4, ..Limits::default() };
    let (listener, mut dealer) = dials(DealerOptions { limits, ..Default::default() }).await;
    let bomb = [&[2][..], &(1_u64 << 40).to_be_bytes()].concat();
    let big = frame(true, &[7; 900]).repeat(3);
    for (bytes, cause) in [
        (bomb, Cause::FrameTooLarge),
        ([&[6][..], &(1_u64 << 40).to_be_bytes()].concat(), Cause::BadCommand),
        ([1, 0].repeat(1_000), Cause::TooManyFrames),
        (big, Cause::MessageTooLarge),
        (vec![0xFF; 9], Cause::BadCommand),
        (ready("ROUTER", b""), Cause::BadCommand),
    ] {
        let mut raw = Raw(soon(listener.accept()).await.expect("accepted").0);
        let before = [greeting(), ready("ROUTER", b""), frame(false, b"good")].concat();
        raw.write(&[before, bytes].concat()).await;
        assert_eq!(settled(&mut dealer).await, DealerEvent::Up);
        assert_eq!(settled(&mut dealer).await, DealerEvent::Message(frames(&[b"good"])));
        assert_eq!(settled(&mut dealer).await, DealerEvent::Down(cause));
        raw.closed().await;
        dealer.redial_now();
    }
    assert_eq!(dealer.counts().refused.values().sum::<u64>(), 6);
}

#[tokio::test]
async fn a_dealer_survives_what_it_dials() {
    let limits = Limits { handshake: Duration::from_millis(300), ..Limits::default() };
    let (listener, mut dealer) = dials(DealerOptions { limits, ..Default::default() }).await;
    let bomb = [&[6][..], &(1_u64 << 40).to_be_bytes()].concat();
    for (bytes, cause) in [
        (vec![0; 64], Cause::BadGreeting),
        ([greeting(), bomb.clone()].concat(), Cause::FrameTooLarge),
        ([greeting(), ready("PUB", b"")].concat(), Cause::WrongSocketType),
        (greeting(), Cause::HandshakeTimeout),
    ] {
        let (stream, _) = soon(listener.accept()).await.expect("accepted");
        let mut raw = Raw(stream);
        raw.write(&bytes).await;
        let event = soon(dealer.recv_event()).await;
        let DealerEvent::Retrying { cause: told, .. } = event else { panic!("{event:?}") };
        assert_eq!(told, cause);
        raw.closed().await;
        dealer.redial_now();
    }
    let (stream, _) = soon(listener.accept()).await.expect("accepted");
    let mut raw = Raw(stream);
    let cut = [greeting(), ready("ROUTER", b""), frame(false, b"hi"), frame(true, b"cut")];
    raw.write(&cut.concat()).await;
    assert_eq!(soon(dealer.recv_event()).await, DealerEvent::Up);
    assert_eq!(soon(dealer.recv_event()).await, DealerEvent::Message(frames(&[b"hi"])));
    drop(raw);
    assert_eq!(soon(dealer.recv_event()).await, DealerEvent::Down(Cause::Aborted));
}
