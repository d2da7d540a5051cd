//! Writing, and refusing what could not be read back.

mod byte;
mod compound;
mod held;
mod run;

use serde::ser::{self, Serialize, SerializeSeq};

use super::{
    super::{
        MAX_DEPTH, MAX_EMPTY_ELEMENTS,
        error::{EncodeError, EncodeProblem},
    },
    varint,
};
use crate::contract::{Layout, Leaf, Part, Place, Shape};

/// Serializer that appends to a vector.
pub(super) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    /// Levels of nesting that are left.
    depth: u32,
    /// Elements without bytes that are left: the reader takes no more of them.
    empty_elements: u32,
    /// What the value is held against.
    layout: &'o Layout,
    /// Where the next value is read.
    place: Place,
}

/// A sequence or map of told length.
pub(super) struct Elements<'a, 'o> {
    writer: &'a mut Writer<'o>,
    announced: usize,
    left: usize,
    /// Where keys are read, if this is a map.
    key: Place,
    /// Where elements are read, or the values of a map.
    value: Place,
}

/// A tuple, struct or variant: as many values as its type says.
pub(super) struct Fields<'a, 'o> {
    writer: &'a mut Writer<'o>,
    container: &'static str,
    announced: usize,
    written: usize,
    /// Levels of nesting to give back at the end: a variant's fields are one below the variant.
    levels: u32,
    /// What is read, if it is known.
    parts: Option<&'o [Part]>,
}

impl<'o> Writer<'o> {
    pub(super) fn new(shape: Shape<'o>, out: &'o mut Vec<u8>) -> Self {
        Self {
            out,
            depth: MAX_DEPTH,
            empty_elements: MAX_EMPTY_ELEMENTS,
            layout: shape.layout,
            place: shape.place,
        }
    }

    #[inline]
    fn enter(&mut self) -> Result<(), EncodeError> {
        match self.depth.checked_sub(1) {
            Some(left) => self.depth = left,
            None => return Err(EncodeError::new(EncodeProblem::Depth)),
        }
        Ok(())
    }

