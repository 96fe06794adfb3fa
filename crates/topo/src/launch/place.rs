//! The state directory of one mesh: what is where in it.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use hopline_mesh::name::NodeName;
use sha2::{Digest as _, Sha256};

/// The state directory of one mesh, `<mesh>-<hash of its file's path>`.
///
/// ```text
/// lock              held by the supervisor for as long as it lives; says who that is
/// supervisor.json   its process, and where the sockets are
/// key               the mesh key, where the topology names no file for it
/// plan.json         the plan that runs
/// processes.json    the process of each node
/// ports.json        where each node listens
/// uncounted.json    whether counts of messages are lost to the ledger
/// logs/NODE.log     what each node said
/// test.lock         held by whoever cuts its links for a test
/// nodes/NODE.incarnation   the number of each node's last run
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place(PathBuf);

impl Place {
    /// The directory for the mesh called `mesh` of the file at `file`, an absolute path.
    #[must_use]
    pub fn new(state: &Path, mesh: &NodeName, file: &Path) -> Self {
        Self(state.join(format!("{mesh}-{}", fingerprint(file))))
    }

    /// A directory that is known to be a mesh's.
    pub(super) fn at(dir: PathBuf) -> Self {
        Self(dir)
    }

    /// The directory itself.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// Held by the supervisor for as long as it lives.
    pub(super) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// Held by whoever cuts links for a test.
    pub(super) fn test(&self) -> PathBuf {
        self.0.join("test.lock")
    }

    /// The supervisor's process.
    pub(super) fn supervisor(&self) -> PathBuf {
        self.0.join("supervisor.json")
    }

    /// The mesh key.
    pub(super) fn key(&self) -> PathBuf {
        self.0.join("key")
    }

    /// The plan that runs.
    pub(super) fn plan(&self) -> PathBuf {
        self.0.join("plan.json")
    }

    /// The process of each node.
    pub(super) fn processes(&self) -> PathBuf {
        self.0.join("processes.json")
    }

    /// Where each node listens.
    pub(super) fn ports(&self) -> PathBuf {
        self.0.join("ports.json")
    }

    /// Whether counts of messages are lost to the ledger.
    pub(super) fn uncounted(&self) -> PathBuf {
        self.0.join("uncounted.json")
    }

    /// The directory of the logs.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.0.join("logs")
    }

    /// What a node said.
    #[must_use]
    pub fn log(&self, node: &NodeName) -> PathBuf {
        self.logs().join(format!("{node}.log"))
    }

    /// What the supervisor said, where it has no terminal.
    ///
    /// No node's log can be in its way: a node's name never ends with a mark.
    #[must_use]
    pub fn supervisor_log(&self) -> PathBuf {
        self.logs().join("supervisor_.log")
    }

    pub(super) fn nodes(&self) -> PathBuf {
        self.0.join("nodes")
    }

    /// The number of a node's last run.
    pub(super) fn incarnation(&self, node: &NodeName) -> PathBuf {
        self.nodes().join(format!("{node}.incarnation"))
    }
}

/// What the names of all state directories for `file` end with, whatever the mesh is called.
pub(super) fn suffix(file: &Path) -> String {
    format!("-{}", fingerprint(file))
}

fn fingerprint(file: &Path) -> String {
    hex(&Sha256::digest(file.as_os_str().as_bytes())[..6])
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_told_by_mesh_and_file() {
        let mesh = NodeName::parse("regions").unwrap();
        let place = |file: &str| Place::new(Path::new("/s"), &mesh, Path::new(file));
        assert_eq!(place("/a.toml"), place("/a.toml"));
        assert_ne!(place("/a.toml"), place("/b.toml"));
        let dir = place("/a.toml").dir().display().to_string();
        assert!(dir.starts_with("/s/regions-"), "{dir}");
        assert!(dir.ends_with(&suffix(Path::new("/a.toml"))), "{dir}");
    }
}
