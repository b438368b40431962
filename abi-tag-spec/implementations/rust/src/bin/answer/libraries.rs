//! The operations on libraries: what is needed of them, and what the loader does with them.

// All operations have one type.
#![allow(clippy::unnecessary_wraps)]

use std::collections::BTreeSet;

use cxxrt_abi_tag::elf::Object;
use cxxrt_abi_tag::loader::{Candidate, Origin, Requirement, State, Step};
use cxxrt_abi_tag::number::{Number, Version};
use cxxrt_abi_tag::policy::Claim;
use cxxrt_abi_tag::providers::{self, Places, Wanted};
use cxxrt_abi_tag::rejection::Rejection;
use cxxrt_abi_tag::supported::Tag;
use cxxrt_abi_tag::tag::AbiTag;
use cxxrt_abi_tag::wheel::{belongs, split_manylinux};

use crate::data::{self, Data};
use crate::json::{object, Json};
use crate::questions::{flag, items, number, or_null, text};

pub fn bounds(data: &Data, input: &Json) -> Result<Json, Rejection> {
    let epoch = number(input, "epoch").ok_or("C-5")?;
    let mut tables = data.tables.clone();
    if let Some(releases) = input.get("releases") {
        tables.releases = data::read_releases(Some(releases));
    }
    let lists = |key| input.get(key).into_iter().flat_map(Json::members);
    let needs: Vec<(&str, Vec<String>)> = lists("needs")
        .map(|(soname, nodes)| (soname, nodes.texts()))
        .collect();
    let cudart = lists("cudart");
    let cudart =
        cudart.filter_map(|(major, names)| Some((Number::from_digits(major)?, names.texts())));
    let needs = needs
        .iter()
        .map(|(soname, nodes)| (*soname, nodes.as_slice()));
    let arch = input.get("architecture").and_then(Json::as_str);
    let minimum = tables.minimum(&epoch, needs, &cudart.collect(), arch)?;
    Ok(object([
        ("minimum", minimum.to_string().into()),
        ("below", epoch.next().to_string().into()),
    ]))
}

pub fn policy(data: &Data, input: &Json) -> Result<Json, Rejection> {
    let objects = items(input, "objects");
    let names: BTreeSet<&str> = objects.iter().map(|each| text(each, "name")).collect();
    let is_part = |part: &str| {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_.+-".contains(c);
        !matches!(part, "" | "." | "..") && part.chars().all(is_allowed)
    };
    let is_path = |name: &&str| name.len() <= 255 && name.split('/').all(is_part);
    let are_paths = names.iter().all(is_path);
    if text(input, "tag").len() > 240 || names.len() < objects.len() || !are_paths {
        return Err("C-5".into());
    }
    let tag: Tag = text(input, "tag").parse().map_err(|()| "C-5")?;
    let AbiTag { runtime, base } = tag.abi.parse()?;
    let epoch = data.epochs.get(&runtime.epoch).ok_or("S-2")?;
    if runtime
        .cuda
        .as_ref()
        .is_some_and(|cuda| !epoch.cuda_majors.contains(cuda))
    {
        return Err("S-4".into());
    }
    let (glibc, arch) = split_manylinux(&tag.platform).ok_or("G-2")?;
    if !epoch.allows(&tag.platform) {
        return Err("G-2".into());
    }
    if !belongs(&tag.python, &base) {
        return Err("G-3".into());
    }
    let read = objects.iter().map(|each| {
        let bytes = each
            .get("elf")
            .and_then(|elf| crate::base64(text(elf, "base64")));
        let object = Object::read(&bytes.unwrap_or_default())?;
        Some((text(each, "name").to_string(), object))
    });
    let read: Vec<_> = read.collect::<Option<_>>().ok_or("Z-4")?;
    let bound = Version::parse(text(input, "runtime")).ok_or("C-5")?;
    let claim = Claim {
        runtime: &runtime,
        glibc: &glibc,
        arch,
        bound: &bound,
    };
    let policy = data.policy(&runtime.to_string()).map_err(|_| "S-4")?;
    policy.check(&claim, &read, &data.manylinux, &data.tables)?;
    Ok(object([("conforms", Json::Flag(true))]))
}

