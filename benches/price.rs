//! What the gate costs: the same relays with it (`hopline-core`) and without it (bare `zeromq`),
//! measured in turn in one run.
//!
//! `alice -> 1 or 3 relays -> bob` over TCP on loopback, all in this process. The ends are the same bare
//! DEALERs either way. A relay is a ROUTER that hands on what it hears: the last one to bob, each other by
//! a DEALER to the next ROUTER. A pass is one message through one gate: each relay has one for what comes
//! in and one for what goes out, so there are 2 on the way over 1 relay and 6 over 3.
//!
//! Then the memory and descriptors of a process whose one ROUTER has 5,000 clients, themselves in another
//! process. Quote the ratios: the absolute figures are this machine's on that day.
//!
//! `cargo bench --bench price -- "64 B"` takes only the rows that have these words in their name.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hopline_core::{Dealer, DealerOptions, Endpoint, Identity, Router, RouterOptions};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::timeout;
use zeromq::{DealerSocket, RouterSocket, Socket, SocketOptions, SocketRecv, SocketSend};

/// What is sent: its bytes, how often in one measurement, and how many are on their way at a time.
type Load = (&'static str, usize, usize, usize);
const LOADS: [Load; 3] =
    [("64 B", 64, 60_000, 500), ("1 KiB", 1024, 40_000, 500), ("64 KiB", 64 * 1024, 6_000, 16)];
/// Round trips in one measurement.
const TRIPS: usize = 1_500;
/// Measurements of each, taken in turn. The medians count, also of the ratios of each round.
const ROUNDS: usize = 9;
/// Longer takes no measurement.
const PATIENCE: Duration = Duration::from_secs(60);
/// Clients of one ROUTER.
const CROWD: usize = 5_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Gate {
    With,
    Without,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["as-clients", address] => clients(address.parse().expect("an address")),
        ["as-router", "with"] => runtime().block_on(crowd(Gate::With)),
        ["as-router", _] => runtime().block_on(crowd(Gate::Without)),
        _ => {
            let wanted = words.join(" ");
            // As a task, so that the ends share the workers with the relays.
            let mut measuring = JoinSet::new();
            runtime().block_on(async {
                measuring.spawn(chains(wanted.clone()));
                measuring.join_next().await.expect("a task").expect("figures");
            });
            if "clients".contains(&wanted) {
                crowds();
            }
        }
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// What one chain was measured to do, a figure for each round.
#[derive(Default)]
struct Figures {
    /// Messages a second.
    rate: Vec<f64>,
    /// Processor seconds for one message there.
    cpu: Vec<f64>,
    /// Seconds for one message there and one back.
    trip: Vec<f64>,
}

impl Figures {
    async fn take(&mut self, chain: &mut Chain, (_, size, messages, window): Load) {
        let payload = Bytes::from(vec![7; size]);
        let (start, cpu) = (now(), cpu_time());
        let mut sent = 0;
        for received in 0..messages {
            while sent < messages && sent - received < window {
                chain.alice.send(payload.clone().into()).await.expect("sent");
                sent += 1;
            }
            chain.bob.recv().await.expect("a message");
        }
        self.rate.push(messages as f64 / start.elapsed().as_secs_f64());
        self.cpu.push((cpu_time() - cpu).as_secs_f64() / messages as f64);
        let start = now();
        for _ in 0..TRIPS {
            chain.alice.send(payload.clone().into()).await.expect("sent");
            let message = chain.bob.recv().await.expect("a message");
            chain.bob.send(message).await.expect("sent");
            chain.alice.recv().await.expect("a message");
        }
        self.trip.push(start.elapsed().as_secs_f64() / TRIPS as f64);
    }
}

fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Messages over relays. The last two columns are what a pass adds: processor time when many are on their
/// way, and time when there is one.
async fn chains(wanted: String) {
    println!("medians of {ROUNDS} rounds in turn; without / with the gate, and their ratio");
    println!(
        "{:<15}{:>26}{:>26}{:>26}{:>9} {:>8} {:>6}",
        "", "messages/s", "processor us a message", "round trip us", "passes", "cpu us", "rt us"
    );
    for hops in [1, 3] {
        for load in LOADS {
            let name = format!("{hops} hop{}, {}", if hops == 1 { "" } else { "s" }, load.0);
            if !name.contains(&wanted) {
                continue;
            }
            let mut without = Chain::start(Gate::Without, hops).await;
            let mut with = Chain::start(Gate::With, hops).await;
            let (mut bare, mut gated) = (Figures::default(), Figures::default());
            for _ in 0..ROUNDS {
                for (figures, chain) in [(&mut bare, &mut without), (&mut gated, &mut with)] {
                    let taken = timeout(PATIENCE, figures.take(chain, load)).await;
                    taken.expect("no message is lost");
                }
            }
            let passes = 2 * hops;
            let added = |with: &[f64], without: &[f64], passes: usize| {
                (median(with.to_vec()) - median(without.to_vec())) * 1e6 / passes as f64
            };
            println!(
                "{name:<15}{}{}{} {passes:>8} {:>8.2} {:>6.1}",
                compared(&bare.rate, &gated.rate, 1.0, 0),
                compared(&bare.cpu, &gated.cpu, 1e6, 2),
                compared(&bare.trip, &gated.trip, 1e6, 0),
                added(&gated.cpu, &bare.cpu, passes),
                added(&gated.trip, &bare.trip, 2 * passes),
            );
        }
    }
}

fn compared(without: &[f64], with: &[f64], scale: f64, digits: usize) -> String {
    let [bare, gated] = [without, with].map(|figures| median(figures.to_vec()) * scale);
    let ratio = median(with.iter().zip(without).map(|(with, without)| with / without));
    format!("{bare:>10.digits$} {gated:>8.digits$} {ratio:>7.2}")
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// What all threads of this process have used.
fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), used.tv_nsec.unsigned_abs() as u32)
}

