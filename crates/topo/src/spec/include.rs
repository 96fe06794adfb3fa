//! The key `include`, which is read before anything else of a file.

use toml::de::DeTable;

use super::At;
use super::reader::{Reader, entries};
use crate::codes;
use crate::diagnostic::Diagnostic;

/// What the key is called.
pub(crate) const INCLUDE: &str = "include";

/// Takes the key out of the file's tree: the files that it names.
pub(crate) fn take(root: &mut DeTable<'_>) -> (Vec<At<String>>, Vec<Diagnostic>) {
    let mut reader = Reader::default();
    let mut files = Vec::new();
    if let Some((key, value)) = entries(root).into_iter().find(|(key, _)| key.value == INCLUDE) {
        files = reader.text_or_texts(&key, value).map(|list| list.value).unwrap_or_default();
    }
    root.remove(INCLUDE);
    files.retain(|file| {
        let is_empty = file.value.trim().is_empty();
        if is_empty {
            let problem = Diagnostic::error(codes::BAD_VALUE, "an include names no file")
                .label(&file.span, "no path")
                .help("write the path of a file, or take it out");
            reader.problems.push(problem);
        }
        !is_empty
    });
    (files, reader.problems)
}
