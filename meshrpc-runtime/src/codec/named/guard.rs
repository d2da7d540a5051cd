//! The writing side: passes everything through to a serializer, and stops at what would be read as
//! something else.

use std::cell::{Cell, RefCell};

use serde::ser::{self, Serialize, Serializer};

use super::super::{
    MAX_DEPTH,
    error::{EncodeError, EncodeProblem},
};

/// What is watched while one value is written.
#[derive(Debug)]
pub(in crate::codec) struct Guard {
    /// JSON: unit structs are written as null too, and only finite numbers can be written.
    json: bool,
    /// Levels of nesting that are left.
    depth: Cell<u32>,
    /// The value that begins now is the content of a `Some`.
    in_some: Cell<bool>,
    /// Innermost container and field.
    position: Cell<(&'static str, &'static str)>,
    problem: RefCell<Option<EncodeProblem>>,
}

/// A value that is written under a guard.
pub(in crate::codec) struct Guarded<'g, T: ?Sized> {
    value: &'g T,
    guard: &'g Guard,
}

/// A serializer under a guard.
struct GuardedSerializer<'g, S> {
    inner: S,
    guard: &'g Guard,
}

/// Any of serde's compound serializers under a guard.
struct GuardedCompound<'g, C> {
    inner: C,
    guard: &'g Guard,
    /// The position to return to at the end.
    outer: (&'static str, &'static str),
    container: &'static str,
    levels: u32,
    /// Elements or fields it said it would have, if it did: MessagePack has the number before them.
    announced: Option<usize>,
    written: usize,
}

impl Guard {
    pub(in crate::codec) fn message_pack() -> Self {
        Self::new(false)
    }

    #[cfg(feature = "json")]
    pub(in crate::codec) fn json() -> Self {
        Self::new(true)
    }

    fn new(json: bool) -> Self {
        Self {
            json,
            // serde_json reads one level less than its limit of 128.
            depth: Cell::new(if json { MAX_DEPTH - 1 } else { MAX_DEPTH }),
            in_some: Cell::new(false),
            position: Cell::new(("", "")),
            problem: RefCell::new(None),
        }
    }

    /// The guard's own finding, else what the format's crate said.
    pub(in crate::codec) fn into_error(self, error: &dyn std::fmt::Display) -> EncodeError {
        let problem = self.problem.into_inner();
        EncodeError::new(problem.unwrap_or_else(|| EncodeProblem::Other(error.to_string())))
    }

    fn refuse<E: ser::Error>(&self, problem: EncodeProblem) -> E {
        let error = E::custom(&problem);
        self.problem.borrow_mut().get_or_insert(problem);
        error
    }

    fn enter<E: ser::Error>(&self, levels: u32) -> Result<(), E> {
        match self.depth.get().checked_sub(levels) {
            Some(left) => {
                self.depth.set(left);
                Ok(())
            }
            None => Err(self.refuse(EncodeProblem::Depth)),
        }
    }

    fn leave(&self, levels: u32) {
        self.depth.set(self.depth.get() + levels);
    }

    /// A value is written that is nil in this format.
    fn nil<E: ser::Error>(&self) -> Result<(), E> {
        if self.in_some.replace(false) {
            return Err(self.refuse(EncodeProblem::SomeNil {
                position: self.describe(),
            }));
        }
        Ok(())
    }

    fn finite<E: ser::Error>(&self, value: f64) -> Result<(), E> {
        self.in_some.set(false);
        if self.json && !value.is_finite() {
            return Err(self.refuse(EncodeProblem::NotFinite {
                position: self.describe(),
                value,
            }));
        }
        Ok(())
    }

    fn describe(&self) -> String {
        match self.position.get() {
            ("", _) => "the value".to_owned(),
            (container, "") => format!("`{container}`"),
            (container, field) => format!("field `{field}` of `{container}`"),
        }
    }
}

impl<'g, T: ?Sized> Guarded<'g, T> {
    pub(in crate::codec) fn new(value: &'g T, guard: &'g Guard) -> Self {
        Self { value, guard }
    }
}

impl<T: Serialize + ?Sized> Serialize for Guarded<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(GuardedSerializer {
            inner: serializer,
            guard: self.guard,
        })
    }
}

impl<'g, S: Serializer> GuardedSerializer<'g, S> {
    /// A compound begins inside `container`, this many levels below.
    fn compound<C>(
        self,
        container: &'static str,
        levels: u32,
        announced: Option<usize>,
        begin: impl FnOnce(S) -> Result<C, S::Error>,
    ) -> Result<GuardedCompound<'g, C>, S::Error> {
        self.guard.in_some.set(false);
        self.guard.enter(levels)?;
        let outer = self.guard.position.get();
        if !container.is_empty() {
            self.guard.position.set((container, ""));
        }
        Ok(GuardedCompound {
            inner: begin(self.inner)?,
            guard: self.guard,
            outer,
            container,
            levels,
            announced: announced.filter(|_| !self.guard.json),
            written: 0,
        })
    }

    /// A value of its own level begins inside `container`.
    fn nested(
        self,
        container: &'static str,
        write: impl FnOnce(S, &'g Guard) -> Result<S::Ok, S::Error>,
    ) -> Result<S::Ok, S::Error> {
        self.guard.enter(1)?;
        let outer = self.guard.position.get();
        if !container.is_empty() {
            self.guard.position.set((container, ""));
        }
        let done = write(self.inner, self.guard)?;
        self.guard.position.set(outer);
        self.guard.leave(1);
        Ok(done)
    }
}

