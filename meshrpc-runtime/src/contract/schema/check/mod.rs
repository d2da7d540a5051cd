//! Holds what a value writes against the shape that its type reads.
//!
//! `serialize_with`, `into` and `from`, `skip_serializing`, a skipped variant: there are many ways
//! for a type to write itself in another way than it reads itself. With field names the reader
//! notices; positionally it would take one value for another.

mod compound;

use std::fmt;

use serde::ser::{self, Serialize, Serializer};

use super::shape::{Body, Content, Field, Graph, Leaf, Node, NodeId, Role};

/// Elements of one sequence or map that are looked at.
const MAX_ELEMENTS: usize = 32;
/// Nesting that is looked at; the codec has a limit of its own.
const MAX_DEPTH: u32 = 128;

/// Compares `value` with the shape at `node`; the error says where they differ.
pub(super) fn check<T: Serialize + ?Sized>(
    graph: &Graph,
    node: NodeId,
    value: &T,
) -> Result<(), String> {
    match value.serialize(Check {
        graph,
        node,
        depth: MAX_DEPTH,
    }) {
        Err(Mismatch::Shape(message)) => Err(message),
        // The codec meets the value's own failure when it writes it, and reports it as what it is.
        Ok(()) | Err(Mismatch::Value) => Ok(()),
    }
}

/// A place in the graph that a value writes to.
#[derive(Clone, Copy)]
struct Check<'g> {
    graph: &'g Graph,
    node: NodeId,
    depth: u32,
}

/// Elements of a sequence or map, all of one shape.
struct Elements<'g> {
    graph: &'g Graph,
    key: Option<NodeId>,
    value: Option<NodeId>,
    depth: u32,
    left: usize,
}

/// Values of a tuple, or fields.
struct Parts<'g> {
    graph: &'g Graph,
    container: &'static str,
    expected: Expected<'g>,
    depth: u32,
    next: usize,
}

enum Expected<'g> {
    /// Not known, or too deep.
    Anything,
    Values(&'g [NodeId]),
    Fields(Vec<&'g Field>),
}

/// Why the comparison ended.
#[derive(Debug)]
enum Mismatch {
    /// Writing and reading differ.
    Shape(String),
    /// The value could not be written.
    Value,
}

impl<'g> Check<'g> {
    /// The node that is written to, through newtypes, which take no bytes.
    fn target(&self) -> &'g Node {
        let mut node = &self.graph.nodes[self.node];
        for _ in 0..=self.graph.types.len() {
            match node {
                Node::Named(id) => match self.graph.types[*id].body {
                    Body::Newtype(inner) => node = &self.graph.nodes[inner],
                    _ => break,
                },
                _ => break,
            }
        }
        node
    }

    /// True if there is nothing to compare with.
    fn is_blind(&self) -> bool {
        self.depth == 0
            || matches!(
                self.target(),
                Node::Unknown | Node::SelfDescribing | Node::Ambiguous
            )
    }

    fn at(&self, node: NodeId) -> Self {
        Self {
            graph: self.graph,
            node,
            depth: self.depth.saturating_sub(1),
        }
    }

    fn leaf(&self, written: Leaf) -> Result<(), Mismatch> {
        match self.target() {
            Node::Leaf(read) if *read == written => Ok(()),
            _ if self.is_blind() => Ok(()),
            _ => self.differs(&format!("{written:?}")),
        }
    }

    fn differs<T>(&self, written: &str) -> Result<T, Mismatch> {
        let read = match self.target() {
            Node::Named(id) => format!("`{}`", self.graph.types[*id].name),
            Node::Leaf(leaf) => format!("{leaf:?}"),
            Node::Option(_) => "an option".to_owned(),
            Node::Seq(_) => "a sequence".to_owned(),
            Node::Map(..) => "a map".to_owned(),
            Node::Tuple(nodes) => format!("a tuple of {}", nodes.len()),
            Node::Unknown | Node::SelfDescribing | Node::Ambiguous => {
                "something unknown".to_owned()
            }
        };
        Err(Mismatch::Shape(format!(
            "it writes {written} where it reads {read}"
        )))
    }

    /// The content of the variant that is written.
    fn variant(&self, index: u32, name: &str) -> Result<Option<&'g Content>, Mismatch> {
        if self.is_blind() {
            return Ok(None);
        }
        let Node::Named(id) = self.target() else {
            return self.differs(&format!("variant `{name}`"));
        };
        let Body::Enum(variants) = &self.graph.types[*id].body else {
            return self.differs(&format!("variant `{name}`"));
        };
        let found = usize::try_from(index)
            .ok()
            .and_then(|index| variants.get(index));
        // With aliases there are more names than variants, and which name is whose is not known.
        let aliased = variants
            .iter()
            .any(|variant| matches!(variant.content, Content::Absent));
        match found {
            Some(variant) if variant.name == name => Ok(Some(&variant.content)),
            Some(variant) if aliased && variants.iter().any(|variant| variant.name == name) => {
                Ok(Some(&variant.content))
            }
            _ => {
                let container = self.graph.types[*id].name;
                Err(Mismatch::Shape(format!(
                    "variant `{name}` of `{container}` is read as another one"
                )))
            }
        }
    }

    fn parts(&self, container: &'static str, expected: Expected<'g>) -> Parts<'g> {
        Parts {
            graph: self.graph,
            container,
            expected,
            depth: self.depth.saturating_sub(1),
            next: 0,
        }
    }

    fn tuple(&self, container: &'static str) -> Result<Parts<'g>, Mismatch> {
        match self.target() {
            _ if self.is_blind() => Ok(self.parts(container, Expected::Anything)),
            Node::Tuple(nodes) => Ok(self.parts(container, Expected::Values(nodes))),
            Node::Named(id) => match &self.graph.types[*id].body {
                Body::Tuple(nodes) => Ok(self.parts(container, Expected::Values(nodes))),
                _ => self.differs("a tuple"),
            },
            _ => self.differs("a tuple"),
        }
    }
}

