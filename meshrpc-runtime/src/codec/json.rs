//! JSON, for gateways and tools: as field-named, with an object for the map and null for nil.

use std::{borrow::Cow, fmt};

use serde::{
    Serialize,
    de::{Deserialize, Deserializer, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    arguments::Values,
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
pub(super) fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, DecodeError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = read_bounded(&mut deserializer, false)?;
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

/// The text of each argument's value. No text at all is no arguments.
pub(super) fn split_object<'a>(
    arguments: &[&str],
    body: &'a [u8],
) -> Result<Values<&'a RawValue>, DecodeError> {
    if body.trim_ascii().is_empty() {
        return Ok(Values::none(arguments));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let mut refused = None;
    let values = deserializer.deserialize_map(Entries {
        arguments,
        refused: &mut refused,
    });
    if let Some(error) = refused {
        return Err(error);
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
    refused: &'n mut Option<DecodeError>,
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = Values<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of argument names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = Values::none(self.arguments);
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let value: &RawValue = map.next_value()?;
            if let Err(error) = values.put(self.arguments, name.as_bytes(), value) {
                *self.refused = Some(error);
                return Err(serde::de::Error::custom("refused"));
            }
        }
        Ok(values)
    }
}

#[cold]
fn other(error: &serde_json::Error) -> DecodeError {
    DecodeError::new(DecodeProblem::Other(error.to_string()))
}
