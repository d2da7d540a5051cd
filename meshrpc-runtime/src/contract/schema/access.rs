//! What a visitor is given to read from while its type is traced.

use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::{StrDeserializer, U32Deserializer},
};

use super::{
    shape::{Body, Content, Field, Node, NodeId, Role, TypeId},
    trace::{Place, Stop, Tracer},
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

/// The fields of a struct or of a struct variant, unknown ones first.
pub(super) struct Keys<'t, 'g> {
    tracer: &'t mut Tracer<'g>,
    owner: Owner,
    needed: bool,
    fed: Vec<bool>,
    current: Option<usize>,
}

/// Whose fields they are.
#[derive(Clone, Copy)]
enum Owner {
    Struct(TypeId),
    Variant(TypeId, usize),
}

/// A variant that was chosen.
pub(super) struct VariantChoice<'t, 'g> {
    tracer: &'t mut Tracer<'g>,
    id: TypeId,
    index: usize,
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

impl<'t, 'g> Keys<'t, 'g> {
    pub(super) fn of_struct(tracer: &'t mut Tracer<'g>, id: TypeId, needed: bool) -> Self {
        Self::new(tracer, Owner::Struct(id), needed)
    }

    fn new(tracer: &'t mut Tracer<'g>, owner: Owner, needed: bool) -> Self {
        let mut keys = Self {
            tracer,
            owner,
            needed,
            fed: Vec::new(),
            current: None,
        };
        keys.fed = vec![false; keys.fields().len()];
        keys
    }

    /// Lets the visitor read the fields by name, or by position if it does not know names.
    pub(super) fn read<'de, V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Stop> {
        if let Owner::Struct(id) = self.owner
            && self.tracer.graph.types[id].by_seq
        {
            let nodes = self.fields().iter().map(|field| field.node).collect();
            return visitor.visit_seq(Places::new(self.tracer, nodes, self.needed));
        }
        let result = visitor.visit_map(&mut self);
        match result {
            Err(Stop::Duplicate(name)) => {
                self.learn_alias(name);
                Err(self.tracer.stop())
            }
            Err(Stop::Type) if self.fed.iter().all(|fed| !fed) && !self.fed.is_empty() => {
                if let Owner::Struct(id) = self.owner {
                    self.tracer.graph.types[id].by_seq = true;
                    self.tracer.graph.version += 1;
                }
                Err(Stop::Type)
            }
            other => other,
        }
    }

    /// The last key is another name of field `name`, or `name` itself after another name.
    fn learn_alias(&mut self, name: &'static str) {
        let Some(current) = self.current else { return };
        let field = &mut self.fields_mut()[current];
        let learnt = if field.name == name {
            Role::Aliased
        } else {
            Role::Alias
        };
        if field.role != learnt {
            field.role = learnt;
            self.tracer.graph.version += 1;
        }
    }

    /// Every name was read, and none twice.
    fn settle(&mut self) {
        for index in 0..self.fed.len() {
            if self.fields()[index].role == Role::Aliased {
                self.fields_mut()[index].role = Role::Settled;
                self.tracer.graph.version += 1;
            }
        }
    }

    fn is_unsettled(&self) -> bool {
        self.fields()
            .iter()
            .any(|field| field.role == Role::Aliased)
    }

    fn fields(&self) -> &[Field] {
        match (self.owner, &self.tracer.graph.types[self.owner.id()].body) {
            (Owner::Struct(_), Body::Struct(fields)) => fields,
            (Owner::Variant(_, index), Body::Enum(variants)) => match &variants[index].content {
                Content::Struct(fields) => fields,
                _ => &[],
            },
            _ => &[],
        }
    }

    fn fields_mut(&mut self) -> &mut [Field] {
        match (
            self.owner,
            &mut self.tracer.graph.types[self.owner.id()].body,
        ) {
            (Owner::Struct(_), Body::Struct(fields)) => fields,
            (Owner::Variant(_, index), Body::Enum(variants)) => {
                match &mut variants[index].content {
                    Content::Struct(fields) => fields,
                    _ => &mut [],
                }
            }
            _ => &mut [],
        }
    }

    /// The field to give next: unknown ones before known ones.
    ///
    /// Last ones first: of an adjacently tagged enum the content comes before the tag then, and
    /// shows that it describes itself.
    fn choose(&mut self) -> Option<usize> {
        let mut best = None;
        for index in 0..self.fed.len() {
            let Field {
                node, visits, role, ..
            } = self.fields()[index];
            if self.fed[index] || role == Role::Alias {
                continue;
            }
            let open = self.tracer.graph.is_open(node);
            let rank = (
                role == Role::Field,
                !open,
                if open { visits } else { 0 },
                usize::MAX - index,
            );
            if best.is_none_or(|(least, _)| rank < least) {
                best = Some((rank, index));
            }
        }
        best.map(|(_, index)| index)
    }

    /// A field that was not given yet is unknown.
    fn open_left(&mut self) -> bool {
        (0..self.fed.len()).any(|index| {
            let Field { node, role, .. } = self.fields()[index];
            !self.fed[index] && role != Role::Alias && self.tracer.graph.is_open(node)
        })
    }
}

impl<'de> MapAccess<'de> for &mut Keys<'_, '_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Stop> {
        let Some(index) = self.choose() else {
            self.settle();
            return Ok(None);
        };
        self.fed[index] = true;
        self.current = Some(index);
        let Field { node, name, .. } = self.fields()[index];
        let needed = self.needed || self.is_unsettled();
        if !needed && !self.tracer.graph.is_open(node) && !self.open_left() {
            return Err(self.tracer.stop());
        }
        let key: StrDeserializer<'_, Stop> = name.into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Stop> {
        let Some(index) = self.current else {
            return Err(self.tracer.stop());
        };
        let field = &mut self.fields_mut()[index];
        field.visits += 1;
        let node = field.node;
        let needed = self.needed || self.is_unsettled() || self.open_left();
        match seed.deserialize(Place::new(self.tracer, node, needed)) {
            // About a field of the value, not of this struct.
            Err(Stop::Duplicate(_)) => Err(Stop::Type),
            result => result,
        }
    }
}