impl<'g> Serializer for Check<'g> {
    type Ok = ();
    type Error = Mismatch;
    type SerializeSeq = Elements<'g>;
    type SerializeTuple = Parts<'g>;
    type SerializeTupleStruct = Parts<'g>;
    type SerializeTupleVariant = Parts<'g>;
    type SerializeMap = Elements<'g>;
    type SerializeStruct = Parts<'g>;
    type SerializeStructVariant = Parts<'g>;

    fn serialize_bool(self, _: bool) -> Result<(), Mismatch> {
        self.leaf(Leaf::Bool)
    }

    fn serialize_i8(self, _: i8) -> Result<(), Mismatch> {
        self.leaf(Leaf::I8)
    }

    fn serialize_i16(self, _: i16) -> Result<(), Mismatch> {
        self.leaf(Leaf::I16)
    }

    fn serialize_i32(self, _: i32) -> Result<(), Mismatch> {
        self.leaf(Leaf::I32)
    }

    fn serialize_i64(self, _: i64) -> Result<(), Mismatch> {
        self.leaf(Leaf::I64)
    }

    fn serialize_i128(self, _: i128) -> Result<(), Mismatch> {
        self.leaf(Leaf::I128)
    }

    fn serialize_u8(self, _: u8) -> Result<(), Mismatch> {
        self.leaf(Leaf::U8)
    }

    fn serialize_u16(self, _: u16) -> Result<(), Mismatch> {
        self.leaf(Leaf::U16)
    }

    fn serialize_u32(self, _: u32) -> Result<(), Mismatch> {
        self.leaf(Leaf::U32)
    }

    fn serialize_u64(self, _: u64) -> Result<(), Mismatch> {
        self.leaf(Leaf::U64)
    }

    fn serialize_u128(self, _: u128) -> Result<(), Mismatch> {
        self.leaf(Leaf::U128)
    }

    fn serialize_f32(self, _: f32) -> Result<(), Mismatch> {
        self.leaf(Leaf::F32)
    }

    fn serialize_f64(self, _: f64) -> Result<(), Mismatch> {
        self.leaf(Leaf::F64)
    }

    fn serialize_char(self, _: char) -> Result<(), Mismatch> {
        self.leaf(Leaf::Char)
    }

