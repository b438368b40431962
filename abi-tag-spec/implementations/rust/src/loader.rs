//! What the runtime's loader does, given what it finds and what it is asked for (section 9).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::number::{Number, Version};
use crate::rejection::Rejection;

const STDCXX: &str = "libstdc++.so.6";
const GCC_S: &str = "libgcc_s.so.1";
const GOMP: &str = "libgomp.so.1";

/// Where a file was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// In the runtime wheel.
    Own,
    /// In a conda environment that the interpreter belongs to.
    Conda,
    /// In a directory of `LD_LIBRARY_PATH`.
    LibraryPath,
    /// Where the dynamic linker looks last.
    System,
    /// In NVIDIA's wheel.
    Nvidia,
    /// In `PyTorch`'s wheel.
    Torch,
}

impl Origin {
    /// The origin of a name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [
            Self::Own,
            Self::Conda,
            Self::LibraryPath,
            Self::System,
            Self::Nvidia,
            Self::Torch,
        ];
        all.into_iter().find(|origin| origin.as_str() == name)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Conda => "conda",
            Self::LibraryPath => "library-path",
            Self::System => "system",
            Self::Nvidia => "nvidia",
            Self::Torch => "torch",
        }
    }

    /// Whether a library can have several candidates of it.
    fn repeats(self) -> bool {
        matches!(self, Self::Conda | Self::LibraryPath)
    }
}

/// A file that could be loaded.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its SONAME.
    pub soname: String,
    /// Where it was found.
    pub origin: Origin,
    /// Its newest symbol version, or its CUDA release.
    pub version: Version,
}

/// What the loader finds.
#[derive(Debug, Clone)]
pub struct State {
    /// Whether the C library is glibc.
    pub glibc: bool,
    /// SONAME to version, none for an unknown one, of what is mapped in the process.
    pub resident: BTreeMap<String, Option<Version>>,
    /// Of one origin in the order in which they are looked at.
    pub candidates: Vec<Candidate>,
}

/// What a package asks for.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// The newest `GLIBCXX_` version that it needs.
    pub glibcxx: Option<Version>,
    /// The CUDA major, or a release of it.
    pub cudart: Option<Version>,
    /// Whether it needs libgomp.
    pub openmp: bool,
}

/// What is done to a SONAME.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A resident library becomes global.
    Promote(String),
    /// The file of an origin is loaded.
    Load(String, Origin),
}

impl State {
    /// The steps that fulfil a requirement, in order.
    pub fn decide(&self, wanted: &Requirement) -> Result<Vec<Step>, Rejection> {
        if !self.is_well_formed(wanted) {
            return Err("C-5".into());
        }
        if !self.glibc {
            return Ok(Vec::new()); // L-14
        }
        let mut steps = Vec::new();
        let version = self.load_stdcxx(&mut steps)?;
        if wanted.openmp {
            steps.extend(self.load_gomp()?);
        }
        if wanted
            .glibcxx
            .as_ref()
            .is_some_and(|least| version.is_none_or(|found| found < least))
        {
            return Err("L-3".into());
        }
        if let Some(release) = &wanted.cudart {
            steps.push(self.load_cudart(release)?);
        }
        Ok(steps)
    }

    /// What a state and a requirement must be to be decided about (`vectors/README.md`).
    fn is_well_formed(&self, wanted: &Requirement) -> bool {
        let found = self
            .candidates
            .iter()
            .map(|each| (each.soname.as_str(), &each.version));
        let known = self.resident.iter();
        let known =
            known.filter_map(|(soname, version)| Some((soname.as_str(), version.as_ref()?)));
        let once = |(i, each): (usize, &Candidate)| {
            let mut before = self.candidates.iter().take(i);
            each.origin.repeats()
                || !before.any(|other| (&other.soname, other.origin) == (&each.soname, each.origin))
        };
        self.resident.get(STDCXX).is_none_or(Option::is_some)
            && found
                .chain(known)
                .all(|(soname, version)| is_version_of(soname, version))
            && self.candidates.iter().enumerate().all(once)
            && wanted
                .glibcxx
                .as_ref()
                .is_none_or(|version| is_version_of(STDCXX, version))
            && wanted
                .cudart
                .as_ref()
                .is_none_or(|release| release.numbers().len() <= 2)
    }

