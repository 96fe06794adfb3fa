//! From one file to all that it includes, with what is wrong with how they do.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::{Files, IncludeError, Included, MAX_FILE, MAX_FILES, Resolver};
use crate::check::quoted;
use crate::codes;
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::spec::{At, include};
use crate::syntax::{self, Broken};

/// The mark at the beginning of some texts; a parser knows it only there.
const BOM: char = '\u{feff}';

/// So many files of a circle are named.
const NAMED: usize = 8;

/// The file `first`, and all that it includes.
pub(super) fn gather(first: Included, resolver: &Resolver<'_>) -> Files {
    let mut gathering = Gathering {
        files: Files {
            source: Source::new(&first.name, &first.text),
            broken: Broken::default(),
            problems: Vec::new(),
            texts: Vec::new(),
        },
        resolver,
        seen: BTreeMap::from([(first.identity.clone(), None)]),
        bytes: first.text.len() as u64,
        is_full: false,
        chain: Vec::new(),
    };
    gathering.read(first, 0);
    gathering.files
}

struct Gathering<'a> {
    files: Files,
    resolver: &'a Resolver<'a>,
    /// Where each file was included first; nowhere the one that was asked for.
    seen: BTreeMap<String, Option<Span>>,
    bytes: u64,
    /// Whether one was left out for being one too many.
    is_full: bool,
    /// The files that are being read, each included by the one before.
    chain: Vec<Open>,
}

/// A file that is being read.
struct Open {
    identity: String,
    name: String,
    /// Where it includes the file that is being read now.
    at: Option<Span>,
}

impl Gathering<'_> {
    /// Takes in the file whose places begin at `start`, and all that it includes.
    fn read(&mut self, file: Included, start: usize) {
        let syntax = syntax::read(&file.text);
        // Whatever would have been included may have declared anything.
        if syntax.broken.mentions("include") {
            self.files.broken.add_anything();
        }
        let problems = syntax.problems.into_iter();
        self.files.problems.extend(problems.map(|problem| problem.moved(start)));
        self.files.broken.extend(syntax.broken);
        let text = behind_blanks(syntax.text, start);
        let (tree, _) = DeTable::parse_recoverable(&text);
        let (includes, problems) = include::take(&mut tree.into_inner());
        if !problems.is_empty() {
            self.files.broken.add_anything();
        }
        self.files.problems.extend(problems);
        self.files.texts.push(text);

        self.chain.push(Open { identity: file.identity, name: file.name.clone(), at: None });
        for at in includes {
            if self.is_full {
                break;
            }
            if let Some(open) = self.chain.last_mut() {
                open.at = Some(at.span.clone());
            }
            if let Some(next) = self.resolve(&file.name, &at) {
                let start = self.files.source.end();
                self.files.source.add(&next.name, &next.text);
                self.read(next, start);
            }
        }
        self.chain.pop();
    }

    /// The file that `from` names at `at`, unless it cannot or must not be included.
    fn resolve(&mut self, from: &str, at: &At<String>) -> Option<Included> {
        let problem = match (self.resolver)(from, &at.value) {
            Ok(file) => {
                if let Some(first) = self.seen.get(&file.identity) {
                    let problem = match self.circle(&file) {
                        Some(circle) => circle,
                        None => twice(&file, at, first.as_ref()),
                    };
                    self.files.problems.push(problem);
                    return None;
                }
                match self.admit(&file, at) {
                    None => return Some(file),
                    Some(problem) => problem,
                }
            }
            Err(IncludeError::NotUtf8 { name, text, at: bad }) => {
                let start = self.files.source.end() + bad;
                self.files.source.add(&name, &text);
                not_utf8(start).label(&at.span, "included here")
            }
            Err(IncludeError::TooLarge) => {
                too_large("the file is").label(&at.span, "this file is too large")
            }
            Err(IncludeError::Unreadable(why)) => {
                let message = format!("cannot include {}: {why}", quoted(&at.value));
                Diagnostic::error(codes::UNREADABLE_FILE, message)
                    .label(&at.span, "this file cannot be read")
                    .help("a path counts from the folder of the file that includes")
            }
        };
        self.files.broken.add_anything();
        self.files.problems.push(problem);
        None
    }

    /// Counts the file in; else says why there is no room for it.
    fn admit(&mut self, file: &Included, at: &At<String>) -> Option<Diagnostic> {
        if self.seen.len() >= MAX_FILES {
            self.is_full = true;
            let message = format!("the mesh is written in more than {MAX_FILES} files");
            let problem = Diagnostic::error(codes::TOO_MANY_FILES, message)
                .label(&at.span, "one too many")
                .help("put several of them into one");
            return Some(problem);
        }
        if self.bytes + file.text.len() as u64 > MAX_FILE {
            let problem = too_large("the files of the mesh together are");
            return Some(problem.label(&at.span, "too large with this one"));
        }
        self.bytes += file.text.len() as u64;
        self.seen.insert(file.identity.clone(), Some(at.span.clone()));
        None
    }

    /// Told where `file` is being read already, by what includes each other from there on.
    fn circle(&self, file: &Included) -> Option<Diagnostic> {
        let begin = self.chain.iter().position(|open| open.identity == file.identity)?;
        let circle = &self.chain[begin..];
        let message = match circle {
            [one] => format!("the file `{}` includes itself", one.name),
            _ => "the files include each other in a circle".to_owned(),
        };
        let mut problem = Diagnostic::error(codes::INCLUDE_CYCLE, message);
        let last = circle.last().and_then(|open| open.at.as_ref());
        if let Some(at) = last {
            let label = match circle.len() {
                1 => "the same file".to_owned(),
                _ => format!("leads back to `{}`", circle[0].name),
            };
            problem = problem.label(at, label);
        }
        for pair in circle.windows(2).take(NAMED) {
            if let Some(at) = &pair[0].at {
                problem =
                    problem.label(at, format!("`{}` includes `{}`", pair[0].name, pair[1].name));
            }
        }
        let help = match circle.len() {
            1 => "take it out: a file needs no include of itself",
            _ => "take one of these includes out",
        };
        Some(problem.help(help))
    }
}

