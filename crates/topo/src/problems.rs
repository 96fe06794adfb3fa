//! Why a file is no topology, and what is odd in one that is.

use std::fmt;

use crate::check::Allowed;
use crate::diagnostic::{self, Diagnostic, Finding, Severity, Source, render};
use crate::topology::Topology;

/// A topology that could be used, with what is odd in its file.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The topology.
    pub topology: Topology,
    /// What is odd, in the file's order.
    pub warnings: Vec<Diagnostic>,
    /// What is worth knowing of the mesh's shape, in the file's order.
    pub notes: Vec<Diagnostic>,
    /// What the file allows, and so is in neither list.
    pub allowed: Vec<Allowed>,
    /// How many links the longest of all best ways takes; none where that would take too long to find
    /// out.
    pub diameter: Option<usize>,
    /// The file and those that it includes, to show the warnings with.
    pub source: Source,
}

impl Loaded {
    /// The warnings as people read them.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        render(&self.source, &self.warnings, color)
    }

    /// The warnings and the notes together, in the file's order.
    #[must_use]
    pub fn everything(&self) -> Vec<Diagnostic> {
        let mut all = [self.warnings.as_slice(), &self.notes].concat();
        diagnostic::sort(&mut all);
        all
    }

    /// The warnings as data.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        findings(&self.source, &self.warnings)
    }
}

/// All that is wrong with a file, and what is odd in it besides: at least one error.
///
/// Displayed as the whole report, in plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// Errors and warnings in the file's order.
    pub diagnostics: Vec<Diagnostic>,
    /// The file they are about, and those that it includes.
    pub source: Source,
}

impl Problems {
    /// The errors and warnings as people read them.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        render(&self.source, &self.diagnostics, color)
    }

    /// The errors and warnings as data.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        findings(&self.source, &self.diagnostics)
    }

    /// The errors alone.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

fn findings(source: &Source, diagnostics: &[Diagnostic]) -> Vec<Finding> {
    diagnostics.iter().map(|diagnostic| Finding::new(source, diagnostic)).collect()
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}
