//! From needed symbols to the bounds of the requirement (section 10).

use std::collections::{BTreeMap, BTreeSet};

use crate::number::{Number, Version};
use crate::rejection::Rejection;

/// What one published runtime version carries.
#[derive(Debug, Clone)]
pub struct Release {
    /// Its version.
    pub version: Version,
    /// The version of GCC that its libstdc++ comes from.
    pub gcc: Version,
    /// The libcudart of each CUDA major.
    pub cudart: BTreeMap<Number, Version>,
}

/// Which release first provides what.
#[derive(Debug, Clone)]
pub struct Tables {
    /// SONAME to symbol version to the GCC release that it came with.
    pub gcc: BTreeMap<String, BTreeMap<String, Version>>,
    /// SONAME to symbol version to its architectures, where not all have it (V-9).
    pub only: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    /// CUDA major to release to the symbols that it added.
    pub cudart: BTreeMap<Number, BTreeMap<Version, BTreeSet<String>>>,
    /// Ascending.
    pub releases: Vec<Release>,
}

impl Tables {
    /// The smallest runtime version of an epoch that has all symbol versions and symbols (V-2 to
    /// V-9): `needs` by SONAME, without weak ones; `cudart` by CUDA major.
    pub fn minimum<'a>(
        &self,
        epoch: &Number,
        needs: impl IntoIterator<Item = (&'a str, &'a [String])>,
        cudart: &BTreeMap<Number, BTreeSet<String>>,
        arch: Option<&str>,
    ) -> Result<Version, Rejection> {
        let mut minimum = Version::new([epoch.clone(), Number::from(0)]);
        for (soname, nodes) in needs {
            let Some(known) = self.gcc.get(soname) else {
                continue; // V-7
            };
            for node in nodes {
                let gcc = known.get(node).ok_or("V-6")?;
                let only = self.only.get(soname).and_then(|only| only.get(node));
                if only.is_some_and(|only| arch.is_some_and(|arch| !only.contains(arch))) {
                    return Err("V-6".into());
                }
                minimum = minimum.max(self.first_with_gcc(epoch, gcc));
            }
        }
        for (major, symbols) in cudart {
            let added = self.cudart.get(major).ok_or("V-6")?;
            let mut since = added.keys().next().ok_or("V-6")?;
            for symbol in symbols {
                let first = added.iter().find(|(_, symbols)| symbols.contains(symbol));
                since = since.max(first.ok_or("V-6")?.0);
            }
            minimum = minimum.max(self.first_with_cudart(epoch, major, since)?);
        }
        Ok(minimum.shortest())
    }

    /// V-2a.
    fn first_with_gcc(&self, epoch: &Number, gcc: &Version) -> Version {
        let major = gcc.major();
        let mut published = self
            .releases
            .iter()
            .filter(|release| release.version.major() == *epoch && release.gcc.major() == major)
            .peekable();
        if published.peek().is_none_or(|first| first.gcc >= *gcc) {
            return Version::new([epoch.clone(), major]);
        }
        let later = published.find(|release| release.gcc >= *gcc);
        later.map_or_else(
            || Version::new([epoch.clone(), major.next()]),
            |release| release.version.clone(),
        )
    }

    /// V-4.
    fn first_with_cudart(
        &self,
        epoch: &Number,
        major: &Number,
        since: &Version,
    ) -> Result<Version, Rejection> {
        let carries = |release: &&Release| {
            release.version.major() == *epoch
                && release
                    .cudart
                    .get(major)
                    .is_some_and(|carried| carried >= since)
        };
        let first = self.releases.iter().find(carries).ok_or("V-6")?;
        Ok(first.version.clone())
    }
}
