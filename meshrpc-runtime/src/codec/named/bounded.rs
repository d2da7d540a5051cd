//! The reading side: passes everything through to a deserializer, and limits nesting.
//!
//! The formats' own limits count brackets. They do not count options and newtypes, which take no
//! bytes in them: `struct Chain(Option<Box<Chain>>)` recurses for ever over a single byte.
//!
//! And where another version of the type was written, what serde would take for something else is
//! refused: a number for the field or variant of that number, and one that a float has to round.

use std::{cell::Cell, fmt};

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::super::{
    MAX_DEPTH,
    error::{DecodeError, DecodeProblem},
};

/// Reads one value from `inner`. `exact` if its numbers are typed, so that none needs rounding.
pub(in crate::codec) fn read_bounded<'de, T, D>(inner: D, exact: bool) -> Result<T, DecodeError>
where
    T: de::Deserialize<'de>,
    D: Deserializer<'de>,
{
    let depth = Depth {
        left: Cell::new(MAX_DEPTH),
        exceeded: Cell::new(false),
        exact,
    };
    T::deserialize(Bounded {
        inner,
        depth: &depth,
        role: Role::Any,
    })
    .map_err(|error| {
        DecodeError::new(if depth.exceeded.get() {
            DecodeProblem::Depth
        } else {
            DecodeProblem::Other(error.to_string())
        })
    })
}

/// Levels of nesting that are left.
struct Depth {
    left: Cell<u32>,
    exceeded: Cell<bool>,
    exact: bool,
}

/// Anything of serde's reading side, with the depth it is at.
struct Bounded<'a, X> {
    inner: X,
    depth: &'a Depth,
    role: Role,
}

/// What is read here, where that matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Any,
    /// A struct.
    Struct,
    /// The name of a field of a struct, or of a variant. Serde's derive takes numbers as well.
    Name,
    F32,
    F64,
}

impl Depth {
    fn nested<T, E: de::Error>(&self, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let Some(left) = self.left.get().checked_sub(1) else {
            self.exceeded.set(true);
            return Err(E::custom(DecodeProblem::Depth));
        };
        self.left.set(left);
        let result = read();
        self.left.set(left + 1);
        result
    }
}

impl<'a, X> Bounded<'a, X> {
    fn with<Y>(&self, inner: Y) -> Bounded<'a, Y> {
        self.reading(Role::Any, inner)
    }

    fn reading<Y>(&self, role: Role, inner: Y) -> Bounded<'a, Y> {
        Bounded {
            inner,
            depth: self.depth,
            role,
        }
    }

    /// The role of what is read at the same place.
    fn same<Y>(&self, inner: Y) -> Bounded<'a, Y> {
        self.reading(self.role, inner)
    }

    /// Whether an integer may be read here.
    fn integer<E: de::Error>(&self, value: i128) -> Result<(), E> {
        let role = self.role;
        let refused = match role {
            Role::Any | Role::Struct => false,
            Role::Name => true,
            Role::F32 => self.depth.exact && value as f32 as i128 != value,
            Role::F64 => self.depth.exact && value as f64 as i128 != value,
        };
        if !refused {
            return Ok(());
        }
        Err(E::custom(format_args!(
            "the integer {value} where {} is read",
            match role {
                Role::Name => "a name",
                _ => "a float that would round it",
            }
        )))
    }
}

macro_rules! forward {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            let visitor = self.with(visitor);
            self.inner.$method(visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Bounded<'_, D> {
    type Error = D::Error;

    forward! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32
        deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_u128 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_option deserialize_unit deserialize_seq
        deserialize_map deserialize_ignored_any
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.reading(Role::F32, visitor);
        self.inner.deserialize_f32(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.reading(Role::F64, visitor);
        self.inner.deserialize_f64(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = self.same(visitor);
        self.inner.deserialize_identifier(visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.with(visitor);
        self.inner.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.with(visitor);
        self.inner.deserialize_newtype_struct(name, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.with(visitor);
        self.inner.deserialize_tuple(len, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.with(visitor);
        self.inner.deserialize_tuple_struct(name, len, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.reading(Role::Struct, visitor);
        self.inner.deserialize_struct(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = self.with(visitor);
        self.inner.deserialize_enum(name, variants, visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! visits {
    ($($method:ident($type:ty);)*) => {$(
        fn $method<E: de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

macro_rules! visits_integers {
    ($($method:ident($type:ty);)*) => {$(
        fn $method<E: de::Error>(self, value: $type) -> Result<V::Value, E> {
            self.integer(value.into())?;
            self.inner.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Bounded<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visits_integers! {
        visit_i8(i8);
        visit_i16(i16);
        visit_i32(i32);
        visit_i64(i64);
        visit_u8(u8);
        visit_u16(u16);
        visit_u32(u32);
        visit_u64(u64);
    }

    visits! {
        visit_bool(bool);
        visit_i128(i128);
        visit_u128(u128);
        visit_f32(f32);
        visit_char(char);
        visit_str(&str);
        visit_borrowed_str(&'de str);
        visit_string(String);
        visit_bytes(&[u8]);
        visit_borrowed_bytes(&'de [u8]);
        visit_byte_buf(Vec<u8>);
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<V::Value, E> {
        if self.role == Role::F32 && self.depth.exact {
            let rounded = f64::from(value as f32);
            if rounded != value && !value.is_nan() {
                return Err(E::custom(format_args!("{value}, which an f32 would round")));
            }
        }
        self.inner.visit_f64(value)
    }

    fn visit_none<E: de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: de::Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        let deserializer = self.with(deserializer);
        self.depth.nested(|| self.inner.visit_some(deserializer))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<V::Value, D::Error> {
        let deserializer = self.with(deserializer);
        self.depth
            .nested(|| self.inner.visit_newtype_struct(deserializer))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.with(access);
        self.depth.nested(|| self.inner.visit_seq(access))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.same(access);
        self.depth.nested(|| self.inner.visit_map(access))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        let access = self.with(access);
        self.depth.nested(|| self.inner.visit_enum(access))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Bounded<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let deserializer = self.same(deserializer);
        self.inner.deserialize(deserializer)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        let seed = self.with(seed);
        self.inner.next_element_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let role = match self.role {
            Role::Struct => Role::Name,
            _ => Role::Any,
        };
        let seed = self.reading(role, seed);
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        let seed = self.with(seed);
        self.inner.next_value_seed(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, 'a, A: EnumAccess<'de>> EnumAccess<'de> for Bounded<'a, A> {
    type Error = A::Error;
    type Variant = Bounded<'a, A::Variant>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), A::Error> {
        let seed = self.reading(Role::Name, seed);
        let depth = self.depth;
        let (value, inner) = self.inner.variant_seed(seed)?;
        let role = Role::Any;
        Ok((value, Bounded { inner, depth, role }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Bounded<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        let seed = self.with(seed);
        self.inner.newtype_variant_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        let visitor = self.with(visitor);
        self.inner.tuple_variant(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        let visitor = self.with(visitor);
        self.inner.struct_variant(fields, visitor)
    }
}
