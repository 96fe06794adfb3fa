//! The table `[lints.allow]`: what the file knows of and means.

use serde::Serialize;

use crate::check::quoted;
use crate::codes::{self, ERRORS, LINTS, NOTES};
use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::spec::{PairSpec, Spec};
use crate::suggest;

/// A lint or note that the file allows, with why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Allowed {
    /// The code.
    pub code: &'static str,
    /// Why it is allowed, as the file says.
    pub reason: String,
    /// How many findings are not told for it.
    pub findings: usize,
}

/// What a file allows.
pub(in crate::check) struct Allow {
    entries: Vec<(Span, Allowed)>,
}

impl Allow {
    /// Reads the table; what is wrong with it goes to `problems`.
    pub(in crate::check) fn read(spec: &Spec, problems: &mut Vec<Diagnostic>) -> Self {
        let entries = spec.allow.iter().filter_map(|pair| match entry(pair) {
            Ok(entry) => entry,
            Err(problem) => {
                problems.push(problem);
                None
            }
        });
        let entries = entries.collect();
        Self { entries }
    }

    /// Takes what is allowed out of `found`.
    pub(in crate::check) fn apply(&mut self, found: &mut Vec<Diagnostic>) {
        found.retain(|diagnostic| {
            let is_it = |entry: &&mut (Span, Allowed)| entry.1.code == diagnostic.code;
            match self.entries.iter_mut().find(is_it) {
                Some((_, allowed)) if diagnostic.severity != Severity::Error => {
                    allowed.findings += 1;
                    false
                }
                _ => true,
            }
        });
    }

    /// What was allowed; with a lint for each that allows nothing, as far as that is sure.
    pub(in crate::check) fn finish(
        mut self,
        found: &mut Vec<Diagnostic>,
        diameter: Option<usize>,
    ) -> Vec<Allowed> {
        let unsure = |code: &str| code == codes::HOP_LIMIT_BELOW_DIAMETER && diameter.is_none();
        let mut needless = self.needless(|code| code != codes::NEEDLESS_ALLOW && !unsure(code));
        self.apply(&mut needless);
        needless.extend(self.needless(|code| code == codes::NEEDLESS_ALLOW));
        found.extend(needless);
        self.entries.into_iter().map(|(_, allowed)| allowed).collect()
    }

    fn needless(&self, which: impl Fn(&str) -> bool) -> Vec<Diagnostic> {
        let unused = self.entries.iter().filter(|(_, allowed)| allowed.findings == 0);
        let unused = unused.filter(|(_, allowed)| which(allowed.code));
        let lint = |(span, allowed): &(Span, Allowed)| {
            let message = format!("`{}` is allowed, but there is none", allowed.code);
            Diagnostic::warning(codes::NEEDLESS_ALLOW, message)
                .label(span, "nothing is left out for this")
                .help("take the line out, or a later one would be left out unseen")
        };
        unused.map(lint).collect()
    }
}

fn entry(pair: &PairSpec) -> Result<Option<(Span, Allowed)>, Diagnostic> {
    let (key, span) = (pair.key.value.as_str(), &pair.key.span);
    let known = || LINTS.iter().chain(NOTES).copied();
    let Some(code) = known().find(|code| *code == key) else {
        let (message, label, help) = match ERRORS.contains(&key) {
            true => (
                format!("`{key}` is an error, which cannot be allowed"),
                "only lints and notes can be",
                "take the line out, and put right what the error tells".to_owned(),
            ),
            false => (
                format!("unknown lint {}", quoted(key)),
                "no lint or note has this code",
                suggest::did_you_mean(key, known())
                    .unwrap_or_else(|| "`hopline check --list-codes` shows all".to_owned()),
            ),
        };
        return Err(Diagnostic::error(codes::UNKNOWN_LINT, message).label(span, label).help(help));
    };
    let Some(reason) = &pair.value else {
        return Ok(None);
    };
    if reason.value.trim().is_empty() {
        let message = format!("`{code}` is allowed without a reason");
        return Err(Diagnostic::error(codes::BAD_VALUE, message)
            .label(&reason.span, "empty")
            .help("write why this is meant, for those who read the file after you"));
    }
    let reason = reason.value.trim().to_owned();
    Ok(Some((span.clone(), Allowed { code, reason, findings: 0 })))
}
