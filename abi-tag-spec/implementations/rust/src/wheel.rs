//! The file name of a wheel, and what a runtime ABI asks of it and of the metadata (section 5).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::number::{Number, Version};
use crate::pep440::is_version;
use crate::rejection::Rejection;
use crate::supported::{Epoch, Epochs};
use crate::tag::{names_runtime, AbiTag, RuntimeAbi, LONGEST};

/// What expands to more is refused (G-8).
const MOST_TAGS: usize = 4096;
const DISTRIBUTION: &str = "cxx11-cuda-runtime";
/// The old names of `manylinux` tags, and the glibc version that each stands for.
const ALIASES: [(&str, &str); 3] = [
    ("manylinux1_", "2_5"),
    ("manylinux2010_", "2_12"),
    ("manylinux2014_", "2_17"),
];

/// The fields of a wheel's file name; the three sets are compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelName {
    /// Name of the distribution, as spelt.
    pub distribution: String,
    /// As spelt.
    pub version: String,
    /// Begins with a digit.
    pub build: Option<String>,
    /// The Python tags.
    pub python: Vec<String>,
    /// The ABI tags.
    pub abi: Vec<String>,
    /// The platform tags.
    pub platform: Vec<String>,
    /// The variant label of PEP 825.
    pub label: Option<String>,
}

impl FromStr for WheelName {
    type Err = Rejection;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name.len() > LONGEST {
            return Err("G-8".into());
        }
        let parsed = Self::split(name).ok_or("G-9")?;
        if parsed.python.len() * parsed.abi.len() * parsed.platform.len() > MOST_TAGS {
            return Err("G-8".into());
        }
        Ok(parsed)
    }
}

impl fmt::Display for WheelName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}", self.distribution, self.version)?;
        if let Some(build) = &self.build {
            write!(formatter, "-{build}")?;
        }
        for set in [&self.python, &self.abi, &self.platform] {
            write!(formatter, "-{}", set.join("."))?;
        }
        if let Some(label) = &self.label {
            write!(formatter, "-{label}")?;
        }
        formatter.write_str(".whl")
    }
}

/// What a wheel says of itself beside its name; what is not given is not judged.
#[derive(Debug, Clone, Default)]
pub struct WheelMetadata {
    /// The values of `Tag:` in `WHEEL`.
    pub tag_lines: Option<Vec<String>>,
    /// The values of `Requires-Dist`.
    pub requires_dist: Option<Vec<String>>,
    /// Whether it has a `variant.json`.
    pub variant: bool,
}

impl WheelName {
    fn split(name: &str) -> Option<Self> {
        let mut parts: Vec<&str> = name.strip_suffix(".whl")?.split('-').collect();
        let is_build = |part: &&str| part.starts_with(|first: char| first.is_ascii_digit());
        let build = match (parts.len(), parts.get(2).is_some_and(is_build)) {
            (6 | 7, true) => Some(parts.remove(2).to_string()),
            _ => None,
        };
        let label = (parts.len() == 6).then(|| parts.pop()).flatten();
        let [distribution, version, python, abi, platform] = parts.try_into().ok()?;
        let good = is_distribution(distribution)
            && is_version(version)
            && build.iter().all(|text| consists_of(text, "_."))
            && !python.starts_with(|first: char| first.is_ascii_digit())
            && label.iter().all(|text| is_label(text));
        good.then_some(())?;
        Some(Self {
            distribution: distribution.to_string(),
            version: version.to_string(),
            build,
            python: split_set(python, "_")?,
            abi: split_set(abi, "_+")?,
            platform: split_set(platform, "_")?,
            label: label.map(str::to_string),
        })
    }

    /// Every single tag of the compressed sets, sorted, each once.
    pub fn tags(&self) -> BTreeSet<String> {
        let mut tags = BTreeSet::new();
        for python in &self.python {
            for abi in &self.abi {
                for platform in &self.platform {
                    tags.insert(format!("{python}-{abi}-{platform}"));
                }
            }
        }
        tags
    }