macro_rules! leaves {
    ($($method:ident($type:ty);)*) => {$(
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.guard.in_some.set(false);
            self.inner.$method(value)
        }
    )*};
}

impl<'g, S: Serializer> Serializer for GuardedSerializer<'g, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = GuardedCompound<'g, S::SerializeSeq>;
    type SerializeTuple = GuardedCompound<'g, S::SerializeTuple>;
    type SerializeTupleStruct = GuardedCompound<'g, S::SerializeTupleStruct>;
    type SerializeTupleVariant = GuardedCompound<'g, S::SerializeTupleVariant>;
    type SerializeMap = GuardedCompound<'g, S::SerializeMap>;
    type SerializeStruct = GuardedCompound<'g, S::SerializeStruct>;
    type SerializeStructVariant = GuardedCompound<'g, S::SerializeStructVariant>;

    leaves! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
    }

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        self.guard.finite(value.into())?;
        if self.guard.json && !survives(value) {
            return self.inner.serialize_f64(value.into());
        }
        self.inner.serialize_f32(value)
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        self.guard.finite(value)?;
        self.inner.serialize_f64(value)
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.guard.nil()?;
        self.inner.serialize_none()
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.guard.nil()?;
        self.inner.serialize_unit()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        if self.guard.json {
            self.guard.nil()?;
        }
        self.guard.in_some.set(false);
        self.inner.serialize_unit_struct(name)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.nested("", |inner, guard| {
            guard.in_some.set(true);
            inner.serialize_some(&Guarded { value, guard })
        })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        // Written as its content: nil in it is nil in the `Some` around it.
        self.nested(name, |inner, guard| {
            inner.serialize_newtype_struct(name, &Guarded { value, guard })
        })
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.guard.in_some.set(false);
        self.nested("", |inner, _| {
            inner.serialize_unit_variant(name, index, variant)
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.guard.in_some.set(false);
        self.nested(variant, |inner, guard| {
            inner.serialize_newtype_variant(name, index, variant, &Guarded { value, guard })
        })
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.compound("", 1, len, |inner| inner.serialize_seq(len))
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.compound("", 1, Some(len), |inner| inner.serialize_tuple(len))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.compound(name, 1, Some(len), |inner| {
            inner.serialize_tuple_struct(name, len)
        })
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.compound(variant, 2, Some(len), |inner| {
            inner.serialize_tuple_variant(name, index, variant, len)
        })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        self.compound("", 1, len, |inner| inner.serialize_map(len))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        self.compound(name, 1, Some(len), |inner| {
            inner.serialize_struct(name, len)
        })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.compound(variant, 2, Some(len), |inner| {
            inner.serialize_struct_variant(name, index, variant, len)
        })
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// Whether the shortest text of `value` is still `value` where it is first read as an `f64`, as
/// within what describes itself.
fn survives(value: f32) -> bool {
    let text = format!("{value:e}");
    text.parse::<f64>().is_ok_and(|wide| wide as f32 == value)
}

impl<C> GuardedCompound<'_, C> {
    fn at_field(&self, field: &'static str) {
        self.guard.position.set((self.container, field));
    }

    fn close<O, E: ser::Error>(self, end: impl FnOnce(C) -> Result<O, E>) -> Result<O, E> {
        if let Some(announced) = self.announced
            && announced != self.written
        {
            return Err(self.guard.refuse(EncodeProblem::Length {
                container: match self.container {
                    "" => "sequence",
                    container => container,
                },
                announced,
                written: self.written,
            }));
        }
        self.guard.position.set(self.outer);
        self.guard.leave(self.levels);
        end(self.inner)
    }
}

macro_rules! compounds {
    ($($trait:ident: $($method:ident($count:literal))+;)*) => {$(
        impl<C: ser::$trait> ser::$trait for GuardedCompound<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            $(fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                self.written += $count;
                self.inner.$method(&Guarded { value, guard: self.guard })
            })+

            fn end(self) -> Result<C::Ok, C::Error> {
                self.close(C::end)
            }
        }
    )*};
}

compounds! {
    SerializeSeq: serialize_element(1);
    SerializeTuple: serialize_element(1);
    SerializeTupleStruct: serialize_field(1);
    SerializeTupleVariant: serialize_field(1);
    SerializeMap: serialize_key(1) serialize_value(0);
}

macro_rules! structs {
    ($($trait:ident)*) => {$(
        impl<C: ser::$trait> ser::$trait for GuardedCompound<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                field: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                self.at_field(field);
                self.written += 1;
                self.inner.serialize_field(field, &Guarded { value, guard: self.guard })
            }

            fn skip_field(&mut self, field: &'static str) -> Result<(), C::Error> {
                self.inner.skip_field(field)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.close(C::end)
            }
        }
    )*};
}

structs! { SerializeStruct SerializeStructVariant }
