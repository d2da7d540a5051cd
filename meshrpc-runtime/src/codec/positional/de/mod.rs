//! Reading, and trusting nothing that is read.

mod access;
mod text;

use serde::de::{self, Visitor};

use super::{
    super::{
        MAX_DEPTH, MAX_EMPTY_ELEMENTS,
        error::{DecodeError, DecodeProblem},
    },
    varint,
};

/// Deserializer over a slice; several values may be read one after another.
#[derive(Debug)]
pub(in crate::codec) struct Reader<'de> {
    rest: &'de [u8],
    /// Levels of nesting that are left.
    depth: u32,
    /// Elements without bytes that are left. They cost nothing to declare, and time to read.
    empty_elements: u32,
    /// Elements that visitors may still reserve for. All sequences together have no more of them
    /// that take bytes than there are bytes, however deep they are in one another.
    reservable: usize,
}

/// A sequence or map: the number of elements came with the bytes.
struct Elements<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: usize,
    /// What a visitor may reserve for.
    reserved: usize,
}

/// A tuple or struct: the number of elements is the type's.
struct Fields<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: usize,
}

impl<'de> Reader<'de> {
    pub(in crate::codec) fn new(bytes: &'de [u8]) -> Self {
        Self {
            rest: bytes,
            depth: MAX_DEPTH,
            empty_elements: MAX_EMPTY_ELEMENTS,
            reservable: bytes.len(),
        }
    }

    /// Every byte must have been read.
    #[inline]
    pub(in crate::codec) fn finish(&self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(DecodeError::new(DecodeProblem::TrailingBytes(left))),
        }
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        let (first, rest) = self.rest.split_first().ok_or_else(unexpected_end)?;
        self.rest = rest;
        Ok(*first)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (first, rest) = self.rest.split_first_chunk().ok_or_else(unexpected_end)?;
        self.rest = rest;
        Ok(*first)
    }

    #[inline]
    fn slice(&mut self) -> Result<&'de [u8], DecodeError> {
        let len = usize::try_from(varint::take_u64(self)?).map_err(|_| unexpected_end())?;
        let (first, rest) = self.rest.split_at_checked(len).ok_or_else(unexpected_end)?;
        self.rest = rest;
        Ok(first)
    }

    #[inline]
    fn text(&mut self) -> Result<&'de str, DecodeError> {
        text::checked(self.slice()?).ok_or_else(|| DecodeError::new(DecodeProblem::Utf8))
    }

    fn character(&mut self) -> Result<char, DecodeError> {
        let byte = *self.rest.first().ok_or_else(unexpected_end)?;
        let width = match byte {
            ..=0x7F => 1,
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            _ => {
                return Err(DecodeError::new(DecodeProblem::InvalidByte {
                    byte,
                    expected: "start of a character",
                }));
            }
        };
        let (first, rest) = self
            .rest
            .split_at_checked(width)
            .ok_or_else(unexpected_end)?;
        let text = std::str::from_utf8(first).map_err(|_| DecodeError::new(DecodeProblem::Utf8))?;
        self.rest = rest;
        text.chars().next().ok_or_else(unexpected_end)
    }

    #[inline]
    fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        match self.depth.checked_sub(1) {
            Some(left) => self.depth = left,
            None => return Err(DecodeError::new(DecodeProblem::Depth)),
        }
        let read = read(self);
        self.depth += 1;
        read
    }

    /// A declared number of elements, refused at once if no reading could reach it.
    #[inline]
    fn elements(&mut self) -> Result<usize, DecodeError> {
        let declared = varint::take_u64(self)?;
        let bytes = self.rest.len();
        let possible = (bytes as u64).saturating_add(self.empty_elements.into());
        if declared > possible {
            return Err(DecodeError::new(DecodeProblem::Elements {
                declared,
                bytes,
            }));
        }
        usize::try_from(declared)
            .map_err(|_| DecodeError::new(DecodeProblem::Elements { declared, bytes }))
    }

    #[inline]
    fn fields<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_seq(Fields {
            reader: self,
            left: len,
        })
    }
}

#[cold]
fn unexpected_end() -> DecodeError {
    DecodeError::new(DecodeProblem::UnexpectedEnd)
}

#[cold]
fn self_describing() -> DecodeError {
    DecodeError::new(DecodeProblem::SelfDescribing)
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, DecodeError> {
        Err(self_describing())
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            byte => Err(DecodeError::new(DecodeProblem::InvalidByte {
                byte,
                expected: "bool",
            })),
        }
    }

    #[inline]
    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_i8(self.byte()? as i8)
    }

    #[inline]
    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_i16(varint::unfold_i16(varint::take_u16(self)?))
    }

    #[inline]
    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_i32(varint::unfold_i32(varint::take_u32(self)?))
    }

    #[inline]
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_i64(varint::unfold_i64(varint::take_u64(self)?))
    }

    #[inline]
    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_i128(varint::unfold_i128(varint::take_u128(self)?))
    }

    #[inline]
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_u8(self.byte()?)
    }

    #[inline]
    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_u16(varint::take_u16(self)?)
    }

    #[inline]
    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_u32(varint::take_u32(self)?)
    }

    #[inline]
    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_u64(varint::take_u64(self)?)
    }

    #[inline]
    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_u128(varint::take_u128(self)?)
    }

    #[inline]
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_f32(f32::from_le_bytes(self.array()?))
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_f64(f64::from_le_bytes(self.array()?))
    }

    #[inline]
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_char(self.character()?)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_string(self.text()?.to_owned())
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_borrowed_bytes(self.slice()?)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_byte_buf(self.slice()?.to_vec())
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.byte()? {
            0 => visitor.visit_none(),
            1 => self.nested(|reader| visitor.visit_some(reader)),
            byte => Err(DecodeError::new(DecodeProblem::InvalidByte {
                byte,
                expected: "option",
            })),
        }
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|reader| visitor.visit_newtype_struct(reader))
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let left = self.elements()?;
        self.nested(|reader| {
            let mut elements = Elements::new(reader, left);
            let value = visitor.visit_seq(&mut elements)?;
            elements.close()?;
            Ok(value)
        })
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|reader| reader.fields(len, visitor))
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|reader| reader.fields(len, visitor))
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let left = self.elements()?;
        self.nested(|reader| {
            let mut elements = Elements::new(reader, left);
            let value = visitor.visit_map(&mut elements)?;
            elements.close()?;
            Ok(value)
        })
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|reader| reader.fields(fields.len(), visitor))
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|reader| visitor.visit_enum(reader))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, DecodeError> {
        Err(self_describing())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        _visitor: V,
    ) -> Result<V::Value, DecodeError> {
        Err(self_describing())
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}
