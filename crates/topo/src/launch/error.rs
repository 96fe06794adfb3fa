//! Why a mesh could not be launched, or stopped.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use hopline_core::Endpoint;
use hopline_mesh::name::NodeName;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::agreement::Lack;

/// Why a mesh could not be launched, looked at, or stopped.
#[derive(Debug, Error)]
pub enum LaunchError {
    /// Nothing says where state belongs.
    #[error("there is no place for the state of meshes: set HOME or XDG_STATE_HOME")]
    NoHome,
    /// A file or directory of the state could not be used.
    #[error("{} cannot be {action}", path.display())]
    State {
        /// The file or directory.
        path: PathBuf,
        /// What was to be done with it: "read", "written", ...
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// A file of the state holds something else than it should.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A file of the state of a mesh that runs holds something else than it should.
    #[error("the mesh runs, and {} is damaged", path.display())]
    DamagedRunning {
        /// The file.
        path: PathBuf,
        /// The topology file of the mesh.
        file: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The mesh runs already.
    #[error("the mesh `{mesh}` runs already{}", Pid(*pid))]
    AlreadyRuns {
        /// Its name.
        mesh: String,
        /// Its supervisor, as far as it is known.
        pid: Option<u32>,
        /// Its topology file.
        file: PathBuf,
    },
    /// A file should hold a mesh key and does not.
    #[error("{} is no mesh key: it must hold 64 hexadecimal digits", path.display())]
    Key {
        /// The file.
        path: PathBuf,
    },
    /// The file of the mesh key cannot be read.
    #[error("the mesh key cannot be read from {}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no directory whose path is short enough for sockets.
    #[error("{} is too long for the path of a unix socket", path.display())]
    LongSocketPath {
        /// The directory that was to hold the sockets.
        path: PathBuf,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
    /// A node did not start.
    #[error("node `{node}` did not start: {failure}")]
    Node {
        /// The node.
        node: NodeName,
        /// Why.
        failure: Failure,
        /// The file of the running mesh that holds the address, where one does.
        holder: Option<PathBuf>,
        /// Where the node's log is.
        log: PathBuf,
    },
    /// The mesh was not whole in time.
    #[error("the mesh is not whole after {} s: {lack}", within.as_secs())]
    NotWhole {
        /// The time it had.
        within: Duration,
        /// What it lacks.
        lack: Lack,
    },
    /// The supervisor does not answer.
    #[error("the supervisor (pid {pid}) does not answer")]
    Silent {
        /// Its process.
        pid: u32,
    },
    /// The supervisor does not end.
    #[error("the supervisor (pid {pid}) does not end")]
    DoesNotEnd {
        /// Its process.
        pid: u32,
    },
    /// The state names no supervisor though one holds the lock.
    #[error("somebody holds {}, but it is not the supervisor that the state names", lock.display())]
    UnknownHolder {
        /// The lock's file.
        lock: PathBuf,
    },
}

impl LaunchError {
    /// What to do about it, where there is something to be done.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Node { failure: Failure::AddressTaken { .. }, holder, .. } => {
                Some(match holder {
                    Some(file) => format!(
                        "the mesh of {file} listens there: stop it with `hopline down {file}`",
                        file = file.display()
                    ),
                    None => "stop the program that listens there, or change the node's `bind` \
                         (`\"auto\"` takes any free port)"
                        .to_owned(),
                })
            }
            Self::Node { log, .. } => Some(format!("its log is {}", log.display())),
            Self::LongSocketPath { .. } => {
                Some("set XDG_RUNTIME_DIR or TMPDIR to a shorter path".to_owned())
            }
            Self::AlreadyRuns { file, .. } => Some(format!(
                "`hopline status {file}` shows it, `hopline down {file}` stops it",
                file = file.display()
            )),
            Self::KeyFile { path, source } if source.kind() == io::ErrorKind::NotFound => Some(
                format!("`(umask 077; openssl rand -hex 32 > {})` makes a key", path.display()),
            ),
            Self::Silent { pid } => Some(format!(
                "it may have been stopped: `kill -CONT {pid}`, or `fg` in its terminal, has it go on"
            )),
            Self::DamagedRunning { file, .. } => Some(format!(
                "`hopline down {file}` stops it all the same, and `hopline up --detach {file}` makes the \
                 file anew",
                file = file.display()
            )),
            // A file that is there and is no key may be anything: nothing is to be written over it.
            Self::Key { .. }
            | Self::KeyFile { .. }
            | Self::NoHome
            | Self::State { .. }
            | Self::Damaged { .. }
            | Self::Random(_)
            | Self::NotWhole { .. }
            | Self::DoesNotEnd { .. }
            | Self::UnknownHolder { .. } => None,
        }
    }
}

/// Why a node's process could not do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Somebody else listens at its endpoint.
    AddressTaken {
        /// The endpoint.
        endpoint: Endpoint,
    },
    /// Something else, in words.
    Other {
        /// The words.
        reason: String,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddressTaken { endpoint } => match endpoint.port() {
                Some(port) => write!(f, "port {port} is taken ({endpoint})"),
                None => write!(f, "{endpoint} is taken"),
            },
            Self::Other { reason } => f.write_str(reason),
        }
    }
}

struct Pid(Option<u32>);

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pid) => write!(f, " (its supervisor is process {pid})"),
            None => Ok(()),
        }
    }
}
