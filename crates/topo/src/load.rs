//! Reads a topology from a file or a text. The only file of this half that touches the disk.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::check::{self, Checked};
use crate::codes;
use crate::diagnostic::{Diagnostic, Severity, Source};
use crate::files::{Files, IncludeError, Included, MAX_FILE, Resolver, not_utf8, too_large};
use crate::problems::{Loaded, Problems};

/// Reads the topology in the file at `path`, and in the files that it includes.
///
/// # Errors
/// [`Problems`] holds every mistake of the files, or why they could not be read.
pub fn load(path: &Path) -> Result<Loaded, Problems> {
    match read(path) {
        Ok(file) => read_all(file, &|from, path| included(&beside(from, path))),
        Err(error) => Err(unread(path, error)),
    }
}

/// Reads the topology in `text`, the text of a file called `name`, which includes no others.
///
/// # Errors
/// [`Problems`] holds every mistake of the text.
pub fn parse(name: &str, text: &str) -> Result<Loaded, Problems> {
    parse_with(name, text, &|_, _| {
        Err(IncludeError::Unreadable("this text is in no folder".to_owned()))
    })
}

/// Reads the topology in `text`, the text of a file called `name`; `resolver` gives the files that it,
/// or any of these, includes: it is asked with the name of the file that includes and with what it says.
///
/// # Errors
/// [`Problems`] holds every mistake of the texts.
pub fn parse_with(
    name: &str,
    text: &str,
    resolver: &dyn Fn(&str, &str) -> Result<Included, IncludeError>,
) -> Result<Loaded, Problems> {
    let (name, text) = (name.to_owned(), text.to_owned());
    read_all(Included { identity: name.clone(), name, text }, resolver)
}

fn read_all(first: Included, resolver: &Resolver<'_>) -> Result<Loaded, Problems> {
    let files = Files::gather(first, resolver);
    match check::check(&files) {
        Ok(Checked { topology, found, allowed, diameter }) => {
            let is_note = |found: &Diagnostic| found.severity == Severity::Note;
            let (notes, warnings) = found.into_iter().partition(is_note);
            Ok(Loaded { topology, warnings, notes, allowed, diameter, source: files.source })
        }
        Err(diagnostics) => Err(Problems { diagnostics, source: files.source }),
    }
}

/// The path of the file that `from` names `path`.
fn beside(from: &str, path: &str) -> PathBuf {
    let folder = Path::new(from).parent().unwrap_or(Path::new(""));
    folder.join(path.strip_prefix("./").unwrap_or(path))
}

/// The file at `path`, which another names. It must be a plain one: to open a pipe could take for ever.
fn included(path: &Path) -> Result<Included, IncludeError> {
    let about = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !about.is_file() && !about.is_dir() {
        return Err(IncludeError::Unreadable("it is no plain file".to_owned()));
    }
    read(path)
}

fn unreadable(error: &std::io::Error) -> IncludeError {
    IncludeError::Unreadable(reason(error))
}

/// The file at `path`.
fn read(path: &Path) -> Result<Included, IncludeError> {
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    // Two files of one name might be another by a link; a file that has none is known by its own.
    let identity = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(IncludeError::TooLarge);
    }
    let name = path.display().to_string();
    let text = String::from_utf8(bytes).map_err(|error| IncludeError::NotUtf8 {
        name: name.clone(),
        at: error.utf8_error().valid_up_to(),
        text: String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })?;
    Ok(Included { name, identity: identity.display().to_string(), text })
}

/// Why the file that was asked for could not be read.
fn unread(path: &Path, error: IncludeError) -> Problems {
    let mut shown = String::new();
    let problem = match error {
        IncludeError::Unreadable(why) => {
            Diagnostic::error(codes::UNREADABLE_FILE, format!("cannot read the file: {why}"))
        }
        IncludeError::TooLarge => too_large("the file is"),
        IncludeError::NotUtf8 { text, at, .. } => {
            shown = text;
            not_utf8(at)
        }
    };
    let source = Source::new(&path.display().to_string(), &shown);
    Problems { diagnostics: vec![problem], source }
}

fn reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "there is no file of that name".to_owned(),
        ErrorKind::PermissionDenied => "there is no permission to".to_owned(),
        ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}
