//! What came of tests, as one JSON document. Its keys are part of the interface.

use hopline::mesh::name::NodeName;
use hopline::topo::survive::Survival;
use serde::Serialize;

use super::report::{Failure, Report, Tally, Tested, Verdict};
use crate::way::hops;

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    held: usize,
    failed: usize,
    errors: usize,
    files: Vec<File<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    file: &'a str,
    ok: bool,
    tests: Vec<Test<'a>>,
}

#[derive(Serialize)]
struct Test<'a> {
    name: &'a str,
    file: &'a str,
    line: Option<usize>,
    /// `held`, `failed`, or `error` where it could not be tried.
    result: &'static str,
    #[serde(flatten)]
    message: Option<Message<'a>>,
    /// Why it could not be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// What does not hold.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    broken: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    why: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    see: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    survival: Option<&'a Survival>,
}

/// What became of the message of an expect, with the keys that `hopline route` has for it.
#[derive(Serialize)]
struct Message<'a> {
    from: &'a str,
    to: &'a str,
    down: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reachable: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a [NodeName]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hops: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'a NodeName>,
}

/// All that came of the tests.
pub(super) fn document(report: &Report) -> anyhow::Result<String> {
    let is_ok = |tally: Tally| tally.held == tally.all();
    let Tally { held, failed, errors } = Tally::of(report.tests());
    let files = report.files.iter().map(|file| File {
        file: &file.file,
        ok: is_ok(Tally::of(&file.tests)),
        tests: file.tests.iter().map(Test::new).collect(),
    });
    let ok = is_ok(Tally { held, failed, errors });
    let document = Document { ok, held, failed, errors, files: files.collect() };
    Ok(serde_json::to_string_pretty(&document)?)
}

impl<'a> Test<'a> {
    fn new(test: &'a Tested) -> Self {
        let (result, failure, error) = match &test.verdict {
            Verdict::Held => ("held", None, None),
            Verdict::Failed(failure) => ("failed", Some(failure), None),
            Verdict::Error(error) => ("error", None, Some(error.as_str())),
        };
        let list =
            |of: fn(&Failure) -> &Vec<String>| failure.map_or(&[][..], |failure| of(failure));
        Self {
            name: &test.name,
            file: &test.file,
            line: test.line,
            result,
            message: Message::new(test),
            error,
            broken: list(|failure| &failure.claims),
            why: list(|failure| &failure.why),
            see: failure.and_then(|failure| failure.look.as_deref()),
            survival: test.survival.as_ref(),
        }
    }
}

impl<'a> Message<'a> {
    fn new(test: &'a Tested) -> Option<Self> {
        let (expect, actual) = (test.expect.as_ref()?, test.actual.as_ref());
        Some(Self {
            from: &expect.from,
            to: &expect.to,
            down: expect.down.iter().map(ToString::to_string).collect(),
            reachable: actual.map(|actual| actual.reason.is_none()),
            path: actual.map(|actual| actual.path.as_slice()),
            cost: actual.map(|actual| actual.cost),
            hops: actual.map(|actual| hops(actual.path.len())),
            reason: actual.and_then(|actual| actual.reason.as_deref()),
            node: actual.and_then(|actual| actual.node.as_ref()),
        })
    }
}
