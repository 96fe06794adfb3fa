//! Findings as people read them: the message, the lines it is about, and what to do.

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Severity, Source, Span};

/// Shows `diagnostics` of the file `source`, each with its snippet, with a blank line between them.
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
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let mut group = if diagnostic.labels.is_empty() {
        title.element(Origin::path(source.name()))
    } else {
        let mut snippet = Snippet::source(source.text()).path(source.name());
        for (index, label) in diagnostic.labels.iter().enumerate() {
            let kind = match index {
                0 => AnnotationKind::Primary,
                _ => AnnotationKind::Context,
            };
            let text = Some(label.text.as_str()).filter(|text| !text.is_empty());
            snippet = snippet.annotation(kind.span(within(source, &label.span)).label(text));
        }
        title.element(snippet)
    };
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// `span` with its ends on characters of the text.
fn within(source: &Source, span: &Span) -> Span {
    let text = source.text();
    let start = text.floor_char_boundary(span.start);
    start..text.ceil_char_boundary(span.end).max(start)
}
