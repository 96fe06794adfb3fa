//! The directory of a mesh's control sockets, and the names in it.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use hopline_mesh::name::NodeName;
use sha2::{Digest as _, Sha256};

use super::error::LaunchError;
use super::homes::Homes;
use super::place::hex;

/// The longest path of a unix socket that Linux and macOS both take, in bytes.
const LONGEST: usize = 103;

/// Room for the directory's own name, and for the sockets that a node makes in it.
const ROOM: usize = 48;

/// The control socket of `node` in the directory `dir`: by its name where the path is short enough,
/// else by a hash of it.
#[must_use]
pub fn control_socket(dir: &Path, node: &NodeName) -> PathBuf {
    let plain = dir.join(format!("{node}.ctl"));
    if plain.as_os_str().len() <= LONGEST {
        return plain;
    }
    let digest = Sha256::digest(node.as_str());
    dir.join(format!("{}.ctl", hex(&digest[..8])))
}

/// Makes a new directory that nobody else may look into.
pub(super) fn make(homes: &Homes) -> Result<PathBuf, LaunchError> {
    let mut last = None;
    for home in &homes.runtime {
        if home.as_os_str().len() + ROOM > LONGEST {
            last = Some(LaunchError::LongSocketPath { path: home.clone() });
            continue;
        }
        match make_in(home) {
            Ok(dir) => return Ok(dir),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or(LaunchError::NoHome))
}

fn make_in(home: &Path) -> Result<PathBuf, LaunchError> {
    loop {
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(LaunchError::Random)?;
        let path = home.join(format!("hopline-{}", hex(&random)));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(source) => {
                return Err(LaunchError::State { path, action: "made", source });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_node_name_has_a_socket_in_any_directory_with_room() {
        let long = NodeName::parse(&"n".repeat(64)).unwrap();
        let short = NodeName::parse("east").unwrap();
        let dir = PathBuf::from(format!("/{}", "d".repeat(LONGEST - ROOM + 15)));
        assert_eq!(control_socket(&dir, &short), dir.join("east.ctl"));
        let path = control_socket(&dir, &long);
        assert!(path.as_os_str().len() <= LONGEST, "{}", path.display());
        assert_eq!(path, control_socket(&dir, &long));
    }
}