    fn serialize_str(self, _: &str) -> Result<(), Mismatch> {
        self.leaf(Leaf::Str)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Mismatch> {
        match self.target() {
            // The same bytes on the wire.
            Node::Seq(inner) if self.graph.nodes[*inner] == Node::Leaf(Leaf::U8) => Ok(()),
            _ => self.leaf(Leaf::Bytes),
        }
    }

    fn serialize_unit(self) -> Result<(), Mismatch> {
        match self.target() {
            Node::Named(id) if matches!(self.graph.types[*id].body, Body::Unit) => Ok(()),
            _ => self.leaf(Leaf::Unit),
        }
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Mismatch> {
        self.serialize_unit()
    }

    fn serialize_none(self) -> Result<(), Mismatch> {
        match self.target() {
            Node::Option(_) => Ok(()),
            _ if self.is_blind() => Ok(()),
            _ => self.differs("an option"),
        }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Mismatch> {
        match self.target() {
            _ if self.is_blind() => Ok(()),
            Node::Option(inner) => value.serialize(self.at(*inner)),
            _ => self.differs("an option"),
        }
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<(), Mismatch> {
        match self.depth.checked_sub(1) {
            Some(depth) => value.serialize(Check { depth, ..self }),
            None => Ok(()),
        }
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), Mismatch> {
        match self.variant(index, variant)? {
            None | Some(Content::Unknown | Content::Ambiguous | Content::Unit) => Ok(()),
            Some(_) => self.differs(&format!("variant `{variant}` without content")),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Mismatch> {
        match self.variant(index, variant)? {
            None | Some(Content::Unknown | Content::Ambiguous) => Ok(()),
            Some(Content::Newtype(node)) => value.serialize(self.at(*node)),
            Some(_) => self.differs(&format!("variant `{variant}` of one value")),
        }
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Elements<'g>, Mismatch> {
        let value = match self.target() {
            _ if self.is_blind() => None,
            Node::Seq(inner) => Some(*inner),
            // The same bytes on the wire, if the elements are bytes.
            Node::Leaf(Leaf::Bytes) => None,
            _ => return self.differs("a sequence"),
        };
        Ok(Elements {
            graph: self.graph,
            key: None,
            value,
            depth: self.depth,
            left: MAX_ELEMENTS,
        })
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Elements<'g>, Mismatch> {
        let (key, value) = match self.target() {
            _ if self.is_blind() => (None, None),
            Node::Map(key, value) => (Some(*key), Some(*value)),
            _ => return self.differs("a map"),
        };
        Ok(Elements {
            graph: self.graph,
            key,
            value,
            depth: self.depth,
            left: MAX_ELEMENTS,
        })
    }

    fn serialize_tuple(self, _len: usize) -> Result<Parts<'g>, Mismatch> {
        self.tuple("a tuple")
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _len: usize,
    ) -> Result<Parts<'g>, Mismatch> {
        self.tuple(name)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Parts<'g>, Mismatch> {
        let expected = match self.variant(index, variant)? {
            None | Some(Content::Unknown | Content::Ambiguous) => Expected::Anything,
            Some(Content::Tuple(nodes)) => Expected::Values(nodes),
            Some(_) => return self.differs(&format!("variant `{variant}` with values")),
        };
        Ok(self.parts(variant, expected))
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Parts<'g>, Mismatch> {
        let expected = match self.target() {
            _ if self.is_blind() => Expected::Anything,
            Node::Named(id) => match &self.graph.types[*id].body {
                Body::Struct(fields) => Expected::Fields(canonical(fields)),
                _ => return self.differs(&format!("struct `{name}`")),
            },
            _ => return self.differs(&format!("struct `{name}`")),
        };
        Ok(self.parts(name, expected))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Parts<'g>, Mismatch> {
        let expected = match self.variant(index, variant)? {
            None | Some(Content::Unknown | Content::Ambiguous) => Expected::Anything,
            Some(Content::Struct(fields)) => Expected::Fields(canonical(fields)),
            Some(_) => return self.differs(&format!("variant `{variant}` with fields")),
        };
        Ok(self.parts(variant, expected))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The fields as they are written: aliases are for reading only.
fn canonical(fields: &[Field]) -> Vec<&Field> {
    fields
        .iter()
        .filter(|field| field.role != Role::Alias)
        .collect()
}

impl ser::Error for Mismatch {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Mismatch::Value
    }
}

impl std::error::Error for Mismatch {}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mismatch::Shape(message) => f.write_str(message),
            Mismatch::Value => f.write_str("the value cannot be written"),
        }
    }
}
