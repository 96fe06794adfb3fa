//! Reading and writing the files of a state directory, whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::LaunchError;
use super::place::Place;

/// A log that is larger when its node starts begins anew; the old one is kept once.
const LARGEST_LOG: u64 = 8 << 20;

/// Says what was to be done with which file.
pub(super) fn state(
    path: &Path,
    action: &'static str,
) -> impl FnOnce(std::io::Error) -> LaunchError {
    let path = path.to_owned();
    move |source| LaunchError::State { path, action, source }
}

/// Makes the directory of a mesh and those in it.
pub(super) fn make(place: &Place) -> Result<(), LaunchError> {
    for dir in [place.dir(), &place.logs(), &place.nodes()] {
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(dir);
        made.map_err(state(dir, "made"))?;
    }
    Ok(())
}

/// The value that `path` holds as JSON; none where there is no such file.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, LaunchError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(state(path, "read")(error)),
    };
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|source| LaunchError::Damaged { path: path.to_owned(), source })
}

/// The value that `path` holds as JSON; none where there is no such file, or where it is damaged, which is
/// no reason to stop for who makes it anew.
pub(super) fn read_or_rebuild<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, LaunchError> {
    match read(path) {
        Err(LaunchError::Damaged { path, source }) => {
            tracing::warn!("{} is damaged, and is made anew: {source}", path.display());
            Ok(None)
        }
        read => read,
    }
}

/// Puts `value` into `path` as JSON; a reader sees the old value or the new one. The disk is not waited for: that takes
/// seconds where much else is written, and what is told of processes means nothing once the machine has failed.
pub(super) fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), LaunchError> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|source| LaunchError::Damaged { path: path.to_owned(), source })?;
    text.push(b'\n');
    replace(path, &text, |_| Ok(()))
}

/// The same with bytes that are to be there also after the machine has failed. It waits for the disk.
pub(super) fn write_for_good(path: &Path, bytes: &[u8]) -> Result<(), LaunchError> {
    replace(path, bytes, File::sync_all)
}

/// Puts `bytes` into `path`, which only its owner may read, once they are settled in a file beside it.
fn replace(
    path: &Path,
    bytes: &[u8],
    settle: impl FnOnce(&File) -> std::io::Result<()>,
) -> Result<(), LaunchError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let written = || {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        settle(&file)?;
        fs::rename(&new, path)
    };
    written().map_err(state(path, "written"))
}

/// Removes a file that may be there.
pub(super) fn remove(path: &Path) -> Result<(), LaunchError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(state(path, "removed")(error)),
        _ => Ok(()),
    }
}

/// Removes a directory that may be there, with all that is in it.
pub(super) fn remove_dir(path: &Path) -> Result<(), LaunchError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(state(path, "removed")(error)),
        _ => Ok(()),
    }
}

/// Opens the log of a supervisor that has no terminal, in a state directory that need not be there yet.
///
/// # Errors
/// [`LaunchError::State`] where a directory cannot be made, or the file not be opened.
pub fn open_supervisor_log(place: &Place) -> Result<File, LaunchError> {
    make(place)?;
    open_log(&place.supervisor_log())
}

/// Opens a log to write behind what is there; one that is too large is set aside first.
pub(super) fn open_log(path: &Path) -> Result<File, LaunchError> {
    if fs::metadata(path).is_ok_and(|log| log.len() > LARGEST_LOG) {
        let old = path.with_extension("log.1");
        fs::rename(path, &old).map_err(state(path, "set aside"))?;
    }
    let mut options = OpenOptions::new();
    let file = options.append(true).create(true).mode(0o600).open(path);
    file.map_err(state(path, "opened"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_log_is_set_aside_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("east.log");
        for round in 0..2_u8 {
            let file = open_log(&path).unwrap();
            file.set_len(LARGEST_LOG + 1).unwrap();
            open_log(&path).unwrap().write_all(&[round]).unwrap();
            assert_eq!(fs::read(&path).unwrap(), [round]);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_not_there_is_none_and_what_is_damaged_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        assert!(read::<u64>(&path).unwrap().is_none());
        write(&path, &7).unwrap();
        assert_eq!(read::<u64>(&path).unwrap(), Some(7));
        fs::write(&path, "{").unwrap();
        assert!(matches!(read::<u64>(&path), Err(LaunchError::Damaged { .. })));
        assert_eq!(read_or_rebuild::<u64>(&path).unwrap(), None);
    }
}
