//! The machine-readable data of the specification as values.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cxxrt_abi_tag::bounds::{Release, Tables};
use cxxrt_abi_tag::number::{Number, Version};
use cxxrt_abi_tag::policy::{Manylinux, Platform, Policy, Private};
use cxxrt_abi_tag::providers::{LibraryTable, Line, Row};
use cxxrt_abi_tag::supported::{Epoch, Epochs};

use crate::forms::Forms;
use crate::json::Json;

/// The data, each file read at the start but for those that one question asks for.
pub struct Data {
    folder: PathBuf,
    pub forms: Forms,
    pub epochs: Epochs,
    pub tables: Tables,
    pub manylinux: Manylinux,
    pub providers: Vec<Row>,
}

impl Data {
    /// Read `abi-tag-spec`; an error names the file.
    pub fn read(specification: &Path) -> Result<Self, String> {
        let folder = specification.join("cxxrt_abi_tag_spec");
        let epochs = load(&folder.join("tags.json"))?;
        let gcc = load(&folder.join("symbols/gcc-runtime.json"))?;
        let mut cudart = BTreeMap::new();
        for path in list(&folder.join("symbols"))? {
            let is_cudart = |name: &str| name.starts_with("cudart");
            if path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(is_cudart)
            {
                let document = load(&path)?;
                let major = document.get("major").and_then(Json::as_str);
                let releases = members(document.get("releases"), Version::parse, Json::texts);
                cudart.insert(
                    major.and_then(Number::from_digits).ok_or("cudart: major")?,
                    releases,
                );
            }
        }
        let releases = load(&folder.join("releases.json"))?;
        let mut providers = Vec::new();
        for path in list(&folder.join("providers"))? {
            providers.extend(rows(&load(&path)?));
        }
        Ok(Self {
            forms: Forms::new(load(&specification.join("vectors/forms.json"))?),
            epochs: read_epochs(epochs.get("epochs")),
            tables: Tables {
                gcc: members(gcc.get("libraries"), named, |nodes| versions(Some(nodes))),
                only: members(gcc.get("architectures"), named, |nodes| {
                    members(Some(nodes), named, Json::texts)
                }),
                cudart,
                releases: read_releases(releases.get("releases")),
            },
            manylinux: read_manylinux(&load(&folder.join("manylinux.json"))?),
            providers,
            folder,
        })
    }

    /// The policy of a runtime ABI of `epochs`.
    pub fn policy(&self, name: &str) -> Result<Policy, String> {
        let document = load(&self.folder.join(format!("policies/{name}.json")))?;
        let texts = |key| document.get(key).map(Json::texts).unwrap_or_default();
        let patterns = |key| document.get(key).map(Json::texts).unwrap_or_default();
        Ok(Policy {
            lib_whitelist: texts("lib_whitelist"),
            lib_since: versions(document.get("lib_since")),
            blacklist: members(document.get("blacklist"), named, Json::texts),
            runtime_libraries: texts("runtime_libraries"),
            forbidden_members: patterns("forbidden_members"),
            forbidden_definitions: patterns("forbidden_definitions"),
            cxx11_abi: document.get("cxx11_abi") == Some(&Json::Flag(true)),
        })
    }

    /// The table of a library, if it has one.
    pub fn library(&self, soname: &str) -> Option<LibraryTable> {
        let plain = soname
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_+.-".contains(c));
        let path = self.folder.join(format!("symbols/{soname}.json"));
        let document = plain.then(|| load(&path).ok()).flatten()?;
        document.get("complete").is_some().then(|| table(&document))
    }
}

fn load(path: &Path) -> Result<Json, String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Json::parse(&text).ok_or_else(|| format!("{}: not JSON", path.display()))
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect())
}

// A name that could be read as a number is a name, too.
#[allow(clippy::unnecessary_wraps)]
fn named(key: &str) -> Option<String> {
    Some(key.to_string())
}

fn members<K: Ord, V>(
    document: Option<&Json>,
    key: impl Fn(&str) -> Option<K>,
    value: impl Fn(&Json) -> V,
) -> BTreeMap<K, V> {
    let members = document.into_iter().flat_map(Json::members);
    members
        .filter_map(|(name, each)| Some((key(name)?, value(each))))
        .collect()
}

