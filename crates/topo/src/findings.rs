//! Findings while they are gathered: what many nodes have from one place is told once.

use std::collections::HashMap;

use crate::codes;
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

    /// The findings, each with how many more it stands for; a mistake in a template is one mistake.
    pub(crate) fn done(mut self) -> Vec<Diagnostic> {
        // What many nodes inherit is written once, and is wrong once.
        let is_one = |code: &str| {
            use codes::{BAD_COST, BAD_ENDPOINT, BAD_EXPECT, BAD_IMPAIRMENT};
            use codes::{BAD_LIMIT, BAD_POSITION, BAD_TEMPLATE, BAD_VALUE};
            [BAD_COST, BAD_ENDPOINT, BAD_EXPECT, BAD_IMPAIRMENT].contains(&code)
                || [BAD_LIMIT, BAD_POSITION, BAD_TEMPLATE, BAD_VALUE].contains(&code)
        };
        for ((code, _), (index, more)) in self.seen {
            if more == 0 || is_one(code) {
                continue;
            }
            if let Some(label) = self.found.get_mut(index).and_then(|f| f.labels.first_mut()) {
                let comma = if label.text.is_empty() { "" } else { ", " };
                label.text = format!("{}{comma}and {more} more like it", label.text);
            }
        }
        self.found
    }
}
