//! Messages to several, some of whom are at a node that has gone: the others' word is not held up by it.
#![expect(clippy::unwrap_used, reason = "the values in these tests are there")]

use std::time::Duration;

use bytes::Bytes;
use hopline_mesh::wire::control::Request;
use hopline_mesh::wire::{Class, Kind, MessageId, Prefix, Tail};
use hopline_testkit::simulation::{ClientId, Faults, Simulation, for_each_seed};

/// How long a link may be silent, and how long a node is waited for that no way leads to.
const SILENCE: Duration = Duration::from_secs(1);
/// How long news, tables and answers may take.
const SLACK: Duration = Duration::from_millis(250);
const CLASSES: [Class; 2] = [Class::AtMostOnce, Class::Confirmed];

/// How a node goes.
#[derive(Debug, Clone, Copy)]
enum Going {
    Killed,
    Silent,
    Parted,
    /// It says good-bye.
    Leaves,
}

/// a, and around it b and c, with a member at each of these.
struct Star {
    mesh: Simulation,
    alice: ClientId,
    members: [ClientId; 2],
}

impl Star {
    fn new(seed: u64) -> Self {
        let mut mesh = Simulation::of(seed, &[("a", "b", 10), ("c", "a", 10), ("b", "c", 10)]);
        mesh.set_faults(Faults::FAR);
        mesh.start_all();
        quiet(&mut mesh);
        let alice = mesh.attach_native("a", Some("alice"));
        let members = ["b", "c"].map(|node| {
            let member = mesh.attach_native(node, Some(&format!("{node}1")));
            let prefix = Prefix { destination: node, ..Prefix::new(Kind::Control) };
            let request = Request::Join { group: "workers".to_owned() };
            mesh.send(member, vec![prefix.write(), Bytes::new(), request.write()]);
            quiet(&mut mesh);
            mesh.take(member);
            member
        });
        Self { mesh, alice, members }
    }

    fn goes(&mut self, going: Going) {
        match going {
            Going::Killed => self.mesh.kill("c"),
            Going::Silent => self.mesh.freeze("c"),
            Going::Parted => ["a", "b"].iter().for_each(|node| self.mesh.part("c", node)),
            Going::Leaves => self.mesh.stop("c"),
        }
    }

    fn send(&mut self, to: &str, class: Class) {
        let id = MessageId { incarnation: 7, counter: 1 };
        let prefix = Prefix { class, id, destination: to, ..Prefix::new(Kind::Data) };
        self.mesh.send(self.alice, vec![prefix.write(), Bytes::new(), Bytes::from("x")]);
    }

    /// How many the sender was told of, which nodes were missing, and how long it took.
    fn told(&mut self) -> (u32, Vec<String>, Duration) {
        let sent = self.mesh.elapsed();
        loop {
            if let Some(frames) = self.mesh.take(self.alice).first() {
                let prefix = Prefix::read(&frames[0]).unwrap();
                assert_eq!(prefix.kind, Kind::Ack);
                let tail = Tail::read(prefix.tail).unwrap();
                let missing = tail.missing.iter().map(ToString::to_string).collect();
                return (tail.recipients.unwrap(), missing, self.mesh.elapsed() - sent);
            }
            assert!(self.mesh.step() && self.mesh.elapsed() < sent + Duration::from_secs(60));
        }
    }
}

fn quiet(mesh: &mut Simulation) {
    assert!(mesh.run_until_quiet(Duration::from_secs(120)));
}

#[test]
fn a_node_that_goes_while_it_is_waited_for_is_missing_soon() {
    for_each_seed(8, |seed| {
        for going in [Going::Killed, Going::Silent, Going::Parted, Going::Leaves] {
            // Of the end of a connection its neighbours hear at once, of silence when it has lasted for long enough.
            let noticed = match going {
                Going::Killed | Going::Leaves => Duration::ZERO,
                Going::Silent | Going::Parted => SILENCE,
            };
            for class in CLASSES {
                for to in ["#workers", "*"] {
                    let mut star = Star::new(seed);
                    star.goes(going);
                    star.send(to, class);
                    let (recipients, missing, took) = star.told();
                    let case = format!("{going:?}, {class:?} to {to}: {took:?}");
                    assert_eq!((recipients, missing), (1, vec!["c".to_owned()]), "{case}");
                    assert!(took <= noticed + SILENCE + SLACK, "{case}");
                }
            }
        }
    });
}

#[test]
fn a_node_that_has_been_gone_for_long_is_waited_for_by_nobody() {
    for_each_seed(10, |seed| {
        for class in CLASSES {
            let mut star = Star::new(seed);
            star.goes(Going::Silent);
            star.mesh.run_for(SILENCE * 2 + SLACK);
            star.send("#workers", class);
            let (recipients, missing, took) = star.told();
            assert_eq!((recipients, missing), (1, vec!["c".to_owned()]));
            assert!(took <= SLACK, "{took:?}");
        }
    });
}

/// What is lost with the ways to a node is sent again once there is one.
#[test]
fn a_way_that_comes_back_in_time_is_counted_as_if_it_had_never_been_gone() {
    for_each_seed(20, |seed| {
        let mut star = Star::new(seed);
        for node in ["a", "b"] {
            star.mesh.cut("c", node);
        }
        star.send("#workers", Class::Confirmed);
        star.mesh.run_for(SILENCE * 3 / 4);
        assert!(
            star.mesh.routes("a").unwrap().iter().all(|it| it.next_hop != Some("c".to_owned()))
        );
        for node in ["a", "b"] {
            star.mesh.heal("c", node);
        }
        let (recipients, missing, took) = star.told();
        assert_eq!((recipients, missing), (2, vec![]), "{took:?}");
        quiet(&mut star.mesh);
        for member in star.members {
            assert_eq!(star.mesh.take(member).len(), 1);
        }
    });
}
