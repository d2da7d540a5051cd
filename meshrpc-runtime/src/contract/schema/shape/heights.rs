//! How deep the shallowest value of each type is: where a type contains itself, the way out.

use super::{Body, Content, Graph, Node, NodeId, TypeId, nodes_of};

/// For each type the least nesting that a value of it needs, if any is known.
#[derive(Debug, Default)]
pub(super) struct Heights {
    version: Option<u64>,
    of_types: Vec<Option<u32>>,
}

impl Graph {
    /// The variant whose value needs least nesting, if a value of any is known to exist.
    pub(in crate::contract::schema) fn lowest_variant(&mut self, id: TypeId) -> Option<usize> {
        self.measure();
        let Body::Enum(variants) = &self.types[id].body else {
            return None;
        };
        let heights = &self.heights.of_types;
        (0..variants.len())
            .filter_map(|index| {
                Some((
                    self.content_height(&variants[index].content, heights)?,
                    index,
                ))
            })
            .min()
            .map(|(_, index)| index)
    }

    /// Brings the heights up to date: begins with "no value known" and lowers until nothing moves.
    fn measure(&mut self) {
        if self.heights.version == Some(self.version) {
            return;
        }
        let mut heights = vec![None; self.types.len()];
        loop {
            let mut moved = false;
            for id in 0..self.types.len() {
                let height = self
                    .body_height(&self.types[id].body, &heights)
                    .map(|height| height + 1);
                if heights[id].is_none() && height.is_some() {
                    heights[id] = height;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        self.heights = Heights {
            version: Some(self.version),
            of_types: heights,
        };
    }

    fn body_height(&self, body: &Body, types: &[Option<u32>]) -> Option<u32> {
        match body {
            Body::Unit => Some(0),
            Body::Newtype(node) => self.height(*node, types),
            Body::Tuple(nodes) => self.highest(nodes.iter().copied(), types),
            Body::Struct(fields) => self.highest(nodes_of(fields), types),
            Body::Enum(variants) => variants
                .iter()
                .filter_map(|variant| self.content_height(&variant.content, types))
                .min(),
        }
    }

    fn content_height(&self, content: &Content, types: &[Option<u32>]) -> Option<u32> {
        match content {
            Content::Unknown | Content::Absent | Content::Ambiguous => None,
            Content::Unit => Some(0),
            Content::Newtype(node) => self.height(*node, types),
            Content::Tuple(nodes) => self.highest(nodes.iter().copied(), types),
            Content::Struct(fields) => self.highest(nodes_of(fields), types),
        }
    }

    fn highest(&self, nodes: impl Iterator<Item = NodeId>, types: &[Option<u32>]) -> Option<u32> {
        nodes
            .map(|node| self.height(node, types))
            .try_fold(0, |highest, height| Some(highest.max(height?)))
    }

    fn height(&self, node: NodeId, types: &[Option<u32>]) -> Option<u32> {
        match &self.nodes[node] {
            Node::Unknown | Node::SelfDescribing | Node::Ambiguous => None,
            Node::Leaf(_) | Node::Option(_) | Node::Seq(_) | Node::Map(..) => Some(0),
            Node::Tuple(nodes) => self.highest(nodes.iter().copied(), types),
            Node::Named(id) => types.get(*id).copied().flatten(),
        }
    }
}