    #[inline]
    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.enter()?;
        value.serialize(&mut *self)?;
        self.depth += 1;
        Ok(())
    }

    #[inline]
    fn put_bytes(&mut self, bytes: &[u8]) {
        varint::put_u64(self.out, bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    #[inline]
    fn elements(
        &mut self,
        what: &'static str,
        len: Option<usize>,
        (key, value): (Place, Place),
    ) -> Result<Elements<'_, 'o>, EncodeError> {
        let len = len.ok_or_else(|| EncodeError::new(EncodeProblem::UnknownLength(what)))?;
        self.enter()?;
        varint::put_u64(self.out, len as u64);
        Ok(Elements {
            writer: self,
            announced: len,
            left: len,
            key,
            value,
        })
    }

    #[inline]
    fn fields(
        &mut self,
        container: &'static str,
        announced: usize,
        parts: Option<&'o [Part]>,
    ) -> Result<Fields<'_, 'o>, EncodeError> {
        self.enter()?;
        Ok(Fields {
            writer: self,
            container,
            announced,
            written: 0,
            levels: 1,
            parts,
        })
    }
}

impl<'a, 'o> ser::Serializer for &'a mut Writer<'o> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Elements<'a, 'o>;
    type SerializeTuple = Fields<'a, 'o>;
    type SerializeTupleStruct = Fields<'a, 'o>;
    type SerializeTupleVariant = Fields<'a, 'o>;
    type SerializeMap = Elements<'a, 'o>;
    type SerializeStruct = Fields<'a, 'o>;
    type SerializeStructVariant = Fields<'a, 'o>;

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), EncodeError> {
        self.leaf(Leaf::Bool)?;
        self.out.push(value.into());
        Ok(())
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<(), EncodeError> {
        self.leaf(Leaf::I8)?;
        self.out.push(value as u8);
        Ok(())
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<(), EncodeError> {
        self.leaf(Leaf::I16)?;
        varint::put_u16(self.out, varint::fold_i16(value));
        Ok(())
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<(), EncodeError> {
        self.leaf(Leaf::I32)?;
        varint::put_u32(self.out, varint::fold_i32(value));
        Ok(())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), EncodeError> {
        self.leaf(Leaf::I64)?;
        varint::put_u64(self.out, varint::fold_i64(value));
        Ok(())
    }

    #[inline]
    fn serialize_i128(self, value: i128) -> Result<(), EncodeError> {
        self.leaf(Leaf::I128)?;
        varint::put_u128(self.out, varint::fold_i128(value));
        Ok(())
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<(), EncodeError> {
        self.leaf(Leaf::U8)?;
        self.out.push(value);
        Ok(())
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<(), EncodeError> {
        self.leaf(Leaf::U16)?;
        varint::put_u16(self.out, value);
        Ok(())
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<(), EncodeError> {
        self.leaf(Leaf::U32)?;
        varint::put_u32(self.out, value);
        Ok(())
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<(), EncodeError> {
        self.leaf(Leaf::U64)?;
        varint::put_u64(self.out, value);
        Ok(())
    }

    #[inline]
    fn serialize_u128(self, value: u128) -> Result<(), EncodeError> {
        self.leaf(Leaf::U128)?;
        varint::put_u128(self.out, value);
        Ok(())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<(), EncodeError> {
        self.leaf(Leaf::F32)?;
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), EncodeError> {
        self.leaf(Leaf::F64)?;
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.leaf(Leaf::Char)?;
        self.out
            .extend_from_slice(value.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        self.leaf(Leaf::Str)?;
        self.put_bytes(value.as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        self.bytes()?;
        self.put_bytes(value);
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), EncodeError> {
        self.option()?;
        self.out.push(0);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        self.place = self.option()?;
        self.out.push(1);
        self.nested(value)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.leaf(Leaf::Unit)
    }

    #[inline]
    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), EncodeError> {
        self.leaf(Leaf::Unit)
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.unit_variant(index, variant)?;
        self.enter()?;
        self.depth += 1;
        varint::put_u32(self.out, index);
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.nested(value)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.place = self.newtype_variant(index, variant)?;
        varint::put_u32(self.out, index);
        self.nested(value)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Elements<'a, 'o>, EncodeError> {
        let value = self.seq()?;
        self.elements("sequence", len, (Place::ANYTHING, value))
    }

    #[inline]
    fn collect_seq<I>(self, elements: I) -> Result<(), EncodeError>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        let place = self.seq()?;
        let elements = elements.into_iter();
        let len = match elements.size_hint() {
            (least, Some(most)) if least == most => Some(least),
            _ => None,
        };
        let mut written = self.elements("sequence", len, (Place::ANYTHING, place))?;
        if place == Place::leaf(Leaf::U8) {
            written.put_bytes(elements)?;
        } else {
            for element in elements {
                written.serialize_element(&element)?;
            }
        }
        written.end()
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Fields<'a, 'o>, EncodeError> {
        let parts = self.tuple()?;
        self.fields("tuple", len, parts)
    }

    #[inline]
    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Fields<'a, 'o>, EncodeError> {
        let parts = self.tuple()?;
        self.fields(name, len, parts)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields<'a, 'o>, EncodeError> {
        let parts = self.tuple_variant(index, variant)?;
        self.enter()?;
        varint::put_u32(self.out, index);
        let mut fields = self.fields(variant, len, parts)?;
        fields.levels = 2;
        Ok(fields)
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Elements<'a, 'o>, EncodeError> {
        let places = self.map()?;
        self.elements("map", len, places)
    }

    #[inline]
    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Fields<'a, 'o>, EncodeError> {
        let parts = self.structure(name)?;
        self.fields(name, len, parts)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields<'a, 'o>, EncodeError> {
        let parts = self.struct_variant(index, variant)?;
        self.enter()?;
        varint::put_u32(self.out, index);
        let mut fields = self.fields(variant, len, parts)?;
        fields.levels = 2;
        Ok(fields)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }
}
