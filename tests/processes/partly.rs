//! A mesh of which a part cannot be reached: the rest runs, and what is missing is told.

use std::path::PathBuf;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::sandbox::{REGIONS, Sandbox, until};

/// A mesh whose node far is dialled under the name `host`, and the port where it listens.
fn with_far_at(host: &str) -> (Sandbox, PathBuf, u16) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    let at = format!(
        "[nodes.far]\nbind = \"tcp://127.0.0.1:{port}\"\naddress = \"tcp://{host}:{port}\"\n\n\
         [nodes.west]\nbind = \"auto\"\nupstream = [\"top\", \"far\"]",
    );
    let west = "[nodes.west]\nbind = \"auto\"\nupstream = [\"top\"]";
    assert!(REGIONS.contains(west));
    let mut sandbox = Sandbox::new();
    let file = sandbox.file("partly.toml", &REGIONS.replace(west, &at));
    (sandbox, file, port)
}

/// Scenario 73: an unresolvable host is told, and the rest runs.
#[tokio::test]
async fn scenario_73_a_host_that_is_not_found_is_told_and_the_rest_runs() {
    let (sandbox, file, port) = with_far_at("no-such-host.invalid");
    let text = file.display().to_string();
    let up = sandbox.run(&["up", "--detach", "--wait", "3s", &text]);
    let told = String::from_utf8(up.stderr).unwrap();
    assert_eq!(up.status.code(), Some(1), "{told}");
    let why = format!("tcp://no-such-host.invalid:{port}: host `no-such-host.invalid` not found");
    assert!(told.contains(&format!("west cannot reach far: {why}")), "{told}");
    assert!(told.contains(&format!("`west` has no link to `far` ({why})")), "{told}");
    assert!(told.contains(&format!("hopline down {text}")), "{told}");

    assert_eq!(sandbox.data(&["trace", &text, "east", "west"]), "east -> top -> west  2 hops\n");
    let status = sandbox.json(&["status", "--json", &text]);
    assert!(status["lacks"].as_str().unwrap().contains(&why), "{status}");
    let west = status["nodes"].as_array().unwrap().iter().find(|node| node["node"] == "west");
    let far = west.unwrap()["links"].as_array().unwrap().iter().find(|l| l["neighbour"] == "far");
    assert_eq!(far.unwrap()["trouble"], why);

    // The node says it in its log too, once however often it has tried.
    let log = sandbox.path().join(status["logs"].as_str().unwrap()).join("west.log");
    let logged = std::fs::read_to_string(log).unwrap();
    assert_eq!(logged.matches("cannot be reached").count(), 1, "{logged}");
    sandbox.data(&["down", &text]);
}

/// Links come up whenever the other end does, however late that is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mesh_that_comes_to_be_whole_late_is_told_to_be() {
    let (sandbox, file, port) = with_far_at("localhost");
    // Where west dials, nobody listens yet.
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dialled = nobody.local_addr().unwrap();
    drop(nobody);
    let written = std::fs::read_to_string(&file).unwrap();
    let address = format!("address = \"tcp://localhost:{port}\"");
    assert!(written.contains(&address));
    let elsewhere = format!("address = \"tcp://{dialled}\"");
    std::fs::write(&file, written.replace(&address, &elsewhere)).unwrap();
    let text = file.display().to_string();

    let up = sandbox.run(&["up", "--detach", "--wait", "4s", &text]);
    let told = String::from_utf8(up.stderr).unwrap();
    assert_eq!(up.status.code(), Some(1), "{told}");
    assert!(told.contains("west cannot reach far"), "{told}");
    assert!(told.contains("connection refused"), "{told}");

    // Scenario 35: its log says so once, however often it has dialled.
    let log = sandbox.running(&file).place.log(&"west".parse().unwrap());
    let logged = std::fs::read_to_string(log).unwrap();
    assert_eq!(logged.matches("cannot be reached").count(), 1, "{logged}");
    assert!(logged.matches(&dialled.to_string()).count() <= 2, "{logged}");

    let between = TcpListener::bind(dialled).await.unwrap();
    let mut carried = JoinSet::new();
    carried.spawn(async move {
        let (mut near, _) = between.accept().await.unwrap();
        let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let _ = copy_bidirectional(&mut near, &mut far).await;
    });
    until("the mesh is whole", || async {
        let status = sandbox.json(&["status", "--json", &text]);
        status["converged"] == true && status["lacks"].is_null()
    })
    .await;
    let log = sandbox.running(&file).place.supervisor_log();
    until("the supervisor's log says so", || async {
        std::fs::read_to_string(&log).is_ok_and(|logged| logged.contains("the mesh is whole"))
    })
    .await;
    sandbox.data(&["down", &text]);
}