    /// The runtime ABI of the ABI tags, none for a plain one, if the wheel breaks no sentence.
    pub fn check(
        &self,
        epochs: &Epochs,
        metadata: &WheelMetadata,
    ) -> Result<Option<RuntimeAbi>, Rejection> {
        let naming = self.abi.iter().filter(|abi| names_runtime(abi));
        let tagged: Vec<AbiTag> = naming.map(|abi| abi.parse()).collect::<Result<_, _>>()?;
        let Some(first) = tagged.first() else {
            return Ok(None);
        };
        let mut broken = BTreeSet::new();
        if tagged.len() < self.abi.len() || tagged.iter().any(|tag| tag.runtime != first.runtime) {
            broken.insert("G-4");
        }
        for AbiTag { runtime, base } in &tagged {
            if !self.platforms_are_allowed(epochs.get(&runtime.epoch)) {
                broken.insert("G-2");
            }
            if !self.python.iter().all(|python| belongs(python, base)) {
                broken.insert("G-3");
            }
            let lines = metadata.requires_dist.as_ref();
            if lines.is_some_and(|lines| !lines.iter().any(|line| requires(line, &runtime.epoch))) {
                broken.insert("G-7");
            }
        }
        if self.label.is_some() || metadata.variant {
            broken.insert("G-5");
        }
        if let Some(lines) = &metadata.tag_lines {
            if lines.iter().cloned().collect::<BTreeSet<_>>() != self.tags() {
                broken.insert("G-6");
            }
        }
        Rejection::check(broken)?;
        Ok(Some(first.runtime.clone()))
    }

    /// G-2, G-2a and, without an epoch, G-2b.
    fn platforms_are_allowed(&self, epoch: Option<&Epoch>) -> bool {
        let knows = |arch: &str| {
            epoch.map_or_else(
                || is_architecture(arch),
                |epoch| epoch.architectures.contains(arch),
            )
        };
        if let Some(arch) = self
            .platform
            .first()
            .and_then(|first| first.strip_prefix("linux_"))
        {
            return self.platform.iter().collect::<BTreeSet<_>>().len() == 1 && knows(arch);
        }
        self.platform.iter().all(|platform| {
            let perennial = ALIASES.iter().find_map(|(alias, glibc)| {
                Some(format!(
                    "manylinux_{glibc}_{}",
                    platform.strip_prefix(alias)?
                ))
            });
            let beside = perennial
                .as_ref()
                .is_none_or(|tag| self.platform.contains(tag));
            let tag = perennial.as_deref().unwrap_or(platform);
            beside
                && match epoch {
                    Some(epoch) => epoch.allows(tag),
                    None => split_manylinux(tag).is_some(),
                }
        })
    }
}

/// The glibc version and the architecture of a `manylinux_X_Y_ARCH` tag.
pub fn split_manylinux(platform: &str) -> Option<(Version, &str)> {
    let mut parts = platform.strip_prefix("manylinux_")?.splitn(3, '_');
    let (major, minor) = (parts.next()?, parts.next()?);
    let arch = parts.next().filter(|arch| is_architecture(arch))?;
    let glibc = Version::new([Number::from_digits(major)?, Number::from_digits(minor)?]);
    Some((glibc, arch))
}

/// Whether a Python tag is one that a base ABI has (G-3).
pub fn belongs(python: &str, base: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(rest) = base.strip_prefix("cp") {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        if let (1.., Some(version)) = (end, rest.get(..end)) {
            return python.strip_prefix("cp") == Some(version);
        }
    }
    if base == "abi3" || base == "abi3t" {
        return python.strip_prefix("cp3").is_some_and(digits);
    }
    if let Some((version, own)) = base
        .strip_prefix("pypy")
        .and_then(|rest| rest.split_once("_pp"))
    {
        if digits(version) && digits(own) {
            return python.strip_prefix("pp") == Some(version);
        }
    }
    let graalpy = base
        .strip_prefix("graalpy")
        .and_then(|rest| rest.strip_suffix("_native"));
    if let Some((own, version)) = graalpy.and_then(|rest| rest.split_once('_')) {
        if digits(version) && digits(own) {
            return python.strip_prefix("graalpy") == Some(version);
        }
    }
    true
}

