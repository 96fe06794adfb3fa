//! What came of tests, before it is printed in one form or another.

use std::collections::BTreeMap;

use hopline::topo::Expect;
use hopline::topo::expect::Actual;
use hopline::topo::survive::Survival;

use crate::commands::Answer;

/// What came of all files.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) files: Vec<FileReport>,
}

/// What came of one file.
#[derive(Debug)]
pub(super) struct FileReport {
    pub(super) file: String,
    pub(super) tests: Vec<Tested>,
}

/// One thing that was tried.
#[derive(Debug)]
pub(super) struct Tested {
    pub(super) name: String,
    pub(super) file: String,
    /// None where it is about the whole file.
    pub(super) line: Option<usize>,
    pub(super) verdict: Verdict,
    pub(super) expect: Option<Expect>,
    pub(super) actual: Option<Actual>,
    pub(super) survival: Option<Survival>,
}

/// Where failures are looked into: on paper, or in the mesh that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// On paper.
    Offline,
    /// In the running mesh.
    Live,
}

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It holds.
    Held,
    /// It does not.
    Failed(Failure),
    /// It could not be tried.
    Error(String),
}

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Failure {
    /// Each claim, with what is.
    pub(super) claims: Vec<String>,
    /// Why it is so.
    pub(super) why: Vec<String>,
    /// A command that shows more.
    pub(super) look: Option<String>,
}

/// How many came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) held: usize,
    pub(super) failed: usize,
    pub(super) errors: usize,
}

impl Tally {
    pub(super) fn of<'a>(tests: impl IntoIterator<Item = &'a Tested>) -> Self {
        let mut tally = Self::default();
        for test in tests {
            match test.verdict {
                Verdict::Held => tally.held += 1,
                Verdict::Failed(_) => tally.failed += 1,
                Verdict::Error(_) => tally.errors += 1,
            }
        }
        tally
    }

    pub(super) fn all(self) -> usize {
        self.held + self.failed + self.errors
    }
}

impl Report {
    pub(super) fn tests(&self) -> impl Iterator<Item = &Tested> {
        self.files.iter().flat_map(|file| &file.tests)
    }

    /// What could not be tried weighs more than what does not hold: the rest is not known.
    pub(super) fn answer(&self) -> Answer {
        match Tally::of(self.tests()) {
            Tally { errors: 1.., .. } => Answer::Unknown,
            Tally { failed: 1.., .. } => Answer::No,
            Tally { .. } => Answer::Yes,
        }
    }
}

impl Tested {
    /// What came of an expect of the file at `file`.
    pub(super) fn new(
        file: &str,
        expect: &Expect,
        actual: Option<Actual>,
        verdict: Verdict,
    ) -> Self {
        let own = Some(&expect.file).filter(|own| !own.is_empty());
        Self {
            name: name(expect),
            file: own.map_or(file, String::as_str).to_owned(),
            line: Some(expect.line).filter(|line| *line > 0),
            verdict,
            expect: Some(expect.clone()),
            actual,
            survival: None,
        }
    }

    /// What came of a whole file.
    pub(super) fn of_file(file: &str, verdict: Verdict) -> Self {
        Self {
            name: file.to_owned(),
            file: file.to_owned(),
            line: None,
            verdict,
            expect: None,
            actual: None,
            survival: None,
        }
    }

    /// Names apart the tests of a file that are called the same, as CI systems know tests by name.
    pub(super) fn name_apart(tests: &mut [Self]) {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for test in tests {
            let times = seen.entry(test.name.clone()).or_default();
            *times += 1;
            if *times > 1 {
                test.name.push_str(&format!(" ({times})"));
            }
        }
    }

    /// `regions.toml:31`.
    pub(super) fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        }
    }
}

/// What an expect is called: as its file says, or else by what it is about.
fn name(expect: &Expect) -> String {
    if let Some(name) = &expect.name {
        return name.clone();
    }
    let arrow = if expect.unreachable { "does not reach" } else { "->" };
    let mut name = format!("{} {arrow} {}", expect.from, expect.to);
    if !expect.down.is_empty() {
        let down: Vec<String> = expect.down.iter().map(ToString::to_string).collect();
        name.push_str(&format!(" with {} down", down.join(" and ")));
    }
    if expect.survives > 0 {
        name.push_str(&format!(", survives {}", expect.survives));
    }
    name
}
