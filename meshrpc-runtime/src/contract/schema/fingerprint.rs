//! Fingerprints: xxh3-64 over a canonical writing of the shapes.
//!
//! Named types are numbered in the order they are met, written out the first time and referred to
//! by number after that. Texts and lists carry their length, so no two schemas are written alike.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use super::{
    Failure, MethodSchema,
    shape::{Body, Content, Field, Graph, Node, NodeId, Role, TypeId},
};

/// First byte of the writing; a change of it changes every fingerprint.
const VERSION: u8 = 1;

mod tag {
    pub(super) const OPTION: u8 = 0x40;
    pub(super) const SEQ: u8 = 0x41;
    pub(super) const MAP: u8 = 0x42;
    pub(super) const TUPLE: u8 = 0x43;
    pub(super) const KNOWN: u8 = 0x50;
    pub(super) const UNIT: u8 = 0x51;
    pub(super) const NEWTYPE: u8 = 0x52;
    pub(super) const TUPLE_STRUCT: u8 = 0x53;
    pub(super) const STRUCT: u8 = 0x54;
    pub(super) const ENUM: u8 = 0x55;
    pub(super) const ABSENT: u8 = 0x56;
    pub(super) const OPAQUE: u8 = 0x60;
    pub(super) const NO_REPLY: u8 = 0x70;
    pub(super) const NO_ERROR: u8 = 0x71;
    pub(super) const TEXT_ERROR: u8 = 0x72;
    pub(super) const TYPED_ERROR: u8 = 0x73;
    pub(super) const TAKEN_ITEMS: u8 = 0x74;
    pub(super) const ITEMS: u8 = 0x75;
}

/// Fingerprint of a method whose types are all known; never 0.
pub(super) fn of_method(schema: &MethodSchema, names: &[&str]) -> u64 {
    let mut writing = Writing {
        graph: &schema.graph,
        numbers: HashMap::new(),
        bytes: vec![VERSION],
    };
    writing.count(names.len());
    for (name, node) in names.iter().zip(&schema.arguments) {
        writing.text(name);
        writing.node(*node);
    }
    if let Some(node) = schema.taken_items {
        writing.bytes.push(tag::TAKEN_ITEMS);
        writing.node(node);
    }
    if let Some(node) = schema.items {
        writing.bytes.push(tag::ITEMS);
        writing.node(node);
    }
    match schema.reply {
        Some(node) => writing.node(node),
        None => writing.bytes.push(tag::NO_REPLY),
    }
    match schema.failure {
        Failure::Never => writing.bytes.push(tag::NO_ERROR),
        Failure::Text => writing.bytes.push(tag::TEXT_ERROR),
        Failure::Typed(node) => {
            writing.bytes.push(tag::TYPED_ERROR);
            writing.node(node);
        }
    }
    nonzero(xxh3_64(&writing.bytes))
}

/// Fingerprint of a contract from the keys and fingerprints of its methods; never 0.
///
/// The order of the methods does not count, since a method is called by its key.
pub(in crate::contract) fn of_contract(
    name: &str,
    methods: impl Iterator<Item = (u64, u64)>,
) -> u64 {
    let mut methods: Vec<(u64, u64)> = methods.collect();
    methods.sort_unstable();
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(0);
    for (key, fingerprint) in methods {
        bytes.extend_from_slice(&key.to_le_bytes());
        bytes.extend_from_slice(&fingerprint.to_le_bytes());
    }
    nonzero(xxh3_64(&bytes))
}

fn nonzero(hash: u64) -> u64 {
    hash.max(1)
}

struct Writing<'g> {
    graph: &'g Graph,
    numbers: HashMap<TypeId, usize>,
    bytes: Vec<u8>,
}

impl Writing<'_> {
    fn count(&mut self, count: usize) {
        self.bytes.extend_from_slice(&(count as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn node(&mut self, node: NodeId) {
        match &self.graph.nodes[node] {
            Node::Unknown | Node::SelfDescribing | Node::Ambiguous => self.bytes.push(tag::OPAQUE),
            Node::Leaf(leaf) => self.bytes.push(*leaf as u8),
            Node::Option(inner) => {
                self.bytes.push(tag::OPTION);
                self.node(*inner);
            }
            Node::Seq(inner) => {
                self.bytes.push(tag::SEQ);
                self.node(*inner);
            }
            Node::Map(key, value) => {
                self.bytes.push(tag::MAP);
                self.node(*key);
                self.node(*value);
            }
            Node::Tuple(nodes) => {
                self.bytes.push(tag::TUPLE);
                self.nodes(nodes);
            }
            Node::Named(id) => self.named(*id),
        }
    }

    fn nodes(&mut self, nodes: &[NodeId]) {
        self.count(nodes.len());
        for node in nodes {
            self.node(*node);
        }
    }

    fn named(&mut self, id: TypeId) {
        if let Some(number) = self.numbers.get(&id).copied() {
            self.bytes.push(tag::KNOWN);
            self.count(number);
            return;
        }
        self.numbers.insert(id, self.numbers.len());
        let shape = &self.graph.types[id];
        match &shape.body {
            Body::Unit => {
                self.bytes.push(tag::UNIT);
                self.text(shape.name);
            }
            Body::Newtype(node) => {
                self.bytes.push(tag::NEWTYPE);
                self.text(shape.name);
                self.node(*node);
            }
            Body::Tuple(nodes) => {
                self.bytes.push(tag::TUPLE_STRUCT);
                self.text(shape.name);
                self.nodes(nodes);
            }
            Body::Struct(fields) => {
                self.bytes.push(tag::STRUCT);
                self.text(shape.name);
                self.fields(fields);
            }
            Body::Enum(variants) => {
                self.bytes.push(tag::ENUM);
                self.text(shape.name);
                self.count(variants.len());
                for variant in variants {
                    self.text(variant.name);
                    match &variant.content {
                        Content::Unknown | Content::Ambiguous => self.bytes.push(tag::OPAQUE),
                        Content::Absent => self.bytes.push(tag::ABSENT),
                        Content::Unit => self.bytes.push(tag::UNIT),
                        Content::Newtype(node) => {
                            self.bytes.push(tag::NEWTYPE);
                            self.node(*node);
                        }
                        Content::Tuple(nodes) => {
                            self.bytes.push(tag::TUPLE_STRUCT);
                            self.nodes(nodes);
                        }
                        Content::Struct(fields) => {
                            self.bytes.push(tag::STRUCT);
                            self.fields(fields);
                        }
                    }
                }
            }
        }
    }

    fn fields(&mut self, fields: &[Field]) {
        self.count(
            fields
                .iter()
                .filter(|field| field.role != Role::Alias)
                .count(),
        );
        for field in fields.iter().filter(|field| field.role != Role::Alias) {
            self.text(field.name);
            self.node(field.node);
        }
    }
}
