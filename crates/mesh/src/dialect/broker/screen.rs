//! What is looked through before it is taken for JSON that others can read.

use std::borrow::Cow;

/// How deep arrays and objects may be nested. Python's reader gives up at about a thousand.
pub const MAX_DEPTH: usize = 500;

/// Something is nested deeper than [`MAX_DEPTH`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is nested deeper than {MAX_DEPTH}")]
pub(super) struct TooDeep;

/// The text, with U+FFFD for each half of a surrogate pair without the other. What is no JSON stays none.
pub(super) fn screened(text: &[u8]) -> Result<Cow<'_, [u8]>, TooDeep> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut mended = Cow::Borrowed(text);
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let mut length = 1;
        match byte {
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(TooDeep);
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            b'\\' if in_string => match (escaped(text, at), escaped(text, at + 6)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => length = 12,
                (Some(0xd800..=0xdfff), _) => {
                    mended.to_mut()[at..at + 6].copy_from_slice(br"\ufffd");
                    length = 6;
                }
                _ => length = 2,
            },
            _ => {}
        }
        at += length;
    }
    Ok(mended)
}

/// The code unit of `\uXXXX` at this place.
fn escaped(text: &[u8], at: usize) -> Option<u16> {
    let digits = text.get(at..at + 6)?.strip_prefix(br"\u")?;
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_hex)?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_is_replaced_and_a_whole_one_stays() {
        for (text, mended) in [
            (r#"["\ud83d\ude00"]"#, r#"["\ud83d\ude00"]"#),
            (r#"["\ud83d"]"#, r#"["\ufffd"]"#),
            (r#"["\ud83dx\ude00"]"#, r#"["\ufffdx\ufffd"]"#),
            (r#"["\udcff\ud83d\ude00\u0041"]"#, r#"["\ufffd\ud83d\ude00\u0041"]"#),
            (r#"["\\ud83d"]"#, r#"["\\ud83d"]"#),
            (r#"["\"\ud83d"]"#, r#"["\"\ufffd"]"#),
            (r#"["\ud83d\n"]"#, r#"["\ufffd\n"]"#),
        ] {
            assert_eq!(screened(text.as_bytes()).unwrap(), mended.as_bytes());
        }
    }

    #[test]
    fn what_nobody_could_read_is_refused_and_brackets_in_a_string_are_none() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(screened(deep(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(screened(deep(MAX_DEPTH + 1).as_bytes()), Err(TooDeep));
        assert_eq!(screened("[".repeat(1_000_000).as_bytes()), Err(TooDeep));
        let text = format!("\"{}\"", deep(1000));
        assert!(screened(text.as_bytes()).is_ok());
        assert!(screened("[]".repeat(1000).as_bytes()).is_ok());
        assert!(screened(b"]]]]\\").is_ok());
    }

    proptest::proptest! {
        #[test]
        fn text_without_half_pairs_stays_as_it_is(value in ".{0,60}") {
            let text = serde_json::to_string(&value).unwrap();
            proptest::prop_assert_eq!(screened(text.as_bytes()).unwrap(), text.as_bytes());
        }

        #[test]
        fn whatever_comes_is_looked_through(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..60)) {
            let _ = screened(&bytes);
        }
    }
}
