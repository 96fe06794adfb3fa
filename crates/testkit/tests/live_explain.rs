//! What running nodes say of their routes is what the file says, whole and with each link cut.

#![expect(clippy::unwrap_used, reason = "what a test needs may panic as the test itself may")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hopline_mesh::name::NodeName;
use hopline_testkit::Mesh;

/// All topologies that come with Hopline.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../topologies");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|ext| ext == "toml")).collect();
    files.sort();
    files
}

/// Every node's own word on the way to every node and planned client, if they are attached.
async fn agree(mesh: &Mesh, names: &[NodeName], more: &BTreeSet<String>) {
    // Some of a large mesh are enough.
    let every = names.len().div_ceil(8);
    for from in names.iter().step_by(every) {
        let nodes = names.iter().step_by(every).map(NodeName::as_str);
        for to in nodes.chain(more.iter().map(String::as_str)).chain(["nobody", "x@nowhere"]) {
            let live = mesh.explain(from.as_str(), to).await.unwrap();
            assert_eq!(live, mesh.explain_offline(from.as_str(), to).unwrap());
        }
    }
}

#[tokio::test]
async fn running_nodes_explain_their_routes_as_the_file_does() {
    let files = files();
    assert!(files.len() >= 7);
    for file in files {
        let mesh = Mesh::from_file(&file).await.unwrap();
        let nodes: Vec<_> = mesh.statuses().await.unwrap().into_keys().collect();
        let planned: BTreeSet<_> =
            mesh.topology().clients().keys().map(|name| name.to_string()).collect();
        let mut clients = Vec::new();
        for name in &planned {
            clients.push(mesh.client(name).await.unwrap());
        }
        mesh.converged().await.unwrap();
        agree(&mesh, &nodes, &planned).await;
        let statuses = mesh.statuses().await.unwrap();
        let links: BTreeSet<String> = statuses
            .iter()
            .flat_map(|(node, status)| {
                let dialled = status.links.iter().filter(|link| link.dials);
                dialled.map(move |link| format!("{node}--{}", link.neighbour))
            })
            .collect();
        for link in links.iter().take(6) {
            mesh.cut(link).await.unwrap();
            mesh.converged().await.unwrap();
            agree(&mesh, &nodes, &planned).await;
            mesh.heal(link).await.unwrap();
            mesh.converged().await.unwrap();
        }
        for client in clients {
            client.shutdown().await;
        }
        mesh.shutdown().await;
    }
}
