//! JSON, for gateways and tools: as field-named, with an object for the map and null for nil.

use std::{borrow::Cow, fmt};

use serde::{
    Serialize,
    de::{DeserializeOwned, Deserializer, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    error::{DecodeError, DecodeProblem, EncodeError},
    named::{Guard, Guarded, read_bounded},
};

/// What `None` is written as.
pub(super) const NULL: &[u8] = b"null";

/// Appends `value` to `out`; `out` is unchanged if that fails.
pub(super) fn encode<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = out.len();
    let guard = Guard::json();
    let result = Guarded::new(value, &guard).serialize(&mut serde_json::Serializer::new(&mut *out));
    result.map_err(|error| {
        out.truncate(start);
        guard.into_error(&error)
    })
}

/// Reads one value that takes all of `bytes`.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = read_bounded(&mut deserializer)?;
    deserializer.end().map_err(|error| other(&error))?;
    Ok(value)
}

/// Writes the wire name of an argument.
pub(super) fn put_name(name: &str, out: &mut Vec<u8>) {
    // Wire names are Rust identifiers or what `#[mesh(name)]` says.
    let quoted = serde_json::Value::from(name).to_string();
    out.extend_from_slice(quoted.as_bytes());
    out.push(b':');
}

/// The text of each argument's value, in the order of `arguments`. No text at all is no arguments.
pub(super) fn split_object<'a>(
    arguments: &[&str],
    body: &'a [u8],
) -> Result<Vec<Option<&'a RawValue>>, DecodeError> {
    if body.trim_ascii().is_empty() {
        return Ok(vec![None; arguments.len()]);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let mut duplicate = None;
    let values = deserializer.deserialize_map(Entries {
        arguments,
        duplicate: &mut duplicate,
    });
    if let Some(name) = duplicate {
        return Err(DecodeError::new(DecodeProblem::Duplicate(name)));
    }
    let values = values.map_err(|error| match error.classify() {
        serde_json::error::Category::Data => DecodeError::new(DecodeProblem::NotNamed),
        _ => other(&error),
    })?;
    deserializer.end().map_err(|error| other(&error))?;
    Ok(values)
}

struct Entries<'n> {
    arguments: &'n [&'n str],
    duplicate: &'n mut Option<String>,
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of argument names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = vec![None; self.arguments.len()];
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let Some(index) = self.arguments.iter().position(|argument| *argument == name) else {
                map.next_value::<&RawValue>()?;
                continue;
            };
            if values[index]
                .replace(map.next_value::<&RawValue>()?)
                .is_some()
            {
                *self.duplicate = Some(name.into_owned());
                return Err(serde::de::Error::custom("duplicate"));
            }
        }
        Ok(values)
    }
}

#[cold]
fn other(error: &serde_json::Error) -> DecodeError {
    DecodeError::new(DecodeProblem::Other(error.to_string()))
}
