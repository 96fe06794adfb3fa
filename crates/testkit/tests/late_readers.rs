//! A client that reads late, over a real socket, is told everything, and in order.

use hopline_core::{Dealer, DealerEvent, DealerOptions, HighWater, Identity};
use hopline_testkit::{Mesh, PATIENCE};
use serde_json::{Value, json};
use tokio::time::timeout;

const COUNT: u64 = 20_000;

/// Its queue takes little of what it is to be told.
const ALONE: &str = r#"
[mesh]
name = "alone"

[nodes.east]
limits = { queue_messages = 500 }
"#;

#[tokio::test]
async fn who_reads_late_is_told_in_the_order_in_which_it_asked() {
    let mesh =
        Mesh::over_tcp(hopline_topo::parse("alone.toml", ALONE).unwrap().topology).await.unwrap();
    let options = DealerOptions {
        identity: Some(Identity::new("alice").unwrap()),
        high_water: HighWater { messages: 100_000, bytes: 64 << 20, ..HighWater::default() },
        ..DealerOptions::default()
    };
    let mut alice = Dealer::connect(&mesh.endpoint("east").unwrap(), options).unwrap();
    assert_eq!(timeout(PATIENCE, alice.recv_event()).await.unwrap(), DealerEvent::Up);
    let padding = "x".repeat(500);
    for number in 0..COUNT {
        // What is no message is answered at once, what is one comes back as messages do.
        let to = if number % 3 == 0 { "" } else { "nobody" };
        let message = json!({"destination": to, "number": number, "padding": padding});
        alice.sender().send_msg(message.to_string()).await.unwrap();
    }
    mesh.until(|nodes| nodes.values().any(|east| east.waiting > 0)).await.unwrap();
    for number in 0..COUNT {
        let event = timeout(PATIENCE, alice.recv_event()).await.unwrap();
        let DealerEvent::Message(frames) = event else { panic!("{event:?}") };
        let error: Value = serde_json::from_slice(&frames[0]).unwrap();
        assert_eq!(error["original_message"]["number"], number);
    }
    alice.shutdown().await;
    mesh.shutdown().await;
}