    /// The candidates of a library, by the order of origins and then by their own.
    fn candidates_for(&self, soname: &str, origins: &[Origin]) -> Vec<&Candidate> {
        let of = |origin: &Origin| {
            let origin = *origin;
            let all = self.candidates.iter();
            all.filter(move |each| each.soname == soname && each.origin == origin)
        };
        origins.iter().flat_map(of).collect()
    }

    /// L-2, L-5 and L-6: the version that then is resident.
    fn load_stdcxx(&self, steps: &mut Vec<Step>) -> Result<Option<&Version>, Rejection> {
        if let Some(version) = self.resident.get(STDCXX) {
            steps.push(Step::Promote(STDCXX.to_string()));
            return Ok(version.as_ref());
        }
        let origins = [
            Origin::Own,
            Origin::Conda,
            Origin::LibraryPath,
            Origin::System,
        ];
        let candidates = self.candidates_for(STDCXX, &origins);
        let best = newest(&candidates).ok_or("L-5")?;
        if candidates
            .first()
            .is_none_or(|first| first.origin != Origin::Own)
        {
            return Err("L-5".into());
        }
        if best.origin == Origin::Own && !self.resident.contains_key(GCC_S) {
            steps.push(Step::Load(GCC_S.to_string(), Origin::Own));
        }
        steps.push(Step::Load(STDCXX.to_string(), best.origin));
        Ok(Some(&best.version))
    }

    /// L-6a.
    fn load_gomp(&self) -> Result<Option<Step>, Rejection> {
        if self.resident.contains_key(GOMP) {
            return Ok(None);
        }
        let near = self.candidates_for(GOMP, &[Origin::Own, Origin::Torch]);
        let system = self.candidates_for(GOMP, &[Origin::System]);
        let chosen = newest(&near).or(system.first().copied()).ok_or("L-6a")?;
        Ok(Some(Step::Load(GOMP.to_string(), chosen.origin)))
    }

    /// L-8 to L-11.
    fn load_cudart(&self, required: &Version) -> Result<Step, Rejection> {
        let soname = format!("libcudart.so.{}", required.major());
        let is_older = |version: Option<&Version>| {
            required.numbers().len() > 1 && version.is_none_or(|version| version < required)
        };
        if let Some(version) = self.resident.get(&soname) {
            if is_older(version.as_ref()) {
                return Err("L-8".into());
            }
            return Ok(Step::Promote(soname));
        }
        let origins = [Origin::Nvidia, Origin::Conda, Origin::Own, Origin::System];
        let candidates = self.candidates_for(&soname, &origins);
        let serves = candidates
            .iter()
            .any(|each| each.origin == Origin::Own && !is_older(Some(&each.version)));
        let passed_over = |each: &&&Candidate| {
            let before = matches!(each.origin, Origin::Nvidia | Origin::Conda);
            !(before && serves && is_older(Some(&each.version)))
        };
        let chosen = candidates.iter().find(passed_over).ok_or("L-9a")?;
        if is_older(Some(&chosen.version)) {
            return Err("L-9a".into());
        }
        Ok(Step::Load(soname, chosen.origin))
    }
}

/// The newest candidate, the first of equals.
fn newest<'a>(candidates: &[&'a Candidate]) -> Option<&'a Candidate> {
    candidates
        .iter()
        .min_by_key(|each| Reverse(&each.version))
        .copied()
}

fn is_version_of(soname: &str, version: &Version) -> bool {
    let numbers = version.numbers();
    if soname == STDCXX {
        let head: Vec<_> = numbers.iter().take(2).map(Number::as_str).collect();
        return numbers.len() == 3 && head == ["3", "4"];
    }
    let Some(major) = soname.strip_prefix("libcudart.so.") else {
        return true;
    };
    numbers.len() == 2 && version.major().as_str() == major
}
