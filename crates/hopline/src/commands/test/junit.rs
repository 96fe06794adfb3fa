//! What came of tests, in JUnit's XML as most CI systems read it.

use std::fmt::Write as _;

use super::report::{Report, Tally, Tested, Verdict};

/// A suite for each file, a case for each thing that was tried.
pub(super) fn junit(report: &Report) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let counts = |tally: Tally| {
        let Tally { failed, errors, .. } = tally;
        format!("tests=\"{}\" failures=\"{failed}\" errors=\"{errors}\"", tally.all())
    };
    let _ =
        writeln!(text, "<testsuites name=\"hopline test\" {}>", counts(Tally::of(report.tests())));
    for file in &report.files {
        let counts = counts(Tally::of(&file.tests));
        let name = escaped(&file.file);
        let _ = writeln!(text, "  <testsuite name=\"{name}\" {counts} skipped=\"0\">");
        for test in &file.tests {
            case(&mut text, &file.file, test);
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn case(text: &mut String, suite: &str, test: &Tested) {
    let [name, class, file] = [&test.name, suite, &test.file].map(escaped);
    let line = test.line.map_or_else(String::new, |line| format!(" line=\"{line}\""));
    let _ =
        write!(text, "    <testcase name=\"{name}\" classname=\"{class}\" file=\"{file}\"{line}");
    let (element, kind, message, more) = match &test.verdict {
        Verdict::Held => {
            text.push_str("/>\n");
            return;
        }
        Verdict::Failed(failure) => {
            let why = failure.why.iter().map(|why| format!("why: {why}"));
            let look = failure.look.iter().map(|look| format!("see: {look}"));
            let more: Vec<String> = failure.claims.iter().cloned().chain(why).chain(look).collect();
            ("failure", "expect", failure.claims.join("; "), more.join("\n"))
        }
        Verdict::Error(error) => ("error", "not tried", error.clone(), error.clone()),
    };
    let [message, more] = [message, more].map(|text| escaped(&text));
    let more = more.replace("&#10;", "\n");
    let _ = writeln!(
        text,
        ">\n      <{element} type=\"{kind}\" message=\"{message}\">{more}</{element}>\n    \
         </testcase>"
    );
}

/// `text` as it may stand in an attribute: what XML cannot say at all is replaced.
fn escaped(text: impl AsRef<str>) -> String {
    let mut escaped = String::with_capacity(text.as_ref().len());
    for c in text.as_ref().chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\r' => escaped.push_str("&#13;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_ends_an_attribute_or_an_element() {
        assert_eq!(
            escaped("a<b>&\"c\"'\n\u{1b}"),
            "a&lt;b&gt;&amp;&quot;c&quot;&apos;&#10;\u{fffd}"
        );
    }
}
