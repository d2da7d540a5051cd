//! What a visitor reads from, element by element.

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor, value::U32Deserializer};

use super::{super::varint, Elements, Fields, Reader};
use crate::codec::error::{DecodeError, DecodeProblem};

impl<'a, 'de> Elements<'a, 'de> {
    #[inline]
    pub(super) fn new(reader: &'a mut Reader<'de>, left: usize) -> Self {
        let reserved = left.min(reader.reservable);
        reader.reservable -= reserved;
        Self {
            reader,
            left,
            reserved,
        }
    }

    #[inline]
    fn next<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, DecodeError> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return Ok(None),
        }
        let before = self.reader.rest.len();
        let value = seed.deserialize(&mut *self.reader)?;
        if self.reader.rest.len() == before {
            match self.reader.empty_elements.checked_sub(1) {
                Some(left) => self.reader.empty_elements = left,
                None => return Err(DecodeError::new(DecodeProblem::EmptyElements)),
            }
        }
        Ok(Some(value))
    }

    /// What a visitor leaves unread would be taken for the value after it.
    #[inline]
    pub(super) fn close(self) -> Result<(), DecodeError> {
        match self.left {
            0 => Ok(()),
            left => Err(DecodeError::new(DecodeProblem::ElementsLeft(left))),
        }
    }

    /// What a visitor may reserve for: never more than the bytes that are there.
    #[inline]
    fn at_most(&self) -> usize {
        self.left.min(self.reserved).min(self.reader.rest.len())
    }
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        self.next(seed)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.at_most())
    }
}

impl<'de> de::MapAccess<'de> for Elements<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        self.next(seed)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        seed.deserialize(&mut *self.reader)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.at_most())
    }
}

impl<'de> de::SeqAccess<'de> for Fields<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return Ok(None),
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> de::EnumAccess<'de> for &mut Reader<'de> {
    type Error = DecodeError;
    type Variant = Self;

    #[inline]
    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), DecodeError> {
        let index: U32Deserializer<DecodeError> = varint::take_u32(self)?.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for &mut Reader<'de> {
    type Error = DecodeError;

    #[inline]
    fn unit_variant(self) -> Result<(), DecodeError> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, DecodeError> {
        seed.deserialize(self)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|reader| reader.fields(len, visitor))
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.nested(|reader| reader.fields(fields.len(), visitor))
    }
}
