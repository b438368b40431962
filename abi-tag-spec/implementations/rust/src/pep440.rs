//! Which texts are versions; an installer has a type for them.

use crate::number::Number;

/// Whether a text without hyphens is a version (PEP 440, appendix B).
pub fn is_version(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if !lower.is_ascii() {
        return false;
    }
    let (public, local) = match lower.split_once('+') {
        Some((public, local)) => (public, Some(local)),
        None => (lower.as_str(), None),
    };
    let is_local =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if local.is_some_and(|local| !local.split(['_', '.']).all(is_local)) {
        return false;
    }
    let rest = public.strip_prefix('v').unwrap_or(public);
    let (epoch, rest) = rest
        .split_once('!')
        .map_or((None, rest), |(epoch, rest)| (Some(epoch), rest));
    if epoch.is_some_and(|epoch| Number::from_digits(epoch).is_none()) {
        return false;
    }
    let digits = |text: &'_ str| {
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len())
    };
    let mut end = digits(rest);
    if end == 0 {
        return false;
    }
    while let Some(more) = rest.get(end..).and_then(|rest| rest.strip_prefix('.')) {
        match digits(more) {
            0 => break,
            length => end += 1 + length,
        }
    }
    let pre = ["alpha", "a", "beta", "b", "preview", "pre", "c", "rc"];
    let suffixes: [&[&str]; 3] = [&pre, &["post", "rev", "r"], &["dev"]];
    let rest = rest.get(end..).unwrap_or_default();
    suffixes
        .iter()
        .fold(rest, |rest, words| after_suffix(rest, words))
        .is_empty()
}

/// What follows one of the words with its optional separators and number; all without such a word.
fn after_suffix<'a>(text: &'a str, words: &[&str]) -> &'a str {
    let start = text.strip_prefix(['_', '.']).unwrap_or(text);
    let Some(rest) = words.iter().find_map(|word| start.strip_prefix(word)) else {
        return text;
    };
    rest.strip_prefix(['_', '.'])
        .unwrap_or(rest)
        .trim_start_matches(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_pep_440() {
        for good in [
            "1",
            "v1.0",
            "1!2.0rc1.post3.dev4+ab.1",
            "1.0.dev",
            "1a.",
            "1.0r1",
            "1_c_2",
        ] {
            assert!(is_version(good), "{good}");
        }
        for bad in [
            "",
            "one",
            "1.",
            "1..0",
            "1.0+",
            "1.0+a..b",
            "1.0x",
            "1.0re1",
            "1.0dev1rc1",
        ] {
            assert!(!is_version(bad), "{bad}");
        }
    }
}
