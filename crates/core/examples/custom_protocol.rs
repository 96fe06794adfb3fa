//! A protocol of one's own: two frames, a JSON header and a payload, which is a zlib stream where the
//! header says `compressed`; a session lasts from HELLO to BYE. Nodes of a mesh speak it too. `cargo
//! run -p hopline-core --example custom_protocol` shows it; with `-- ENDPOINT` behind it, it serves.
use std::{collections::BTreeMap, io::Read, io::Write, time::UNIX_EPOCH};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use hopline_core::{Dealer, Endpoint, Frames, Peer, PeerId, Router, RouterEvent};
use serde_json::{Map, Value, json};

const INFLATED: u64 = 16 << 20;
/// Each peer, and how many texts it has sent in its session, if it has one.
type Peers = BTreeMap<PeerId, (Peer, Option<u64>)>;
type Answer = Result<(&'static str, Value), String>;

async fn serve(mut router: Router) {
    let mut peers = Peers::new();
    loop {
        match router.recv_event().await {
            RouterEvent::Attached(peer) => drop(peers.insert(peer.id, (peer, None))),
            RouterEvent::Message(from, frames) => {
                let mut id = None;
                let said = answer(&mut peers, from, &frames, &mut id);
                let (kind, said) = said.unwrap_or_else(|why| ("ERROR", json!({"error": why})));
                // What a slow reader has no room for is not sent: nobody else waits for that one.
                let _ = router.sender().try_send_to(from, write(kind, id, &said.to_string())).await;
            }
            RouterEvent::Detached { peer, .. } => drop(peers.remove(&peer)),
        }
    }
}

fn answer(peers: &mut Peers, from: PeerId, frames: &Frames, id: &mut Option<Value>) -> Answer {
    let (kind, payload) = read(frames, id)?;
    let client_count = peers.values().filter(|(_, session)| session.is_some()).count();
    let (peer, session) = peers.get_mut(&from).ok_or("Not connected")?;
    let at = UNIX_EPOCH.elapsed().map_or(0.0, |since| since.as_secs_f64());
    Ok(match kind.as_str() {
        "HELLO" => {
            let hello = serde_json::from_slice::<Map<String, Value>>(&payload);
            hello.map_err(|error| format!("Hello processing error: {error}"))?;
            *session = Some(0);
            let id = peer.identity.as_ref().map_or(from.to_string(), |said| said.to_string());
            ("WELCOME", json!({"status": "welcome", "server_time": at, "session_id": id}))
        }
        "DATA" => {
            let count = session.as_mut().ok_or("Not authenticated")?;
            let text = String::from_utf8(payload).map_err(|it| format!("Protocol error: {it}"))?;
            *count += 1;
            let echo: String = text.chars().take(100).collect();
            (
                "DATA_ACK",
                json!({"original_size": text.len(), "processed_at": at,
                "message_number": count, "echo": echo}),
            )
        }
        "PING" => ("PONG", json!({"server_time": at, "client_count": client_count})),
        "BYE" => {
            *session = None;
            ("BYE_ACK", json!({"status": "goodbye"}))
        }
        kind => return Err(format!("Unknown message type: {kind}")),
    })
}

/// A message's type and its payload, inflated up to a limit; and its `id` as soon as that is known.
fn read(frames: &Frames, id: &mut Option<Value>) -> Result<(String, Vec<u8>), String> {
    let [header, payload, ..] = &frames[..] else { return Err("Invalid message format".into()) };
    let header = serde_json::from_slice::<Map<String, Value>>(header)
        .map_err(|error| format!("Protocol error: {error}"))?;
    *id = header.get("id").cloned();
    let version = header.get("version").filter(|version| *version == "1.0");
    version.ok_or("Unsupported protocol version")?;
    let mut text = payload.to_vec();
    if header.get("compressed") == Some(&json!(true)) {
        text.clear();
        let mut stream = ZlibDecoder::new(&payload[..]).take(INFLATED + 1);
        let read = stream.read_to_end(&mut text);
        let length = read.map_err(|error| format!("Protocol error: {error}"))? as u64;
        (length <= INFLATED).then_some(()).ok_or("Protocol error: the payload is too large")?;
    }
    let kind = header.get("type").filter(|kind| !kind.is_null());
    let kind = kind.map(|kind| kind.as_str().map_or_else(|| kind.to_string(), str::to_owned));
    Ok((kind.unwrap_or("None".into()), text))
}

/// A message's two frames; `reply_to` is the id of the message that it answers.
fn write(kind: &str, reply_to: Option<Value>, payload: &str) -> Frames {
    let compressed = payload.len() > 1024;
    let at = UNIX_EPOCH.elapsed().map_or(0.0, |since| since.as_secs_f64());
    let mut header = json!({"version": "1.0", "type": kind, "id": at.to_string(), "timestamp": at,
        "compressed": compressed});
    if let Some(id) = reply_to {
        header["reply_to"] = id;
    }
    let mut stream = ZlibEncoder::new(Vec::new(), Compression::default());
    let packed = stream.write_all(payload.as_bytes()).and_then(|()| stream.finish());
    let packed = packed.ok().filter(|_| compressed).unwrap_or_else(|| payload.into());
    vec![header.to_string().into(), packed.into()]
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example talks to people")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let endpoint = std::env::args().nth(1);
    let port: Endpoint = endpoint.as_deref().unwrap_or("mem://custom").parse()?;
    let router = Router::bind(&port, Default::default()).await?;
    println!("listening on {}", router.endpoints()[0]);
    let client = async {
        let mut dealer = Dealer::connect(&port, Default::default())?;
        let long = "so on ".repeat(1000);
        for (kind, text) in [("HELLO", "{}"), ("DATA", "hi"), ("DATA", &long), ("?", "")] {
            dealer.send_multipart(write(kind, None, text)).await?;
            let (reply, payload) = read(&dealer.recv().await, &mut None)?;
            println!("{kind} -> {reply} {}", String::from_utf8_lossy(&payload));
        }
        Ok(())
    };
    tokio::select! { () = serve(router) => Ok(()), done = client, if endpoint.is_none() => done }
}
