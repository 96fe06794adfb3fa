//! Findings as people read them: the message, the lines it is about, and what to do.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Label, Severity, Source, SourceFile};

/// Shows `diagnostics` of the files `source`, each with its snippets, with a blank line between them.
///
/// With `color`, the text holds ANSI escapes for a terminal; without, it is plain.
#[must_use]
pub fn render(source: &Source, diagnostics: &[Diagnostic], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let shown: Vec<String> =
        diagnostics.iter().map(|diagnostic| one(source, diagnostic, &renderer)).collect();
    shown.join("\n\n")
}

fn one(source: &Source, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let mut group = Group::with_title(title);
    if diagnostic.labels.is_empty() {
        group = group.element(Origin::path(source.name()));
    }
    for (file, labels) in by_file(source, &diagnostic.labels) {
        group = group.element(snippet(file, &labels));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// A label, and whether it is the place itself.
type Shown<'a> = (bool, &'a Label);

/// The labels of each file: that of the first label, then the others in the order of theirs.
fn by_file<'a>(source: &'a Source, labels: &'a [Label]) -> Vec<(&'a SourceFile, Vec<Shown<'a>>)> {
    let mut files: Vec<(&SourceFile, Vec<Shown<'_>>)> = Vec::new();
    for (index, label) in labels.iter().enumerate() {
        let file = source.file_at(label.span.start);
        let shown = (index == 0, label);
        match files.iter_mut().find(|(other, _)| other.start() == file.start()) {
            Some((_, labels)) => labels.push(shown),
            None => files.push((file, vec![shown])),
        }
    }
    files
}

/// The lines from the first label to the last; a whole file would be gone through for each finding.
fn snippet<'a>(file: &'a SourceFile, labels: &[Shown<'a>]) -> Snippet<'a, Annotation<'a>> {
    let spans = labels.iter().map(|(_, label)| file.local(&label.span));
    let start = spans.clone().map(|span| span.start).min().unwrap_or_default();
    let end = spans.map(|span| span.end).max().unwrap_or_default();
    let (lines, first) = file.lines_of(&(start..end));
    let text = file.text().get(lines.clone()).unwrap_or_default();
    let mut snippet = Snippet::source(text).path(file.name()).line_start(first);
    for (is_place, label) in labels {
        let kind = if *is_place { AnnotationKind::Primary } else { AnnotationKind::Context };
        let text = Some(label.text.as_str()).filter(|text| !text.is_empty());
        let span = file.local(&label.span);
        let span = span.start - lines.start..span.end - lines.start;
        snippet = snippet.annotation(kind.span(span).label(text));
    }
    snippet
}
