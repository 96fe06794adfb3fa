//! Reads a topology from a file or a text. The only file of this half that touches the disk.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::check;
use crate::codes;
use crate::diagnostic::{Diagnostic, Source};
use crate::problems::{Loaded, Problems};

/// The largest file that is read, in bytes: room for ten thousand nodes.
pub const MAX_FILE: u64 = 4 << 20;

/// Reads the topology in the file at `path`.
///
/// # Errors
/// [`Problems`] holds every mistake of the file, or why it could not be read.
pub fn load(path: &Path) -> Result<Loaded, Problems> {
    let name = path.display().to_string();
    match text(path) {
        Ok(text) => parse(&name, &text),
        Err((problem, text)) => {
            Err(Problems { diagnostics: vec![problem], source: Source::new(&name, &text) })
        }
    }
}

/// Reads the topology in `text`, the text of a file called `name`.
///
/// # Errors
/// [`Problems`] holds every mistake of the text.
pub fn parse(name: &str, text: &str) -> Result<Loaded, Problems> {
    let source = Source::new(name, text);
    match check::check(&source) {
        Ok((topology, warnings)) => Ok(Loaded { topology, warnings, source }),
        Err(diagnostics) => Err(Problems { diagnostics, source }),
    }
}

/// The file's text; else what is wrong, and the text to show it with.
fn text(path: &Path) -> Result<String, (Diagnostic, String)> {
    let unreadable = |error: std::io::Error| {
        let message = format!("cannot read the file: {}", reason(&error));
        let problem = Diagnostic::error(codes::UNREADABLE_FILE, message);
        (problem, String::new())
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let mut limited = file.take(MAX_FILE + 1);
    limited.read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE {
        let message = format!("the file is larger than {} MiB", MAX_FILE >> 20);
        let problem = Diagnostic::error(codes::FILE_TOO_LARGE, message)
            .help("a topology file lists nodes and links only");
        return Err((problem, String::new()));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let shown = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let problem = Diagnostic::error(codes::NOT_UTF8, "the file is not UTF-8 text")
            .label(&(at..at + '\u{fffd}'.len_utf8()), "no UTF-8 from here on")
            .help("save it as UTF-8 in your editor");
        (problem, shown)
    })
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