/// Told of a file that is included although it is among the files already.
fn twice(file: &Included, at: &At<String>, first: Option<&Span>) -> Diagnostic {
    let message = format!("the file `{}` is included twice", file.name);
    let problem =
        Diagnostic::error(codes::DUPLICATE_INCLUDE, message).label(&at.span, "included again");
    match first {
        Some(first) => problem.label(first, "first included here"),
        None => problem,
    }
    .help("take one of the two out: what a file says holds for the whole mesh")
}

/// Told of a file, or of several, that `what` is too large.
pub(crate) fn too_large(what: &str) -> Diagnostic {
    Diagnostic::error(codes::FILE_TOO_LARGE, format!("{what} larger than {} MiB", MAX_FILE >> 20))
        .help("a topology file lists nodes and links only")
}

/// Told of a text that is not UTF-8 from `at` on, where `U+FFFD` stands in its stead.
pub(crate) fn not_utf8(at: usize) -> Diagnostic {
    Diagnostic::error(codes::NOT_UTF8, "the file is not UTF-8 text")
        .label(&(at..at + '\u{fffd}'.len_utf8()), "no UTF-8 from here on")
        .help("save it as UTF-8 in your editor")
}

/// The text at its place among all files.
fn behind_blanks(text: String, start: usize) -> String {
    if start == 0 {
        return text;
    }
    let mut placed = " ".repeat(start);
    match text.strip_prefix(BOM) {
        Some(rest) => {
            placed.push_str("   ");
            placed.push_str(rest);
        }
        None => placed.push_str(&text),
    }
    placed
}
