//! What came of tests, as the Test Anything Protocol has it: <https://testanything.org>, version 14.

use std::fmt::Write as _;

use super::report::{Report, Tested, Verdict};
use crate::way::visible;

/// A test point for each thing that was tried, with a block of YAML for what does not hold.
pub(super) fn tap(report: &Report) -> String {
    let mut text = format!("TAP version 14\n1..{}\n", report.tests().count());
    for (number, test) in (1..).zip(report.tests()) {
        let name = described(test);
        match &test.verdict {
            Verdict::Held => {
                let _ = writeln!(text, "ok {number} - {name}");
            }
            Verdict::Failed(failure) => {
                let _ = writeln!(text, "not ok {number} - {name}");
                let mut claims = failure.claims.clone();
                claims.extend(failure.why.iter().map(|why| format!("why: {why}")));
                block(&mut text, test, "fail", &claims.join("\n"), failure.look.as_deref());
            }
            Verdict::Error(error) => {
                let _ = writeln!(text, "not ok {number} - {name}");
                block(&mut text, test, "error", error, None);
            }
        }
    }
    text
}

/// A test's name and place, with what TAP would take for its own marks written out.
fn described(test: &Tested) -> String {
    let name = match test.name == test.file {
        true => test.name.clone(),
        false => format!("{} ({})", test.name, test.place()),
    };
    visible(&name).replace('\\', "\\\\").replace('#', "\\#")
}

/// What there is to say of a test point. JSON's texts are YAML's as well.
fn block(text: &mut String, test: &Tested, severity: &str, message: &str, look: Option<&str>) {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let _ = writeln!(text, "  ---\n  severity: {severity}\n  message: {}", quoted(message));
    let _ = writeln!(text, "  file: {}", quoted(&test.file));
    if let Some(line) = test.line {
        let _ = writeln!(text, "  line: {line}");
    }
    if let Some(look) = look {
        let _ = writeln!(text, "  see: {}", quoted(look));
    }
    text.push_str("  ...\n");
}
