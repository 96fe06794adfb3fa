//! What the state of a running mesh says, and the files it stands in.

use std::path::PathBuf;

use hopline_core::Endpoint;
use serde::{Deserialize, Serialize};

use super::process::Identity;

/// The supervisor of a mesh.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisorRecord {
    /// Its process.
    pub process: Identity,
    /// The mesh's name.
    pub mesh: String,
    /// The topology file.
    pub file: PathBuf,
    /// The directory of the sockets.
    pub sockets: PathBuf,
}

/// The process of one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRecord {
    /// What it does.
    pub state: ProcessState,
    /// The process, while there is one.
    pub process: Option<Identity>,
    /// Where it listens, once it does.
    pub endpoint: Option<Endpoint>,
    /// Its control socket.
    pub control: PathBuf,
    /// How many times it was started again.
    pub restarts: u32,
    /// How its last process ended, where one did.
    pub last_end: Option<String>,
}

/// What a node's process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessState {
    /// It has not said that it listens.
    Starting,
    /// It listens.
    Up,
    /// It has ended, and will be started again.
    Restarting,
    /// It was told to end, and is not started again until somebody says so.
    Stopped,
}

impl ProcessState {
    /// The state in a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Up => "up",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
        }
    }
}
