//! One function for each operation on tags and names; its input has the operation's form.

// All operations have one type.
#![allow(clippy::unnecessary_wraps)]

use cxxrt_abi_tag::number::Number;
use cxxrt_abi_tag::rejection::Rejection;
use cxxrt_abi_tag::supported::{Environment, Tag};
use cxxrt_abi_tag::tag::{AbiTag, RuntimeAbi};
use cxxrt_abi_tag::variant;
use cxxrt_abi_tag::wheel::{check_release, WheelMetadata, WheelName};

use crate::data::{self, Data};
use crate::json::{object, Json};
use crate::libraries;

/// Answers one question.
pub type Answer = fn(&Data, &Json) -> Result<Json, Rejection>;

/// What answers an operation; none for one that is not claimed.
pub fn find(operation: &str) -> Option<Answer> {
    Some(match operation {
        "parse" => parse,
        "format" => format,
        "expand" => expand,
        "supported" => supported,
        "order" => order,
        "filename" => filename,
        "release" => release,
        "to-variant" => to_variant,
        "from-variant" => from_variant,
        "bounds" => libraries::bounds,
        "policy" => libraries::policy,
        "loader" => libraries::loader,
        "providers" => libraries::requirements,
        "places" => libraries::places,
        "libraries" => libraries::libraries,
        _ => return None,
    })
}

pub fn text<'a>(input: &'a Json, key: &str) -> &'a str {
    input.get(key).and_then(Json::as_str).unwrap_or_default()
}

pub fn number(input: &Json, key: &str) -> Option<Number> {
    input
        .get(key)
        .and_then(Json::as_str)
        .and_then(Number::from_digits)
}

pub fn items<'a>(input: &'a Json, key: &str) -> &'a [Json] {
    input.get(key).map(Json::items).unwrap_or_default()
}

pub fn flag(input: &Json, key: &str) -> bool {
    input.get(key) == Some(&Json::Flag(true))
}

pub fn or_null(value: Option<impl Into<Json>>) -> Json {
    value.map_or(Json::Null, Into::into)
}

fn parse(_: &Data, input: &Json) -> Result<Json, Rejection> {
    let AbiTag { runtime, base } = text(input, "abi").parse()?;
    let cuda = runtime
        .cuda
        .map_or(Json::Null, |cuda| Json::Number(cuda.to_string()));
    let epoch = Json::Number(runtime.epoch.to_string());
    Ok(object([
        ("base", base.into()),
        ("epoch", epoch),
        ("cuda", cuda),
    ]))
}

fn format(_: &Data, input: &Json) -> Result<Json, Rejection> {
    let epoch = number(input, "epoch").ok_or("T-7")?; // none for a negative number
    let cuda = match input.get("cuda") {
        Some(Json::Number(_)) => Some(number(input, "cuda").ok_or("T-7")?),
        _ => None,
    };
    let tag = AbiTag::new(RuntimeAbi { epoch, cuda }, text(input, "base"))?;
    Ok(object([("abi", tag.to_string().into())]))
}

fn environment(data: &Data, input: &Json) -> Environment {
    let given = input.get("environment").unwrap_or(&Json::Null);
    let tags = items(given, "tags").iter().filter_map(Json::as_str);
    let vetoes = items(given, "veto").iter().filter_map(|row| {
        let refuses = row.get("compatible") == Some(&Json::Flag(false));
        let cuda = match row.get("cuda") {
            Some(Json::Number(_)) => Some(number(row, "cuda")?),
            _ => None,
        };
        let runtime = RuntimeAbi {
            epoch: number(row, "epoch")?,
            cuda,
        };
        refuses.then(|| (runtime, text(row, "architecture").to_string()))
    });
    Environment {
        tags: tags.filter_map(|tag| tag.parse().ok()).collect(),
        driver: number(given, "driver"),
        epochs: match given.get("epochs") {
            Some(epochs) => data::read_epochs(Some(epochs)),
            None => data.epochs.clone(),
        },
        installed: data::read_epochs(given.get("installed")),
        vetoes: vetoes.collect(),
    }
}

fn expand(data: &Data, input: &Json) -> Result<Json, Rejection> {
    let tags = environment(data, input).expand();
    Ok(object([(
        "tags",
        tags.iter().map(Tag::to_string).collect(),
    )]))
}

fn supported(data: &Data, input: &Json) -> Result<Json, Rejection> {
    let tag = text(input, "tag").parse::<Tag>();
    let tags = environment(data, input).expand();
    Ok(object([(
        "supported",
        Json::Flag(tag.is_ok_and(|tag| tags.contains(&tag))),
    )]))
}

fn order(data: &Data, input: &Json) -> Result<Json, Rejection> {
    let wheels: Vec<_> = items(input, "wheels")
        .iter()
        .filter_map(Json::as_str)
        .collect();
    let ordered = environment(data, input).order(&wheels);
    Ok(object([("wheels", ordered.into_iter().collect())]))
}

fn filename(data: &Data, input: &Json) -> Result<Json, Rejection> {
    let name: WheelName = text(input, "filename").parse()?;
    let metadata = WheelMetadata {
        tag_lines: input.get("tag_lines").map(Json::texts),
        requires_dist: input.get("requires_dist").map(Json::texts),
        variant: flag(input, "variant"),
    };
    let runtime = name.check(&data.epochs, &metadata)?;
    let runtime = or_null(runtime.map(|runtime| runtime.to_string()));
    Ok(object([
        ("runtime_abi", runtime),
        ("tags", name.tags().into_iter().collect()),
    ]))
}

fn release(_: &Data, input: &Json) -> Result<Json, Rejection> {
    let wheels = items(input, "wheels").iter().map(|wheel| {
        let lines: Vec<String> = wheel
            .get("requires_dist")
            .map(Json::texts)
            .unwrap_or_default();
        Ok((text(wheel, "filename").parse()?, lines))
    });
    let wheels: Vec<(WheelName, Vec<String>)> = wheels.collect::<Result<_, Rejection>>()?;
    check_release(wheels.iter().map(|(name, lines)| (name, lines.as_slice())))?;
    Ok(object([("consistent", Json::Flag(true))]))
}

fn to_variant(data: &Data, input: &Json) -> Result<Json, Rejection> {
    let (name, runtime) = variant::to_variant(text(input, "filename"), &data.epochs)?;
    Ok(object([
        ("filename", name.to_string().into()),
        ("label", runtime.to_string().into()),
        (
            "properties",
            variant::properties(&runtime).into_iter().collect(),
        ),
    ]))
}

fn from_variant(data: &Data, input: &Json) -> Result<Json, Rejection> {
    let properties: Vec<String> = input.get("properties").map(Json::texts).unwrap_or_default();
    let name = variant::from_variant(text(input, "filename"), &properties, &data.epochs)?;
    Ok(object([("filename", name.to_string().into())]))
}