impl Owner {
    fn id(self) -> TypeId {
        match self {
            Owner::Struct(id) | Owner::Variant(id, _) => id,
        }
    }
}

impl<'t, 'g> VariantChoice<'t, 'g> {
    /// An unknown variant that was visited least, else the one whose value ends soonest.
    pub(super) fn new(tracer: &'t mut Tracer<'g>, id: TypeId, needed: bool) -> Result<Self, Stop> {
        let mut best: Option<(u32, usize)> = None;
        if let Body::Enum(variants) = &tracer.graph.types[id].body {
            let visits: Vec<(u32, bool)> = variants
                .iter()
                .map(|variant| (variant.visits, matches!(variant.content, Content::Unknown)))
                .collect();
            for (index, (visits, unknown)) in visits.into_iter().enumerate() {
                let open = unknown || (!tracer.minimal && tracer.graph.is_open_content(id, index));
                if open && best.is_none_or(|(least, _)| visits < least) {
                    best = Some((visits, index));
                }
            }
        }
        let index = match best {
            Some((_, index)) => index,
            None => match tracer.graph.lowest_variant(id) {
                Some(index) => index,
                None => return Err(tracer.stop()),
            },
        };
        if let Body::Enum(variants) = &mut tracer.graph.types[id].body {
            variants[index].visits += 1;
        }
        Ok(Self {
            tracer,
            id,
            index,
            needed,
        })
    }

    fn content(&mut self) -> Option<&mut Content> {
        match &mut self.tracer.graph.types[self.id].body {
            Body::Enum(variants) => variants
                .get_mut(self.index)
                .map(|variant| &mut variant.content),
            _ => None,
        }
    }

    fn learn(&mut self, learnt: Content) {
        if let Some(content) = self.content() {
            *content = learnt;
            self.tracer.graph.version += 1;
        }
    }

    fn contradiction(&mut self) -> Stop {
        self.learn(Content::Ambiguous);
        self.tracer.stop()
    }
}

impl<'de> EnumAccess<'de> for VariantChoice<'_, '_> {
    type Error = Stop;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(mut self, seed: V) -> Result<(V::Value, Self), Stop> {
        // By index, as the positional codec has it.
        let index = u32::try_from(self.index).unwrap_or(u32::MAX);
        let key: U32Deserializer<Stop> = index.into_deserializer();
        match seed.deserialize(key) {
            Ok(value) => Ok((value, self)),
            Err(_) => {
                self.learn(Content::Absent);
                Err(self.tracer.stop())
            }
        }
    }
}

impl<'de> VariantAccess<'de> for VariantChoice<'_, '_> {
    type Error = Stop;

    fn unit_variant(mut self) -> Result<(), Stop> {
        match self.content() {
            Some(Content::Unknown) => self.learn(Content::Unit),
            Some(Content::Unit) => {}
            _ => return Err(self.contradiction()),
        }
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(mut self, seed: T) -> Result<T::Value, Stop> {
        let node = match self.content() {
            Some(Content::Unknown) => {
                let node = self.tracer.graph.add_node();
                self.learn(Content::Newtype(node));
                node
            }
            Some(Content::Newtype(node)) => *node,
            _ => return Err(self.contradiction()),
        };
        seed.deserialize(Place::new(self.tracer, node, self.needed))
    }

    fn tuple_variant<V: Visitor<'de>>(mut self, len: usize, visitor: V) -> Result<V::Value, Stop> {
        let nodes = match self.content() {
            Some(Content::Unknown) => {
                let nodes = self.tracer.graph.add_nodes(len);
                self.learn(Content::Tuple(nodes.clone()));
                nodes
            }
            Some(Content::Tuple(nodes)) if nodes.len() == len => nodes.clone(),
            _ => return Err(self.contradiction()),
        };
        visitor.visit_seq(Places::new(self.tracer, nodes, self.needed))
    }

    fn struct_variant<V: Visitor<'de>>(
        mut self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match self.content() {
            Some(Content::Unknown) => {
                let fields = self.tracer.graph.add_fields(fields);
                self.learn(Content::Struct(fields));
            }
            Some(Content::Struct(known)) if known.len() == fields.len() => {}
            _ => return Err(self.contradiction()),
        }
        Keys::new(
            self.tracer,
            Owner::Variant(self.id, self.index),
            self.needed,
        )
        .read(visitor)
    }
}
