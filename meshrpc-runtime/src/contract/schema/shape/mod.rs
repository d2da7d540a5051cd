//! The shapes of types, as a graph: named types are shared, so recursion is a cycle.

mod faults;
mod heights;

use std::collections::HashMap;

use self::heights::Heights;

/// Index of a node.
pub(super) type NodeId = usize;
/// Index of a named type.
pub(super) type TypeId = usize;

/// The shapes that were met.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) types: Vec<Type>,
    ids: HashMap<Identity, TypeId>,
    /// Counts what was learnt.
    pub(super) version: u64,
    heights: Heights,
}

/// What is read at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// Not met yet.
    Unknown,
    /// The type asks the bytes what comes next.
    SelfDescribing,
    /// Different things were asked for at different times.
    Ambiguous,
    Leaf(Leaf),
    Option(NodeId),
    Seq(NodeId),
    Map(NodeId, NodeId),
    Tuple(Vec<NodeId>),
    Named(TypeId),
}

/// What has no parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Leaf {
    Unit = 1,
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Str,
    Bytes,
}

impl Leaf {
    pub(crate) const ALL: [Self; 17] = [
        Self::Unit,
        Self::Bool,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::I128,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::U128,
        Self::F32,
        Self::F64,
        Self::Char,
        Self::Str,
        Self::Bytes,
    ];
}

/// A type that serde knows by name.
#[derive(Debug)]
pub(super) struct Type {
    pub(super) name: &'static str,
    pub(super) body: Body,
    /// A struct that is read by position only.
    pub(super) by_seq: bool,
    /// Of an enum, what it does with a number that no variant has.
    pub(super) beyond: Beyond,
    /// Everything that can be reached from it is known.
    closed: bool,
}

/// What an enum does with a number that no variant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    /// Not tried yet.
    Unknown,
    Refused,
    /// Takes it for a variant that stands for all it does not know.
    Taken,
}

#[derive(Debug)]
pub(super) enum Body {
    Unit,
    Newtype(NodeId),
    Tuple(Vec<NodeId>),
    Struct(Vec<Field>),
    Enum(Vec<Variant>),
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) node: NodeId,
    /// Times a pass went there.
    pub(super) visits: u32,
    pub(super) role: Role,
}

/// What a name in a list of fields is: serde's derive lists aliases among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Field,
    /// A field with aliases, some of which may not be found yet. It goes before them.
    Aliased,
    /// A field with aliases, all of them found.
    Settled,
    /// Another name of a field that is in the list as well.
    Alias,
}

#[derive(Debug)]
pub(super) struct Variant {
    pub(super) name: &'static str,
    pub(super) content: Content,
    pub(super) visits: u32,
}

#[derive(Debug)]
pub(super) enum Content {
    /// Not met yet.
    Unknown,
    /// There is no variant of this index: names may outnumber variants.
    Absent,
    /// Different things were asked for at different times.
    Ambiguous,
    Unit,
    Newtype(NodeId),
    Tuple(Vec<NodeId>),
    Struct(Vec<Field>),
}

/// What tells one named type from another: the visitor's Rust path holds generic arguments and
/// modules. Used while tracing, and never part of a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) visitor: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) names: &'static [&'static str],
    pub(super) len: usize,
    /// Size and alignment of the value: two versions of one crate share their paths.
    pub(super) layout: (usize, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Unit,
    Newtype,
    Tuple,
    Struct,
    Enum,
}

impl Graph {
    pub(super) fn add_node(&mut self) -> NodeId {
        self.nodes.push(Node::Unknown);
        self.nodes.len() - 1
    }

    pub(super) fn add_nodes(&mut self, count: usize) -> Vec<NodeId> {
        (0..count).map(|_| self.add_node()).collect()
    }

    pub(super) fn add_fields(&mut self, names: &[&'static str]) -> Vec<Field> {
        let field = |name: &&'static str| Field {
            name,
            node: self.add_node(),
            visits: 0,
            role: Role::Field,
        };
        names.iter().map(field).collect()
    }

