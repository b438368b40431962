//! Why something is refused.

use std::collections::BTreeSet;
use std::fmt;

/// The sentences of the specification that an input breaks; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection(BTreeSet<&'static str>);

impl Rejection {
    /// The rejection by some sentences; `Ok` if the list is empty.
    pub fn check(broken: BTreeSet<&'static str>) -> Result<(), Self> {
        if broken.is_empty() {
            Ok(())
        } else {
            Err(Self(broken))
        }
    }

    /// The ids of the sentences, sorted.
    pub fn sentences(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.0.iter().copied()
    }
}

impl From<&'static str> for Rejection {
    fn from(sentence: &'static str) -> Self {
        Self(BTreeSet::from([sentence]))
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentences: Vec<_> = self.sentences().collect();
        write!(formatter, "breaks {}", sentences.join(", "))
    }
}

impl std::error::Error for Rejection {}
