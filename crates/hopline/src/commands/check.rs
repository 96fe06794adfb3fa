//! `hopline check`

mod pages;

use std::path::PathBuf;

use clap::Args;
use hopline::topo::codes::{LINTS, NOTES};
use hopline::topo::{Allowed, Diagnostic, Finding, Severity, Source, Topology};
use hopline::topo::{load, nearest, render};
use serde::Serialize;

use super::Answer;
use crate::output;
use crate::trouble::{Bad, is_colored};
use crate::way::count;

/// Find every mistake in topology files
///
/// What is wrong is an error, with exit code 1; what is odd is a lint, and what is worth knowing a note:
/// these leave the exit code alone unless --deny says otherwise.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Topology files
    #[arg(required_unless_present_any = ["explain", "list_codes"], value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Take a lint or note for an error: its code, or `all` for all lints
    #[arg(long, value_name = "CODE")]
    deny: Vec<String>,
    /// Tell what a code means, with an example of how to put it right
    #[arg(long, value_name = "CODE", conflicts_with_all = ["files", "json", "deny", "list_codes"])]
    explain: Option<String>,
    /// List all codes with what each says in a line
    #[arg(long, conflicts_with_all = ["files", "json", "deny"])]
    list_codes: bool,
}

/// What was found in one file.
struct Checked {
    diagnostics: Vec<Diagnostic>,
    source: Source,
    topology: Option<Topology>,
    diameter: Option<usize>,
    allowed: Vec<Allowed>,
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
    diameter: Option<usize>,
    findings: Vec<Finding>,
    allowed: Vec<Allowed>,
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<Answer> {
        if self.list_codes {
            output::data(&pages::list())?;
            return Ok(Answer::Yes);
        }
        if let Some(code) = &self.explain {
            output::data(&pages::explain(code)?)?;
            return Ok(Answer::Yes);
        }
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
                diagnostics: loaded.everything(),
                source: loaded.source,
                topology: Some(loaded.topology),
                diameter: loaded.diameter,
                allowed: loaded.allowed,
            },
            Err(problems) => Checked {
                diagnostics: problems.diagnostics,
                source: problems.source,
                topology: None,
                diameter: None,
                allowed: Vec::new(),
            },
        };
        for diagnostic in &mut checked.diagnostics {
            let is_lint = diagnostic.severity == Severity::Warning;
            let is_denied = |code: &String| code == diagnostic.code || is_lint && code == "all";
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
        let words =
            [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
        let found = words
            .into_iter()
            .map(|(severity, word)| (self.number(severity), word))
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| count(number, word))
            .collect::<Vec<_>>();
        let size = self.topology.as_ref().map(|topology| {
            let diameter = match self.diameter {
                Some(hops) => hops.to_string(),
                None => "not computed".to_owned(),
            };
            format!(
                "{}, {}, {}, diameter {diameter}",
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
            diameter: checked.diameter,
            findings: findings.map(|found| Finding::new(&checked.source, found)).collect(),
            allowed: checked.allowed.clone(),
        }
    }
}

fn known_lint(code: &str) -> Result<(), Bad> {
    let known = || LINTS.iter().chain(NOTES).copied();
    if code == "all" || known().any(|known| known == code) {
        return Ok(());
    }
    let help = match nearest(code, known()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "lints are {}; `all` means every one; notes are {}",
            LINTS.join(", "),
            NOTES.join(", ")
        ),
    };
    Err(Bad::new(format!("`{code}` is no lint or note")).help(help))
}
