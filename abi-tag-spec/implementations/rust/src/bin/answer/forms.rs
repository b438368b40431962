//! Whether a question has the form that `vectors/forms.json` gives to its operation (C-5).

use cxxrt_abi_tag::number::Number;

use crate::json::Json;

const LONGEST: usize = 255;

/// The forms of the questions.
pub struct Forms {
    document: Json,
}

impl Forms {
    /// The forms of the document.
    pub fn new(document: Json) -> Self {
        Self { document }
    }

    /// Whether an input has the form of an operation.
    pub fn fit(&self, input: &Json, operation: &str) -> bool {
        let operations = self.document.get("operations");
        operations
            .and_then(|all| all.get(operation))
            .is_some_and(|form| self.fits(input, form))
    }

    fn fits(&self, value: &Json, form: &Json) -> bool {
        match (form, value) {
            (Json::Text(name), _) => self.is(value, name),
            (Json::List(forms), Json::List(items)) => forms
                .first()
                .is_some_and(|form| items.iter().all(|item| self.fits(item, form))),
            (Json::Object(_), Json::Object(_)) => form.members().all(|(name, inner)| {
                if let Some(kind) = name
                    .strip_prefix('<')
                    .and_then(|name| name.strip_suffix('>'))
                {
                    let mut members = value.members();
                    return members
                        .all(|(key, each)| self.is(&key.into(), kind) && self.fits(each, inner));
                }
                let optional = name.strip_suffix('?');
                match value.get(optional.unwrap_or(name)) {
                    Some(member) => self.fits(member, inner),
                    None => optional.is_some(),
                }
            }),
            _ => false,
        }
    }

    fn is(&self, value: &Json, name: &str) -> bool {
        if let Some(name) = name.strip_suffix('?') {
            return *value == Json::Null || self.is(value, name);
        }
        if let Some(form) = self
            .document
            .get("shared")
            .and_then(|shared| shared.get(name))
        {
            return self.fits(value, form);
        }
        match (name, value) {
            ("text", Json::Text(_)) | ("flag", Json::Flag(_)) => true,
            ("integer" | "epoch" | "major", Json::Number(text)) => is_integer(text, name),
            ("base64", Json::Text(text)) => crate::base64(text).is_some(),
            (_, Json::Text(text)) => text.chars().count() <= LONGEST && matches(text, name),
            _ => false,
        }
    }
}

fn is_integer(text: &str, name: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let Some(number) = Number::from_canonical(digits).filter(|_| digits.len() <= LONGEST) else {
        return false;
    };
    let least = Number::from(if name == "major" { 10 } else { 1 });
    name == "integer" || (digits == text && number >= least)
}

/// Whether a text matches the pattern of a name, which `forms.json` has as a regular expression.
fn matches(text: &str, name: &str) -> bool {
    let is_number = |text: &str| Number::from_canonical(text).is_some();
    let numbers = text.split('.');
    let consists_of = |text: &str, others: &str| {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
        !text.is_empty() && text.chars().all(is_allowed)
    };
    let is_path = |path: &str| !path.contains('\n');
    match name {
        "number" => is_number(text),
        "positive" => is_number(text) && text != "0",
        "dotted" => numbers.clone().all(is_number),
        "glibc" => numbers.clone().count() == 2 && numbers.clone().all(is_number),
        "version" => numbers.clone().count() == 3 && numbers.clone().all(is_number),
        "tag" => {
            let is_part = |part: &str| consists_of(part, "_") && part == part.to_ascii_lowercase();
            text.split('-').count() == 3
                && text.split('-').all(is_part)
                && !text.starts_with(|first: char| first.is_ascii_digit())
        }
        "name" => {
            let is_edge = |c: char| c.is_ascii_alphanumeric();
            consists_of(text, "._-") && text.starts_with(is_edge) && text.ends_with(is_edge)
        }
        "soname" => consists_of(text, "_+.-"),
        "absolute" => {
            let rest = text.strip_prefix('/');
            is_path(text) && rest.is_some_and(|rest| rest.split('/').all(|part| !part.is_empty()))
        }
        "place" => text
            .strip_prefix("site:")
            .or(text.strip_prefix("data:"))
            .is_some_and(|path| !path.is_empty() && !path.starts_with('/') && is_path(path)),
        _ => false,
    }
}
