//! What the gate costs: 64-byte messages from a dealer to a router over TCP, with and without it.
//!
//! `cargo run --release -p hopline-core --example price`

use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hopline_core::{Dealer, DealerOptions, HighWater, Router, RouterOptions};
use zeromq::{DealerSocket, RouterSocket, Socket, SocketRecv, SocketSend, ZmqMessage};

const MESSAGES: u32 = 500_000;
const ROUNDS: u32 = 20_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "an example talks to people")]
async fn main() -> Result<(), Box<dyn Error>> {
    for run in 1..=3 {
        let (bare, bare_round) = bare().await?;
        let one = one_gate().await?;
        let (ours, our_round) = ours().await?;
        let rate = |time: Duration| f64::from(MESSAGES) / time.as_secs_f64() / 1e6;
        println!(
            "run {run}: bare {:.2} M/s, {:.0} us a round; one gate {:.2} M/s ({:.2} of bare); \
             two gates {:.2} M/s ({:.2} of bare), {:.0} us a round",
            rate(bare),
            bare_round.as_secs_f64() * 1e6,
            rate(one),
            bare.as_secs_f64() / one.as_secs_f64(),
            rate(ours),
            bare.as_secs_f64() / ours.as_secs_f64(),
            our_round.as_secs_f64() * 1e6,
        );
    }
    Ok(())
}

async fn bare() -> Result<(Duration, Duration), Box<dyn Error>> {
    let mut router = RouterSocket::new();
    let endpoint = router.bind("tcp://127.0.0.1:0").await?.to_string();
    let mut dealer = DealerSocket::new();
    dealer.connect(&endpoint).await?;
    let start = now();
    let sending = async {
        let payload = Bytes::from_static(&[7; 64]);
        for _ in 0..MESSAGES {
            dealer.send(ZmqMessage::from(payload.clone())).await?;
            // As the other does when its queue is full.
            tokio::task::coop::consume_budget().await;
        }
        Ok::<_, Box<dyn Error>>(dealer)
    };
    let receiving = async {
        for _ in 0..MESSAGES {
            router.recv().await?;
        }
        Ok::<_, Box<dyn Error>>(router)
    };
    let (dealer, router) = tokio::join!(sending, receiving);
    let (mut dealer, mut router) = (dealer?, router?);
    let all = start.elapsed();
    let start = now();
    for _ in 0..ROUNDS {
        dealer.send(ZmqMessage::from(Bytes::from_static(&[7; 64]))).await?;
        let message = router.recv().await?;
        router.send(message).await?;
        dealer.recv().await?;
    }
    Ok((all, start.elapsed() / ROUNDS))
}

/// A bare dealer, and a router behind its gate.
async fn one_gate() -> Result<Duration, Box<dyn Error>> {
    let endpoint = "tcp://127.0.0.1:0".parse()?;
    let mut router = Router::bind(&endpoint, RouterOptions::default()).await?;
    let mut dealer = DealerSocket::new();
    dealer.connect(&router.endpoints().remove(0).to_string()).await?;
    let start = now();
    let sending = async {
        let payload = Bytes::from_static(&[7; 64]);
        for _ in 0..MESSAGES {
            dealer.send(ZmqMessage::from(payload.clone())).await?;
            tokio::task::coop::consume_budget().await;
        }
        Ok::<_, Box<dyn Error>>(dealer)
    };
    let receiving = async {
        for _ in 0..MESSAGES {
            router.recv().await;
        }
    };
    let (sent, ()) = tokio::join!(sending, receiving);
    sent?;
    Ok(start.elapsed())
}

async fn ours() -> Result<(Duration, Duration), Box<dyn Error>> {
    let endpoint = "tcp://127.0.0.1:0".parse()?;
    let mut router = Router::bind(&endpoint, RouterOptions::default()).await?;
    let high_water = HighWater { messages: 10_000, bytes: 1 << 20, ..HighWater::default() };
    let options = DealerOptions { high_water, ..DealerOptions::default() };
    let mut dealer = Dealer::connect(&router.endpoints().remove(0), options)?;
    let sender = dealer.sender();
    let start = now();
    let sending = async {
        let payload = Bytes::from_static(&[7; 64]);
        for _ in 0..MESSAGES {
            sender.send_msg(payload.clone()).await?;
            tokio::task::coop::consume_budget().await;
        }
        Ok::<_, Box<dyn Error>>(())
    };
    let receiving = async {
        for _ in 0..MESSAGES {
            router.recv().await;
        }
    };
    let (sent, ()) = tokio::join!(sending, receiving);
    sent?;
    let all = start.elapsed();
    let answer = router.sender();
    let start = now();
    for _ in 0..ROUNDS {
        dealer.send_msg(Bytes::from_static(&[7; 64])).await?;
        let (from, frames) = router.recv().await;
        answer.send_multipart(&from, frames).await?;
        dealer.recv().await;
    }
    Ok((all, start.elapsed() / ROUNDS))
}

#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn now() -> Instant {
    Instant::now()
}
