//! Decimal numbers of any size, and versions made of them.

use std::cmp::Ordering;
use std::fmt;

/// A decimal number of any size.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Number(Box<str>);

impl Number {
    /// Read ASCII digits; leading zeros do not count.
    pub fn from_digits(digits: &str) -> Option<Self> {
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let trimmed = digits.trim_start_matches('0');
        Some(Self(if trimmed.is_empty() { "0" } else { trimmed }.into()))
    }

    /// Read ASCII digits without leading zeros.
    pub fn from_canonical(digits: &str) -> Option<Self> {
        Self::from_digits(digits).filter(|number| number.as_str() == digits)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number after this one.
    #[must_use]
    pub fn next(&self) -> Self {
        let kept = self.0.trim_end_matches('9');
        let zeros = "0".repeat(self.0.len() - kept.len());
        let mut head: Vec<char> = kept.chars().collect();
        let last = head.pop().unwrap_or('0');
        head.push(char::from_digit(last.to_digit(10).unwrap_or(0) + 1, 10).unwrap_or('1'));
        Self((head.into_iter().collect::<String>() + &zeros).into())
    }

    /// Whether the number is 0.
    pub fn is_zero(&self) -> bool {
        self.as_str() == "0"
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.len().cmp(&other.0.len())).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl From<u32> for Number {
    fn from(number: u32) -> Self {
        Self(number.to_string().into())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Numbers joined by dots; a missing number is 0, so that 1.0 equals 1.
#[derive(Debug, Clone)]
pub struct Version(Vec<Number>);

impl Version {
    /// The version of these numbers.
    pub fn new(numbers: impl IntoIterator<Item = Number>) -> Self {
        Self(numbers.into_iter().collect())
    }

    /// Read numbers joined by dots.
    pub fn parse(text: &str) -> Option<Self> {
        text.split('.')
            .map(Number::from_digits)
            .collect::<Option<_>>()
            .map(Self)
    }

    /// The numbers, as they were given.
    pub fn numbers(&self) -> &[Number] {
        &self.0
    }

    /// The first number; 0 for a version without any.
    pub fn major(&self) -> Number {
        self.0.first().cloned().unwrap_or_else(|| Number::from(0))
    }

    /// The version without a third number that is 0 (V-5).
    #[must_use]
    pub fn shortest(mut self) -> Self {
        if self.0.len() == 3 && self.0.last().is_some_and(Number::is_zero) {
            self.0.pop();
        }
        self
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let zero = Number::from(0);
        (0..self.0.len().max(other.0.len()))
            .map(|i| {
                self.0
                    .get(i)
                    .unwrap_or(&zero)
                    .cmp(other.0.get(i).unwrap_or(&zero))
            })
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.0.iter().map(Number::as_str).collect();
        formatter.write_str(&numbers.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_value_whatever_their_size() {
        let ordered = [
            "0",
            "9",
            "10",
            "18446744073709551615",
            "18446744073709551616",
        ];
        let numbers: Vec<_> = ordered
            .iter()
            .filter_map(|text| Number::from_digits(text))
            .collect();
        assert!(numbers.is_sorted());
        assert_eq!(Number::from_digits("007"), Number::from_digits("7"));
        assert_eq!(Number::from_canonical("07"), None);
        assert_eq!(Number::from_digits("１"), None);
    }

    #[test]
    fn the_next_number_carries() {
        for (number, next) in [("0", "1"), ("9", "10"), ("199", "200"), ("999", "1000")] {
            assert_eq!(
                Number::from_digits(number).map(|n| n.next().to_string()),
                Some(next.into())
            );
        }
    }

    #[test]
    fn a_missing_number_of_a_version_is_zero() {
        assert_eq!(Version::parse("1.0"), Version::parse("1"));
        assert!(Version::parse("1.10") > Version::parse("1.9"));
        assert_eq!(Version::parse("1..2"), None);
    }
}
