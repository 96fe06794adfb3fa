//! The mesh key as a file: 64 hexadecimal digits that only its owner may read.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::error::LaunchError;
use super::place::{Place, hex};
use super::store;

/// Reads a mesh key. A file that others may read is a key all the same, with a warning: containers mount
/// secrets so.
///
/// # Errors
/// [`LaunchError::KeyFile`] where the file cannot be read, [`LaunchError::Key`] where it holds no key.
pub fn read_key(path: &Path) -> Result<[u8; 32], LaunchError> {
    let text = fs::read(path);
    let text = text.map_err(|source| LaunchError::KeyFile { path: path.to_owned(), source })?;
    let key = parse(&text).ok_or_else(|| LaunchError::Key { path: path.to_owned() })?;
    if is_exposed(path) {
        tracing::warn!(
            "{} may be read by others, and whoever has the key is a node of the mesh: `chmod 600` it",
            path.display()
        );
    }
    Ok(key)
}

/// The key of a mesh whose topology names no file for it: made at the first start, and where it is damaged.
/// The mesh's lock must be the caller's.
pub(super) fn own_key(place: &Place) -> Result<[u8; 32], LaunchError> {
    let path = place.key();
    match fs::exists(&path) {
        Ok(true) => match read_key(&path) {
            Err(LaunchError::Key { path }) => {
                tracing::warn!("{} is damaged, and is made anew", path.display());
            }
            read => return read,
        },
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(store::state(&path, "read")(error));
        }
        _ => {}
    }
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(LaunchError::Random)?;
    store::write_for_good(&path, format!("{}\n", hex(&key)).as_bytes())?;
    Ok(key)
}

/// Whether anybody but its owner may read or write a file.
fn is_exposed(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

fn parse(text: &[u8]) -> Option<[u8; 32]> {
    let digits = text.trim_ascii();
    let mut key = [0; 32];
    if digits.len() != 2 * key.len() {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_its_owners() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::at(dir.path().join("m-0"));
        store::make(&place).unwrap();
        let key = own_key(&place).unwrap();
        assert_ne!(key, [0; 32]);
        assert_eq!(own_key(&place).unwrap(), key);
        fs::write(place.key(), "").unwrap();
        assert_ne!(own_key(&place).unwrap(), key);
        let mode = fs::metadata(place.key()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!is_exposed(&place.key()));
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(place.key(), fs::Permissions::from_mode(mode)).unwrap();
            assert!(is_exposed(&place.key()), "{mode:o}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(parse("0F".repeat(32).as_bytes()), Some([15; 32]));
        for text in [String::new(), "0".repeat(63), "g".repeat(64), "0".repeat(66)] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
