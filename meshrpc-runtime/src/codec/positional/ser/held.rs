//! A value held against what its type reads, step by step as it is written.

use super::{Fields, Writer};
use crate::{
    codec::error::{EncodeError, EncodeProblem},
    contract::{Behind, Kind, Layout, Leaf, Part, Place},
};

impl<'o> Writer<'o> {
    #[inline]
    pub(super) fn leaf(&self, written: Leaf) -> Result<(), EncodeError> {
        if self.place == Place::leaf(written) || self.place == Place::ANYTHING {
            Ok(())
        } else {
            Err(self.leaf_differs(written))
        }
    }

    #[cold]
    fn leaf_differs(&self, written: Leaf) -> EncodeError {
        differs(self.layout, self.place, &format!("{written:?}"))
    }

    #[inline]
    pub(super) fn bytes(&self) -> Result<(), EncodeError> {
        match self.place.kind() {
            // The same bytes on the wire.
            Kind::Seq(inner) if self.layout.place(inner) == Place::leaf(Leaf::U8) => Ok(()),
            _ => self.leaf(Leaf::Bytes),
        }
    }

    /// Where the content of an option is read.
    #[inline]
    pub(super) fn option(&self) -> Result<Place, EncodeError> {
        match self.place.kind() {
            Kind::Option(inner) => Ok(self.layout.place(inner)),
            Kind::Anything => Ok(Place::ANYTHING),
            _ => Err(differs(self.layout, self.place, "an option")),
        }
    }

    /// Where the elements of a sequence are read.
    #[inline]
    pub(super) fn seq(&self) -> Result<Place, EncodeError> {
        match self.place.kind() {
            Kind::Seq(inner) => Ok(self.layout.place(inner)),
            Kind::Anything => Ok(Place::ANYTHING),
            // The same bytes on the wire.
            Kind::Leaf if self.place == Place::leaf(Leaf::Bytes) => Ok(Place::leaf(Leaf::U8)),
            _ => Err(differs(self.layout, self.place, "a sequence")),
        }
    }

    /// Where the keys and values of a map are read.
    #[inline]
    pub(super) fn map(&self) -> Result<(Place, Place), EncodeError> {
        match self.place.kind() {
            Kind::Map(key, value) => Ok((self.layout.place(key), self.layout.place(value))),
            Kind::Anything => Ok((Place::ANYTHING, Place::ANYTHING)),
            _ => Err(differs(self.layout, self.place, "a map")),
        }
    }

