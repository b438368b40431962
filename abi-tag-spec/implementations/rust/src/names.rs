//! Mangled names and shell patterns, as far as a policy speaks of them.

/// Whether a mangled name has the substitution `Ss`, the old `std::string` (P-5).
pub fn names_old_string(mangled: &str) -> bool {
    let Some(mut rest) = mangled.strip_prefix("_Z") else {
        return false;
    };
    while !rest.is_empty() {
        if rest.starts_with("Ss") {
            return true;
        }
        let count = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let length = match (token_length(rest), count(rest)) {
            (Some(length), _) => length,
            (None, 0) => rest.chars().next().map_or(0, char::len_utf8),
            // An identifier: "Ss" inside it does not count.
            (None, digits) => {
                let named = rest
                    .get(..digits)
                    .and_then(|text| text.parse::<usize>().ok());
                digits.saturating_add(named.unwrap_or(usize::MAX))
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    false
}

/// The length of a substitution, a template parameter or a literal that a text begins with.
fn token_length(text: &str) -> Option<usize> {
    let (first, rest) = text.split_at_checked(1)?;
    let sequence = |is_part: fn(&u8) -> bool| rest.bytes().take_while(is_part).count();
    match first {
        "S" | "T" => {
            let part = |byte: &u8| byte.is_ascii_digit();
            let wide = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
            let length = sequence(if first == "S" { wide } else { part });
            (rest.as_bytes().get(length) == Some(&b'_')).then_some(length + 2)
        }
        "L" => {
            let kind = rest.strip_prefix(|c: char| c.is_ascii_lowercase())?;
            let digits = kind.strip_prefix('n').unwrap_or(kind);
            let end = digits.trim_start_matches(|c: char| c.is_ascii_digit());
            let is_literal = end.len() < digits.len() && end.starts_with('E');
            is_literal.then(|| text.len() - end.len() + 1)
        }
        _ => None,
    }
}

/// Whether a name matches a shell pattern of `*`, `?` and `[abc]`.
pub fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    // Behind the last star, and what is left of the name if it takes one byte more.
    let mut again: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some((b'*', more)) = pattern.split_first() {
            again = Some((more, name));
            pattern = more;
        } else if let Some(rest) = glob_one(pattern, name) {
            (pattern, name) = rest;
        } else if pattern.is_empty() && name.is_empty() {
            return true;
        } else {
            let Some((behind, (_, rest))) =
                again.and_then(|(behind, start)| Some((behind, start.split_first()?)))
            else {
                return false;
            };
            again = Some((behind, rest));
            (pattern, name) = (behind, rest);
        }
    }
}

/// What is left of a pattern and a name once one byte has matched.
fn glob_one<'a>(pattern: &'a [u8], name: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (first, rest) = name.split_first()?;
    match pattern.split_first()? {
        (b'?', more) => Some((more, rest)),
        (b'[', more) => {
            let end = more.iter().position(|byte| *byte == b']')?;
            let (set, after) = more.split_at_checked(end)?;
            set.contains(first).then_some((after.get(1..)?, rest))
        }
        (byte, more) => (byte == first).then_some((more, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_string_is_found_outside_identifiers() {
        assert!(names_old_string("_Z4takeSs"));
        assert!(names_old_string("_ZNKSs4sizeEv"));
        assert!(!names_old_string("_Z7ClassSsv"));
        assert!(!names_old_string("_Z99999999999999999999999Ss"));
        assert!(!names_old_string("Ss"));
    }

    #[test]
    fn patterns_match_whole_names() {
        assert!(glob(b"libstdc++*.so*", b"libstdc++-1234abcd.so.6"));
        assert!(glob(
            b"_ZNSt8ios_base4InitC[12]Ev",
            b"_ZNSt8ios_base4InitC1Ev"
        ));
        assert!(!glob(b"__cxa_throw", b"__cxa_throw_"));
    }
}
