//! The words between a supervisor and its nodes: a JSON object a line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hopline_core::Endpoint;
use hopline_mesh::name::NodeName;
use hopline_mesh::wire::control::NodeStatus;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::Failure;
use super::share::Share;

/// What a supervisor tells a node, on the node's stdin. The end of the stream means: leave, and end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToNode {
    /// All that the node starts with; always the first line.
    Setup(Box<Setup>),
    /// Where neighbours are that it dials, each time one is elsewhere or there again.
    Addresses(BTreeMap<NodeName, Endpoint>),
    /// Asks for a [`FromNode::Status`].
    Ask {},
    /// What the node is to go by next, by the number of the change; answered with [`FromNode::Prepared`].
    Prepare {
        /// The number.
        number: u64,
        /// The node's share of it.
        share: Box<Share>,
    },
    /// The node goes by what it was last told to prepare for; answered with [`FromNode::Switched`].
    Switch {
        /// Its number.
        number: u64,
    },
}

/// What a node tells its supervisor, on its stdout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromNode {
    /// It listens.
    Ready {
        /// Where, with the real port.
        endpoint: Endpoint,
    },
    /// It could not start, and ends.
    Failed(Failure),
    /// What it is and knows.
    Status(Box<NodeStatus>),
    /// It can go by what it was told to prepare for.
    Prepared {
        /// The number of the change.
        number: u64,
        /// What of it only a restart brings about.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        restart: Vec<String>,
    },
    /// It goes by it now.
    Switched {
        /// The number of the change.
        number: u64,
    },
    /// It was told to end and is leaving, as it says each second until it has.
    Leaving {},
}

/// What a node starts with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The mesh.
    pub mesh: NodeName,
    /// What it goes by.
    #[serde(flatten)]
    pub share: Share,
    /// Where it listened the last time, to be tried first where any port will do.
    pub previous: Option<Endpoint>,
    /// The mesh key.
    pub key: [u8; 32],
    /// The number of this run.
    pub incarnation: u64,
    /// Its control socket.
    pub control: PathBuf,
    /// The directory for its sockets.
    pub runtime_dir: PathBuf,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup")
            .field("mesh", &self.mesh)
            .field("plan", &self.share.plan)
            .field("incarnation", &self.incarnation)
            .finish_non_exhaustive()
    }
}

/// One word as a line, its end included.
pub(super) fn line<T: Serialize>(word: &T) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(word)?;
    line.push(b'\n');
    Ok(line)
}

/// The word in a line.
pub(super) fn word<T: DeserializeOwned>(line: &str) -> serde_json::Result<T> {
    serde_json::from_str(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_form() {
        let endpoint: Endpoint = "tcp://127.0.0.1:5555".parse().unwrap();
        let top = NodeName::parse("top").unwrap();
        let written = |word: &FromNode| String::from_utf8(line(word).unwrap()).unwrap();
        let ready = FromNode::Ready { endpoint: endpoint.clone() };
        assert_eq!(written(&ready), "{\"ready\":{\"endpoint\":\"tcp://127.0.0.1:5555\"}}\n");
        assert_eq!(word::<FromNode>(&written(&ready)).unwrap(), ready);

        let addresses = ToNode::Addresses(BTreeMap::from([(top, endpoint)]));
        let text = "{\"addresses\":{\"top\":\"tcp://127.0.0.1:5555\"}}";
        assert_eq!(word::<ToNode>(text).unwrap(), addresses);
        assert_eq!(line(&ToNode::Ask {}).unwrap(), b"{\"ask\":{}}\n");
        let switch = ToNode::Switch { number: 7 };
        assert_eq!(line(&switch).unwrap(), b"{\"switch\":{\"number\":7}}\n");
        let prepared = FromNode::Prepared { number: 7, restart: vec!["bind".to_owned()] };
        assert_eq!(written(&FromNode::Leaving {}), "{\"leaving\":{}}\n");
        assert_eq!(written(&prepared), "{\"prepared\":{\"number\":7,\"restart\":[\"bind\"]}}\n");
    }
}
