//! A running mesh, and our connection to it.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use hopline::core::Endpoint;
use hopline::mesh::client::{Client, ClientOptions, ConnectError, RequestError};
use hopline::mesh::name::NodeName;
use hopline::mesh::wire::control::{Answer, Request};
use hopline::topo::launch::{Found, ProcessState, Running};
use hopline::topo::nearest;

use crate::deadline::Deadline;
use crate::names::{absolute, homes};
use crate::output;
use crate::trouble::Bad;

/// How long a node may take to answer where nobody says how long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The mesh of `file`, which must run.
pub(crate) fn running(file: &Path) -> anyhow::Result<Running> {
    match Running::find(&homes()?, &absolute(file)?)? {
        Found::Running(running) => {
            if let Some(damaged) = &running.damaged {
                output::message(&format!(
                    "warning: {} is damaged: what the nodes themselves say is all that is known of them",
                    damaged.display()
                ));
            }
            Ok(*running)
        }
        Found::Nothing if !file.exists() => Err(no_file(file).into()),
        Found::Nothing => Err(Bad::new(format!("no mesh of {} runs", file.display()))
            .help(format!("start it with `hopline up --detach {}`", file.display()))
            .into()),
        Found::Leftovers(_) => {
            let message = format!(
                "no mesh of {} runs: its supervisor has ended without stopping it",
                file.display()
            );
            let again = format!("`hopline up --detach {}` starts it again", file.display());
            Err(Bad::new(message).help(again).into())
        }
    }
}

/// That a file is not there, and no mesh that once was of it runs.
pub(crate) fn no_file(file: &Path) -> Bad {
    Bad::new(format!("there is no file {}, and no mesh of it runs", file.display()))
}

/// Attaches at a node's control socket: by `name`, or anonymously.
pub(crate) async fn attach(
    running: &Running,
    node: &NodeName,
    name: Option<&str>,
    patience: Duration,
) -> anyhow::Result<Client> {
    let options = match name {
        Some(name) => ClientOptions::named(name)
            .map_err(|error| Bad::new(format!("`{name}` cannot be a client's name: {error}")))?,
        None => ClientOptions::anonymous(),
    };
    let options = ClientOptions {
        runtime_dir: Some(running.supervisor.sockets.clone()),
        ..options.timeout(patience)
    };
    let record = running.processes.get(node).filter(|record| record.state == ProcessState::Up);
    let Some(record) = record else {
        return Err(absent(running, node).into());
    };
    let endpoint = Endpoint::Ipc(record.control.clone());
    match Client::connect(&endpoint, options).await {
        Ok(client) => Ok(client),
        Err(ConnectError::Refused { reason }) => {
            let who = name.unwrap_or("the client");
            Err(Bad::new(format!("node `{node}` does not take `{who}` in: {reason}")).into())
        }
        Err(ConnectError::Timeout { .. }) => Err(silent(node).into()),
        Err(error) => Err(error).with_context(|| format!("cannot attach at node `{node}`")),
    }
}

/// Asks a node something, or tells it to do something, by its control socket. That it refuses is an error.
pub(crate) async fn ask(
    running: &Running,
    node: &NodeName,
    request: Request,
    deadline: Deadline,
) -> anyhow::Result<Answer> {
    let client = attach(running, node, None, deadline.left()).await?;
    let answer = client.ask(node.as_str(), request, deadline.left()).await;
    client.shutdown().await;
    match answer {
        Err(RequestError::Refused { reason }) => {
            Err(Bad::new(format!("node `{node}` refuses: {reason}")).into())
        }
        Err(RequestError::Timeout { .. }) => Err(silent(node).into()),
        answer => Ok(answer?),
    }
}

/// Why there is no control socket of a node.
fn absent(running: &Running, node: &NodeName) -> Bad {
    if running.stopped().contains(node) {
        let file = running.supervisor.file.display();
        return Bad::new(format!("node `{node}` is stopped"))
            .help(format!("`hopline drain {file} {node} --undo` starts it again"));
    }
    match running.plan.nodes.contains_key(node) {
        true => Bad::new(format!("node `{node}` is not up")),
        false => {
            Bad::new(format!("node `{node}` is not in the file, and has no control socket here"))
        }
    }
}

fn silent(node: &NodeName) -> Bad {
    Bad::new(format!("node `{node}` does not answer"))
}

/// The name under which this program attaches where it is given none.
pub(crate) fn own_name() -> String {
    format!("hopline.{}", std::process::id())
}

/// A node of the mesh that is up: `at`, or that of the planned client `client`, or the first that offers
/// the service `client`, or the first.
pub(crate) fn entrance(
    running: &Running,
    at: Option<&str>,
    client: Option<&str>,
) -> anyhow::Result<NodeName> {
    if let Some(at) = at {
        return crate::names::node(&running.plan, at);
    }
    let mut nodes = running.plan.nodes.values();
    let planned = client.and_then(|client| nodes.find(|node| node.clients.contains(client)));
    if let Some(node) = planned {
        return Ok(node.name.clone());
    }
    let up = || {
        let up = running.processes.iter().filter(|(_, record)| record.state == ProcessState::Up);
        up.map(|(node, _)| node)
    };
    let service = client.and_then(|client| running.plan.services.get(client));
    let offers = service.and_then(|service| up().find(|node| service.at.contains(*node)));
    let first = offers.or_else(|| up().next()).cloned();
    first.ok_or_else(|| Bad::new("no node of the mesh is up").into())
}

/// The node that `name` is: itself, or the one at which it is attached now, or else the one for which it
/// is planned.
pub(crate) async fn whereabouts(
    running: &Running,
    name: &str,
    deadline: Deadline,
) -> anyhow::Result<NodeName> {
    if let Some((node, _)) = running.plan.nodes.get_key_value(name) {
        return Ok(node.clone());
    }
    let entrance = entrance(running, None, Some(name))?;
    let client = attach(running, &entrance, None, deadline.left()).await?;
    let request = Request::Locate { name: name.to_owned() };
    let answer = client.ask(entrance.as_str(), request, deadline.left()).await;
    client.shutdown().await;
    match answer {
        Ok(Answer::Located { nodes }) => {
            if let Some(node) = nodes.into_iter().next() {
                return Ok(node);
            }
        }
        Err(RequestError::Timeout { .. }) => return Err(silent(&entrance).into()),
        _ => {}
    }
    let mut nodes = running.plan.nodes.values();
    if let Some(node) = nodes.find(|node| node.clients.contains(name)) {
        return Ok(node.name.clone());
    }
    let plan = &running.plan;
    let clients = plan.nodes.values().flat_map(|node| &node.clients).map(String::as_str);
    let known: Vec<&str> = plan.nodes.keys().map(NodeName::as_str).chain(clients).collect();
    let help = nearest(name, known).map(|near| format!("did you mean `{near}`?"));
    let message = format!("`{name}` is no node, and no client of that name is attached or planned");
    Err(Bad::new(message).maybe_help(help).into())
}
