//! Elements and fields, compared one by one.

use serde::ser::{self, Serialize};

use super::{Check, Elements, Expected, Mismatch, Parts};
use crate::contract::schema::shape::NodeId;

impl Elements<'_> {
    fn compare<T: Serialize + ?Sized>(
        &self,
        node: Option<NodeId>,
        value: &T,
    ) -> Result<(), Mismatch> {
        match (node, self.depth.checked_sub(1)) {
            (Some(node), Some(depth)) if self.left > 0 => value.serialize(Check {
                graph: self.graph,
                node,
                depth,
            }),
            _ => Ok(()),
        }
    }
}

impl<'g> Parts<'g> {
    fn compare<T: Serialize + ?Sized>(
        &mut self,
        name: Option<&'static str>,
        value: &T,
    ) -> Result<(), Mismatch> {
        let node = match &self.expected {
            Expected::Anything => return Ok(()),
            Expected::Values(nodes) => nodes.get(self.next).copied(),
            Expected::Fields(fields) => {
                let field = fields.get(self.next).copied();
                if let (Some(field), Some(name)) = (field, name)
                    && field.name != name
                {
                    return Err(Mismatch::Shape(format!(
                        "`{}` writes field `{name}` where it reads field `{}`",
                        self.container, field.name
                    )));
                }
                field.map(|field| field.node)
            }
        };
        self.next += 1;
        match node {
            Some(node) => value.serialize(Check {
                graph: self.graph,
                node,
                depth: self.depth,
            }),
            None => self.miscounted(self.next),
        }
    }

    fn close(self) -> Result<(), Mismatch> {
        let expected = match &self.expected {
            Expected::Anything => return Ok(()),
            Expected::Values(nodes) => nodes.len(),
            Expected::Fields(fields) => fields.len(),
        };
        if self.next == expected {
            Ok(())
        } else {
            self.miscounted(self.next)
        }
    }

    fn skipped(&self, field: &'static str) -> Result<(), Mismatch> {
        match self.expected {
            Expected::Fields(_) => Err(Mismatch::Shape(format!(
                "`{}` leaves out field `{field}`",
                self.container
            ))),
            _ => Ok(()),
        }
    }

    fn miscounted(&self, written: usize) -> Result<(), Mismatch> {
        Err(Mismatch::Shape(format!(
            "{} writes {written} values and reads another number",
            self.container
        )))
    }
}

impl ser::SerializeSeq for Elements<'_> {
    type Ok = ();
    type Error = Mismatch;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Mismatch> {
        self.compare(self.value, value)?;
        self.left = self.left.saturating_sub(1);
        Ok(())
    }

    fn end(self) -> Result<(), Mismatch> {
        Ok(())
    }
}

impl ser::SerializeMap for Elements<'_> {
    type Ok = ();
    type Error = Mismatch;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Mismatch> {
        self.compare(self.key, key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Mismatch> {
        self.compare(self.value, value)?;
        self.left = self.left.saturating_sub(1);
        Ok(())
    }

    fn end(self) -> Result<(), Mismatch> {
        Ok(())
    }
}

macro_rules! values {
    ($($trait:ident: $method:ident;)*) => {$(
        impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Mismatch;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Mismatch> {
                self.compare(None, value)
            }

            fn end(self) -> Result<(), Mismatch> {
                self.close()
            }
        }
    )*};
}

values! {
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Mismatch;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Mismatch> {
                self.compare(Some(name), value)
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), Mismatch> {
                self.skipped(name)
            }

            fn end(self) -> Result<(), Mismatch> {
                self.close()
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }
