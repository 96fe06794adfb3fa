//! The files that a topology is read from, as one stretch of places.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::Span;

/// After so many bytes of a text it is noted how many characters came before.
const STRIDE: usize = 1024;

/// A topology's file and those that it includes: names and texts, for showing where a finding is.
///
/// The texts stand one behind the other with a gap of one byte, so that a place tells its file. Cheap
/// to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Source(Arc<Files>);

#[derive(Clone, PartialEq, Eq)]
struct Files {
    first: SourceFile,
    included: Vec<SourceFile>,
}

/// One file of a [`Source`].
#[derive(Clone, PartialEq, Eq)]
pub struct SourceFile {
    name: String,
    text: String,
    start: usize,
    /// Where each line begins in the text.
    lines: Vec<usize>,
    /// How many characters begin before each [`STRIDE`] of the text.
    characters: Vec<usize>,
}

impl Source {
    /// A file called `name` that holds `text`.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        let first = SourceFile::new(name, text, 0);
        Self(Arc::new(Files { first, included: Vec::new() }))
    }

    /// Puts a file behind the others.
    pub(crate) fn add(&mut self, name: &str, text: &str) {
        let start = self.end();
        Arc::make_mut(&mut self.0).included.push(SourceFile::new(name, text, start));
    }

    /// Where the next file would begin.
    pub(crate) fn end(&self) -> usize {
        let last = self.0.included.last().unwrap_or(&self.0.first);
        last.start + last.text.len() + 1
    }

    /// The name of the file that was asked for, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.first.name
    }

    /// The text of the file that was asked for, without those that it includes.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.first.text
    }

    /// The file that was asked for, then those that it includes.
    pub fn files(&self) -> impl Iterator<Item = &SourceFile> {
        std::iter::once(&self.0.first).chain(&self.0.included)
    }

    /// The file that holds the byte at `offset`.
    #[must_use]
    pub fn file_at(&self, offset: usize) -> &SourceFile {
        let later = self.0.included.partition_point(|file| file.start <= offset);
        match later.checked_sub(1) {
            Some(index) => &self.0.included[index],
            None => &self.0.first,
        }
    }

    /// The line and the column in its file, both from 1, of the byte at `offset`; columns count characters.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let file = self.file_at(offset);
        file.position(offset - file.start)
    }
}

impl SourceFile {
    fn new(name: &str, text: &str, start: usize) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        let mut before = 0;
        let mut characters = Vec::new();
        for part in text.as_bytes().chunks(STRIDE) {
            characters.push(before);
            before += count(part);
        }
        Self { name: name.to_owned(), text: text.to_owned(), start, lines, characters }
    }

    /// The file's name: as it was given, or as the folder of the file that includes it makes it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the file begins among all places.
    #[must_use]
    pub fn start(&self) -> usize {
        self.start
    }

    /// The line and the column, both from 1, of the byte at `offset` of this file's text.
    fn position(&self, offset: usize) -> (usize, usize) {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.line(offset);
        let begin = self.lines.get(line - 1).copied().unwrap_or_default();
        (line, self.characters_before(offset) - self.characters_before(begin) + 1)
    }

    /// The line, from 1, that holds the byte at `offset` of this file's text.
    fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|&begin| begin <= offset).max(1)
    }

    fn characters_before(&self, offset: usize) -> usize {
        let stride = offset / STRIDE;
        let known = self.characters.get(stride).copied();
        let from = known.map_or(0, |_| stride * STRIDE);
        let rest = self.text.as_bytes().get(from..offset).unwrap_or_default();
        match known {
            Some(known) => known + count(rest),
            // Only the end of a text that fills its last stride has none noted.
            None => count(rest),
        }
    }

    /// `span`, a stretch of all places, within this file's text and with its ends on characters.
    pub(super) fn local(&self, span: &Span) -> Span {
        let start = self.text.floor_char_boundary(span.start.saturating_sub(self.start));
        start..self.text.ceil_char_boundary(span.end.saturating_sub(self.start)).max(start)
    }

    /// The whole lines that `span` of this file's text touches, and the number of the first.
    pub(super) fn lines_of(&self, span: &Span) -> (Range<usize>, usize) {
        let (first, last) = (self.line(span.start), self.line(span.end));
        let begin = self.lines.get(first - 1).copied().unwrap_or_default();
        let end = self.lines.get(last).copied().unwrap_or(self.text.len());
        (begin..end, first)
    }
}

/// How many characters begin in `bytes`.
fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xc0 != 0x80).count()
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.files()).finish()
    }
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFile").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The position found by going through the text.
    fn slowly(text: &str, offset: usize) -> (usize, usize) {
        let before = &text[..text.floor_char_boundary(offset)];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
    }

    #[test]
    fn positions_are_those_that_counting_finds() {
        for text in ["", "a", "a\n", "\n\n\u{e9}x\r\ny", &"\u{20ac}a\n".repeat(700)] {
            let long = format!("{text}{}", "\u{e9}".repeat(STRIDE));
            for text in [text, &long] {
                let source = Source::new("x", text);
                for offset in 0..=text.len() + 2 {
                    assert_eq!(source.position(offset), slowly(text, offset), "{offset}");
                }
            }
        }
    }

    #[test]
    fn a_place_is_in_one_file() {
        let mut source = Source::new("a", "x = 1\n");
        source.add("b", "\u{e9} = 2");
        source.add("c", "");
        source.add("d", "y");
        let at = |offset| (source.file_at(offset).name(), source.position(offset));
        assert_eq!(at(6), ("a", (2, 1)));
        assert_eq!(at(7), ("b", (1, 1)));
        assert_eq!(at(9), ("b", (1, 2)));
        assert_eq!(at(14), ("c", (1, 1)));
        assert_eq!(at(15), ("d", (1, 1)));
        assert_eq!(source.end(), 17);
    }
}
