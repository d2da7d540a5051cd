//! Bytes in a sequence: a `Vec<u8>` is one to serde, element by element.

use std::fmt;

use serde::ser::{self, Impossible, Serialize};

/// Takes a byte, and nothing else.
pub(super) struct Byte;

/// It was something else. Nothing was written.
#[derive(Debug)]
pub(super) struct NotByte;

impl fmt::Display for NotByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no byte")
    }
}

impl std::error::Error for NotByte {}

impl ser::Error for NotByte {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

macro_rules! no_bytes {
    ($($method:ident($($argument:ty),*) -> $result:ty;)*) => {$(
        #[inline]
        fn $method(self, $(_: $argument),*) -> Result<$result, NotByte> {
            Err(NotByte)
        }
    )*};
}

impl ser::Serializer for Byte {
    type Ok = u8;
    type Error = NotByte;
    type SerializeSeq = Impossible<u8, NotByte>;
    type SerializeTuple = Impossible<u8, NotByte>;
    type SerializeTupleStruct = Impossible<u8, NotByte>;
    type SerializeTupleVariant = Impossible<u8, NotByte>;
    type SerializeMap = Impossible<u8, NotByte>;
    type SerializeStruct = Impossible<u8, NotByte>;
    type SerializeStructVariant = Impossible<u8, NotByte>;

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<u8, NotByte> {
        Ok(value)
    }

    no_bytes! {
        serialize_bool(bool) -> u8;
        serialize_i8(i8) -> u8;
        serialize_i16(i16) -> u8;
        serialize_i32(i32) -> u8;
        serialize_i64(i64) -> u8;
        serialize_u16(u16) -> u8;
        serialize_u32(u32) -> u8;
        serialize_u64(u64) -> u8;
        serialize_f32(f32) -> u8;
        serialize_f64(f64) -> u8;
        serialize_char(char) -> u8;
        serialize_str(&str) -> u8;
        serialize_bytes(&[u8]) -> u8;
        serialize_none() -> u8;
        serialize_unit() -> u8;
        serialize_unit_struct(&'static str) -> u8;
        serialize_unit_variant(&'static str, u32, &'static str) -> u8;
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, _value: &T) -> Result<u8, NotByte> {
        Err(NotByte)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _value: &T,
    ) -> Result<u8, NotByte> {
        Err(NotByte)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<u8, NotByte> {
        Err(NotByte)
    }

    #[inline]
    fn collect_str<T: fmt::Display + ?Sized>(self, _value: &T) -> Result<u8, NotByte> {
        Err(NotByte)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}
