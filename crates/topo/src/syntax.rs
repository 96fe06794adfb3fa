//! From text to a tree of values with their places, past every mistake of syntax.
//!
//! The parser gives up the rest of a file at some mistakes. So that one run tells them all, the first
//! mistake is noted, its lines are blanked (which moves nothing else), and the text is read again.

use std::ops::Range;

use toml::de::DeTable;

use crate::codes;
use crate::diagnostic::{Diagnostic, Span};

/// So many mistakes of syntax are told in one run.
const MOST: usize = 64;

/// A text as it could be read.
pub(crate) struct Syntax {
    /// The text, with what could not be read blanked.
    pub(crate) text: String,
    /// What could not be read.
    pub(crate) broken: Broken,
    /// The mistakes of syntax.
    pub(crate) problems: Vec<Diagnostic>,
}

/// The parts of a text that could not be read, and so may have declared anything they mention.
#[derive(Debug, Default)]
pub(crate) struct Broken {
    parts: Vec<String>,
    /// Whether a whole file is not there, which may have said anything.
    anything: bool,
}

impl Broken {
    /// Whether `word` stands, or may have stood, in a part that could not be read.
    pub(crate) fn mentions(&self, word: &str) -> bool {
        !word.is_empty() && (self.anything || self.parts.iter().any(|text| text.contains(word)))
    }

    /// Whether all could be read.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty() && !self.anything
    }

    /// Takes in what of another file could not be read.
    pub(crate) fn extend(&mut self, other: Self) {
        self.parts.extend(other.parts);
        self.anything |= other.anything;
    }

    /// Notes that a whole file could not be read.
    pub(crate) fn add_anything(&mut self) {
        self.anything = true;
    }
}

/// Finds the mistakes of syntax in `text`, and what is left without them.
pub(crate) fn read(text: &str) -> Syntax {
    let mut syntax =
        Syntax { text: text.to_owned(), broken: Broken::default(), problems: Vec::new() };
    let (_, errors) = DeTable::parse_recoverable(text);
    if errors.iter().all(is_duplicate) {
        return syntax;
    }
    while let Some(unclosed) = unclosed(&syntax.text) {
        let what = &syntax.text[unclosed.bracket..=unclosed.bracket];
        let (thing, close) = match what {
            "{" => ("unclosed table", "`}`"),
            "[" => ("unclosed array", "`]`"),
            _ => ("a text that does not end", "the three quotes that it begins with"),
        };
        let problem = Diagnostic::error(codes::SYNTAX, thing)
            .label(&(unclosed.bracket..unclosed.bracket + 1), "opened here")
            .help(format!("close it with {close}"));
        syntax.problems.push(problem);
        syntax.blank(unclosed.lines);
    }
    for _ in 0..MOST {
        let (_, errors) = DeTable::parse_recoverable(&syntax.text);
        let first = errors
            .into_iter()
            .filter(|error| !is_duplicate(error))
            .min_by_key(|error| error.span().map_or(0, |span| span.start));
        let Some(error) = first else {
            break;
        };
        let at = error.span().unwrap_or_default();
        let lines = lines_to_blank(&syntax.text, at.start);
        let problem = describe(&syntax.text, error.message(), &at);
        syntax.problems.push(problem);
        if syntax.text[lines.clone()].trim().is_empty() {
            break;
        }
        syntax.blank(lines);
    }
    syntax
}

/// Whether the parser's complaint is about a key that stands there twice, which is no matter of syntax.
pub(crate) fn is_duplicate(error: &toml::de::Error) -> bool {
    error.message() == "duplicate key"
}

impl Syntax {
    fn blank(&mut self, lines: Range<usize>) {
        let part = &self.text[lines.clone()];
        let blank: String = part.bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }).collect();
        self.broken.parts.push(part.to_owned());
        self.text.replace_range(lines, &blank);
    }
}

/// The parser's message in our manner.
fn describe(text: &str, message: &str, at: &Span) -> Diagnostic {
    let (what, expected) = match message.split_once(", expected ") {
        Some((what, expected)) => (what, Some(expected)),
        None => (message, None),
    };
    let label = expected.map_or(String::new(), |expected| format!("expected {expected}"));
    let problem = |message: String| Diagnostic::error(codes::SYNTAX, message);
    let quote = expected.filter(|quote| matches!(*quote, "`\"`" | "`'`" | "'\"'"));
    match what {
        "key with no value" => problem("a key without a value".to_owned())
            .label(at, label)
            .help("write `key = value`, or put `#` before a comment"),
        "invalid basic string" | "invalid literal string" if quote.is_some() => {
            problem("a text that does not end".to_owned())
                .label(at, label)
                .help("close it with the quote that it begins with")
        }
        _ => match bare_value(text, at) {
            Some((value, at)) if what.starts_with("invalid ") || what.contains("be quoted") => {
                let truth = match value {
                    "yes" | "on" => "write `true`, or ",
                    "no" | "off" => "write `false`, or ",
                    _ => "write ",
                };
                problem(format!("`{value}` is no value"))
                    .label(&at, "neither a number, nor `true` or `false`, nor a text in quotes")
                    .help(format!("{truth}`\"{value}\"` if it is a text"))
            }
            _ => problem(what.replace('\n', " ")).label(at, label).maybe_help(
                expected
                    .filter(|_| what.starts_with("unclosed"))
                    .map(|mark| format!("close it with {mark}")),
            ),
        },
    }
}

