//! How long messages go nowhere when a link dies, and how long until all nodes know.
//!
//! The diamond of `topologies/diamond.toml` over TCP in this process, a message each millisecond: its better way is
//! broken by RST in the middle of a frame, or passes nothing any more, and the clock runs until the first message
//! arrives that came the other way. And a ring of 50 nodes with chords, each a process: a link is cut, and the clock
//! runs until all nodes say the same.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use hopline::mesh::brain::Event;
use hopline::mesh::client::{Client, Incoming};
use hopline::testkit::{Mesh, PATIENCE};
use tokio::sync::broadcast;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often each link is reset, and how often it falls silent.
const RESETS: usize = 100;
const SILENCES: usize = 100;
/// How long a link lives between two kills. One that lives for less is dialled again later each time.
const LIFE: Duration = Duration::from_millis(1_100);
/// The nodes that are processes, and how often one of their links is cut.
const PROCESSES: usize = 50;
const CUTS: usize = 100;

/// The links of the better way, at the sender's node and behind it.
const BETTER: [(&str, &str); 2] = [("left", "top"), ("bottom", "left")];

#[tokio::main(worker_threads = 2)]
async fn main() {
    println!("{:<56} {:>6} {:>9} {:>9} {:>9}", "from", "trials", "p50", "p99", "most");
    let mut diamond = Diamond::start().await;
    for (link, place) in BETTER.iter().zip(["the sender's node", "the next node"]) {
        for (trials, way, kill) in
            [(RESETS, "RST", Kill::Reset), (SILENCES, "silence", Kill::Silence)]
        {
            let mut times = Vec::with_capacity(trials);
            for _ in 0..trials {
                times.push(diamond.trial(*link, kill).await);
            }
            print(&format!("{way} of a link at {place} to a message"), times);
        }
    }
    diamond.mesh.shutdown().await;
    let times = processes().await;
    print(&format!("a cut among {PROCESSES} processes to agreement"), times);
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share).div_ceil(100) - 1].as_secs_f64() * 1e3;
    let [half, most, worst] = [50, 99, 100].map(at);
    println!("{what:<56} {:>6} {half:>6.1} ms {most:>6.1} ms {worst:>6.1} ms", times.len());
}

#[derive(Debug, Clone, Copy)]
enum Kill {
    Reset,
    Silence,
}

struct Diamond {
    mesh: Mesh,
    tom: Client,
    bert: Client,
}

impl Diamond {
    async fn start() -> Self {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/topologies/diamond.toml");
        let topology = hopline::topo::load(file.as_ref()).expect("a topology").topology;
        let mesh = Mesh::over_tcp(topology).await.expect("a mesh");
        let tom = mesh.client("tom").await.expect("tom");
        let bert = mesh.client("bert").await.expect("bert");
        Self { mesh, tom, bert }
    }

    /// Kills a link of the better way, and gives the time to the first message that comes the other one.
    async fn trial(&mut self, (one, other): (&str, &str), kill: Kill) -> Duration {
        self.mesh.converged().await.expect("converged");
        let up = now();
        while up.elapsed() < LIFE {
            self.send_until("left").await;
        }
        let mut events = self.mesh.node(one).expect("a node").events();
        let link = format!("{one}--{other}");
        let killed = now();
        match kill {
            // Traffic goes on meanwhile: the reset falls into a message.
            Kill::Reset => {
                self.tom.send("bert", "the last").await.expect("sent");
                self.mesh.reset(&link).await.expect("a link");
            }
            Kill::Silence => self.mesh.black_hole(&link).expect("a link"),
        }
        self.send_until("right").await;
        let took = killed.elapsed();
        down(&mut events, other).await;
        self.mesh.heal(&link).await.expect("a link");
        took
    }

    /// Sends a message each millisecond until one has come over this node.
    async fn send_until(&mut self, relay: &str) {
        let mut tick = interval(Duration::from_millis(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = tick.tick() => {
                    self.tom.send("bert", &[7; 64][..]).await.expect("sent");
                }
                incoming = self.bert.recv() => {
                    let message = incoming.expect("running").message().expect("a message");
                    if message.nodes()[1] == relay {
                        return;
                    }
                }
                // What the mesh gives back is not asked for again here.
                incoming = self.tom.recv() => match incoming.expect("running") {
                    Incoming::Failed(_) => {}
                    other => panic!("{other:?}"),
                },
            }
        }
    }
}

/// Waits until a node says that its link to a neighbour is down: whoever comes late to that comes early to the next.
async fn down(events: &mut broadcast::Receiver<Event>, neighbour: &str) {
    let told = timeout(PATIENCE, async {
        loop {
            let event = events.recv().await.expect("running");
            if matches!(event, Event::LinkDown(it) if it.as_str() == neighbour) {
                return;
            }
        }
    });
    told.await.expect("the link is down");
}

/// Cuts links of a ring of processes with chords, one at a time, and gives the times until all nodes agree.
async fn processes() -> Vec<Duration> {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("ring.toml");
    let mut text = "[mesh]\nname = 'ring'\n".to_owned();
    for node in 0..PROCESSES {
        let _ = writeln!(text, "[nodes.n{node}]\nbind = 'auto'");
    }
    let links: Vec<_> =
        (0..PROCESSES).flat_map(|node| [(node, node + 1), (node, node + 7)]).collect();
    for (from, to) in &links {
        let _ = writeln!(text, "[[links]]\nends = ['n{from}', 'n{}']", to % PROCESSES);
    }
    std::fs::write(&file, text).expect("a file");
    let mesh = Mesh::processes(&file, env!("CARGO_BIN_EXE_hopline")).await.expect("a mesh");
    let watch = mesh.client_at("watch", "n0").await.expect("a client");
    watch.converged(PATIENCE).await.expect("converged");
    let mut times = Vec::with_capacity(CUTS);
    for trial in 0..CUTS {
        let (from, to) = links[trial * links.len() / CUTS];
        let link = format!("n{from}--n{}", to % PROCESSES);
        let cut = now();
        mesh.cut(&link).await.expect("a link");
        watch.converged(PATIENCE).await.expect("converged");
        times.push(cut.elapsed());
        mesh.heal(&link).await.expect("a link");
        mesh.converged().await.expect("converged");
    }
    watch.shutdown().await;
    mesh.shutdown().await;
    times
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}
