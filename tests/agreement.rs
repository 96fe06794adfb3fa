//! One brain: for every topology file, what `route` says of the file alone is the way that a message
//! takes between real processes, whole and with a link cut, whatever order the nodes came up in.

use std::path::{Path, PathBuf};

use hopline::mesh::client::{Client, RequestError};
use hopline::mesh::name::NodeName;
use hopline::mesh::route::{Policy, Walk};
use hopline::testkit::{Mesh, MeshError};

/// Where in the order of things a seed begins. Another seed is another order of deaths and another link.
const SEED: u64 = 1;

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("topologies");
    let entries = std::fs::read_dir(folder).expect("the folder is there").flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(files.len() >= 7, "{files:?}");
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_processes_go_the_way_that_the_file_says() -> Result<(), Box<dyn std::error::Error>> {
    for (index, file) in files().into_iter().enumerate() {
        let mut mesh = Mesh::processes(&file, env!("CARGO_BIN_EXE_hopline")).await?;
        come_up_in_another_order(&mut mesh, SEED + index as u64).await?;
        let members = members(&mesh).await?;
        agree(&mesh, &file).await?;
        let links: Vec<_> = mesh.topology().links().keys().cloned().collect();
        let link = links[(SEED as usize * 7 + index) % links.len()].to_string();
        mesh.cut(&link).await?;
        mesh.converged().await?;
        agree(&mesh, &file).await?;
        mesh.heal(&link).await?;
        mesh.converged().await?;
        agree(&mesh, &file).await?;
        drop(members);
        mesh.shutdown().await;
    }
    Ok(())
}

#[tokio::test]
async fn nodes_in_memory_go_the_way_that_the_file_says() -> Result<(), Box<dyn std::error::Error>> {
    for file in files() {
        let mesh = Mesh::from_file(&file).await?;
        let members = members(&mesh).await?;
        agree(&mesh, &file).await?;
        for link in mesh.topology().links().keys() {
            mesh.cut(&link.to_string()).await?;
            mesh.converged().await?;
            agree(&mesh, &file).await?;
            mesh.heal(&link.to_string()).await?;
            mesh.converged().await?;
        }
        drop(members);
        mesh.shutdown().await;
    }
    Ok(())
}

/// Kills all nodes, in an order that the seed draws; their supervisor starts each again when it will.
async fn come_up_in_another_order(mesh: &mut Mesh, seed: u64) -> Result<(), MeshError> {
    let before = mesh.statuses().await?;
    let mut order: Vec<NodeName> = before.keys().cloned().collect();
    order.sort_by_key(|name| {
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        name.as_str().as_bytes().iter().fold(seed.wrapping_mul(0x9e37_79b9), mix)
    });
    for name in order {
        mesh.kill_node(name.as_str())?;
    }
    mesh.until(|now| {
        before
            .iter()
            .all(|(name, old)| now.get(name).is_some_and(|new| new.incarnation > old.incarnation))
    })
    .await?;
    mesh.converged().await
}

/// Somebody for each service at each node that offers it.
async fn members(mesh: &Mesh) -> Result<Vec<Client>, MeshError> {
    let mut members = Vec::new();
    for (name, service) in mesh.topology().services() {
        for node in &service.at {
            members.push(mesh.client_at(name, node.as_str()).await?);
        }
    }
    mesh.converged().await?;
    Ok(members)
}

/// Where a message to `to` goes by the file; for a balanced service, that to whichever holder the live one
/// went to, as each message has an id of its own.
fn offline(mesh: &Mesh, from: &str, to: &str, end: Option<&str>) -> Result<Walk, MeshError> {
    match (mesh.topology().services().get(to), end) {
        (Some(service), Some(end)) if service.policy == Policy::Balanced => {
            assert!(service.at.contains(end), "{to} is not offered at {end}");
            mesh.route(from, end)
        }
        _ => mesh.route(from, to),
    }
}

/// Every pair of nodes, planned clients and services: the same way, or the same reason from the same node.
async fn agree(mesh: &Mesh, file: &Path) -> Result<(), MeshError> {
    let nodes = mesh.topology().nodes().keys().map(NodeName::to_string);
    let names: Vec<String> = nodes.chain(mesh.topology().clients().keys().cloned()).collect();
    for from in &names {
        for to in names.iter().chain(mesh.topology().services().keys()) {
            let live = mesh.trace(from, to).await;
            let end = live.as_ref().ok().and_then(|live| live.nodes().last().copied());
            let offline = offline(mesh, from, to, end)?;
            let what = format!("{}: from {from} to {to}", file.display());
            match live {
                Ok(live) => {
                    assert_eq!(offline.refusal(), None, "{what}");
                    let path: Vec<&str> = offline.path.iter().map(NodeName::as_str).collect();
                    assert_eq!(live.nodes(), path, "{what}");
                }
                Err(MeshError::Request(RequestError::Failed(failure))) => {
                    let reason = offline.refusal().map(|refusal| refusal.reason());
                    assert_eq!(reason, Some(failure.reason.as_str()), "{what}");
                    assert_eq!(
                        offline.last().map(NodeName::as_str),
                        Some(failure.node.as_str()),
                        "{what}"
                    );
                }
                Err(MeshError::Denied { node, reason, .. }) => {
                    let said = offline.refusal().map(|refusal| refusal.reason());
                    assert_eq!((said, offline.last()), (Some(&*reason), Some(&node)), "{what}");
                }
                Err(other) => return Err(other),
            }
        }
    }
    Ok(())
}