    /// The values that are read of a tuple; `None` if that is not known.
    #[inline]
    pub(super) fn tuple(&self) -> Result<Option<&'o [Part]>, EncodeError> {
        match self.place.kind() {
            Kind::Values(parts) => Ok(Some(self.layout.parts(parts))),
            Kind::Anything => Ok(None),
            _ => Err(differs(self.layout, self.place, "a tuple")),
        }
    }

    /// The fields that are read of a struct; `None` if that is not known.
    #[inline]
    pub(super) fn structure(&self, name: &'static str) -> Result<Option<&'o [Part]>, EncodeError> {
        match self.place.kind() {
            Kind::Fields(parts) => Ok(Some(self.layout.parts(parts))),
            Kind::Anything => Ok(None),
            _ => Err(self.structure_differs(name)),
        }
    }

    #[cold]
    fn structure_differs(&self, name: &'static str) -> EncodeError {
        differs(self.layout, self.place, &format!("struct `{name}`"))
    }

    #[inline]
    pub(super) fn unit_variant(&self, index: u32, name: &'static str) -> Result<(), EncodeError> {
        match self.variant(index, name)? {
            Behind::Nothing | Behind::Anything => Ok(()),
            _ => Err(self.content_differs(name, "without content")),
        }
    }

    /// Where the one value behind a variant is read.
    #[inline]
    pub(super) fn newtype_variant(
        &self,
        index: u32,
        name: &'static str,
    ) -> Result<Place, EncodeError> {
        match self.variant(index, name)? {
            Behind::Value(place) => Ok(place),
            Behind::Anything => Ok(Place::ANYTHING),
            _ => Err(self.content_differs(name, "of one value")),
        }
    }

    /// The values that are read behind a variant; `None` if that is not known.
    #[inline]
    pub(super) fn tuple_variant(
        &self,
        index: u32,
        name: &'static str,
    ) -> Result<Option<&'o [Part]>, EncodeError> {
        match self.variant(index, name)? {
            Behind::Values(parts) => Ok(Some(self.layout.parts(parts))),
            Behind::Anything => Ok(None),
            _ => Err(self.content_differs(name, "with values")),
        }
    }

    /// The fields that are read behind a variant; `None` if that is not known.
    #[inline]
    pub(super) fn struct_variant(
        &self,
        index: u32,
        name: &'static str,
    ) -> Result<Option<&'o [Part]>, EncodeError> {
        match self.variant(index, name)? {
            Behind::Fields(parts) => Ok(Some(self.layout.parts(parts))),
            Behind::Anything => Ok(None),
            _ => Err(self.content_differs(name, "with fields")),
        }
    }

    /// What is read behind the variant of this index, if it has this name.
    #[inline]
    fn variant(&self, index: u32, name: &'static str) -> Result<Behind, EncodeError> {
        match self.place.kind() {
            Kind::Enum(variants) => match self.layout.behind(variants, index, name) {
                Some(behind) => Ok(behind),
                None => Err(self.wrong_variant(name)),
            },
            Kind::Anything => Ok(Behind::Anything),
            _ => Err(self.content_differs(name, "")),
        }
    }

    #[cold]
    fn wrong_variant(&self, name: &'static str) -> EncodeError {
        let container = self.layout.describe(self.place);
        asymmetric(format!(
            "variant `{name}` of {container} is read as another one"
        ))
    }

    #[cold]
    fn content_differs(&self, name: &'static str, content: &str) -> EncodeError {
        let written = format!("variant `{name}` {content}");
        differs(self.layout, self.place, written.trim_end())
    }
}

impl Fields<'_, '_> {
    /// Where the next value of a tuple is read.
    #[inline]
    pub(super) fn next_value(&self) -> Result<Place, EncodeError> {
        let Some(parts) = self.parts else {
            return Ok(Place::ANYTHING);
        };
        match parts.get(self.written) {
            Some(part) => Ok(part.place),
            None => Err(other_number(self.container, self.written + 1)),
        }
    }

    /// Where the next field is read.
    #[inline]
    pub(super) fn next_field(&self, name: &'static str) -> Result<Place, EncodeError> {
        let Some(parts) = self.parts else {
            return Ok(Place::ANYTHING);
        };
        match parts.get(self.written) {
            Some(part) if part.name.is(name) => Ok(part.place),
            part => Err(other_field(self.container, name, part)),
        }
    }

    /// All that is read was written.
    #[inline]
    pub(super) fn complete(&self) -> Result<(), EncodeError> {
        match self.parts {
            Some(parts) if parts.len() != self.written => {
                Err(other_number(self.container, self.written))
            }
            _ => Ok(()),
        }
    }
}

// By value: what is borrowed from a compound would keep it in memory instead of registers.
#[cold]
fn other_field(container: &str, name: &str, part: Option<&Part>) -> EncodeError {
    let read = match part {
        Some(part) => format!("field `{}`", part.name.text()),
        None => "none".to_owned(),
    };
    asymmetric(format!(
        "`{container}` writes field `{name}` where it reads {read}"
    ))
}

#[cold]
fn other_number(container: &str, written: usize) -> EncodeError {
    asymmetric(format!(
        "{container} writes {written} values and reads another number"
    ))
}

#[cold]
fn differs(layout: &Layout, place: Place, written: &str) -> EncodeError {
    let read = layout.describe(place);
    asymmetric(format!("it writes {written} where it reads {read}"))
}

#[cold]
fn asymmetric(mismatch: String) -> EncodeError {
    EncodeError::new(EncodeProblem::Asymmetric(mismatch))
}
