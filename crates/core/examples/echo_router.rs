//! A router that sends each message back to whoever sent it, for trying other libraries against.
//!
//! `cargo run -p hopline-core --example echo_router -- tcp://127.0.0.1:5555`

use hopline_core::{Cause, Endpoint, Limits, Router, RouterEvent, RouterOptions};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = std::env::args().nth(1).unwrap_or("tcp://127.0.0.1:5555".into());
    let endpoint: Endpoint = endpoint.parse()?;
    let seconds = std::env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(5);
    let limits = Limits { handshake: std::time::Duration::from_secs(seconds), ..Limits::default() };
    let options = RouterOptions { limits, ..RouterOptions::default() };
    let mut router = Router::bind(&endpoint, options).await?;
    report(&format!("listening on {}", router.endpoints()[0]));
    let sender = router.sender();
    loop {
        match router.recv_event().await {
            RouterEvent::Message(from, frames) => {
                if let Err(error) = sender.send_to(from, frames).await {
                    report(&format!("{from}: {error}"));
                }
            }
            RouterEvent::Attached(_) | RouterEvent::Detached { cause: Cause::Closed, .. } => {}
            RouterEvent::Detached { peer, cause, .. } => {
                report(&format!("{peer} ended: {cause}; {:?}", router.counts()));
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "an example talks to people")]
fn report(text: &str) {
    println!("{text}");
}
