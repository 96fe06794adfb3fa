//! Findings as data, for editors and scripts.

use serde::Serialize;

use super::{Diagnostic, Severity, Source};

/// A [`Diagnostic`] with its place as line and column; its JSON keys are part of the interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Error, warning or note.
    pub severity: Severity,
    /// The stable code.
    pub code: &'static str,
    /// The name of the file that it is in.
    pub file: String,
    /// The line, from 1; none where the finding is about the whole file.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// The line where the place ends.
    pub end_line: Option<usize>,
    /// The column of the first character behind the place.
    pub end_column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Finding {
    /// The finding `diagnostic` in the files `source`.
    #[must_use]
    pub fn new(source: &Source, diagnostic: &Diagnostic) -> Self {
        let span = diagnostic.span();
        let place = span.map(|span| source.position(span.start));
        let end = span.map(|span| source.position(span.end.max(span.start)));
        let name = span.map_or(source.name(), |span| source.file_at(span.start).name());
        Self {
            severity: diagnostic.severity,
            code: diagnostic.code,
            file: name.to_owned(),
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column),
            end_line: end.map(|(line, _)| line),
            end_column: end.map(|(_, column)| column),
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
        }
    }
}
