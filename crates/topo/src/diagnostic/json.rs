//! Findings as data, for editors and scripts.

use serde::Serialize;

use super::{Diagnostic, Severity, Source};

/// A [`Diagnostic`] with its place as line and column; its JSON keys are part of the interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Error or warning.
    pub severity: Severity,
    /// The stable code.
    pub code: &'static str,
    /// The file's name as it was given.
    pub file: String,
    /// The line, from 1; none where the finding is about the whole file.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Finding {
    /// The finding `diagnostic` in the file `source`.
    #[must_use]
    pub fn new(source: &Source, diagnostic: &Diagnostic) -> Self {
        let place = diagnostic.span().map(|span| source.position(span.start));
        Self {
            severity: diagnostic.severity,
            code: diagnostic.code,
            file: source.name().to_owned(),
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column),
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
        }
    }
}
