//! What a visitor reads elements from while its type is traced.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::{
    place::Place,
    shape::{Node, NodeId},
    trace::{Stop, Tracer},
};

/// The elements of a sequence.
pub(super) struct Elements<'t, 'g> {
    tracer: &'t mut Tracer<'g>,
    node: NodeId,
    needed: bool,
    left: usize,
}

/// The entries of a map.
pub(super) struct Entries<'t, 'g> {
    tracer: &'t mut Tracer<'g>,
    key: NodeId,
    value: NodeId,
    needed: bool,
    left: usize,
}

/// The values of a tuple.
pub(super) struct Places<'t, 'g> {
    tracer: &'t mut Tracer<'g>,
    nodes: Vec<NodeId>,
    next: usize,
    needed: bool,
}

impl<'t, 'g> Elements<'t, 'g> {
    pub(super) fn new(tracer: &'t mut Tracer<'g>, node: NodeId, needed: bool) -> Self {
        let unknown = tracer.graph.nodes[node] == Node::Unknown;
        let left = match (unknown, tracer.minimal) {
            // A visitor that reads elements of different types is found out by the second.
            (true, _) => 2,
            (false, true) => 0,
            (false, false) if tracer.graph.is_open(node) => 2,
            // Some types do not want to be empty.
            (false, false) => usize::from(tracer.idle % 2 == 1),
        };
        Self {
            tracer,
            node,
            needed,
            left,
        }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Stop;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Stop> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return Ok(None),
        }
        let needed = self.needed || self.left > 0;
        seed.deserialize(Place::new(self.tracer, self.node, needed))
            .map(Some)
    }
}

impl<'t, 'g> Entries<'t, 'g> {
    pub(super) fn new(
        tracer: &'t mut Tracer<'g>,
        key: NodeId,
        value: NodeId,
        needed: bool,
    ) -> Self {
        let unknown =
            tracer.graph.nodes[key] == Node::Unknown || tracer.graph.nodes[value] == Node::Unknown;
        let open = unknown
            || (!tracer.minimal && (tracer.graph.is_open(key) || tracer.graph.is_open(value)));
        let left = if open {
            2
        } else {
            usize::from(!tracer.minimal && tracer.idle % 2 == 1)
        };
        Self {
            tracer,
            key,
            value,
            needed,
            left,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Stop> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return Ok(None),
        }
        seed.deserialize(Place::new(self.tracer, self.key, true))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Stop> {
        let needed = self.needed || self.left > 0;
        seed.deserialize(Place::new(self.tracer, self.value, needed))
    }
}

impl<'t, 'g> Places<'t, 'g> {
    pub(super) fn new(tracer: &'t mut Tracer<'g>, nodes: Vec<NodeId>, needed: bool) -> Self {
        Self {
            tracer,
            nodes,
            next: 0,
            needed,
        }
    }

    fn open_from(&mut self, start: usize) -> bool {
        (start..self.nodes.len()).any(|index| self.tracer.graph.is_open(self.nodes[index]))
    }
}

impl<'de> SeqAccess<'de> for Places<'_, '_> {
    type Error = Stop;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Stop> {
        let Some(node) = self.nodes.get(self.next).copied() else {
            return Ok(None);
        };
        self.next += 1;
        let needed = self.needed || self.open_from(self.next);
        if !needed && !self.tracer.graph.is_open(node) {
            return Err(self.tracer.stop());
        }
        seed.deserialize(Place::new(self.tracer, node, needed))
            .map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.nodes.len() - self.next)
    }
}
