//! STAND-IN, deleted on merge: values as MessagePack, one after another, whatever the codec.

use serde::{Serialize, de::DeserializeOwned};

use crate::{contract::MethodSpec, wire::Codec};

#[derive(Debug)]
pub struct EncodeError(String);
#[derive(Debug)]
pub struct DecodeError(pub(crate) String);

impl std::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for DecodeError {}

pub struct ArgsWriter<'a>(&'a mut Vec<u8>);
impl<'a> ArgsWriter<'a> {
    pub fn new(_: Codec, _: &'a MethodSpec, out: &'a mut Vec<u8>) -> Self {
        Self(out)
    }
    pub fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        encode(Codec::FieldNamed, value, self.0)
    }
    pub fn finish(self) -> Result<(), EncodeError> {
        Ok(())
    }
}

pub struct ArgsReader<'a>(&'a [u8]);
impl<'a> ArgsReader<'a> {
    pub fn new(_: Codec, _: &'static [&'static str], body: &'a [u8]) -> Result<Self, DecodeError> {
        Ok(Self(body))
    }
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<T, DecodeError> {
        let mut cursor = std::io::Cursor::new(self.0);
        let mut reader = rmp_serde::Deserializer::new(&mut cursor).with_human_readable();
        let value = T::deserialize(&mut reader).map_err(|e| DecodeError(e.to_string()))?;
        self.0 = &self.0[cursor.position() as usize..];
        Ok(value)
    }
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(DecodeError("trailing bytes".into()))
        }
    }
}

pub fn encode<T: Serialize + ?Sized>(
    _: Codec,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut writer = rmp_serde::Serializer::new(out)
        .with_struct_map()
        .with_human_readable();
    value
        .serialize(&mut writer)
        .map_err(|e| EncodeError(e.to_string()))
}
pub fn decode<T: DeserializeOwned>(_: Codec, bytes: &[u8]) -> Result<T, DecodeError> {
    let mut reader = ArgsReader(bytes);
    let value = reader.take()?;
    reader.finish()?;
    Ok(value)
}