    /// The type of this identity.
    pub(super) fn intern(&mut self, identity: Identity) -> TypeId {
        if let Some(id) = self.ids.get(&identity) {
            return *id;
        }
        let body = match identity.kind {
            Kind::Unit => Body::Unit,
            Kind::Newtype => Body::Newtype(self.add_node()),
            Kind::Tuple => Body::Tuple(self.add_nodes(identity.len)),
            Kind::Struct => Body::Struct(self.add_fields(identity.names)),
            Kind::Enum => Body::Enum(
                identity
                    .names
                    .iter()
                    .map(|name| Variant {
                        name,
                        content: Content::Unknown,
                        visits: 0,
                    })
                    .collect(),
            ),
        };
        self.types.push(Type {
            name: identity.name,
            body,
            by_seq: false,
            beyond: Beyond::Unknown,
            closed: false,
        });
        let id = self.types.len() - 1;
        self.ids.insert(identity, id);
        id
    }

    /// Records what was asked for at `node`; false if it contradicts what was before.
    pub(super) fn observe(&mut self, node: NodeId, seen: Node) -> bool {
        let known = &mut self.nodes[node];
        if *known == seen {
            return true;
        }
        let (next, agrees) = match known {
            Node::Unknown => (seen, true),
            Node::SelfDescribing => return false,
            _ if seen == Node::SelfDescribing => (seen, true),
            Node::Ambiguous => return false,
            _ => (Node::Ambiguous, false),
        };
        *known = next;
        self.version += 1;
        agrees
    }

    /// True if something that can be reached from here is not known yet.
    pub(super) fn is_open(&mut self, node: NodeId) -> bool {
        let mut seen = Vec::new();
        let open = self.search_open(node, &mut seen);
        if !open {
            for id in seen {
                self.types[id].closed = true;
            }
        }
        open
    }

    fn search_open(&self, start: NodeId, seen: &mut Vec<TypeId>) -> bool {
        let mut todo = vec![start];
        while let Some(node) = todo.pop() {
            match &self.nodes[node] {
                Node::Unknown => return true,
                Node::SelfDescribing | Node::Ambiguous | Node::Leaf(_) => {}
                Node::Option(inner) | Node::Seq(inner) => todo.push(*inner),
                Node::Map(key, value) => todo.extend([*key, *value]),
                Node::Tuple(nodes) => todo.extend(nodes),
                Node::Named(id) => {
                    if self.types[*id].closed || seen.contains(id) {
                        continue;
                    }
                    seen.push(*id);
                    match &self.types[*id].body {
                        Body::Unit => {}
                        Body::Newtype(node) => todo.push(*node),
                        Body::Tuple(nodes) => todo.extend(nodes),
                        Body::Struct(fields) if is_unsettled(fields) => return true,
                        Body::Struct(fields) => todo.extend(nodes_of(fields)),
                        Body::Enum(_) if self.types[*id].beyond == Beyond::Unknown => return true,
                        Body::Enum(variants) => {
                            for variant in variants {
                                match &variant.content {
                                    Content::Unknown => return true,
                                    Content::Absent | Content::Ambiguous | Content::Unit => {}
                                    Content::Newtype(node) => todo.push(*node),
                                    Content::Tuple(nodes) => todo.extend(nodes),
                                    Content::Struct(fields) if is_unsettled(fields) => return true,
                                    Content::Struct(fields) => todo.extend(nodes_of(fields)),
                                }
                            }
                        }
                    }
                }
            }
        }
        false
    }

    /// True if the content of this variant is not known completely.
    pub(super) fn is_open_content(&mut self, id: TypeId, index: usize) -> bool {
        let Body::Enum(variants) = &self.types[id].body else {
            return false;
        };
        let nodes: Vec<NodeId> = match &variants[index].content {
            Content::Unknown => return true,
            Content::Absent | Content::Ambiguous | Content::Unit => return false,
            Content::Newtype(node) => vec![*node],
            Content::Tuple(nodes) => nodes.clone(),
            Content::Struct(fields) if is_unsettled(fields) => return true,
            Content::Struct(fields) => nodes_of(fields).collect(),
        };
        nodes.into_iter().any(|node| self.is_open(node))
    }
}

/// Some of the names may be aliases.
fn is_unsettled(fields: &[Field]) -> bool {
    fields.iter().any(|field| field.role == Role::Aliased)
}

/// The nodes of the fields that are no aliases.
fn nodes_of(fields: &[Field]) -> impl Iterator<Item = NodeId> {
    fields
        .iter()
        .filter(|field| field.role != Role::Alias)
        .map(|field| field.node)
}
