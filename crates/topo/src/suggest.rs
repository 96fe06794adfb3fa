//! The nearest known word to one that is not known.

/// Nothing is suggested for words longer than this.
const LONGEST: usize = 256;

/// The one of `known` that `word` was probably meant to be.
///
/// At most a third of the word's letters (and one of two) may be wrong; of several that are as
/// near, the first counts. Case is no mistake.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let far = (length / 3).max(usize::from(length > 1));
    known
        .into_iter()
        .filter(|candidate| !candidate.is_empty() && length <= LONGEST)
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= far)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= far)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean `...`?" where a known word is near enough.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, known).map(|near| format!("did you mean `{near}`?"))
}

/// How many letters must be put in, taken out, changed, or swapped with a neighbour.
fn distance(a: &str, b: &str) -> usize {
    let letters = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    let (a, b) = (letters(a), letters(b));
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_seen_through() {
        let known = ["bind", "address", "upstream", "dialects", "host"];
        for (word, meant) in [
            ("bnid", Some("bind")),
            ("Bind", Some("bind")),
            ("upstreams", Some("upstream")),
            ("adress", Some("address")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }
}
