//! Writing the fields of a variant: a list of what each of them is written as.

use serde::{
    Serialize, Serializer,
    ser::{SerializeStruct, SerializeStructVariant, SerializeTupleVariant},
};

/// Fields, as nested pairs that end with `()`.
pub trait Parts {
    /// How many.
    const LEN: usize;

    /// Hands each to `write`, which stops at the first failure.
    ///
    /// # Errors
    /// The first of `write`.
    fn each<W: WritePart>(&self, index: usize, write: &mut W) -> Result<(), W::Error>;
}

/// What takes one field after another.
pub trait WritePart {
    /// Why it could not.
    type Error;

    /// Takes the field at `index`.
    ///
    /// # Errors
    /// Those of the serializer.
    fn part<T: Serialize>(&mut self, index: usize, value: &T) -> Result<(), Self::Error>;
}

impl Parts for () {
    const LEN: usize = 0;

    fn each<W: WritePart>(&self, _: usize, _: &mut W) -> Result<(), W::Error> {
        Ok(())
    }
}

impl<T: Serialize, Rest: Parts> Parts for (T, Rest) {
    const LEN: usize = 1 + Rest::LEN;

    fn each<W: WritePart>(&self, index: usize, write: &mut W) -> Result<(), W::Error> {
        write.part(index, &self.0)?;
        self.1.each(index + 1, write)
    }
}

/// A variant without fields.
///
/// # Errors
/// Those of the serializer.
pub fn write_unit<S: Serializer>(
    to: S,
    ty: &'static str,
    variants: &[&'static str],
    variant: &'static str,
) -> Result<S::Ok, S::Error> {
    to.serialize_unit_variant(ty, index(variants, variant), variant)
}

/// A variant with one field that has no name.
///
/// # Errors
/// Those of the serializer.
pub fn write_newtype<S: Serializer, T: Serialize>(
    to: S,
    ty: &'static str,
    variants: &[&'static str],
    variant: &'static str,
    parts: &(T, ()),
) -> Result<S::Ok, S::Error> {
    to.serialize_newtype_variant(ty, index(variants, variant), variant, &parts.0)
}

/// A variant with fields that have no names.
///
/// # Errors
/// Those of the serializer.
pub fn write_tuple<S: Serializer, P: Parts>(
    to: S,
    ty: &'static str,
    variants: &[&'static str],
    variant: &'static str,
    parts: &P,
) -> Result<S::Ok, S::Error> {
    let index = index(variants, variant);
    let mut tuple = Tuple(to.serialize_tuple_variant(ty, index, variant, P::LEN)?);
    parts.each(0, &mut tuple)?;
    tuple.0.end()
}

/// A variant with fields that have names.
///
/// # Errors
/// Those of the serializer.
pub fn write_struct_variant<S: Serializer, P: Parts>(
    to: S,
    ty: &'static str,
    variants: &[&'static str],
    variant: &'static str,
    names: &'static [&'static str],
    parts: &P,
) -> Result<S::Ok, S::Error> {
    let index = index(variants, variant);
    let to = to.serialize_struct_variant(ty, index, variant, P::LEN)?;
    let mut named = NamedVariant { to, names };
    parts.each(0, &mut named)?;
    named.to.end()
}

/// A struct.
///
/// # Errors
/// Those of the serializer.
pub fn write_struct<S: Serializer, P: Parts>(
    to: S,
    ty: &'static str,
    names: &'static [&'static str],
    parts: &P,
) -> Result<S::Ok, S::Error> {
    let to = to.serialize_struct(ty, P::LEN)?;
    let mut named = Named { to, names };
    parts.each(0, &mut named)?;
    named.to.end()
}

struct Tuple<S>(S);

impl<S: SerializeTupleVariant> WritePart for Tuple<S> {
    type Error = S::Error;

    fn part<T: Serialize>(&mut self, _: usize, value: &T) -> Result<(), S::Error> {
        self.0.serialize_field(value)
    }
}

struct NamedVariant<S> {
    to: S,
    names: &'static [&'static str],
}

impl<S: SerializeStructVariant> WritePart for NamedVariant<S> {
    type Error = S::Error;

    fn part<T: Serialize>(&mut self, index: usize, value: &T) -> Result<(), S::Error> {
        self.to.serialize_field(self.names[index], value)
    }
}

struct Named<S> {
    to: S,
    names: &'static [&'static str],
}

impl<S: SerializeStruct> WritePart for Named<S> {
    type Error = S::Error;

    fn part<T: Serialize>(&mut self, index: usize, value: &T) -> Result<(), S::Error> {
        self.to.serialize_field(self.names[index], value)
    }
}

/// Which variant it is; the derive names only those that are there.
fn index(variants: &[&'static str], variant: &str) -> u32 {
    let index = variants.iter().position(|name| *name == variant);
    index
        .and_then(|index| u32::try_from(index).ok())
        .unwrap_or(u32::MAX)
}
