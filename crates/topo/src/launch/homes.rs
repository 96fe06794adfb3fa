//! Where the state and the sockets of running meshes live on a machine.

use std::ffi::OsString;
use std::path::PathBuf;

use super::error::LaunchError;

/// The two directories under which all state of running meshes is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Homes {
    /// Holds a directory for each mesh; outlives a restart of the machine.
    pub state: PathBuf,
    /// Directories that sockets may go into, the best first; short paths are what counts.
    pub runtime: Vec<PathBuf>,
}

impl Homes {
    /// As the environment says: `XDG_STATE_HOME` (else `~/.local/state`), and `XDG_RUNTIME_DIR` (else
    /// `temp`).
    ///
    /// # Errors
    /// [`LaunchError::NoHome`] where it says nothing.
    pub fn from_env(
        variable: impl Fn(&str) -> Option<OsString>,
        temp: PathBuf,
    ) -> Result<Self, LaunchError> {
        // The XDG base directory specification: a path that is not absolute is to be passed over.
        let path = |name: &str| {
            let path = PathBuf::from(variable(name)?);
            path.is_absolute().then_some(path)
        };
        let state = path("XDG_STATE_HOME")
            .or_else(|| Some(path("HOME")?.join(".local/state")))
            .ok_or(LaunchError::NoHome)?;
        let mut runtime: Vec<PathBuf> = path("XDG_RUNTIME_DIR").into_iter().collect();
        runtime.push(temp);
        runtime.push(PathBuf::from("/tmp"));
        Ok(Self { state: state.join("hopline"), runtime })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn homes(set: &[(&str, &str)]) -> Result<Homes, LaunchError> {
        let variable = |name: &str| {
            let found = set.iter().find(|(key, _)| *key == name)?;
            Some(OsString::from(found.1))
        };
        Homes::from_env(variable, PathBuf::from("/temp"))
    }

    #[test]
    fn the_environment_says_where_state_belongs() {
        let xdg = homes(&[("XDG_STATE_HOME", "/s"), ("XDG_RUNTIME_DIR", "/r"), ("HOME", "/h")]);
        let xdg = xdg.unwrap();
        assert_eq!(xdg.state, PathBuf::from("/s/hopline"));
        assert_eq!(xdg.runtime[0], PathBuf::from("/r"));

        let plain = homes(&[("XDG_STATE_HOME", "relative"), ("HOME", "/h")]).unwrap();
        assert_eq!(plain.state, PathBuf::from("/h/.local/state/hopline"));
        assert_eq!(plain.runtime[0], PathBuf::from("/temp"));

        assert!(matches!(homes(&[]), Err(LaunchError::NoHome)));
    }
}
