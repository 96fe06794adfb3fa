//! Findings while they are gathered: what many nodes have from one place is told once.

use std::collections::HashMap;

use crate::diagnostic::Diagnostic;

/// Findings, one for each code and place.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    found: Vec<Diagnostic>,
    /// Which finding stands for a code and place, and for how many it stands besides itself.
    seen: HashMap<(&'static str, usize), (usize, usize)>,
}

impl Findings {
    /// Adds a finding; one of a code that its place has already is counted only.
    pub(crate) fn push(&mut self, finding: Diagnostic) {
        if let Some(span) = finding.span() {
            let key = (finding.code, span.start);
            if let Some((_, more)) = self.seen.get_mut(&key) {
                *more += 1;
                return;
            }
            self.seen.insert(key, (self.found.len(), 0));
        }
        self.found.push(finding);
    }

    /// Whether there is a finding of this code.
    pub(crate) fn has(&self, code: &str) -> bool {
        self.found.iter().any(|finding| finding.code == code)
    }

    /// The findings, each with how many more it stands for.
    pub(crate) fn done(mut self) -> Vec<Diagnostic> {
        for (index, more) in self.seen.into_values().filter(|(_, more)| *more > 0) {
            if let Some(label) = self.found.get_mut(index).and_then(|f| f.labels.first_mut()) {
                let comma = if label.text.is_empty() { "" } else { ", " };
                label.text = format!("{}{comma}and {more} more like it", label.text);
            }
        }
        self.found
    }
}
