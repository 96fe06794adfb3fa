//! Names for nodes, out of whatever they are called.

use std::collections::{HashMap, HashSet};

use hopline_mesh::name::{MAX_NAME, NodeName};

/// How much of a name is kept before the number that tells it from others.
const STEM: usize = MAX_NAME - 8;

/// A name for each of `labels`, all different.
///
/// Of those that come to the same name the first has it as it is; the others get the first of `-2`,
/// `-3` and so on that nothing else is called.
pub(super) fn unique<'a>(labels: impl Iterator<Item = &'a str>) -> Vec<NodeName> {
    let wanted: Vec<String> = labels.map(safe).collect();
    let mut taken: HashSet<String> = HashSet::new();
    let reserved: HashSet<&str> = wanted.iter().map(String::as_str).collect();
    let mut next: HashMap<String, usize> = HashMap::new();
    let mut names = Vec::with_capacity(wanted.len());
    for name in &wanted {
        let name = if taken.contains(name) {
            let stem = ended(&name[..name.len().min(STEM)]);
            let number = next.entry(stem.to_owned()).or_insert(2);
            loop {
                let numbered = format!("{stem}-{number}");
                *number += 1;
                if !taken.contains(&numbered) && !reserved.contains(numbered.as_str()) {
                    break numbered;
                }
            }
        } else {
            name.clone()
        };
        // What `safe` makes is a name, and so is its stem with a number.
        names.extend(NodeName::parse(&name).ok());
        taken.insert(name);
    }
    names
}

/// The nearest text to `label` that is a name.
pub(super) fn safe(label: &str) -> String {
    let mut name = String::new();
    for c in label.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' => name.push(c),
            '\'' | '`' | '"' => {}
            _ if c.is_whitespace() || c.is_ascii_punctuation() || matches!(c, '–' | '—') => {
                if !name.is_empty() && !name.ends_with('-') {
                    name.push('-');
                }
            }
            _ => name.push_str(plain(c)),
        }
        if name.len() >= MAX_NAME {
            break;
        }
    }
    name.truncate(MAX_NAME);
    let name = ended(&name).trim_start_matches(is_mark);
    if name.is_empty() { "node".to_owned() } else { name.to_owned() }
}

fn ended(text: &str) -> &str {
    text.trim_end_matches(is_mark)
}

fn is_mark(c: char) -> bool {
    matches!(c, '.' | '_' | '-')
}

/// A letter with an accent without it; nothing for what is no Latin letter.
fn plain(c: char) -> &'static str {
    match c {
        'À' | 'Á' | 'Â' | 'Ã' | 'Ä' | 'Å' | 'Ā' | 'Ă' | 'Ą' | 'Ǎ' => "A",
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ª' => "a",
        'Æ' => "AE",
        'æ' => "ae",
        'Ç' | 'Ć' | 'Ĉ' | 'Ċ' | 'Č' => "C",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'Ð' | 'Ď' | 'Đ' => "D",
        'ð' | 'ď' | 'đ' => "d",
        'È' | 'É' | 'Ê' | 'Ë' | 'Ē' | 'Ĕ' | 'Ė' | 'Ę' | 'Ě' => "E",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'Ĝ' | 'Ğ' | 'Ġ' | 'Ģ' => "G",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'Ĥ' | 'Ħ' => "H",
        'ĥ' | 'ħ' => "h",
        'Ì' | 'Í' | 'Î' | 'Ï' | 'Ĩ' | 'Ī' | 'Ĭ' | 'Į' | 'İ' => "I",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'Ĵ' => "J",
        'ĵ' => "j",
        'Ķ' => "K",
        'ķ' => "k",
        'Ĺ' | 'Ļ' | 'Ľ' | 'Ł' => "L",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'Ñ' | 'Ń' | 'Ņ' | 'Ň' => "N",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ö' | 'Ø' | 'Ō' | 'Ŏ' | 'Ő' => "O",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'º' => "o",
        'Œ' => "OE",
        'œ' => "oe",
        'Ŕ' | 'Ŗ' | 'Ř' => "R",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'Ś' | 'Ŝ' | 'Ş' | 'Š' | 'Ș' => "S",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ẞ' | 'ß' => "ss",
        'Ţ' | 'Ť' | 'Ț' => "T",
        'ţ' | 'ť' | 'ț' => "t",
        'Þ' => "Th",
        'þ' => "th",
        'Ù' | 'Ú' | 'Û' | 'Ü' | 'Ũ' | 'Ū' | 'Ŭ' | 'Ů' | 'Ű' | 'Ų' => "U",
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'Ŵ' => "W",
        'ŵ' => "w",
        'Ý' | 'Ŷ' | 'Ÿ' => "Y",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'Ź' | 'Ż' | 'Ž' => "Z",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_becomes_the_nearest_name() {
        for (label, name) in [
            ("Zürich", "Zurich"),
            ("São Paulo", "Sao-Paulo"),
            ("St. Louis", "St.-Louis"),
            ("Łódź (PL)", "Lodz-PL"),
            ("a--b", "a-b"),
            ("a – b", "a-b"),
            ("-.x._", "x"),
            ("L'Aquila", "LAquila"),
            ("東京", "node"),
            ("", "node"),
            ("???", "node"),
        ] {
            assert_eq!(safe(label), name, "{label}");
        }
    }

    #[test]
    fn names_that_are_the_same_get_numbers_that_nobody_else_has() {
        let names = unique(["Gary", "Gary", "Gary-2", "Gary", "Gary-2", "gary"].into_iter());
        let names: Vec<_> = names.iter().map(NodeName::as_str).collect();
        assert_eq!(names, ["Gary", "Gary-3", "Gary-2", "Gary-4", "Gary-2-2", "gary"]);
    }

    #[test]
    fn long_names_are_cut_and_still_told_apart() {
        let long = "x".repeat(100);
        let names = unique([long.as_str(), &long, &long].into_iter());
        assert_eq!(names[0].as_str(), "x".repeat(64));
        assert_eq!(names[1].as_str(), format!("{}-2", "x".repeat(56)));
        assert_eq!(names.len(), 3);
    }

    proptest::proptest! {
        #[test]
        fn every_label_has_a_name_of_its_own(labels in proptest::collection::vec(
            proptest::prelude::prop_oneof![".*", "[ab.-]{0,3}", "(ab-){18,22}[23]?"], 0..40)) {
            let names = unique(labels.iter().map(String::as_str));
            proptest::prop_assert_eq!(names.len(), labels.len());
            let different: HashSet<_> = names.iter().collect();
            proptest::prop_assert_eq!(different.len(), labels.len());
        }
    }
}
