//! The deserializer that writes down what it is asked for.

use std::any::type_name;

use serde::de::{Deserializer, Visitor};

use super::{
    access::{Elements, Entries, Places},
    keys::Keys,
    samples,
    shape::{Body, Identity, Kind, Leaf, Node, NodeId, TypeId},
    trace::{Stop, Tracer},
    variants::VariantChoice,
};

/// A place in the graph that a type reads from.
pub(super) struct Place<'t, 'g> {
    pub(super) tracer: &'t mut Tracer<'g>,
    pub(super) node: NodeId,
    /// A value is needed to reach something unknown behind it.
    pub(super) needed: bool,
}

impl<'t, 'g> Place<'t, 'g> {
    pub(super) fn new(tracer: &'t mut Tracer<'g>, node: NodeId, needed: bool) -> Self {
        Self {
            tracer,
            node,
            needed,
        }
    }

    /// Records that `seen` is read here.
    fn observe(&mut self, seen: Node) -> Result<(), Stop> {
        if self.tracer.graph.observe(self.node, seen) {
            Ok(())
        } else {
            Err(self.tracer.stop())
        }
    }

    fn leaf(&mut self, leaf: Leaf) -> Result<usize, Stop> {
        self.tracer.enter()?;
        self.tracer.leave();
        self.observe(Node::Leaf(leaf))?;
        let samples = &mut self.tracer.samples;
        if samples.len() <= self.node {
            samples.resize(self.node + 1, 0);
        }
        self.tracer.leaves.push(self.node);
        Ok(samples[self.node].into())
    }

    /// Reads from a place inside this one.
    fn descend<T>(self, read: impl FnOnce(&mut Tracer<'g>) -> Result<T, Stop>) -> Result<T, Stop> {
        self.tracer.enter()?;
        let value = read(self.tracer)?;
        self.tracer.leave();
        Ok(value)
    }

    /// Reads a type that serde knows by name.
    fn named<'de, V: Visitor<'de>, T>(
        mut self,
        name: &'static str,
        kind: Kind,
        names: &'static [&'static str],
        len: usize,
        read: impl FnOnce(&mut Tracer<'g>, TypeId, bool) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let identity = Identity {
            visitor: type_name::<V>(),
            name,
            kind,
            names,
            len,
            layout: (size_of::<V::Value>(), align_of::<V::Value>()),
        };
        let id = self.tracer.graph.intern(identity);
        self.observe(Node::Named(id))?;
        if !self.needed && !self.tracer.graph.is_open(self.node) {
            return Err(self.tracer.stop());
        }
        let needed = self.needed;
        self.descend(|tracer| {
            let outer = tracer.minimal;
            tracer.minimal |= tracer.stack.contains(&id);
            tracer.stack.push(id);
            let value = read(tracer, id, needed)?;
            tracer.stack.pop();
            tracer.minimal = outer;
            Ok(value)
        })
    }

    fn child(
        &mut self,
        known: fn(&Node) -> Option<NodeId>,
        make: fn(NodeId) -> Node,
    ) -> Result<NodeId, Stop> {
        if let Some(child) = known(&self.tracer.graph.nodes[self.node]) {
            return Ok(child);
        }
        let child = self.tracer.graph.add_node();
        self.observe(make(child))?;
        Ok(child)
    }
}

impl<'de> Deserializer<'de> for Place<'_, '_> {
    type Error = Stop;

    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        self.observe(Node::SelfDescribing)?;
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_any(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_any(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::Bool)?;
        visitor.visit_bool(sample == 1)
    }