/// The members of an object that are versions.
fn versions(document: Option<&Json>) -> BTreeMap<String, Version> {
    let members = document.into_iter().flat_map(Json::members);
    members
        .filter_map(|(name, each)| match each {
            Json::Text(text) => Some((name.to_string(), Version::parse(text)?)),
            _ => None,
        })
        .collect()
}

/// Epochs of `tags.json` or of an environment.
pub fn read_epochs(document: Option<&Json>) -> Epochs {
    let members = document.into_iter().flat_map(Json::members);
    members
        .filter_map(|(number, row)| {
            let majors = row
                .get("cuda_majors")?
                .items()
                .iter()
                .filter_map(Json::as_str);
            let epoch = Epoch {
                glibc_floor: Version::parse(row.get("glibc_floor")?.as_str()?)?,
                architectures: row.get("architectures")?.texts(),
                cuda_majors: majors.filter_map(Number::from_digits).collect(),
            };
            Some((Number::from_digits(number)?, epoch))
        })
        .collect()
}

/// Releases of `releases.json` or of a question, ascending.
pub fn read_releases(document: Option<&Json>) -> Vec<Release> {
    let items = document.map(Json::items).unwrap_or_default().iter();
    let mut releases: Vec<_> = items
        .filter_map(|row| {
            let cudart = versions(row.get("cudart"));
            let cudart = cudart
                .into_iter()
                .filter_map(|(k, v)| Some((Number::from_digits(&k)?, v)));
            Some(Release {
                version: Version::parse(row.get("version")?.as_str()?)?,
                gcc: Version::parse(row.get("gcc")?.as_str()?)?,
                cudart: cudart.collect(),
            })
        })
        .collect();
    releases.sort_by(|a, b| a.version.cmp(&b.version));
    releases
}

/// The rows of one document of `providers/`.
pub fn rows(document: &Json) -> Vec<Row> {
    let libraries = document
        .get("libraries")
        .map(Json::items)
        .unwrap_or_default()
        .iter();
    libraries
        .filter_map(|row| {
            let version = |key| row.get(key).and_then(Json::as_str).and_then(Version::parse);
            Some(Row {
                sonames: row.get("sonames")?.texts(),
                distribution: row.get("distribution")?.as_str()?.to_string(),
                line: match row.get("line").and_then(Json::as_str) {
                    Some(line) => Line::Releases(line.to_string()),
                    None => Line::Symbols,
                },
                first: version("first")?,
                below: version("below"),
            })
        })
        .collect()
}

/// A document of `symbols/` about a provider's library.
pub fn table(document: &Json) -> LibraryTable {
    let symbols = |row: &Json, key| row.get(key).map(Json::texts).unwrap_or_default();
    LibraryTable {
        complete: document.get("complete") == Some(&Json::Flag(true)),
        releases: members(document.get("releases"), Version::parse, |row| {
            (symbols(row, "added"), symbols(row, "removed"))
        }),
    }
}

fn read_manylinux(document: &Json) -> Manylinux {
    let items = |key| {
        document
            .get(key)
            .map(Json::items)
            .unwrap_or_default()
            .iter()
    };
    let namespaces: BTreeSet<String> = document
        .get("namespaces")
        .map(Json::texts)
        .unwrap_or_default();
    let platforms = items("platforms").filter_map(|row| {
        let mut ceilings = versions(Some(row));
        ceilings.retain(|name, _| namespaces.contains(name));
        let by_architecture = row
            .members()
            .filter(|(_, each)| matches!(each, Json::Object(_)));
        Some(Platform {
            glibc: Version::parse(row.get("glibc")?.as_str()?)?,
            ceilings,
            by_architecture: by_architecture
                .map(|(arch, names)| (arch.to_string(), versions(Some(names))))
                .collect(),
        })
    });
    let private = items("private").filter_map(|row| {
        Some(Private {
            library: row.get("library")?.as_str()?.to_string(),
            symbols: row.get("symbols")?.texts(),
            until: row
                .get("until")
                .and_then(Json::as_str)
                .and_then(Version::parse),
        })
    });
    Manylinux {
        platforms: platforms.collect(),
        private: private.collect(),
        named: versions(document.get("named")),
        namespaces,
    }
}