/// The whole value that the place `at` is in, where it stands without quotes on its own line.
fn bare_value<'a>(text: &'a str, at: &Span) -> Option<(&'a str, Span)> {
    let offset = text.floor_char_boundary(at.start);
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].split(['\n', '#']).next()?;
    let (key, value) = line.split_once('=')?;
    let trimmed = value.trim();
    let from = start + key.len() + 1 + value.len() - value.trim_start().len();
    let span = from..from + trimmed.len();
    let is_plain = !trimmed.is_empty() && !trimmed.contains(['"', '\'', '[', '{', ',', '=']);
    (is_plain && span.contains(&offset)).then_some((trimmed, span))
}

/// The line at `offset`; where it is a table's header, all up to the next header, since the keys below
/// it would else fall to the table before.
fn lines_to_blank(text: &str, offset: usize) -> Range<usize> {
    let offset = text.floor_char_boundary(offset);
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let end_of = |from: usize| text[from..].find('\n').map_or(text.len(), |at| from + at);
    let mut end = end_of(start);
    if text[start..end].trim_start().starts_with('[') {
        while end < text.len() {
            let next = end_of(end + 1);
            if text[end + 1..next].trim_start().starts_with('[') {
                break;
            }
            end = next;
        }
    }
    start..end
}

struct Unclosed {
    bracket: usize,
    lines: Range<usize>,
}

/// The first bracket that a table's header, or the end of the text, finds still open; else the three quotes
/// that the end of the text does.
fn unclosed(text: &str) -> Option<Unclosed> {
    let mut open: Vec<usize> = Vec::new();
    let mut statement = 0;
    let mut scan = Scan::Plain;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if scan == Scan::Plain {
            if let Some(&bracket) = open.first()
                && is_header(line)
            {
                let lines = statement..start - 1;
                return Some(Unclosed { bracket, lines });
            }
            if open.is_empty() {
                statement = start;
            }
        }
        let header = open.is_empty() && line.trim_start().starts_with('[');
        if scan != Scan::Plain || !header {
            scan = scan_line(line, start, scan, &mut open);
        }
        start += line.len();
    }
    let bracket = match scan {
        Scan::Plain => *open.first()?,
        Scan::Long(_, quotes) => quotes,
    };
    Some(Unclosed { bracket, lines: statement..text.len() })
}

/// What a line begins in the midst of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scan {
    Plain,
    /// A text in three quotes of this kind, which begin at this place.
    Long(u8, usize),
}

/// Follows quotes and brackets through a line that begins at `base`.
fn scan_line(line: &str, base: usize, mut scan: Scan, open: &mut Vec<usize>) -> Scan {
    let bytes = line.as_bytes();
    let mut quote: Option<u8> = None;
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        let triple = bytes.get(at..at + 3).is_some_and(|three| three == [b; 3]);
        match (scan, quote) {
            (Scan::Long(q, _), _) if b == q && triple => {
                scan = Scan::Plain;
                at += 2;
                // One or two more are the text's own last characters.
                let more = bytes[at + 1..].iter().take(2).take_while(|next| **next == q);
                at += more.count();
            }
            (Scan::Long(b'"', _), _) | (_, Some(b'"')) if b == b'\\' => at += 1,
            (Scan::Long(..), _) => {}
            (Scan::Plain, Some(q)) => {
                if b == q {
                    quote = None;
                }
            }
            (Scan::Plain, None) => match b {
                b'#' => break,
                b'"' | b'\'' if triple => {
                    scan = Scan::Long(b, base + at);
                    at += 2;
                }
                b'"' | b'\'' => quote = Some(b),
                b'[' | b'{' => open.push(base + at),
                b']' | b'}' => {
                    open.pop();
                }
                _ => {}
            },
        }
        at += 1;
    }
    scan
}

/// Whether a line is the header of a table, closed or not, which cannot stand within a value.
fn is_header(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default().trim();
    let Some(inner) = line.strip_prefix('[') else {
        return false;
    };
    let inner = inner.trim_matches(['[', ']', ' ']);
    inner.starts_with(|c: char| c.is_ascii_alphabetic())
        && !inner.contains([',', '='])
        && !matches!(inner, "true" | "false" | "inf" | "nan")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(usize, String)> {
        let source = crate::Source::new("x", text);
        let mut problems = read(text).problems;
        crate::diagnostic::sort(&mut problems);
        problems
            .into_iter()
            .map(|p| (source.position(p.labels[0].span.start).0, p.message.to_string()))
            .collect()
    }

    #[test]
    fn every_mistake_of_syntax_is_found_at_its_line() {
        let text = "[mesh]\nname = regions\nhop_limit 5\nopen = tru\n[nodes.a\nbind = \"auto\"\n\
                    [nodes.b]\nbind=\"x\n[nodes.c]\nupstream=[\"a\",\n[nodes.d]\nx=1\n";
        let at: Vec<_> = lines(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(at, [2, 3, 4, 5, 8, 10]);
    }

    #[test]
    fn values_over_several_lines_are_no_mistake() {
        let text = "[a]\nx = [\n  \"a[\", # [\n  { n = 1 },\n]\ny = \"\"\"\n[b]\n{[\n\"\"\"\n[c]\nz = '\\'\n";
        assert_eq!(lines(text), []);
        let quotes = "x = [\"\"\"a\"\"\"\", \"\"\"b\"\"\"]\ny = '''c'''''\nz 1\n";
        assert_eq!(lines(quotes).len(), 1, "only the last line is a mistake");
    }
}