/// Relays in a row with a bare DEALER at each end.
struct Chain {
    alice: DealerSocket,
    bob: DealerSocket,
    _relays: JoinSet<()>,
}

impl Chain {
    async fn start(gate: Gate, hops: usize) -> Self {
        let mut relays = JoinSet::new();
        let left = |hop| if hop == 0 { "alice" } else { "relay" };
        let mut endpoint = match gate {
            Gate::With => last_with(&mut relays, left(hops - 1)).await,
            Gate::Without => last_without(&mut relays, left(hops - 1)).await,
        };
        let mut bob = dealer("bob", &endpoint).await;
        for hop in (0..hops - 1).rev() {
            endpoint = match gate {
                Gate::With => inner_with(&mut relays, left(hop), &endpoint).await,
                Gate::Without => inner_without(&mut relays, left(hop), &endpoint).await,
            };
        }
        let mut alice = dealer("alice", &endpoint).await;
        settle(&mut alice, &mut bob).await;
        settle(&mut bob, &mut alice).await;
        Self { alice, bob, _relays: relays }
    }
}

async fn dealer(identity: &str, endpoint: &str) -> DealerSocket {
    let mut options = SocketOptions::default();
    options.peer_identity(identity.parse().expect("an identity"));
    let mut dealer = DealerSocket::with_options(options);
    dealer.connect(endpoint).await.expect("connected");
    dealer
}

/// Until everybody is known everywhere, messages are lost; afterwards none is on its way.
async fn settle(from: &mut DealerSocket, to: &mut DealerSocket) {
    let patience = Duration::from_millis(20);
    from.send("first".into()).await.expect("sent");
    while timeout(patience, to.recv()).await.is_err() {
        from.send("first".into()).await.expect("sent");
    }
    from.send("last".into()).await.expect("sent");
    while to.recv().await.expect("a message").get(0).is_some_and(|frame| frame != "last") {}
}

/// What comes from bob goes to the left, everything else to bob.
async fn last_without(relays: &mut JoinSet<()>, left: &'static str) -> String {
    let mut router = RouterSocket::new();
    let endpoint = router.bind("tcp://127.0.0.1:0").await.expect("bound").to_string();
    let (mut out, mut inbound) = router.split();
    relays.spawn(async move {
        while let Ok(mut message) = inbound.recv().await {
            let from_bob = message.get(0).is_some_and(|from| from.as_ref() == b"bob");
            let to = if from_bob { left } else { "bob" };
            let mut onwards = message.split_off(1);
            onwards.push_front(to.into());
            let _ = out.send(onwards).await;
        }
    });
    endpoint
}

async fn last_with(relays: &mut JoinSet<()>, left: &'static str) -> String {
    let (mut router, endpoint) = router(RouterOptions::default()).await;
    let (bob, left) = (identity("bob"), identity(left));
    let out = router.sender();
    relays.spawn(async move {
        loop {
            let (from, frames) = router.recv().await;
            let to = if from == bob { &left } else { &bob };
            let _ = out.send_multipart(to, frames).await;
        }
    });
    endpoint
}

/// Hands on between what is to the left and the next relay.
async fn inner_without(relays: &mut JoinSet<()>, left: &'static str, next: &str) -> String {
    let mut router = RouterSocket::new();
    let endpoint = router.bind("tcp://127.0.0.1:0").await.expect("bound").to_string();
    let (mut back, mut inbound) = router.split();
    let (mut onwards, mut from_next) = dealer("relay", next).await.split();
    relays.spawn(async move {
        while let Ok(mut message) = inbound.recv().await {
            let _ = onwards.send(message.split_off(1)).await;
        }
    });
    relays.spawn(async move {
        while let Ok(mut message) = from_next.recv().await {
            message.push_front(left.into());
            let _ = back.send(message).await;
        }
    });
    endpoint
}

