//! Nodes and their links.

use std::collections::BTreeMap;

use hopline_core::Endpoint;
use hopline_mesh::name::NodeName;

use super::{Checker, quoted};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::spec::{At, NodeKeys, NodeSpec};
use crate::suggest;
use crate::topology::{Bind, Node};

impl<'a> Checker<'a> {
    /// The nodes with good names.
    pub(super) fn nodes(&mut self) -> BTreeMap<NodeName, Node> {
        let mut nodes = BTreeMap::new();
        for spec in &self.spec.nodes {
            let keys = &spec.keys;
            let node = Node {
                bind: self.bind(keys),
                address: self.address(spec),
                upstream: self.upstreams(spec),
                dialects: self.dialects(keys.dialects.as_ref()),
                host: self.filled("host", keys.host.as_ref()),
                label: self.filled("label", keys.label.as_ref()),
                position: self.position(keys),
                limits: self.limits(&keys.limits),
            };
            let declared = self.declared.get(spec.name.value.as_str());
            if let Some(name) = declared.and_then(|declared| declared.name.clone()) {
                nodes.entry(name).or_insert(node);
            }
        }
        nodes
    }

    fn bind(&mut self, keys: &NodeKeys) -> Bind {
        match &keys.bind {
            None => Bind::Auto,
            Some(at) if at.value == "auto" => Bind::Auto,
            Some(at) => match self.endpoint("bind", at) {
                Some(endpoint) => Bind::At(endpoint),
                None => Bind::Auto,
            },
        }
    }

    fn address(&mut self, spec: &NodeSpec) -> Option<Endpoint> {
        let at = spec.keys.address.as_ref()?;
        let bind = spec.keys.bind.as_ref();
        if bind.is_none_or(|bind| bind.value == "auto") {
            let name = &spec.name.value;
            let message = format!("the node `{name}` has an address, but no port of its own");
            let mut problem = Diagnostic::error(codes::AUTO_WITH_ADDRESS, message)
                .label(&at.span, "others would dial this port");
            if let Some(bind) = bind {
                problem = problem.label(&bind.span, "the node takes any port that is free");
            }
            self.problems.push(
                problem
                    .help("give `bind` the endpoint behind this address, or leave `address` out"),
            );
        }
        let endpoint = self.endpoint("address", at)?;
        if endpoint.is_wildcard() {
            let message = format!("nobody can dial `{endpoint}`, which is every interface");
            let problem = Diagnostic::error(codes::BAD_ENDPOINT, message)
                .label(&at.span, "not one machine")
                .help("write the name or the address under which others reach this machine");
            self.problems.push(problem);
            return None;
        }
        Some(endpoint)
    }

    /// The endpoint written under `key`; told where it is none, or leaves its port open.
    fn endpoint(&mut self, key: &str, at: &At<String>) -> Option<Endpoint> {
        let problem = match at.value.parse::<Endpoint>() {
            Ok(endpoint) if endpoint.port() == Some(0) => {
                let message = "port 0 is any free port, which nobody would know to dial";
                let help = match key {
                    "bind" => "write a port, or `bind = \"auto\"` for a free one on this machine",
                    _ => "write the port that others dial",
                };
                Diagnostic::error(codes::BAD_ENDPOINT, message)
                    .label(&at.span, "no definite port")
                    .help(help)
            }
            Ok(endpoint) => return Some(endpoint),
            Err(error) => Diagnostic::error(
                codes::BAD_ENDPOINT,
                format!("{} is no endpoint", quoted(&at.value)),
            )
            .label(&at.span, error.to_string())
            .help(meant(key, &at.value)),
        };
        self.problems.push(problem);
        None
    }
}

/// What was probably meant by `text`, which is no endpoint.
fn meant(key: &str, text: &str) -> String {
    let is_bind = key == "bind";
    let tcp = format!("tcp://{}", text.rsplit('/').next().unwrap_or_default());
    if is_bind && suggest::nearest(text, ["auto"]).is_some() {
        "did you mean `auto`?".to_owned()
    } else if tcp.parse::<Endpoint>().is_ok() {
        format!("did you mean `{tcp}`?")
    } else {
        let auto = if is_bind { ", or `auto`" } else { "" };
        format!("write `tcp://HOST:PORT`, `ipc://PATH` or `mem://NAME`{auto}")
    }
}
