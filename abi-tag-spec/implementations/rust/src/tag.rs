//! The runtime ABI, and the ABI tag that begins with it (section 4).

use std::fmt;
use std::str::FromStr;

use crate::number::Number;
use crate::rejection::Rejection;

/// What has more characters is no tag (T-8), and what has more bytes no file name (G-8).
pub(crate) const LONGEST: usize = 255;

/// What a binary was linked against: `cxxrt1` or `cxxrt1_cu12`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuntimeAbi {
    /// The incompatible generation, from 1.
    pub epoch: Number,
    /// The major of libcudart's SONAME, from 10; none for a build without CUDA.
    pub cuda: Option<Number>,
}

impl RuntimeAbi {
    /// Read the runtime ABI that a text begins with: it, and what follows.
    fn parse_prefix(text: &str) -> Option<(Self, &str)> {
        let (epoch, rest) = split_number(text.strip_prefix("cxxrt")?)?;
        let Some(rest) = rest.strip_prefix("_cu") else {
            return Some((Self { epoch, cuda: None }, rest));
        };
        // No base ABI begins with "cu", so this can be nothing but a CUDA major.
        let (cuda, rest) = split_number(rest)?;
        (cuda.as_str().len() > 1).then_some((
            Self {
                epoch,
                cuda: Some(cuda),
            },
            rest,
        ))
    }
}

impl FromStr for RuntimeAbi {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match Self::parse_prefix(text) {
            Some((runtime, "")) if text.len() <= LONGEST => Ok(runtime),
            _ => Err("T-1".into()),
        }
    }
}

impl fmt::Display for RuntimeAbi {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "cxxrt{}", self.epoch)?;
        match &self.cuda {
            Some(cuda) => write!(formatter, "_cu{cuda}"),
            None => Ok(()),
        }
    }
}

/// A runtime ABI and the Python ABI behind it: `cxxrt1_cu12_cp312`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AbiTag {
    /// What stands first.
    pub runtime: RuntimeAbi,
    /// The Python ABI as the interpreter has it: `cp312`, `abi3`, `none`.
    pub base: String,
}

impl AbiTag {
    /// The tag of these parts, unless the grammar cannot express them (T-7).
    pub fn new(runtime: RuntimeAbi, base: &str) -> Result<Self, Rejection> {
        let tag = Self {
            runtime,
            base: base.to_string(),
        };
        match tag.to_string().parse::<Self>() {
            Ok(parsed) if parsed == tag => Ok(tag),
            _ => Err("T-7".into()),
        }
    }
}

impl FromStr for AbiTag {
    type Err = Rejection;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        RuntimeAbi::parse_prefix(text)
            .and_then(|(runtime, rest)| Some((runtime, rest.strip_prefix('_')?)))
            .filter(|(_, base)| text.len() <= LONGEST && is_base_abi(base))
            .map(|(runtime, base)| Self {
                runtime,
                base: base.to_string(),
            })
            .ok_or_else(|| "T-1".into())
    }
}

impl fmt::Display for AbiTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}_{}", self.runtime, self.base)
    }
}

/// Whether a tag can be made of an ABI (T-4).
pub fn is_base_abi(abi: &str) -> bool {
    abi.starts_with(|first: char| first.is_ascii_lowercase())
        && !abi.starts_with("cu")
        && abi.split('_').all(|segment| {
            !segment.is_empty()
                && !segment.starts_with("cxxrt")
                && segment
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// Whether an ABI names a runtime ABI, well-formed or not (T-1a).
pub fn names_runtime(abi: &str) -> bool {
    abi.split(['_', '+']).any(|part| {
        part.as_bytes()
            .get(..5)
            .is_some_and(|head| head.eq_ignore_ascii_case(b"cxxrt"))
    })
}

/// The number that a text begins with, without leading zeros and not 0, and what follows.
fn split_number(text: &str) -> Option<(Number, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    let number = Number::from_canonical(digits).filter(|number| !number.is_zero())?;
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_and_written() -> Result<(), Rejection> {
        for text in [
            "cxxrt1_cp312",
            "cxxrt1_cu12_abi3",
            "cxxrt12_cu100_graalpy240_310_native",
        ] {
            assert_eq!(text.parse::<AbiTag>()?.to_string(), text);
        }
        assert_eq!("cxxrt1_cp312_cu12".parse::<AbiTag>()?.runtime.cuda, None);
        Ok(())
    }

    #[test]
    fn a_malformed_tag_is_refused() {
        for text in [
            "",
            "cp312",
            "cxxrt0_cp312",
            "cxxrt1_cu1_cp312",
            "cxxrt1_cupy3",
            "cxxrt1_é",
        ] {
            assert_eq!(text.parse::<AbiTag>(), Err("T-1".into()), "{text}");
        }
    }
}
