//! What a wheel's objects may need and contain under a tag (section 8).

use std::collections::{BTreeMap, BTreeSet};

use crate::bounds::Tables;
use crate::elf::Object;
use crate::names::{glob, names_old_string};
use crate::number::{Number, Version};
use crate::rejection::Rejection;
use crate::tag::RuntimeAbi;

/// What a wheel with a runtime ABI may need from outside.
#[derive(Debug, Clone)]
pub struct Policy {
    /// SONAMEs that may be needed.
    pub lib_whitelist: BTreeSet<String>,
    /// Those of them that only platforms from a glibc on have.
    pub lib_since: BTreeMap<String, Version>,
    /// Symbols that must not be taken from a library.
    pub blacklist: BTreeMap<String, BTreeSet<String>>,
    /// The libraries that the runtime wheel has.
    pub runtime_libraries: BTreeSet<String>,
    /// Patterns of the file names and SONAMEs of copies.
    pub forbidden_members: Vec<String>,
    /// Patterns of symbols that betray a static copy.
    pub forbidden_definitions: Vec<String>,
    /// Whether exported names have the new `std::string`.
    pub cxx11_abi: bool,
}

/// What the machines of one generation of `manylinux` have.
#[derive(Debug, Clone)]
pub struct Platform {
    /// From this glibc on.
    pub glibc: Version,
    /// Namespace to its highest version.
    pub ceilings: BTreeMap<String, Version>,
    /// Architecture to namespaces in which it differs.
    pub by_architecture: BTreeMap<String, BTreeMap<String, Version>>,
}

/// Symbols of an allowed library that are its own.
#[derive(Debug, Clone)]
pub struct Private {
    /// SONAME.
    pub library: String,
    /// The symbols.
    pub symbols: BTreeSet<String>,
    /// The glibc of the first platform where they are public.
    pub until: Option<Version>,
}

/// What plain platform tags promise.
#[derive(Debug, Clone)]
pub struct Manylinux {
    /// Ascending.
    pub platforms: Vec<Platform>,
    /// Namespaces of symbol versions about which something is promised.
    pub namespaces: BTreeSet<String>,
    /// Symbol versions without a number, and the glibc of their first platform.
    pub named: BTreeMap<String, Version>,
    /// See there.
    pub private: Vec<Private>,
}

impl Manylinux {
    /// Whether a symbol version is newer than what a platform promises (P-3).
    fn lacks(&self, glibc: &Version, arch: &str, node: &str) -> bool {
        let (namespace, rest) = node.split_once('_').unwrap_or((node, ""));
        let here = self
            .platforms
            .iter()
            .rev()
            .find(|platform| platform.glibc <= *glibc);
        let Some(platform) = here.or(self.platforms.first()) else {
            return false;
        };
        let special = platform
            .by_architecture
            .get(arch)
            .and_then(|names| names.get(namespace));
        let Some(ceiling) = special.or_else(|| platform.ceilings.get(namespace)) else {
            return false;
        };
        if !self.namespaces.contains(namespace) {
            return false;
        }
        match Version::parse(rest) {
            Some(number) => number > *ceiling,
            None => self.named.get(node).is_none_or(|since| since > glibc),
        }
    }

    fn is_private(&self, glibc: &Version, library: &str, symbol: &str) -> bool {
        self.private.iter().any(|row| {
            row.library == library
                && row.until.as_ref().is_none_or(|until| glibc < until)
                && row.symbols.contains(symbol)
        })
    }
}

/// The tag that a wheel is judged by, and the lower bound of its requirement.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// What the ABI tag says.
    pub runtime: &'a RuntimeAbi,
    /// What the platform tag says.
    pub glibc: &'a Version,
    /// What the platform tag says.
    pub arch: &'a str,
    /// The lower bound of the requirement.
    pub bound: &'a Version,
}

impl Policy {
    /// Judge a wheel's objects, each with the path of its file in the wheel.
    pub fn check(
        &self,
        claim: &Claim<'_>,
        objects: &[(String, Object)],
        manylinux: &Manylinux,
        tables: &Tables,
    ) -> Result<(), Rejection> {
        let mut broken = BTreeSet::new();
        let numbers = claim.bound.numbers();
        if numbers.first() != Some(&claim.runtime.epoch) || !matches!(numbers.len(), 2 | 3) {
            broken.insert("G-7");
        }
        let inside: BTreeSet<&str> = objects
            .iter()
            .flat_map(|(path, object)| [Some(file_name(path)), object.soname.as_deref()])
            .flatten()
            .collect();
        for (path, object) in objects {
            let needed = object.needed.iter().map(String::as_str);
            let outside: BTreeSet<&str> = needed.filter(|name| !inside.contains(name)).collect();
            for soname in &outside {
                self.check_library(claim, object, soname, manylinux, &mut broken);
            }
            self.check_contents(claim, path, object, &mut broken);
            match lower_bound(claim, object, &outside, tables) {
                Ok(bound) if bound > *claim.bound => broken.insert("G-7"),
                Ok(_) => false,
                Err(_) => broken.insert("P-3"),
            };
        }
        Rejection::check(broken)
    }

