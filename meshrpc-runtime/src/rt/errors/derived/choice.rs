//! Reading: which variant it is.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer,
    de::{DeserializeSeed, EnumAccess, Error, VariantAccess, Visitor},
};

use super::Variants;

/// Reads an enum.
///
/// # Errors
/// Those of the deserializer, and if there is no such variant.
pub fn read_enum<'de, E: Variants<M>, M, D: Deserializer<'de>>(from: D) -> Result<E, D::Error> {
    from.deserialize_enum(E::NAME, E::VARIANTS, Choice::<E, M>(PhantomData))
}

/// A variant that crosses as text alone, so nobody sends it as a value.
///
/// # Errors
/// Always.
pub fn unreadable<'de, E, A: VariantAccess<'de>>(content: A) -> Result<E, A::Error> {
    content.unit_variant()?;
    Err(A::Error::custom("a variant that crosses as text alone"))
}

/// A variant that the type has not.
///
/// # Errors
/// Always.
pub fn no_variant<E, X: Error>(ty: &str) -> Result<E, X> {
    Err(X::custom(format_args!("a variant that `{ty}` has not")))
}

struct Choice<E, M>(PhantomData<(E, M)>);

impl<'de, E: Variants<M>, M> Visitor<'de> for Choice<E, M> {
    type Value = E;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a variant of `{}`", E::NAME)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<E, A::Error> {
        let (name, content) = data.variant_seed(Name::<E, M>(PhantomData))?;
        E::read_variant(name, content)
    }
}

struct Name<E, M>(PhantomData<(E, M)>);

impl<'de, E: Variants<M>, M> DeserializeSeed<'de> for Name<E, M> {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'static str, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<E: Variants<M>, M> Visitor<'_> for Name<E, M> {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of a variant of `{}`", E::NAME)
    }

    fn visit_u64<X: Error>(self, index: u64) -> Result<&'static str, X> {
        let known = usize::try_from(index).ok();
        known
            .and_then(|index| E::VARIANTS.get(index).copied())
            .map_or_else(|| no_variant(E::NAME), Ok)
    }

    fn visit_str<X: Error>(self, name: &str) -> Result<&'static str, X> {
        let known = E::VARIANTS.iter().find(|known| **known == name);
        known.copied().ok_or_else(|| {
            X::custom(format_args!(
                "a variant `{name}`, which `{}` has not",
                E::NAME
            ))
        })
    }

    fn visit_bytes<X: Error>(self, name: &[u8]) -> Result<&'static str, X> {
        self.visit_str(&String::from_utf8_lossy(name))
    }
}