    fn deserialize_i8<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::I8)?;
        visitor.visit_i8(samples::NUMBERS[sample] as i8)
    }

    fn deserialize_i16<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::I16)?;
        visitor.visit_i16(samples::NUMBERS[sample].into())
    }

    fn deserialize_i32<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::I32)?;
        visitor.visit_i32(samples::NUMBERS[sample].into())
    }

    fn deserialize_i64<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::I64)?;
        visitor.visit_i64(samples::NUMBERS[sample].into())
    }

    fn deserialize_i128<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::I128)?;
        visitor.visit_i128(samples::NUMBERS[sample].into())
    }

    fn deserialize_u8<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::U8)?;
        visitor.visit_u8(samples::NUMBERS[sample])
    }

    fn deserialize_u16<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::U16)?;
        visitor.visit_u16(samples::NUMBERS[sample].into())
    }

    fn deserialize_u32<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::U32)?;
        visitor.visit_u32(samples::NUMBERS[sample].into())
    }

    fn deserialize_u64<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::U64)?;
        visitor.visit_u64(samples::NUMBERS[sample].into())
    }

    fn deserialize_u128<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::U128)?;
        visitor.visit_u128(samples::NUMBERS[sample].into())
    }

    fn deserialize_f32<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::F32)?;
        visitor.visit_f32(samples::NUMBERS[sample].into())
    }

    fn deserialize_f64<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::F64)?;
        visitor.visit_f64(samples::NUMBERS[sample].into())
    }

    fn deserialize_char<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::Char)?;
        visitor.visit_char(samples::CHARACTERS[sample])
    }

    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::Str)?;
        visitor.visit_str(samples::TEXTS[sample])
    }

    fn deserialize_string<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::Str)?;
        visitor.visit_string(samples::TEXTS[sample].to_owned())
    }

    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::Bytes)?;
        visitor.visit_bytes(samples::bytes(sample))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let sample = self.leaf(Leaf::Bytes)?;
        visitor.visit_byte_buf(samples::bytes(sample).to_vec())
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        self.leaf(Leaf::Unit)?;
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let inner = self.child(
            |node| match node {
                Node::Option(inner) => Some(*inner),
                _ => None,
            },
            Node::Option,
        )?;
        let graph = &mut self.tracer.graph;
        let some =
            graph.nodes[inner] == Node::Unknown || (!self.tracer.minimal && graph.is_open(inner));
        if !some {
            return visitor.visit_none();
        }
        let needed = self.needed;
        self.descend(|tracer| visitor.visit_some(Place::new(tracer, inner, needed)))
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let inner = self.child(
            |node| match node {
                Node::Seq(inner) => Some(*inner),
                _ => None,
            },
            Node::Seq,
        )?;
        let needed = self.needed;
        self.descend(|tracer| visitor.visit_seq(Elements::new(tracer, inner, needed)))
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        let (key, value) = match self.tracer.graph.nodes[self.node] {
            Node::Map(key, value) => (key, value),
            _ => {
                let (key, value) = (self.tracer.graph.add_node(), self.tracer.graph.add_node());
                self.observe(Node::Map(key, value))?;
                (key, value)
            }
        };
        let needed = self.needed;
        self.descend(|tracer| visitor.visit_map(Entries::new(tracer, key, value, needed)))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        mut self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        let nodes = match &self.tracer.graph.nodes[self.node] {
            Node::Tuple(nodes) if nodes.len() == len => nodes.clone(),
            _ => {
                let nodes = self.tracer.graph.add_nodes(len);
                self.observe(Node::Tuple(nodes.clone()))?;
                nodes
            }
        };
        let needed = self.needed;
        self.descend(|tracer| visitor.visit_seq(Places::new(tracer, nodes, needed)))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        // Known as soon as it is met, and free to make.
        let place = Place {
            needed: true,
            ..self
        };
        place.named::<V, _>(name, Kind::Unit, &[], 0, |_, _, _| visitor.visit_unit())
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.named::<V, _>(name, Kind::Newtype, &[], 0, |tracer, id, needed| {
            let Body::Newtype(inner) = tracer.graph.types[id].body else {
                return Err(tracer.stop());
            };
            visitor.visit_newtype_struct(Place::new(tracer, inner, needed))
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.named::<V, _>(name, Kind::Tuple, &[], len, |tracer, id, needed| {
            let Body::Tuple(nodes) = &tracer.graph.types[id].body else {
                return Err(tracer.stop());
            };
            let nodes = nodes.clone();
            visitor.visit_seq(Places::new(tracer, nodes, needed))
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.named::<V, _>(
            name,
            Kind::Struct,
            fields,
            fields.len(),
            |tracer, id, needed| Keys::of_struct(tracer, id, needed).read(visitor),
        )
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.named::<V, _>(
            name,
            Kind::Enum,
            variants,
            variants.len(),
            |tracer, id, needed| visitor.visit_enum(VariantChoice::new(tracer, id, needed)?),
        )
    }

    fn is_human_readable(&self) -> bool {
        // As the positional codec, the only one whose use depends on what is traced.
        false
    }
}
