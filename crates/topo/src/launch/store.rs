//! Reading and writing the files of a state directory, whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use hopline_mesh::name::NodeName;
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

/// Puts `value` into `path` as JSON; a reader sees the old value or the new one.
pub(super) fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), LaunchError> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|source| LaunchError::Damaged { path: path.to_owned(), source })?;
    text.push(b'\n');
    write_bytes(path, &text)
}

/// Puts `bytes` into `path`, which only its owner may read.
pub(super) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), LaunchError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let written = || {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        // Else a machine that fails now may have the new name and nothing in it.
        file.sync_all()?;
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

/// The number of a node's next run: greater than any before, and the time where the clock is ahead.
pub(super) fn next_incarnation(
    place: &Place,
    node: &NodeName,
    unix_millis: u64,
) -> Result<u64, LaunchError> {
    let path = place.incarnation(node);
    // A file that is damaged is no reason not to start: the time is greater than what it held.
    let stored: Option<u64> = read(&path).ok().flatten();
    let next = stored.map_or(unix_millis, |stored| unix_millis.max(stored.saturating_add(1)));
    write(&path, &next)?;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(dir: &tempfile::TempDir) -> Place {
        let place = Place::at(dir.path().join("m-0"));
        make(&place).unwrap();
        place
    }

    #[test]
    fn a_run_has_a_greater_number_than_the_one_before_whatever_the_clock_says() {
        let dir = tempfile::tempdir().unwrap();
        let (place, node) = (place(&dir), NodeName::parse("east").unwrap());
        let numbers: Vec<u64> = [1000, 1000, 500, 2000]
            .into_iter()
            .map(|now| next_incarnation(&place, &node, now).unwrap())
            .collect();
        assert_eq!(numbers, [1000, 1001, 1002, 2000]);
        fs::write(place.incarnation(&node), "x").unwrap();
        assert_eq!(next_incarnation(&place, &node, 3000).unwrap(), 3000);
    }

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
