//! What stands between `&` and `;`.

use super::error::Mistake;

/// The character that the entity `name` stands for.
pub(super) fn entity(name: &str) -> Result<char, Mistake> {
    let number = |digits: &str, base| {
        u32::from_str_radix(digits, base).ok().and_then(char::from_u32).filter(|&c| c != '\0')
    };
    let c = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => match name.strip_prefix('#') {
            Some(digits) => match digits.strip_prefix(['x', 'X']) {
                Some(digits) => number(digits, 16),
                None => number(digits, 10),
            },
            None => None,
        },
    };
    c.ok_or_else(|| Mistake::UnknownEntity(name.into()))
}
