//! Reading the fields of a variant, by position or by name.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, VariantAccess, Visitor},
    forward_to_deserialize_any,
};

use super::field::Remake;

/// How each field is read, as nested pairs that end with `()`.
pub trait Fields {
    /// What is read, as pairs likewise.
    type Values;
    /// What was read so far.
    type Slots: Default;
    /// How many.
    const LEN: usize;

    /// Whether each can be had again from what is written of it.
    fn remake(&self) -> bool;
    /// Reads them in order.
    ///
    /// # Errors
    /// Those of the deserializer, and if there are too few.
    fn in_order<'de, A: SeqAccess<'de>>(
        self,
        index: usize,
        from: &mut A,
    ) -> Result<Self::Values, A::Error>;
    /// Reads the one at `index`; true if it had been read before.
    ///
    /// # Errors
    /// Those of the deserializer.
    fn fill<'de, A: MapAccess<'de>>(
        &self,
        index: usize,
        slots: &mut Self::Slots,
        from: &mut A,
    ) -> Result<bool, A::Error>;
    /// All of them.
    ///
    /// # Errors
    /// If one was not read, and is no option.
    fn finish<E: Error>(
        self,
        slots: Self::Slots,
        names: &'static [&'static str],
    ) -> Result<Self::Values, E>;
}

impl Fields for () {
    type Values = ();
    type Slots = ();
    const LEN: usize = 0;

    fn remake(&self) -> bool {
        true
    }

    fn in_order<'de, A: SeqAccess<'de>>(self, _: usize, _: &mut A) -> Result<(), A::Error> {
        Ok(())
    }

    fn fill<'de, A: MapAccess<'de>>(
        &self,
        _: usize,
        (): &mut (),
        from: &mut A,
    ) -> Result<bool, A::Error> {
        from.next_value::<IgnoredAny>().map(|_| false)
    }

    fn finish<E: Error>(self, (): (), _: &'static [&'static str]) -> Result<(), E> {
        Ok(())
    }
}

impl<R: Remake, Rest: Fields> Fields for (R, Rest) {
    type Values = (R::Value, Rest::Values);
    type Slots = (Slot<R::Value>, Rest::Slots);
    const LEN: usize = 1 + Rest::LEN;

    fn remake(&self) -> bool {
        self.0.remakes() && self.1.remake()
    }

    fn in_order<'de, A: SeqAccess<'de>>(
        self,
        index: usize,
        from: &mut A,
    ) -> Result<Self::Values, A::Error> {
        let Some(first) = from.next_element_seed(Seed(self.0))? else {
            return Err(A::Error::invalid_length(index, &"all fields of an error"));
        };
        Ok((first, self.1.in_order(index + 1, from)?))
    }

    fn fill<'de, A: MapAccess<'de>>(
        &self,
        index: usize,
        slots: &mut Self::Slots,
        from: &mut A,
    ) -> Result<bool, A::Error> {
        match index.checked_sub(1) {
            None => {
                let value = from.next_value_seed(Seed(self.0))?;
                Ok(slots.0.0.replace(value).is_some())
            }
            Some(index) => self.1.fill(index, &mut slots.1, from),
        }
    }

    fn finish<E: Error>(
        self,
        slots: Self::Slots,
        names: &'static [&'static str],
    ) -> Result<Self::Values, E> {
        let (name, names) = names.split_first().unwrap_or((&"", &[]));
        let first = match slots.0.0 {
            Some(value) => value,
            None => self.0.read(Missing(name, PhantomData))?,
        };
        Ok((first, self.1.finish(slots.1, names)?))
    }
}

/// A field that may have been read.
#[derive(Debug)]
pub struct Slot<T>(Option<T>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// Reads one field.
#[derive(Debug)]
pub struct Seed<R>(pub R);

impl<'de, R: Remake> DeserializeSeed<'de> for Seed<R> {
    type Value = R::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<R::Value, D::Error> {
        self.0.read(deserializer)
    }
}

/// Whether a variant with these fields can be had again from what is written of it.
pub fn remakes<F: Fields>(fields: &F) -> bool {
    fields.remake()
}

/// Reads a struct. `E` is its type.
///
/// # Errors
/// Those of the deserializer.
pub fn read_struct<'de, E, F: Fields, D: Deserializer<'de>>(
    from: D,
    ty: &'static str,
    names: &'static [&'static str],
    fields: F,
) -> Result<F::Values, D::Error> {
    from.deserialize_struct(ty, names, Record::<E, F>::new(names, fields))
}

/// Reads a variant with fields that have no names.
///
/// # Errors
/// Those of the deserializer.
pub fn read_tuple<'de, E, F: Fields, A: VariantAccess<'de>>(
    content: A,
    fields: F,
) -> Result<F::Values, A::Error> {
    content.tuple_variant(F::LEN, Record::<E, F>::new(&[], fields))
}

/// Reads a variant with fields that have names.
///
/// # Errors
/// Those of the deserializer.
pub fn read_struct_variant<'de, E, F: Fields, A: VariantAccess<'de>>(
    content: A,
    names: &'static [&'static str],
    fields: F,
) -> Result<F::Values, A::Error> {
    content.struct_variant(names, Record::<E, F>::new(names, fields))
}

struct Record<E, F> {
    names: &'static [&'static str],
    fields: F,
    of: PhantomData<E>,
}

impl<E, F> Record<E, F> {
    fn new(names: &'static [&'static str], fields: F) -> Self {
        Self {
            names,
            fields,
            of: PhantomData,
        }
    }
}

impl<'de, E, F: Fields> Visitor<'de> for Record<E, F> {
    type Value = F::Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fields of an error")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<F::Values, A::Error> {
        self.fields.in_order(0, &mut from)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<F::Values, A::Error> {
        let mut slots = F::Slots::default();
        while let Some(key) = from.next_key_seed(Key(self.names))? {
            let index = key.unwrap_or(F::LEN);
            if self.fields.fill(index, &mut slots, &mut from)? {
                return Err(A::Error::duplicate_field(self.names[index]));
            }
        }
        self.fields.finish(slots, self.names)
    }
}

/// Reads which of these names it is, by name or by position.
struct Key(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_u64<E: Error>(self, index: u64) -> Result<Self::Value, E> {
        let index = usize::try_from(index).ok();
        Ok(index.filter(|index| *index < self.0.len()))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| *known == name))
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| known.as_bytes() == name))
    }
}

/// A field that was not there: an option is none, all else is an error.
struct Missing<E>(&'static str, PhantomData<E>);

impl<'de, E: Error> Deserializer<'de> for Missing<E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, E> {
        Err(E::missing_field(self.0))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
