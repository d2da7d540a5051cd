//! What is written element by element, and counted.

use serde::ser::{self, Serialize};

use super::{Elements, Fields};
use crate::{
    codec::error::{EncodeError, EncodeProblem},
    contract::Place,
};

impl Elements<'_, '_> {
    /// One more element begins; returns where.
    #[inline]
    fn begin(&mut self, place: Place) -> Result<usize, EncodeError> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return Err(miscounted(self.announced, self.announced.saturating_add(1))),
        }
        self.writer.place = place;
        Ok(self.writer.out.len())
    }

    /// The element that began at `start` is written.
    #[inline]
    fn finished(&mut self, start: usize) -> Result<(), EncodeError> {
        if self.writer.out.len() == start {
            match self.writer.empty_elements.checked_sub(1) {
                Some(left) => self.writer.empty_elements = left,
                None => return Err(EncodeError::new(EncodeProblem::EmptyElements)),
            }
        }
        Ok(())
    }

    #[inline]
    fn close(self) -> Result<(), EncodeError> {
        if self.left != 0 {
            return Err(miscounted(self.announced, self.announced - self.left));
        }
        self.writer.depth += 1;
        Ok(())
    }
}

impl Fields<'_, '_> {
    #[inline]
    fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.writer.place = self.next_value()?;
        self.written += 1;
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn put_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.writer.place = self.next_field(name)?;
        self.written += 1;
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn close(self) -> Result<(), EncodeError> {
        if self.written != self.announced {
            return Err(length(self.container, self.announced, self.written));
        }
        self.complete()?;
        self.writer.depth += self.levels;
        Ok(())
    }
}

#[cold]
fn miscounted(announced: usize, written: usize) -> EncodeError {
    length("sequence", announced, written)
}

#[cold]
fn length(container: &'static str, announced: usize, written: usize) -> EncodeError {
    EncodeError::new(EncodeProblem::Length {
        container,
        announced,
        written,
    })
}

#[cold]
fn skipped(container: &'static str, field: &'static str) -> EncodeError {
    EncodeError::new(EncodeProblem::SkippedField { container, field })
}

impl ser::SerializeSeq for Elements<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let start = self.begin(self.value)?;
        value.serialize(&mut *self.writer)?;
        self.finished(start)
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}

impl ser::SerializeMap for Elements<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        let start = self.begin(self.key)?;
        key.serialize(&mut *self.writer)?;
        self.finished(start)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.writer.place = self.value;
        value.serialize(&mut *self.writer)
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}

impl ser::SerializeTuple for Fields<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.put(value)
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}

impl ser::SerializeTupleStruct for Fields<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.put(value)
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}

impl ser::SerializeTupleVariant for Fields<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.put(value)
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}

impl ser::SerializeStruct for Fields<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        field: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.put_field(field, value)
    }

    #[inline]
    fn skip_field(&mut self, field: &'static str) -> Result<(), EncodeError> {
        Err(skipped(self.container, field))
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}

impl ser::SerializeStructVariant for Fields<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        field: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.put_field(field, value)
    }

    #[inline]
    fn skip_field(&mut self, field: &'static str) -> Result<(), EncodeError> {
        Err(skipped(self.container, field))
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}
