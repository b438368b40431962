//! Which tags an environment supports, and in what order (sections 6 and 7).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use crate::number::{Number, Version};
use crate::tag::{is_base_abi, AbiTag, RuntimeAbi};
use crate::wheel::{split_manylinux, WheelName};

/// From this epoch on only an installed runtime counts (E-6).
const FIRST_PRIVATE: u32 = 1000;

/// One incompatible generation of the runtime ABI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// The oldest glibc that it allows.
    pub glibc_floor: Version,
    /// As platform tags spell them.
    pub architectures: BTreeSet<String>,
    /// Allowed in `_cu<major>`.
    pub cuda_majors: BTreeSet<Number>,
}

impl Epoch {
    /// Whether a platform can carry the runtime ABIs of this epoch (S-3).
    pub fn allows(&self, platform: &str) -> bool {
        split_manylinux(platform).is_some_and(|(glibc, arch)| {
            glibc >= self.glibc_floor && self.architectures.contains(arch)
        })
    }
}

/// Epochs by number.
pub type Epochs = BTreeMap<Number, Epoch>;

/// A single tag; its parts are compared as they stand.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tag {
    /// The Python tag.
    pub python: String,
    /// The ABI tag.
    pub abi: String,
    /// The platform tag.
    pub platform: String,
}

impl FromStr for Tag {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<_> = text.split('-').map(str::to_string).collect();
        let [python, abi, platform] = parts.try_into().map_err(|_| ())?;
        Ok(Self {
            python,
            abi,
            platform,
        })
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-{}-{}", self.python, self.abi, self.platform)
    }
}

/// What an installer knows of the environment that it installs into.
#[derive(Debug, Clone)]
pub struct Environment {
    /// What is supported without a runtime, best first.
    pub tags: Vec<Tag>,
    /// The CUDA major that the driver runs; none without a driver, or an unknown one.
    pub driver: Option<Number>,
    /// The epochs that the installer knows.
    pub epochs: Epochs,
    /// The epochs that an installed runtime wheel declares.
    pub installed: Epochs,
    /// The runtime ABIs that the environment refuses, each on an architecture (S-5).
    pub vetoes: HashSet<(RuntimeAbi, String)>,
}

impl Environment {
    /// The tags of the environment with the supported runtime tags in their places (O-1 to O-8).
    pub fn expand(&self) -> Vec<Tag> {
        let epochs = if self.serves_interpreter() {
            self.known_epochs()
        } else {
            Epochs::new()
        };
        let (before, after) = self.runtimes(&epochs);
        let own: HashSet<&Tag> = self.tags.iter().collect();
        let mut seen = HashSet::new();
        let mut expanded = Vec::new();
        for run in self
            .tags
            .chunk_by(|a, b| a.python == b.python && a.abi == b.abi)
        {
            let around = |runtimes: &[(RuntimeAbi, &Epoch)]| -> Vec<Tag> {
                let made = runtimes.iter().flat_map(|(runtime, epoch)| {
                    run.iter()
                        .filter_map(|tag| self.tagged(tag, runtime, epoch))
                });
                made.filter(|tag| !own.contains(tag)).collect()
            };
            let sides = [around(&before), run.to_vec(), around(&after)];
            for tag in sides.into_iter().flatten() {
                if seen.insert(tag.clone()) {
                    expanded.push(tag);
                }
            }
        }
        expanded
    }

    /// The wheels of one version that can be installed, best first (O-7, O-7a, I-1).
    pub fn order<'a>(&self, wheels: &[&'a str]) -> Vec<&'a str> {
        let tags = self.expand().into_iter().map(|tag| tag.to_string());
        let places: HashMap<String, usize> = tags.enumerate().map(|(i, tag)| (tag, i)).collect();
        let mut ranked: Vec<_> = wheels
            .iter()
            .filter_map(|wheel| {
                let name: WheelName = wheel.parse().ok()?;
                let best = name
                    .tags()
                    .iter()
                    .filter_map(|tag| places.get(tag))
                    .min()
                    .copied()?;
                Some((best, Reverse(name.build.as_deref().map(build_key)), *wheel))
            })
            .collect();
        ranked.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        ranked.into_iter().map(|(_, _, wheel)| wheel).collect()
    }

    /// Whether the runtime's loader works on the interpreter, by its tags (S-10).
    fn serves_interpreter(&self) -> bool {
        let names = ["cp", "py"];
        let serves = |tag: &Tag| names.iter().any(|name| tag.python.starts_with(name));
        self.tags.iter().all(serves)
    }

    /// What is known and what is declared (S-2, E-6).
    fn known_epochs(&self) -> Epochs {
        let published = self.epochs.range(..Number::from(FIRST_PRIVATE));
        let mut known: Epochs = published
            .map(|(n, epoch)| (n.clone(), epoch.clone()))
            .collect();
        for (number, declared) in &self.installed {
            let epoch = known
                .entry(number.clone())
                .or_insert_with(|| declared.clone());
            epoch
                .architectures
                .extend(declared.architectures.iter().cloned());
            epoch
                .cuda_majors
                .extend(declared.cuda_majors.iter().cloned());
        }
        known
    }

    /// The runtime ABIs that go before a run, and those that go after it (O-2, O-3, O-5).
    #[allow(clippy::type_complexity)]
    fn runtimes<'a>(
        &self,
        epochs: &'a Epochs,
    ) -> (Vec<(RuntimeAbi, &'a Epoch)>, Vec<(RuntimeAbi, &'a Epoch)>) {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for (number, epoch) in epochs.iter().rev() {
            let runtime = |cuda| {
                (
                    RuntimeAbi {
                        epoch: number.clone(),
                        cuda,
                    },
                    epoch,
                )
            };
            let runs =
                |major: &&Number| self.driver.as_ref().is_some_and(|driver| *major <= driver);
            let majors = &epoch.cuda_majors;
            before.extend(
                majors
                    .iter()
                    .rev()
                    .filter(runs)
                    .map(|m| runtime(Some(m.clone()))),
            );
            before.push(runtime(None));
            after.extend(
                majors
                    .iter()
                    .filter(|m| !runs(m))
                    .map(|m| runtime(Some(m.clone()))),
            );
        }
        (before, after)
    }

    /// The tag with a runtime ABI, if it is supported (S-3, S-5, S-9).
    fn tagged(&self, tag: &Tag, runtime: &RuntimeAbi, epoch: &Epoch) -> Option<Tag> {
        let (_, arch) = split_manylinux(&tag.platform)?;
        let supported = is_base_abi(&tag.abi)
            && epoch.allows(&tag.platform)
            && !self.vetoes.contains(&(runtime.clone(), arch.to_string()));
        let abi = AbiTag {
            runtime: runtime.clone(),
            base: tag.abi.clone(),
        }
        .to_string();
        supported.then(|| Tag { abi, ..tag.clone() })
    }
}

/// The sort key of a build tag: its number, and the rest as text.
fn build_key(build: &str) -> (Option<Number>, String) {
    let end = build
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(build.len());
    let (digits, rest) = build.split_at_checked(end).unwrap_or((build, ""));
    (Number::from_digits(digits), rest.to_string())
}