pub fn loader(_: &Data, input: &Json) -> Result<Json, Rejection> {
    let state = input.get("state").unwrap_or(&Json::Null);
    let wanted = input.get("require").unwrap_or(&Json::Null);
    let version = |document: &Json, key| {
        document
            .get(key)
            .and_then(Json::as_str)
            .and_then(Version::parse)
    };
    let resident = state.get("resident").into_iter().flat_map(Json::members);
    let candidates = items(state, "candidates").iter().map(|each| {
        let origin = Origin::parse(text(each, "origin"))?;
        let soname = text(each, "soname").to_string();
        Some(Candidate {
            soname,
            origin,
            version: version(each, "version")?,
        })
    });
    let state = State {
        glibc: state.get("glibc") != Some(&Json::Flag(false)),
        resident: resident
            .map(|(soname, each)| (soname.to_string(), each.as_str().and_then(Version::parse)))
            .collect(),
        candidates: candidates.collect::<Option<_>>().ok_or("C-5")?,
    };
    let requirement = Requirement {
        glibcxx: version(wanted, "glibcxx"),
        cudart: version(wanted, "cudart"),
        openmp: flag(wanted, "openmp"),
    };
    let steps = state
        .decide(&requirement)?
        .into_iter()
        .map(|step| match step {
            Step::Promote(soname) => {
                object([("soname", soname.into()), ("action", "promote".into())])
            }
            Step::Load(soname, origin) => object([
                ("soname", soname.into()),
                ("action", "load".into()),
                ("origin", origin.as_str().into()),
            ]),
        });
    Ok(object([("steps", steps.collect())]))
}

pub fn requirements(data: &Data, input: &Json) -> Result<Json, Rejection> {
    let given = input.get("rows").map(Json::items);
    let rows = match given {
        Some(documents) => {
            let libraries = documents.iter().flat_map(|each| items(each, "libraries"));
            if !libraries.clone().all(|row| match text(row, "policy") {
                "symbols" | "versions" => row.get("line").is_none(),
                "line" => row.get("line").is_some(),
                _ => false,
            }) {
                return Err("C-5".into());
            }
            documents.iter().flat_map(data::rows).collect()
        }
        None => data.providers.clone(),
    };
    let sonames: Vec<_> = rows.iter().flat_map(|row| &row.sonames).collect();
    if sonames.iter().collect::<BTreeSet<_>>().len() < sonames.len() {
        return Err("C-5".into()); // K-1
    }
    let mut found = BTreeSet::new();
    for (soname, symbols) in input.get("needs").into_iter().flat_map(Json::members) {
        let Some(row) = rows
            .iter()
            .find(|row| row.sonames.iter().any(|each| each == soname))
        else {
            continue;
        };
        let table = match given {
            Some(_) => input
                .get("tables")
                .and_then(|all| all.get(soname))
                .map(data::table),
            None => data.library(soname),
        };
        let symbols: Vec<String> = symbols.texts();
        found.insert(row.requirement(table.as_ref(), &symbols)?);
    }
    let requirements = found.into_iter().map(|row| {
        object([
            ("distribution", row.distribution.into()),
            ("minimum", row.minimum.into()),
            ("below", or_null(row.below)),
            ("line", or_null(row.line)),
        ])
    });
    Ok(object([("requirements", requirements.collect())]))
}

pub fn places(_: &Data, input: &Json) -> Result<Json, Rejection> {
    let places = Places {
        sys_path: input.get("sys_path").map(Json::texts).unwrap_or_default(),
        own: text(input, "own").to_string(),
        prefix: text(input, "prefix").to_string(),
        installed: input.get("installed").map(Json::texts).unwrap_or_default(),
    };
    Ok(object([(
        "paths",
        places.paths(text(input, "place")).into_iter().collect(),
    )]))
}

pub fn libraries(_: &Data, input: &Json) -> Result<Json, Rejection> {
    let rows = items(input, "rows");
    let sonames: BTreeSet<&str> = rows.iter().map(|row| text(row, "soname")).collect();
    let is_scope = |row: &Json| matches!(text(row, "scope"), "local" | "global");
    if sonames.len() < rows.len()
        || rows
            .iter()
            .any(|row| row.get("scope").is_some() && !is_scope(row))
    {
        return Err("C-5".into());
    }
    let wanted: Vec<_> = rows
        .iter()
        .map(|row| Wanted {
            soname: text(row, "soname").to_string(),
            proof: row.get("proof").map(Json::texts).unwrap_or_default(),
            global: text(row, "scope") == "global",
            group: Some(text(row, "group").to_string()).filter(|group| !group.is_empty()),
        })
        .collect();
    let functions = |key| {
        let members = input.get(key).into_iter().flat_map(Json::members);
        members
            .map(|(soname, names)| (soname.to_string(), names.texts()))
            .collect()
    };
    let steps = providers::load(&wanted, &functions("resident"), &functions("placed"))?;
    let steps = steps.into_iter().map(|step| match step {
        providers::Step::Keep(soname) => {
            object([("soname", soname.into()), ("action", "keep".into())])
        }
        providers::Step::Promote(soname) => {
            object([("soname", soname.into()), ("action", "promote".into())])
        }
        providers::Step::Load(sonames, global) => object([
            ("sonames", sonames.into_iter().collect()),
            ("action", "load".into()),
            ("scope", if global { "global" } else { "local" }.into()),
        ]),
    });
    Ok(object([("steps", steps.collect())]))
}
