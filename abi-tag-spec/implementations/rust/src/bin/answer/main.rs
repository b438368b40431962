//! The library behind the door of the conformance suite: one question per line, one answer.
//!
//! The protocol is in `abi-tag-spec/vectors/README.md`; the argument is the folder `abi-tag-spec`.

mod data;
mod forms;
mod json;
mod libraries;
mod questions;

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use cxxrt_abi_tag::rejection::Rejection;

use crate::data::Data;
use crate::json::{object, Json};

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")),
        PathBuf::from,
    );
    match Data::read(&folder).and_then(|data| answer_all(&data).map_err(|error| error.to_string()))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("answer: {message}");
            ExitCode::from(2)
        }
    }
}

fn answer_all(data: &Data) -> io::Result<()> {
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let question = std::str::from_utf8(&line).ok().and_then(Json::parse);
        writeln!(output, "{}", reply(data, question.as_ref()))?;
        output.flush()?;
    }
    Ok(())
}

fn reply(data: &Data, question: Option<&Json>) -> Json {
    let part = |key| question.and_then(|question| question.get(key));
    let (Some(id), Some(operation), Some(input)) = (part("id"), part("operation"), part("input"))
    else {
        return object([("id", Json::Null), ("answer", rejected(&"C-5".into()))]);
    };
    let asked = match operation {
        Json::Text(name) => questions::find(name).map(|answer| (name, answer)),
        _ => None,
    };
    let Some((name, answer)) = asked else {
        return object([("id", id.clone()), ("unsupported", Json::Flag(true))]);
    };
    let answered = if data.forms.fit(input, name) {
        answer(data, input)
    } else {
        Err("C-5".into())
    };
    object([
        ("id", id.clone()),
        ("answer", answered.unwrap_or_else(|error| rejected(&error))),
    ])
}

fn rejected(rejection: &Rejection) -> Json {
    object([("rejected", rejection.sentences().collect())])
}

/// The bytes of a text in base64 (RFC 4648, section 4), with its padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut blocks = text.as_bytes().chunks(4).peekable();
    while let Some(block) = blocks.next() {
        let last = blocks.peek().is_none();
        let padding = block.iter().rev().take_while(|byte| **byte == b'=').count();
        if block.len() < 4 || padding > 2 || (padding > 0 && !last) {
            return None;
        }
        let mut bits = 0_u32;
        for byte in block {
            let value = ALPHABET.iter().position(|known| known == byte);
            let value = value.or((*byte == b'=').then_some(0))?;
            bits = bits << 6 | u32::try_from(value).ok()?;
        }
        let [_, triple @ ..] = bits.to_be_bytes();
        bytes.extend(triple.into_iter().take(3 - padding));
    }
    Some(bytes)
}
