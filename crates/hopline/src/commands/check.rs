//! `hopline check`

use std::path::PathBuf;

use clap::Args;
use hopline::topo::codes::LINTS;
use hopline::topo::{Diagnostic, Finding, Severity, Source, Topology, load, nearest, render};
use serde::Serialize;

use super::Answer;
use crate::output;
use crate::trouble::{Bad, is_colored};
use crate::way::count;

/// Find every mistake in topology files
///
/// What is wrong is an error, with exit code 1; what is odd is a lint, and leaves the exit code alone
/// unless --deny says otherwise.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Topology files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Take a lint for an error: its code, or `all`
    #[arg(long, value_name = "CODE")]
    deny: Vec<String>,
}

/// What was found in one file.
struct Checked {
    diagnostics: Vec<Diagnostic>,
    source: Source,
    topology: Option<Topology>,
}

#[derive(Serialize)]
struct Report {
    ok: bool,
    files: Vec<FileReport>,
}

#[derive(Serialize)]
struct FileReport {
    file: String,
    ok: bool,
    mesh: Option<String>,
    nodes: Option<usize>,
    links: Option<usize>,
    clients: Option<usize>,
    findings: Vec<Finding>,
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<Answer> {
        for code in &self.deny {
            known_lint(code)?;
        }
        let checked: Vec<Checked> = self.files.iter().map(|file| self.check(file)).collect();
        let ok = checked.iter().all(Checked::is_ok);
        if self.json {
            let files = checked.iter().map(FileReport::new).collect();
            output::json(&Report { ok, files })?;
        } else {
            for checked in &checked {
                checked.print()?;
            }
        }
        Ok(if ok { Answer::Yes } else { Answer::No })
    }

    fn check(&self, file: &std::path::Path) -> Checked {
        let mut checked = match load(file) {
            Ok(loaded) => Checked {
                diagnostics: loaded.warnings,
                source: loaded.source,
                topology: Some(loaded.topology),
            },
            Err(problems) => Checked {
                diagnostics: problems.diagnostics,
                source: problems.source,
                topology: None,
            },
        };
        for diagnostic in &mut checked.diagnostics {
            let is_denied = |code: &String| code == "all" || code == diagnostic.code;
            if self.deny.iter().any(is_denied) {
                diagnostic.severity = Severity::Error;
            }
        }
        checked
    }
}

impl Checked {
    fn is_ok(&self) -> bool {
        self.number(Severity::Error) == 0
    }

    fn number(&self, severity: Severity) -> usize {
        let all = self.diagnostics.iter();
        all.filter(|diagnostic| diagnostic.severity == severity).count()
    }

    fn print(&self) -> anyhow::Result<()> {
        let name = self.source.name();
        if !self.diagnostics.is_empty() {
            output::data(&render(&self.source, &self.diagnostics, is_colored(&std::io::stdout())))?;
            output::data("\n")?;
        }
        let found = [(Severity::Error, "error"), (Severity::Warning, "warning")]
            .into_iter()
            .map(|(severity, word)| (self.number(severity), word))
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| count(number, word))
            .collect::<Vec<_>>();
        let size = self.topology.as_ref().map(|topology| {
            format!(
                "{}, {}, {}",
                count(topology.nodes().len(), "node"),
                count(topology.links().len(), "link"),
                count(topology.clients().len(), "planned client"),
            )
        });
        let line = match (self.is_ok(), size) {
            (true, Some(size)) if found.is_empty() => format!("{name}: ok ({size})"),
            (true, Some(size)) => format!("{name}: ok, {} ({size})", found.join(", ")),
            _ => format!("{name}: {}", found.join(", ")),
        };
        output::data(&line)
    }
}

impl FileReport {
    fn new(checked: &Checked) -> Self {
        let topology = checked.topology.as_ref();
        let findings = checked.diagnostics.iter();
        Self {
            file: checked.source.name().to_owned(),
            ok: checked.is_ok(),
            mesh: topology.map(|topology| topology.name().to_string()),
            nodes: topology.map(|topology| topology.nodes().len()),
            links: topology.map(|topology| topology.links().len()),
            clients: topology.map(|topology| topology.clients().len()),
            findings: findings.map(|found| Finding::new(&checked.source, found)).collect(),
        }
    }
}

fn known_lint(code: &str) -> Result<(), Bad> {
    if code == "all" || LINTS.contains(&code) {
        return Ok(());
    }
    let help = match nearest(code, LINTS.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("lints are {}; `all` means every one", LINTS.join(", ")),
    };
    Err(Bad::new(format!("`{code}` is no lint")).help(help))
}
