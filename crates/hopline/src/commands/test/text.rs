//! What came of tests, for people.

use std::fmt::Write as _;

use super::report::{FileReport, Report, Tally, Tested, Verdict};
use crate::way::{count, visible};

/// A line for each thing that was tried, what there is to say of those that do not hold, and a sum.
pub(super) fn text(report: &Report) -> String {
    let mut text = String::new();
    for file in &report.files {
        for test in &file.tests {
            push(&mut text, test);
        }
    }
    for FileReport { file, tests } in &report.files {
        let _ = writeln!(text, "{}: {}", visible(file), sum(Tally::of(tests)));
    }
    if report.files.len() > 1 {
        let _ = writeln!(text, "in all: {}", sum(Tally::of(report.tests())));
    }
    text
}

fn push(text: &mut String, test: &Tested) {
    let name = match test.name == test.file {
        true => visible(&test.name),
        false => format!("{}  ({}{})", visible(&test.name), visible(&test.place()), tried(test)),
    };
    match &test.verdict {
        Verdict::Held => {
            let _ = writeln!(text, "ok      {name}");
        }
        Verdict::Failed(failure) => {
            let _ = writeln!(text, "FAILED  {name}");
            for claim in &failure.claims {
                let _ = writeln!(text, "        {}", visible(claim));
            }
            for why in &failure.why {
                let _ = writeln!(text, "        why: {}", visible(why));
            }
            if let Some(look) = &failure.look {
                let _ = writeln!(text, "        see: {}", visible(look));
            }
        }
        Verdict::Error(error) => {
            let _ = writeln!(text, "ERROR   {name}");
            for line in error.lines() {
                let _ = writeln!(text, "        {}", visible(line));
            }
        }
    }
}

/// How many cases there were, where it is about all there are.
fn tried(test: &Tested) -> String {
    let cases = test.survival.as_ref().map(|survival| survival.cases);
    let cases = cases.map(|cases| usize::try_from(cases).unwrap_or(usize::MAX));
    cases.map_or_else(String::new, |cases| format!(", {} tried", count(cases, "case")))
}

/// `5 tests: 3 held, 1 failed, 1 not tried`.
fn sum(tally: Tally) -> String {
    let Tally { held, failed, errors } = tally;
    let parts = [(held, "held"), (failed, "failed"), (errors, "could not be tried")];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts.map(|(number, what)| format!("{number} {what}")).collect();
    format!("{}: {}", count(tally.all(), "test"), parts.join(", "))
}
