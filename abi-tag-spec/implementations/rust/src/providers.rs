//! Libraries that other distributions bring (section 18).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::number::Version;
use crate::rejection::Rejection;

/// What decides which releases of a distribution are enough.
#[derive(Debug, Clone)]
pub enum Line {
    /// The needed symbols, or symbol versions.
    Symbols,
    /// Those of one line: `==35.1.*` (K-5).
    Releases(String),
}

/// One library of a provider.
#[derive(Debug, Clone)]
pub struct Row {
    /// The SONAMEs that the row is for.
    pub sonames: Vec<String>,
    /// What `Requires-Dist` names.
    pub distribution: String,
    /// What decides.
    pub line: Line,
    /// The first release that is enough.
    pub first: Version,
    /// The first that is not any more.
    pub below: Option<Version>,
}

/// Which releases of a distribution have which symbols of one library.
#[derive(Debug, Clone)]
pub struct LibraryTable {
    /// Whether the symbols of the first release are listed, too.
    pub complete: bool,
    /// Release to the symbols that came and those that went.
    pub releases: BTreeMap<Version, (BTreeSet<String>, BTreeSet<String>)>,
}

/// What a wheel has to require; ordered by its texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    /// The distribution.
    pub distribution: String,
    /// The first release that is enough.
    pub minimum: String,
    /// The first that is not any more.
    pub below: Option<String>,
    /// The line of releases that are enough.
    pub line: Option<String>,
}

impl Row {
    /// The requirement of what needs these symbols (K-3 to K-6).
    pub fn requirement(
        &self,
        table: Option<&LibraryTable>,
        symbols: &[String],
    ) -> Result<Requirement, Rejection> {
        let (mut minimum, mut below) = (&self.first, self.below.as_ref());
        for symbol in symbols {
            let (added, removed) = table.map_or((None, None), |table| table.history(symbol));
            if added.is_none() && removed.is_none() && table.is_some_and(|table| table.complete) {
                return Err("K-6".into());
            }
            minimum = added.filter(|added| *added > minimum).unwrap_or(minimum);
            below = match (removed, below) {
                (Some(removed), Some(below)) => Some(removed.min(below)),
                (removed, below) => removed.or(below),
            };
        }
        if below.is_some_and(|below| minimum >= below) {
            return Err("K-6".into());
        }
        let line = match &self.line {
            Line::Symbols => None,
            Line::Releases(line) => Some(line.clone()),
        };
        Ok(Requirement {
            distribution: self.distribution.clone(),
            minimum: minimum.to_string(),
            below: below.filter(|_| line.is_none()).map(Version::to_string),
            line,
        })
    }
}

impl LibraryTable {
    /// When a symbol came last, and when it went for good.
    fn history(&self, symbol: &str) -> (Option<&Version>, Option<&Version>) {
        let (mut added, mut removed) = (None, None);
        for (release, (came, went)) in &self.releases {
            if went.contains(symbol) {
                removed = Some(release);
            }
            if came.contains(symbol) {
                (added, removed) = (Some(release), None);
            }
        }
        (added, removed)
    }
}

/// Where the loader looks for a file, and in what.
#[derive(Debug, Clone)]
pub struct Places {
    /// `sys.path`.
    pub sys_path: Vec<String>,
    /// The directory that the loader is installed to.
    pub own: String,
    /// `sys.prefix`.
    pub prefix: String,
    /// The directories that have the distribution's metadata.
    pub installed: BTreeSet<String>,
}

impl Places {
    /// The paths of a place, `site:…` or `data:…`, in order and each once (K-12).
    pub fn paths(&self, place: &str) -> Vec<String> {
        let Some((kind, tail)) = place.split_once(':') else {
            return Vec::new();
        };
        let is_data = kind == "data";
        let mut paths = Vec::new();
        for root in self
            .sys_path
            .iter()
            .chain([&self.own])
            .filter(|root| root.starts_with('/'))
        {
            let is_site = ["/site-packages", "/dist-packages"]
                .iter()
                .any(|end| root.ends_with(end));
            if is_data && is_site {
                let prefix: Vec<_> = root.rsplitn(4, '/').collect();
                let prefix = if prefix.len() == 4 {
                    prefix.last()
                } else {
                    None
                };
                paths.push(format!("{}/{tail}", prefix.copied().unwrap_or_default()));
            }
            if !is_data || self.installed.contains(root) {
                paths.push(format!("{root}/{tail}"));
            }
        }
        if is_data {
            paths.push(format!("{}/{tail}", self.prefix));
        }
        let mut seen = HashSet::new();
        paths.retain(|path| seen.insert(path.clone()));
        paths
    }
}

/// One library that the loader is asked to make resident.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its SONAME.
    pub soname: String,
    /// Functions that it must have.
    pub proof: Vec<String>,
    /// Whether it becomes global.
    pub global: bool,
    /// Equal for libraries that can only be opened together.
    pub group: Option<String>,
}

/// What is done to libraries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A resident library stays in its scope.
    Keep(String),
    /// A resident library becomes global.
    Promote(String),
    /// Files are loaded together, into the global scope or not.
    Load(Vec<String>, bool),
}

/// SONAME to the functions of a library.
pub type Functions = BTreeMap<String, BTreeSet<String>>;

/// The steps that make libraries resident (K-8 to K-11): of what is resident, and of the file in the
/// first place that has one.
pub fn load(
    rows: &[Wanted],
    resident: &Functions,
    placed: &Functions,
) -> Result<Vec<Step>, Rejection> {
    let mut steps = Vec::new();
    let mut absent: Vec<&Wanted> = Vec::new();
    for row in rows {
        match resident.get(&row.soname) {
            None => absent.push(row),
            Some(functions) if !row.is_proved_by(functions) => return Err("K-11".into()),
            Some(_) if row.global => steps.push(Step::Promote(row.soname.clone())),
            Some(_) => steps.push(Step::Keep(row.soname.clone())),
        }
    }
    if absent.iter().any(|row| !placed.contains_key(&row.soname)) {
        return Err("K-10".into());
    }
    while let Some(first) = absent.first().copied() {
        let is_together = |row: &&Wanted| {
            row.soname == first.soname || (first.group.is_some() && row.group == first.group)
        };
        if absent.iter().filter(|row| is_together(row)).any(|row| {
            placed
                .get(&row.soname)
                .is_none_or(|functions| !row.is_proved_by(functions))
        }) {
            return Err("K-11".into());
        }
        let together = rows
            .iter()
            .filter(is_together)
            .map(|row| row.soname.clone());
        let sonames: BTreeSet<String> = together.collect();
        steps.push(Step::Load(sonames.into_iter().collect(), first.global));
        absent.retain(|row| !is_together(row));
    }
    Ok(steps)
}

impl Wanted {
    fn is_proved_by(&self, functions: &BTreeSet<String>) -> bool {
        self.proof
            .iter()
            .all(|function| functions.contains(function))
    }
}