/// Whether a line of `Requires-Dist` is the requirement of an epoch (G-7, G-7a).
fn requires(line: &str, epoch: &Number) -> bool {
    const SPACE: [char; 2] = [' ', '\t'];
    let line = line.trim_matches(SPACE);
    let is_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let end = line.find(|c| !is_name(c)).unwrap_or(line.len());
    let Some((name, clauses)) = line.split_at_checked(end) else {
        return false;
    };
    let is_edge = |c: char| c.is_ascii_alphanumeric();
    if !name.starts_with(is_edge) || !name.ends_with(is_edge) || normalize(name) != DISTRIBUTION {
        return false;
    }
    let clauses = clauses.trim_matches(SPACE);
    let inside = clauses
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    let (mut lower, mut upper) = (None, None);
    for clause in inside
        .unwrap_or(clauses)
        .split(',')
        .map(|clause| clause.trim_matches(SPACE))
    {
        let (place, numbers) = match (clause.strip_prefix(">="), clause.strip_prefix('<')) {
            (Some(numbers), _) => (&mut lower, numbers),
            (None, Some(numbers)) => (&mut upper, numbers),
            (None, None) => return false,
        };
        let numbers = numbers
            .trim_matches(SPACE)
            .split('.')
            .map(Number::from_canonical);
        let Some(numbers) = numbers.collect::<Option<Vec<_>>>() else {
            return false;
        };
        if place.replace(numbers).is_some() {
            return false;
        }
    }
    let (Some(lower), Some(upper)) = (lower, upper) else {
        return false;
    };
    lower.first() == Some(epoch)
        && matches!(lower.len(), 2 | 3)
        && upper.first() == Some(&epoch.next())
        && upper.iter().skip(1).all(Number::is_zero)
}

/// Whether the wheels of each version have the same `Requires-Dist` (B-7).
pub fn check_release<'a>(
    wheels: impl IntoIterator<Item = (&'a WheelName, &'a [String])>,
) -> Result<(), Rejection> {
    let mut first = BTreeMap::new();
    for (name, lines) in wheels {
        let bare = lines.iter().map(|line| line.replace([' ', '\t'], ""));
        let lines: BTreeSet<String> = bare.collect();
        let release = (normalize(&name.distribution), name.version.as_str());
        if *first.entry(release).or_insert_with(|| lines.clone()) != lines {
            return Err("B-7".into());
        }
    }
    Ok(())
}

/// A distribution's name as indexes compare it.
fn normalize(name: &str) -> String {
    let parts = name.split(['.', '_', '-']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

fn consists_of(text: &str, others: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

fn split_set(text: &str, others: &str) -> Option<Vec<String>> {
    let is_member = |part: &str| !part.is_empty() && consists_of(part, others);
    text.split('.')
        .map(|part| is_member(part).then(|| part.to_string()))
        .collect()
}

fn is_architecture(text: &str) -> bool {
    is_label(text) && !text.contains('.')
}

fn is_label(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.".contains(c);
    !text.is_empty() && text.chars().all(is_allowed)
}

fn is_distribution(name: &str) -> bool {
    let is_edge = |c: char| c.is_ascii_alphanumeric();
    name.starts_with(is_edge)
        && name.ends_with(is_edge)
        && consists_of(name, "._")
        && !name.contains("__")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_and_written() -> Result<(), Rejection> {
        for name in [
            "foo-1.0-cp312-cxxrt1_cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "foo-1.0-1-py3-none-any.whl",
            "foo-1.0-1-py3-none-any-x86_64_v3.whl",
            "foo-1.0-py3-none-any-x86_64_v3.whl",
        ] {
            assert_eq!(name.parse::<WheelName>()?.to_string(), name);
        }
        Ok(())
    }
}