    /// One library that an object needs from outside the wheel.
    fn check_library(
        &self,
        claim: &Claim<'_>,
        object: &Object,
        soname: &str,
        manylinux: &Manylinux,
        broken: &mut BTreeSet<&'static str>,
    ) {
        let too_early = self
            .lib_since
            .get(soname)
            .is_some_and(|since| claim.glibc < since);
        if !self.lib_whitelist.contains(soname) || too_early {
            broken.insert("P-1");
        }
        let own = self.blacklist.get(soname);
        if object
            .symbols
            .iter()
            .filter(|symbol| !symbol.defined && !symbol.weak)
            .any(|symbol| {
                manylinux.is_private(claim.glibc, soname, &symbol.name)
                    || own.is_some_and(|names| names.contains(&symbol.name))
            })
        {
            broken.insert("P-9");
        }
        let lacks = |node: &String| manylinux.lacks(claim.glibc, claim.arch, node);
        let mut needs = object
            .versions
            .iter()
            .filter(|(library, _)| library == soname);
        if !self.runtime_libraries.contains(soname)
            && needs.any(|(_, nodes)| nodes.iter().any(lacks))
        {
            broken.insert("P-3");
        }
        if let Some(major) = soname.strip_prefix("libcudart.so.") {
            if claim.runtime.cuda.as_ref().map(Number::as_str) != Some(major) {
                broken.insert("G-1");
            }
        }
    }

    /// What an object is and has, whatever it needs.
    fn check_contents(
        &self,
        claim: &Claim<'_>,
        path: &str,
        object: &Object,
        broken: &mut BTreeSet<&'static str>,
    ) {
        let matches = |patterns: &[String], name: &str| {
            patterns
                .iter()
                .any(|pattern| glob(pattern.as_bytes(), name.as_bytes()))
        };
        let defined = || object.symbols.iter().filter(|symbol| symbol.defined);
        let soname = object.soname.as_deref().unwrap_or_default();
        let is_copy = [file_name(path), soname]
            .iter()
            .any(|name| matches(&self.forbidden_members, name));
        if is_copy || defined().any(|symbol| matches(&self.forbidden_definitions, &symbol.name)) {
            broken.insert("P-2");
        }
        let too_new = |node: &String| {
            let number = node.strip_prefix("GLIBC_").and_then(Version::parse);
            number.is_some_and(|number| number > *claim.glibc)
        };
        if object
            .versions
            .iter()
            .any(|(_, nodes)| nodes.iter().any(too_new))
        {
            broken.insert("P-4");
        }
        if self.cxx11_abi && defined().any(|symbol| names_old_string(&symbol.name)) {
            broken.insert("P-5");
        }
        if object.executable_stack {
            broken.insert("P-7");
        }
        if object
            .search_path
            .iter()
            .any(|entry| leaves_wheel(path, entry))
        {
            broken.insert("P-8");
        }
    }
}

fn lower_bound(
    claim: &Claim<'_>,
    object: &Object,
    outside: &BTreeSet<&str>,
    tables: &Tables,
) -> Result<Version, Rejection> {
    let needs = object
        .versions
        .iter()
        .filter(|(library, _)| outside.contains(library.as_str()));
    let needs = needs.map(|(library, nodes)| (library.as_str(), nodes.as_slice()));
    let mut cudart = BTreeMap::new();
    for soname in outside {
        let Some(major) = soname
            .strip_prefix("libcudart.so.")
            .and_then(Number::from_digits)
        else {
            continue;
        };
        let needed = object.symbols.iter().filter(|symbol| {
            !symbol.defined && !symbol.weak && symbol.library.as_deref() == Some(soname)
        });
        cudart.insert(major, needed.map(|symbol| symbol.name.clone()).collect());
    }
    tables.minimum(&claim.runtime.epoch, needs, &cudart, Some(claim.arch))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether an entry of a search path leads out of the directory that the wheel is installed to.
fn leaves_wheel(path: &str, entry: &str) -> bool {
    let rest = ["$ORIGIN", "${ORIGIN}"]
        .iter()
        .find_map(|origin| entry.strip_prefix(origin));
    let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
        return true;
    };
    let mut depth = path.matches('/').count();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_path_stays_in_the_wheel_or_does_not() {
        for inside in ["$ORIGIN", "${ORIGIN}/../b.libs", "$ORIGIN/./x/.."] {
            assert!(!leaves_wheel("a/b.so", inside), "{inside}");
        }
        for outside in [
            "",
            "/usr/lib",
            "$ORIGIN/../..",
            "$ORIGINAL",
            "$ORIGIN/../../a",
        ] {
            assert!(leaves_wheel("a/b.so", outside), "{outside}");
        }
    }
}
