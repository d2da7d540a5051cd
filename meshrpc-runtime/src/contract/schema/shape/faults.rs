//! What a codec cannot carry, and where it is.

use super::{Beyond, Body, Content, Field, Graph, Leaf, Node, NodeId, Role, Type, Variant};

impl Graph {
    /// What cannot be read positionally, beginning at `node`.
    pub(in crate::contract::schema) fn obstacle(&self, node: NodeId) -> Option<String> {
        self.search(node, |_, node| match node {
            Node::Unknown => Some("has a type that could not be traced"),
            Node::SelfDescribing => Some("has a type that describes itself"),
            Node::Ambiguous => Some("has a type that does not read the same each time"),
            _ => None,
        })
    }

    /// An option whose content may be nil.
    pub(in crate::contract::schema) fn some_nil(&self, node: NodeId) -> Option<String> {
        self.search(node, |graph, node| match node {
            Node::Option(inner) if graph.may_be_nil(*inner) => {
                Some("has an option whose content is written as nil with field names")
            }
            _ => None,
        })
    }

    fn may_be_nil(&self, mut node: NodeId) -> bool {
        // Newtypes are written as their content; one that contains itself is no value at all.
        for _ in 0..=self.types.len() {
            node = match &self.nodes[node] {
                Node::Leaf(Leaf::Unit) | Node::Option(_) => return true,
                Node::Named(id) => match self.types[*id].body {
                    Body::Newtype(inner) => inner,
                    _ => return false,
                },
                _ => return false,
            };
        }
        false
    }

    /// The first node of the graph that `test` finds fault with, and where it is.
    fn search(
        &self,
        start: NodeId,
        test: impl Fn(&Graph, &Node) -> Option<&'static str>,
    ) -> Option<String> {
        let mut todo = vec![(start, "it".to_owned())];
        let mut seen = Vec::new();
        while let Some((node, place)) = todo.pop() {
            if let Some(fault) = test(self, &self.nodes[node]) {
                return Some(format!("{place} {fault}"));
            }
            match &self.nodes[node] {
                Node::Unknown | Node::SelfDescribing | Node::Ambiguous | Node::Leaf(_) => {}
                Node::Option(inner) | Node::Seq(inner) => todo.push((*inner, place)),
                Node::Map(key, value) => todo.extend([(*value, place.clone()), (*key, place)]),
                Node::Tuple(nodes) => {
                    todo.extend(nodes.iter().rev().map(|node| (*node, place.clone())))
                }
                Node::Named(id) => {
                    if seen.contains(id) {
                        continue;
                    }
                    seen.push(*id);
                    let Type {
                        name, body, beyond, ..
                    } = &self.types[*id];
                    match body {
                        Body::Unit => {}
                        Body::Newtype(node) => todo.push((*node, format!("`{name}`"))),
                        Body::Tuple(nodes) => {
                            todo.extend(
                                nodes.iter().rev().map(|node| (*node, format!("`{name}`"))),
                            );
                        }
                        Body::Struct(fields) => todo.extend(fields_of(name, fields)),
                        Body::Enum(variants) => {
                            if let Some(fault) = unnumbered(variants, *beyond)
                                && test(self, &Node::Unknown).is_some()
                            {
                                return Some(format!("`{name}` {fault}"));
                            }
                            for variant in variants.iter().rev() {
                                let place = format!("`{name}::{}`", variant.name);
                                match &variant.content {
                                    Content::Unknown | Content::Ambiguous => {
                                        if let Some(fault) = test(self, &Node::Unknown) {
                                            return Some(format!("{place} {fault}"));
                                        }
                                    }
                                    Content::Absent | Content::Unit => {}
                                    Content::Newtype(node) => todo.push((*node, place)),
                                    Content::Tuple(nodes) => {
                                        todo.extend(
                                            nodes.iter().rev().map(|node| (*node, place.clone())),
                                        );
                                    }
                                    Content::Struct(fields) => {
                                        todo.extend(fields_of(variant.name, fields))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        None
    }
}

/// Why the number of a variant does not tell which it is.
///
/// Skipped variants are numbered when they are written and not when they are read, so numbers are
/// only trusted with their names. With more names than variants, which name has which number cannot
/// be found out; nor can the number of variants, if one stands for all the others.
fn unnumbered(variants: &[Variant], beyond: Beyond) -> Option<&'static str> {
    let absent = |variant: &Variant| matches!(variant.content, Content::Absent);
    if !variants.is_empty() && variants.iter().all(absent) {
        Some("has variants that are not known by number")
    } else if variants.iter().any(absent) {
        Some("has variants of more than one name")
    } else if beyond == Beyond::Taken {
        Some("has a variant that stands for all it does not know")
    } else {
        None
    }
}

fn fields_of(container: &str, fields: &[Field]) -> impl Iterator<Item = (NodeId, String)> {
    let named = fields
        .iter()
        .rev()
        .filter(|field| field.role != Role::Alias);
    named.map(move |field| {
        (
            field.node,
            format!("field `{}` of `{container}`", field.name),
        )
    })
}
