//! Locks: the one that a supervisor holds for as long as it lives, and in it who that is.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::error::LaunchError;
use super::records::SupervisorRecord;
use super::store::state;

/// A lock that is held until this is dropped, or its process dies.
#[must_use = "the lock is free again when this is dropped"]
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Takes the lock; none where somebody else has it.
    pub(super) fn take(path: &Path) -> Result<Option<Self>, LaunchError> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = file.map_err(state(path, "opened"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(state(path, "locked")(error)),
        }
    }

    /// Writes into the lock's file, which is at `path`, who holds it; nobody, to clear it.
    pub(super) fn sign(
        &self,
        path: &Path,
        holder: Option<&SupervisorRecord>,
    ) -> Result<(), LaunchError> {
        let text = holder.map(serde_json::to_vec).transpose();
        let text = text.map_err(|error| state(path, "written")(error.into()))?;
        // Not by way of another file, as all else: the lock is this file's. Until all is written, nobody
        // is named.
        let written = self.0.set_len(0);
        let written = written.and_then(|()| self.0.write_all_at(&text.unwrap_or_default(), 0));
        written.map_err(state(path, "written"))
    }

    /// Who has signed the lock last; none where nobody has, or where that cannot be read.
    pub(super) fn signed_by(path: &Path) -> Option<SupervisorRecord> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Whether somebody holds the lock.
    pub(super) fn is_held(path: &Path) -> Result<bool, LaunchError> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(state(path, "opened")(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(state(path, "locked")(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::Identity;

    #[test]
    fn a_lock_has_one_holder_and_is_free_when_that_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert!(!Lock::is_held(&path).unwrap());
        let lock = Lock::take(&path).unwrap();
        assert!(lock.is_some());
        assert!(Lock::take(&path).unwrap().is_none());
        assert!(Lock::is_held(&path).unwrap());
        drop(lock);
        assert!(!Lock::is_held(&path).unwrap());
    }

    #[test]
    fn a_lock_names_the_last_who_signed_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let record = |mesh: &str| SupervisorRecord {
            process: Identity { pid: 7, started: None },
            mesh: mesh.to_owned(),
            file: "/m.toml".into(),
            sockets: "/run/hopline-0".into(),
        };
        let lock = Lock::take(&path).unwrap().unwrap();
        assert_eq!(Lock::signed_by(&path), None);
        for mesh in ["a-long-name", "m"] {
            lock.sign(&path, Some(&record(mesh))).unwrap();
            assert_eq!(Lock::signed_by(&path), Some(record(mesh)));
        }
        lock.sign(&path, None).unwrap();
        assert_eq!(Lock::signed_by(&path), None);
    }
}
