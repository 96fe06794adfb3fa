//! `hopline test`

mod document;
mod junit;
mod live;
mod mesh;
mod offline;
mod report;
mod tap;
mod text;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use hopline::topo::{Problems, Topology};

use super::{Answer, patience};
use crate::way::count;
use crate::{names, output, trouble};
use report::{FileReport, Report, Tested, Verdict};

/// Hold the routes against what a file expects of them
///
/// Each [[expect]] of each file is tried, on paper or with --live on the running mesh. Exit codes:
///   0  all of it holds
///   1  something does not hold
///   2  something could not be tried, or there was nothing to try
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Test {
    /// Topology files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Try all cases of 1 to N failed links and nodes as well: whatever reaches each other still does
    #[arg(long, value_name = "N", conflicts_with = "live", value_parser = number_of_failures)]
    survive: Option<usize>,
    /// Trace through the running mesh; links are cut for a while where an expect says so
    #[arg(long)]
    live: bool,
    /// With --live, how long the mesh may take to settle each time
    #[arg(long, default_value = "30s", value_parser = patience)]
    timeout: Duration,
    /// How to print what came of it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print JSON: short for `--format json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One document
    Json,
    /// The Test Anything Protocol, version 14
    Tap,
    /// JUnit's XML, as most CI systems read it
    Junit,
}

impl Test {
    pub(crate) async fn run(self) -> anyhow::Result<Answer> {
        let mut report = Report::default();
        for file in &self.files {
            let name = file.display().to_string();
            let mut tests = match names::topology(file) {
                Ok(loaded) => self.tests(file, &loaded.topology).await,
                Err(error) => {
                    // The mistakes with their places, for people; the report says it in a line.
                    trouble::report(&error);
                    vec![Tested::of_file(&name, Verdict::Error(mistakes(&error)))]
                }
            };
            Tested::name_apart(&mut tests);
            report.files.push(FileReport { file: name, tests });
        }
        output::data(&match self.format {
            Format::Json => document::document(&report)?,
            Format::Text if self.json => document::document(&report)?,
            Format::Text => text::text(&report),
            Format::Tap => tap::tap(&report),
            Format::Junit => junit::junit(&report),
        })?;
        Ok(report.answer())
    }

    async fn tests(&self, file: &Path, topology: &Topology) -> Vec<Tested> {
        let name = file.display().to_string();
        let mut tests = match self.live {
            true => live::tests(file, topology.expects(), self.timeout).await,
            false => offline::tests(&name, topology),
        };
        if let Some(most) = self.survive {
            tests.push(offline::survival(&name, topology, most));
        }
        if tests.is_empty() {
            let nothing = "there is nothing to test: no [[expect]] in the file, and no --survive";
            tests.push(Tested::of_file(&name, Verdict::Error(nothing.to_owned())));
        }
        tests
    }
}

/// The first mistake of a file, and how many more there are.
fn mistakes(error: &anyhow::Error) -> String {
    let Some(problems) = error.downcast_ref::<Problems>() else {
        return format!("{error:#}");
    };
    let mut errors = problems.errors();
    let first = errors.next().map_or("it cannot be read", |error| &error.message);
    match errors.count() {
        0 => first.to_owned(),
        more => format!("{first}, and {}", count(more, "more mistake")),
    }
}

/// Reads the N of `--survive`.
fn number_of_failures(text: &str) -> Result<usize, String> {
    let most = hopline::topo::survive::MAX_DOWN;
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| format!("a number from 1 to {most}"))
}
