//! What is written element by element, and counted.

use serde::ser::{self, Serialize};

use super::{Elements, Fields};
use crate::codec::error::{EncodeError, EncodeProblem};

impl Elements<'_, '_> {
    /// One more element begins; returns where.
    #[inline]
    fn begin(&mut self) -> Result<usize, EncodeError> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return Err(self.miscounted(self.announced.saturating_add(1))),
        }
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
            return Err(self.miscounted(self.announced - self.left));
        }
        self.writer.depth += 1;
        Ok(())
    }

    #[cold]
    fn miscounted(&self, written: usize) -> EncodeError {
        EncodeError::new(EncodeProblem::Length {
            container: "sequence",
            announced: self.announced,
            written,
        })
    }
}

impl Fields<'_, '_> {
    #[inline]
    fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.written += 1;
        value.serialize(&mut *self.writer)
    }

    #[cold]
    fn skipped(&self, field: &'static str) -> EncodeError {
        EncodeError::new(EncodeProblem::SkippedField {
            container: self.container,
            field,
        })
    }

    #[inline]
    fn close(self) -> Result<(), EncodeError> {
        if self.written != self.announced {
            return Err(EncodeError::new(EncodeProblem::Length {
                container: self.container,
                announced: self.announced,
                written: self.written,
            }));
        }
        self.writer.depth += self.levels;
        Ok(())
    }
}

impl ser::SerializeSeq for Elements<'_, '_> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let start = self.begin()?;
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
        let start = self.begin()?;
        key.serialize(&mut *self.writer)?;
        self.finished(start)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
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
        _field: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.put(value)
    }

    #[inline]
    fn skip_field(&mut self, field: &'static str) -> Result<(), EncodeError> {
        Err(self.skipped(field))
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
        _field: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.put(value)
    }

    #[inline]
    fn skip_field(&mut self, field: &'static str) -> Result<(), EncodeError> {
        Err(self.skipped(field))
    }

    #[inline]
    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}
