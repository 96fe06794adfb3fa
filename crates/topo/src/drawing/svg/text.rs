//! Text in pictures: how wide it is, how it is cut, and how it is written.

use std::fmt::Write as _;

/// `text` with at most `letters` letters, an ellipsis for the rest.
pub(super) fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let head: String = text.chars().take(letters - 1).collect();
    head + "\u{2026}"
}

/// About how wide `text` is at this size, in common fonts without serifs.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let ems = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.33,
        'f' | 't' | 'r' | '-' | '(' | ')' | ' ' | '[' | ']' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.92,
        'A'..='Z' => 0.7,
        '\0'..='\u{2ff}' => 0.6,
        '\u{1100}'.. => 1.05,
        _ => 0.7,
    };
    text.chars().map(ems).sum::<f64>() * size
}

/// `text` as XML: its own signs as entities, and what may not stand in a document, or would turn the
/// direction of reading, as the sign for the unknown.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => {
                escaped.push('\u{fffd}');
            }
            '\u{2060}'..='\u{206f}' | '\u{feff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A number with at most one place behind the point.
pub(super) fn number(value: f64) -> String {
    let tenths = (value * 10.0).round() as i64;
    let (whole, part) = (tenths / 10, (tenths % 10).abs());
    let mut text = String::new();
    if tenths < 0 && whole == 0 {
        text.push('-');
    }
    let _ = write!(text, "{whole}");
    if part != 0 {
        let _ = write!(text, ".{part}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_noise() {
        let cases = [(0.0, "0"), (-0.0, "0"), (-0.04, "0"), (-0.26, "-0.3"), (12.25, "12.3")];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(number(-7.96), "-8");
    }

    #[test]
    fn a_long_name_ends_in_an_ellipsis() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde\u{2026}");
    }

    #[test]
    fn nothing_that_xml_forbids_is_left() {
        assert_eq!(escape("a<b>&\"'\0\u{1b}\u{202e}\n"), {
            "a&lt;b&gt;&amp;&quot;&#39;\u{fffd}\u{fffd}\u{fffd}\u{fffd}"
        });
    }
}
