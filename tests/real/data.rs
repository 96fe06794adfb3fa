//! The folder with the data.

use std::io::Write as _;
use std::path::PathBuf;

use hopline::topo::import::{Cost, Format, Imported, Options, import};

/// Set, everything is looked at, however long it takes.
pub(crate) const ALL: &str = "HOPLINE_REAL_ALL";

/// The folder, where it is given. A test without it says that it looked at nothing.
pub(crate) fn folder(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("HOPLINE_REAL_TOPOLOGIES").filter(|folder| !folder.is_empty());
    match folder {
        Some(folder) => Some(PathBuf::from(folder)),
        None => {
            // Past what the test harness keeps to itself.
            let said = format!("{test}: DID NOT RUN: HOPLINE_REAL_TOPOLOGIES names no folder\n");
            std::io::stderr().write_all(said.as_bytes()).expect("stderr is there");
            None
        }
    }
}

/// The files of one family that end so, in order. There must be as many as are known.
pub(crate) fn files(test: &str, family: &str, endings: &[&str], count: usize) -> Vec<PathBuf> {
    let Some(folder) = folder(test) else {
        return Vec::new();
    };
    let folder = folder.join(family);
    let entries = std::fs::read_dir(&folder).expect("the family's folder can be listed");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        endings.iter().any(|ending| name.ends_with(ending))
    });
    files.sort();
    assert_eq!(files.len(), count, "{}: {endings:?}", folder.display());
    files
}

/// All files that the oracle speaks of: 33 of the Zoo, 7 Gabriel graphs, 11 labs.
pub(crate) fn judged(test: &str) -> Vec<PathBuf> {
    let mut all = files(test, "topology-zoo", &[".gml"], 33);
    all.extend(files(test, "topohub-gabriel", &[".json"], 7));
    all.extend(files(test, "containerlab", &[".yml", ".yaml"], 11));
    all
}

/// A file as `hopline import` takes it.
pub(crate) fn imported(file: &std::path::Path, cost: Cost) -> Imported {
    let text = std::fs::read_to_string(file).expect("the file can be read");
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let format = Format::guess(&name, &text).expect("the ending tells the format");
    let options = Options { cost, ..Options::new(&name) };
    import(&text, format, &options).unwrap_or_else(|error| panic!("{name}: {error}"))
}
