//! Stand-in for the codecs: MessagePack values in order, whatever the codec.

use serde::{Serialize, de::DeserializeOwned};

use crate::{contract::MethodSpec, wire::Codec};

/// A value could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct EncodeError {
    message: String,
    needs_field_names: bool,
}

/// A value could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(String);

/// Writes arguments.
pub struct ArgsWriter<'a>(&'a mut Vec<u8>);

/// Reads arguments.
pub struct ArgsReader<'a>(&'a [u8]);

impl EncodeError {
    /// Whether the field-named codec can write it.
    pub fn needs_field_names(&self) -> bool {
        self.needs_field_names
    }
}

impl<'a> ArgsWriter<'a> {
    /// A writer.
    pub fn new(_codec: Codec, _method: &'a MethodSpec, out: &'a mut Vec<u8>) -> Self {
        Self(out)
    }

    /// Writes one argument.
    pub fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        encode(Codec::FieldNamed, value, self.0)
    }

    /// Ends.
    pub fn finish(self) -> Result<(), EncodeError> {
        Ok(())
    }
}

impl<'a> ArgsReader<'a> {
    /// A reader.
    pub fn new(
        _codec: Codec,
        _arguments: &'static [&'static str],
        body: &'a [u8],
    ) -> Result<Self, DecodeError> {
        Ok(Self(body))
    }

    /// Reads one argument.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<T, DecodeError> {
        let mut reader = rmp_serde::Deserializer::new(&mut self.0);
        T::deserialize(&mut reader).map_err(|error| DecodeError(error.to_string()))
    }

    /// Ends.
    pub fn finish(self) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Writes a value.
pub fn encode<T: Serialize + ?Sized>(
    _codec: Codec,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    rmp_serde::encode::write_named(out, value)
        .map_err(|error| EncodeError { message: error.to_string(), needs_field_names: false })
}

/// Reads a value.
pub fn decode<T: DeserializeOwned>(_codec: Codec, bytes: &[u8]) -> Result<T, DecodeError> {
    rmp_serde::from_slice(bytes).map_err(|error| DecodeError(error.to_string()))
}
