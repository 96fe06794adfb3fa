//! The lock that a supervisor holds for as long as it lives.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::error::LaunchError;
use super::store::state;

/// A lock that is held until this is dropped, or its process dies.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "an open file is what holds a lock")] File);

impl Lock {
    /// Takes the lock; none where somebody else has it.
    pub(super) fn take(path: &Path) -> Result<Option<Self>, LaunchError> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).open(path);
        let file = file.map_err(state(path, "opened"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(state(path, "locked")(error)),
        }
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
}
