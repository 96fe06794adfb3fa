//! Names that people type, and what they mean in a mesh.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use hopline::mesh::address::Address;
use hopline::mesh::name::{LinkName, NodeName};
use hopline::mesh::route::Down;
use hopline::topo::launch::Homes;
use hopline::topo::{Loaded, Offline, Plan, load, nearest};

use crate::trouble::Bad;
use crate::{output, trouble};

/// Loads a topology, or says all that is wrong with it. What is odd in it is left to `hopline check`.
pub(crate) fn topology(file: &Path) -> anyhow::Result<Loaded> {
    Ok(load(file)?)
}

/// Loads a topology and tells what is odd in it, once, before it is put to use.
pub(crate) fn topology_to_run(file: &Path) -> anyhow::Result<Loaded> {
    let loaded = load(file)?;
    if !loaded.warnings.is_empty() {
        output::message(&loaded.render(trouble::color()));
    }
    Ok(loaded)
}

/// The file by an absolute path without links, which is what its mesh is told by. It need not be there.
pub(crate) fn absolute(file: &Path) -> anyhow::Result<PathBuf> {
    if let Ok(path) = file.canonicalize() {
        return Ok(path);
    }
    let path = std::path::absolute(file).with_context(|| file.display().to_string())?;
    let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
    Ok(match (parent, path.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => path,
    })
}

/// Where the state of meshes is on this machine.
pub(crate) fn homes() -> anyhow::Result<Homes> {
    Ok(Homes::from_env(|name| std::env::var_os(name), std::env::temp_dir())?)
}

/// A node of the plan.
pub(crate) fn node(plan: &Plan, name: &str) -> anyhow::Result<NodeName> {
    if let Some((node, _)) = plan.nodes.get_key_value(name) {
        return Ok(node.clone());
    }
    let nodes = plan.nodes.keys().map(NodeName::as_str);
    Err(unknown(format!("the mesh `{}` has no node `{name}`", plan.mesh), name, nodes).into())
}

/// A node or planned client that a message may come from.
pub(crate) fn sender(plan: &Plan, mesh: &Offline, name: &str) -> anyhow::Result<()> {
    match mesh.node_of(name) {
        Some(_) => Ok(()),
        None if let Some(service) = plan.services.get(name) => {
            let at: Vec<&str> = service.at.iter().map(NodeName::as_str).collect();
            let message = format!("`{name}` is a service, so it is not clear which node is meant");
            Err(Bad::new(message).help(format!("it is offered at {}", at.join(", "))).into())
        }
        None => Err(nobody(plan, name).into()),
    }
}

/// A node, a planned client, or anything else that an address may be as far as the plan can tell.
pub(crate) fn destination(plan: &Plan, mesh: &Offline, name: &str) -> anyhow::Result<()> {
    let (bare, at) = one_destination(name)?;
    if let Some(at) = at {
        node(plan, at)?;
    }
    if mesh.node_of(bare).is_some() || mesh.is_service(bare) || mesh.has_static_for(bare) {
        return Ok(());
    }
    Err(nobody(plan, bare).into())
}

/// The name in an address of one receiver, and its node if that is said: a message to several has no one way.
pub(crate) fn one_destination(address: &str) -> Result<(&str, Option<&str>), Bad> {
    match Address::parse(address) {
        Ok(Address::At { name, node }) => Ok((name, Some(node))),
        Ok(Address::Name(name)) => Ok((name, None)),
        Ok(Address::Group(_) | Address::Everyone) => {
            let message =
                format!("`{address}` is for several, and a copy for each goes its own way");
            let help = "ask for the way to one of them, or to the node where it is";
            Err(Bad::new(message).help(help))
        }
        Err(error) => Err(Bad::new(format!("`{address}`: {error}"))),
    }
}

fn nobody(plan: &Plan, name: &str) -> Bad {
    let nodes = plan.nodes.keys().map(NodeName::as_str);
    let clients = plan.nodes.values().flat_map(|node| &node.clients);
    let message = format!("`{name}` is no node and no planned client of the mesh `{}`", plan.mesh);
    let names = clients.chain(plan.services.keys()).map(String::as_str);
    let known: Vec<&str> = nodes.chain(names).collect();
    match nearest(name, known) {
        Some(near) => Bad::new(message).help(format!("did you mean `{near}`?")),
        None => match NodeName::parse(name) {
            Ok(_) => {
                let key = if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() };
                Bad::new(message).help(format!(
                    "a client that will attach somewhere is planned with a line `{key} = \"NODE\"` under \
                     [clients]"
                ))
            }
            Err(why) => Bad::new(message).help(format!("no name in a file is like that: {why}")),
        },
    }
}

/// What has failed: nodes and links of the mesh.
pub(crate) fn down(plan: &Plan, mesh: &Offline, texts: &[String]) -> anyhow::Result<Vec<Down>> {
    texts.iter().map(|text| one_down(plan, mesh, text)).collect()
}

fn one_down(plan: &Plan, mesh: &Offline, text: &str) -> anyhow::Result<Down> {
    match text.contains("--") {
        true => Ok(Down::Link(link(plan, mesh, text)?)),
        false => Ok(Down::Node(node(plan, text)?)),
    }
}

/// A link of the mesh, `a--b` in either order.
pub(crate) fn link(plan: &Plan, mesh: &Offline, text: &str) -> anyhow::Result<LinkName> {
    let Some((a, b)) = text.split_once("--") else {
        return Err(Bad::new(format!("`{text}` is no link"))
            .help("a link is its two nodes with `--` between them: `a--b`")
            .into());
    };
    let link = LinkName::new(node(plan, a)?, node(plan, b)?)
        .map_err(|error| Bad::new(format!("`{text}` is no link: {error}")))?;
    if mesh.has_link(&link) {
        return Ok(link);
    }
    let dials = |name: &NodeName| {
        let node = plan.nodes.get(name);
        let ends = node.into_iter().flat_map(|node| node.dials.iter().chain(&node.accepts));
        ends.map(|dial| format!("{name}--{}", dial.node)).collect::<Vec<_>>()
    };
    let of = dials(link.lesser());
    let help =
        (!of.is_empty()).then(|| format!("the links of `{}` are {}", link.lesser(), of.join(", ")));
    let message = format!("the mesh `{}` has no link `{link}`", plan.mesh);
    Err(Bad::new(message).maybe_help(help).into())
}

/// That a name is not known, and which one may have been meant.
fn unknown<'a>(message: String, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Bad {
    match nearest(name, known.clone()) {
        Some(near) => Bad::new(message).help(format!("did you mean `{near}`?")),
        None => {
            let all: Vec<&str> = known.take(12).collect();
            Bad::new(message).help(format!("its nodes are {}", all.join(", ")))
        }
    }
}
