//! More than a mesh can carry, for a while.

use std::time::Duration;

use hopline_mesh::brain::{Event, Impairment, Window};
use hopline_testkit::simulation::{Simulation, config, dials, listens};

use crate::traffic::{Traffic, millis};

/// For how long too much is sent, and in which steps.
const OVERLOAD: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(100);
/// What the link in the middle carries in a second, about, and what is sent.
const CARRIED: u64 = 100;
const OFFERED: u64 = 5 * CARRIED;
/// The bytes of one message on a link, about: header, path and text.
const MESSAGE: u64 = 130;

const WINDOW: Window = Window { messages: 10, bytes: 16 * 1024 };
const QUEUE: Window = Window { messages: 200, bytes: 64 * 1024 };
const FLOW: Window = Window { messages: 100, bytes: 64 * 1024 };

/// Four nodes whose clients send to `east`, all over the link between `hub` and `east`.
const SENDERS: [&str; 4] = ["s1", "s2", "s3", "s4"];

/// Scenario 54: five times what a link carries is sent for a minute. No more waits anywhere than is declared, all links
/// stay up, news of the mesh come through on time, and what is too much is refused, told and counted.
#[test]
fn scenario_54_too_much_is_refused_and_what_keeps_the_mesh_together_comes_through() {
    let mut mesh = Simulation::new(54);
    let senders = SENDERS.map(|name| config(name, [dials("hub", 10)]));
    let hub = SENDERS.map(|name| listens(name, 10)).into_iter().chain([listens("east", 10)]);
    let others = [config("hub", hub), config("east", [dials("hub", 10)])];
    for mut config in senders.into_iter().chain(others) {
        let settings = &mut config.settings;
        (settings.window, settings.queue, settings.flow) = (WINDOW, QUEUE, FLOW);
        mesh.add(config);
    }
    mesh.start_all();
    let bob = mesh.attach("east", Some(b"bob"));
    let clients = SENDERS.map(|name| mesh.attach(name, Some(format!("of-{name}").as_bytes())));
    mesh.run_for(millis(2_000));
    let rate = Impairment { bytes_per_second: Some(CARRIED * MESSAGE), ..Impairment::default() };
    mesh.impair("east", "hub", rate);

    let since = [SENDERS[0], "hub", "east"].map(|node| mesh.events(node).len());
    let mut traffic = Traffic::new(&clients, &[bob]);
    let end = mesh.elapsed() + OVERLOAD;
    let mut most = (0, 0);
    let mut news = 0;
    while mesh.elapsed() < end {
        let steps = u64::try_from(STEP.as_millis()).unwrap();
        traffic.send(&mut mesh, "bob", OFFERED * steps / 1_000 / clients.len() as u64);
        mesh.run_for(STEP);
        for node in SENDERS.iter().chain(&["hub", "east"]) {
            let status = mesh.status(node).unwrap();
            let queued = status.links.iter().map(|link| link.queued).max().unwrap_or(0);
            most = (most.0.max(queued), most.1.max(status.waiting));
        }
        if mesh.elapsed().as_secs() % 10 == 5 && mesh.elapsed().subsec_millis() < 100 {
            news += 1;
            let name = format!("news-{news}");
            mesh.attach("east", Some(name.as_bytes()));
            mesh.run_for(millis(700));
            let known = mesh.routes(SENDERS[0]).unwrap();
            assert!(known.iter().any(|line| line.destination == name), "{name} is not known");
        }
    }
    assert!(news >= 5);
    // One more than a window may be there where it was empty.
    let declared = (QUEUE.messages + WINDOW.messages + 1) as u64;
    assert!(most.0 <= declared, "{most:?} messages waited for a link or without room");
    assert!(most.1 <= declared + FLOW.messages as u64, "{most:?}");
    for (node, since) in [SENDERS[0], "hub", "east"].into_iter().zip(since) {
        let downs =
            mesh.events(node)[since..].iter().filter(|(_, it)| matches!(it, Event::LinkDown(_)));
        assert_eq!(downs.count(), 0, "{node} lost a link");
    }
    mesh.impair("east", "hub", Impairment::default());
    mesh.run_for(millis(5_000));
    let fates = traffic.assert_accounted(&mesh);
    let (delivered, told) = (fates.delivered.len() as u64, fates.told.len() as u64);
    assert_eq!(delivered + told, traffic.sent(), "each was one or the other");
    assert!(delivered * 4 < traffic.sent() && delivered > CARRIED * 30, "{delivered} were carried");
    assert!(fates.told.values().all(|told| *told == ["queue full"]));
    // What nobody is told of are questions of the nodes themselves for room, which are asked again.
    let count = |counter| {
        let nodes = SENDERS.iter().chain(&["hub"]);
        nodes.map(|node| mesh.count(node, counter)).sum::<u64>()
    };
    assert_eq!((count("returned"), count("queue full")), (told, told + count("dropped")));
}