async fn inner_with(relays: &mut JoinSet<()>, left: &'static str, next: &str) -> String {
    let (mut router, endpoint) = router(RouterOptions::default()).await;
    let options = DealerOptions { identity: Some(identity("relay")), ..DealerOptions::default() };
    let mut dealer = Dealer::connect(&next.parse().expect("an endpoint"), options).expect("dials");
    let (back, onwards, left) = (router.sender(), dealer.sender(), identity(left));
    relays.spawn(async move {
        loop {
            let (_, frames) = router.recv().await;
            let _ = onwards.send_multipart(frames).await;
        }
    });
    relays.spawn(async move {
        loop {
            let frames = dealer.recv().await;
            let _ = back.send_multipart(&left, frames).await;
        }
    });
    endpoint
}

async fn router(options: RouterOptions) -> (Router, String) {
    let any: Endpoint = "tcp://127.0.0.1:0".parse().expect("an endpoint");
    let router = Router::bind(&any, options).await.expect("bound");
    let endpoint = router.endpoints().remove(0).to_string();
    (router, endpoint)
}

fn identity(name: &str) -> Identity {
    Identity::new(name.to_owned()).expect("an identity")
}

/// Memory and descriptors with many clients, each ROUTER in a process of its own.
fn crowds() {
    println!();
    println!("one ROUTER and its {CROWD} clients, each of which has said one message of 64 B");
    for gate in ["without", "with"] {
        let mut router = again(&["as-router", gate]);
        let mut figures = String::new();
        router.stdout.take().expect("piped").read_to_string(&mut figures).expect("figures");
        assert!(router.wait().expect("ended").success(), "the ROUTER failed");
        println!("{gate:<8} the gate: {}", figures.trim_end());
    }
}

/// This program once more, as somebody else.
fn again(words: &[&str]) -> Child {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().expect("started")
}

/// A ROUTER that hears one message of each client; says what that took.
async fn crowd(gate: Gate) {
    let wanted = (3 * CROWD + 100) as u64;
    let limit = getrlimit(Resource::Nofile);
    let soft = limit.maximum.map_or(wanted, |hard| hard.min(wanted));
    setrlimit(Resource::Nofile, Rlimit { current: Some(soft), ..limit }).expect("raised");
    match gate {
        Gate::With => {
            let options = RouterOptions::default();
            assert!(options.limits.connections >= CROWD, "all of them may come");
            let (mut router, endpoint) = router(options).await;
            count(&endpoint, async || drop(router.recv().await)).await;
            assert!(router.counts().refused.is_empty(), "{:?}", router.counts());
        }
        Gate::Without => {
            let mut router = RouterSocket::new();
            let endpoint = router.bind("tcp://127.0.0.1:0").await.expect("bound");
            let hear = async || drop(router.recv().await.expect("a message"));
            count(&endpoint.to_string(), hear).await;
        }
    }
}

async fn count(endpoint: &str, mut hear: impl AsyncFnMut()) {
    let address = endpoint.strip_prefix("tcp://").expect("a TCP endpoint");
    let (memory, descriptors) = (resident(), open_files());
    let (mut clients, start) = (again(&["as-clients", address]), now());
    for _ in 0..CROWD {
        hear().await;
    }
    let elapsed = start.elapsed();
    println!(
        "{:.1} KiB and {:.2} descriptors a client; {:.1} MiB in all; attached in {:.1} s",
        (resident() - memory) as f64 / 1024.0 / CROWD as f64,
        (open_files() - descriptors) as f64 / CROWD as f64,
        resident() as f64 / 1024.0 / 1024.0,
        elapsed.as_secs_f64()
    );
    drop(clients.stdin.take());
    assert!(clients.wait().expect("ended").success(), "the clients failed");
}

/// Many raw clients, until nobody holds the other end of standard input any more.
fn clients(address: SocketAddr) {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("raised");
    let clients: Vec<TcpStream> = (0..CROWD).map(|_| client(address)).collect();
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the end");
    drop(clients);
}

/// A DEALER without an identity that has said one message.
fn client(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("connected");
    let mut said = [0; 64].to_vec();
    said[..16].copy_from_slice(b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL");
    said.extend(b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER");
    stream.write_all(&said).expect("said");
    let mut head = [0; 66];
    stream.read_exact(&mut head).expect("a greeting and the head of READY");
    let mut ready = vec![0; usize::from(head[65])];
    stream.read_exact(&mut ready).expect("READY");
    stream.write_all(&[&[0, 64][..], &[7; 64]].concat()).expect("said");
    stream
}

/// Bytes of memory that this process has in use.
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").expect("of Linux");
    let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a number") * rustix::param::page_size()
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").expect("of Linux").count()
}
