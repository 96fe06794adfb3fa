//! Every message accepted from a client is delivered once, or its sender is told.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hopline_mesh::brain::{Impairment, ServiceConfig, Window};
use hopline_mesh::name::{ClientName, NodeName};
use hopline_mesh::route::Policy;
use hopline_testkit::simulation::{ClientId, Simulation, config, dials, for_each_seed, listens};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);
const NODES: [&str; 5] = ["a", "b", "c", "d", "e"];
const LINKS: [(&str, &str); 6] =
    [("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("e", "a"), ("b", "e")];
/// Everybody's name. Those with a dash are plain names, the others services.
const CLIENTS: [&str; 12] = [
    "client-0", "client-1", "client-2", "client-3", "client-4", "client-5", "client-6", "client-7",
    "near", "shared", "near", "shared",
];
/// Where services are offered.
const OFFERED: [&str; 3] = ["a", "c", "d"];

#[derive(Debug, Clone, Copy)]
struct Weather {
    cuts: bool,
    breaks: bool,
    kills: bool,
    moves: bool,
    stalls: bool,
    /// Nodes stop for seconds and go on, on links where large messages take long.
    freezes: bool,
    window: usize,
}

/// What the test knows of its clients.
struct Storm {
    mesh: Simulation,
    /// By name: the client as it is now, and where.
    now: Vec<(ClientId, &'static str)>,
    /// Everybody there ever was.
    ever: Vec<ClientId>,
    /// Clients that went, or whose node died: what they sent is nobody's affair.
    gone: BTreeSet<ClientId>,
    /// Who sent each message, and whether it was for a node, which takes it whatever becomes of
    /// its answer.
    sent: BTreeMap<u64, (ClientId, bool)>,
    cut: BTreeSet<(&'static str, &'static str)>,
}

fn storm(seed: u64, weather: Weather) -> Storm {
    let mut mesh = Simulation::new(seed);
    for name in NODES {
        let declared = LINKS.iter().filter_map(|&(from, to)| {
            let dialled = (from == name).then(|| dials(to, 10));
            dialled.or_else(|| (to == name).then(|| listens(from, 10)))
        });
        let mut config = config(name, declared);
        config.settings.window = Window { messages: weather.window, bytes: 1 << 20 };
        config.settings.queue = config.settings.window;
        config.settings.services = services();
        mesh.add(config);
    }
    mesh.start_all();
    assert!(mesh.run_until_quiet(LIMIT));
    let mut storm = Storm {
        mesh,
        now: Vec::new(),
        ever: Vec::new(),
        gone: BTreeSet::new(),
        sent: BTreeMap::new(),
        cut: BTreeSet::new(),
    };
    for n in 0..CLIENTS.len() {
        storm.come(n, if n < 8 { NODES[n % NODES.len()] } else { OFFERED[n / 2 - 4] });
    }
    assert!(storm.mesh.run_until_quiet(LIMIT));
    if weather.freezes {
        let slow = Impairment { bytes_per_second: Some(400_000), ..Impairment::default() };
        for (from, to) in LINKS.into_iter().flat_map(|(a, b)| [(a, b), (b, a)]) {
            storm.mesh.impair(from, to, slow);
        }
    }
    for _ in 0..150 {
        storm.blow(weather);
        let pause = storm.mesh.rng().u64(0..4_000);
        storm.mesh.run_for(Duration::from_micros(pause));
    }
    for (a, b) in std::mem::take(&mut storm.cut) {
        storm.mesh.heal(a, b);
    }
    if weather.stalls {
        // Every other client reads again in time.
        storm.mesh.run_for(Duration::from_secs(5));
        for (client, _) in storm.now.iter().step_by(2) {
            storm.mesh.stall(*client, false);
        }
    }
    assert!(storm.mesh.run_until_quiet(LIMIT));
    assert!(storm.mesh.converged());
    if !weather.kills {
        storm.mesh.assert_ledger_is_even();
    }
    storm
}

fn services() -> BTreeMap<ClientName, ServiceConfig> {
    let at = OFFERED.map(|node| NodeName::parse(node).unwrap());
    let service = |name: &str, policy| {
        let name = ClientName::from_identity(name.as_bytes());
        (name, ServiceConfig { at: at.clone().into(), policy })
    };
    [service("near", Policy::Closest), service("shared", Policy::Balanced)].into()
}

impl Storm {
    fn come(&mut self, n: usize, node: &'static str) {
        let client = self.mesh.attach(node, Some(CLIENTS[n].as_bytes()));
        self.ever.push(client);
        if n < self.now.len() {
            self.now[n] = (client, node);
        } else {
            self.now.push((client, node));
        }
    }

    fn blow(&mut self, weather: Weather) {
        let (a, b) = LINKS[self.mesh.rng().usize(0..LINKS.len())];
        let node = NODES[self.mesh.rng().usize(0..NODES.len())];
        let n = self.mesh.rng().usize(0..CLIENTS.len());
        let (client, at) = self.now[n];
        match self.mesh.rng().u8(0..20) {
            0 if weather.cuts && self.cut.insert((a, b)) => self.mesh.cut(a, b),
            1 | 2 if weather.cuts && self.cut.remove(&(a, b)) => self.mesh.heal(a, b),
            3 if weather.breaks => self.mesh.break_link(a, b),
            4 if weather.kills => {
                self.mesh.kill(node);
                for (client, at) in self.now.clone() {
                    if at == node {
                        self.gone.insert(client);
                    }
                }
                // A cut is the node's own affair and ends with it.
                for (a, b) in self.cut.clone() {
                    if a == node || b == node {
                        self.cut.remove(&(a, b));
                        self.mesh.start_all();
                        self.mesh.heal(a, b);
                    }
                }
                self.mesh.start_all();
                for n in 0..CLIENTS.len() {
                    if self.now[n].1 == node {
                        self.come(n, node);
                    }
                }
            }
            5 if weather.moves => {
                self.mesh.detach(client);
                self.gone.insert(client);
                self.come(n, node);
            }
            6 if weather.stalls => self.mesh.stall(client, true),
            7 | 8 => self.mesh.stall(client, false),
            9 if weather.freezes => {
                self.mesh.freeze(node);
                let long = self.mesh.rng().u64(0..12_000);
                self.mesh.run_for(Duration::from_millis(long));
                self.mesh.thaw(node);
            }
            _ => {
                let burst = self.mesh.rng().usize(1..12);
                for _ in 0..burst {
                    let number = self.sent.len() as u64;
                    let to = match self.mesh.rng().u8(0..12) {
                        0 => "nobody".to_owned(),
                        1 => format!("client-0@{at}"),
                        2 => node.to_owned(),
                        _ => CLIENTS[self.mesh.rng().usize(0..CLIENTS.len())].to_owned(),
                    };
                    let large = weather.freezes && self.mesh.rng().u8(0..20) == 0;
                    let pad = "x".repeat(if large { 60_000 } else { 0 });
                    let message = json!({"destination": &to, "number": number, "pad": pad});
                    let text = message.to_string();
                    if self.mesh.send_text(client, text) {
                        let for_node = NODES.contains(&to.as_str());
                        self.sent.insert(number, (client, for_node));
                    }
                }
            }
        }
    }

    /// How often each message was handed over, and how often its sender was told of it.
    fn fates(&mut self) -> (BTreeMap<u64, usize>, BTreeMap<u64, usize>) {
        let (mut delivered, mut told) = (BTreeMap::new(), BTreeMap::new());
        let mut note = |message: &Value| {
            if message["type"] == "routing_error" {
                if let Some(number) = message["original_message"]["number"].as_u64() {
                    *told.entry(number).or_default() += 1;
                }
            } else if let Some(number) = message["number"].as_u64() {
                *delivered.entry(number).or_default() += 1;
            }
        };
        for client in self.ever.clone() {
            for frames in self.mesh.handed(client) {
                note(&serde_json::from_slice(&frames[0]).unwrap());
            }
            // Errors about what never got on its way come beside the routed messages.
            for message in self.mesh.take_json(client) {
                let has_no_name = ["name in use", "not offered here"]
                    .iter()
                    .any(|why| message["message"] == *why);
                if message["type"] == "routing_error" && has_no_name {
                    note(&message);
                }
            }
        }
        (delivered, told)
    }

    /// How many messages ended under a reason that nobody was told.
    fn errors_lost(&self) -> u64 {
        let lost = |name| self.mesh.count(name, "dropped") + self.mesh.count(name, "untold");
        NODES.into_iter().map(lost).sum()
    }
}

fn nothing_vanishes(seeds: u64, weather: Weather) {
    let Weather { cuts, breaks, kills, moves, stalls, freezes, window } = weather;
    let is_calm = !(cuts || breaks || kills || moves || stalls || freezes) && window >= 1000;
    for_each_seed(seeds, |seed| {
        let mut storm = storm(seed, weather);
        let lost = storm.errors_lost();
        let (delivered, told) = storm.fates();
        assert!(!is_calm || lost == 0, "{lost} were not told");
        let twice: Vec<_> = delivered.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "delivered twice: {twice:?}");
        let vanished = storm.sent.iter().filter(|(number, (sender, for_node))| {
            !for_node
                && !storm.gone.contains(sender)
                && storm.mesh.is_connected(*sender)
                && !delivered.contains_key(number)
                && !told.contains_key(number)
        });
        let vanished: Vec<_> = vanished.map(|(number, _)| number).collect();
        assert!(
            vanished.is_empty(),
            "{} of {} vanished, {lost} errors were counted as lost: {vanished:?}",
            vanished.len(),
            storm.sent.len(),
        );
        assert!(delivered.len() > storm.sent.len() / 10, "some arrive");
    });
}

const CALM: Weather = Weather {
    cuts: false,
    breaks: false,
    kills: false,
    moves: false,
    stalls: false,
    freezes: false,
    window: 1000,
};

const FOUL: Weather = Weather {
    cuts: true,
    breaks: true,
    kills: true,
    moves: true,
    stalls: true,
    freezes: false,
    window: 8,
};

#[test]
fn in_calm_weather_every_sender_knows() {
    nothing_vanishes(10, CALM);
}

#[test]
fn while_clients_do_not_read() {
    nothing_vanishes(20, Weather { stalls: true, ..CALM });
}

#[test]
fn with_narrow_windows() {
    nothing_vanishes(12, Weather { window: 2, ..CALM });
}

#[test]
fn while_clients_move() {
    nothing_vanishes(30, Weather { moves: true, window: 20, ..CALM });
}

#[test]
fn while_links_are_cut_and_healed() {
    nothing_vanishes(30, Weather { cuts: true, stalls: true, window: 50, ..CALM });
}

#[test]
fn while_links_break() {
    let weather =
        Weather { cuts: true, breaks: true, moves: true, stalls: true, window: 20, ..CALM };
    nothing_vanishes(15, weather);
}

#[test]
fn while_nodes_stop_and_go_on() {
    nothing_vanishes(30, Weather { freezes: true, ..CALM });
}

#[test]
fn nothing_is_delivered_twice_while_nodes_die() {
    for_each_seed(20, |seed| {
        let mut storm = storm(seed, FOUL);
        let (delivered, _) = storm.fates();
        let twice: Vec<_> = delivered.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "delivered twice: {twice:?}");
    });
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let storm = storm(seed, FOUL);
        let events = NODES.map(|node| format!("{:?}", storm.mesh.events(node)));
        let handed = storm.ever.iter().map(|client| storm.mesh.handed(*client).to_vec());
        (events, handed.collect::<Vec<_>>(), storm.mesh.elapsed())
    };
    for seed in 0..3 {
        assert!(run(seed) == run(seed), "seed {seed}");
    }
}
