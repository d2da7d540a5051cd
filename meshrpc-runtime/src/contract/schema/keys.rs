//! The fields of a struct while it is traced, in an order of our choosing.

use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, Visitor, value::StrDeserializer};

use super::{
    access::Places,
    place::Place,
    shape::{Body, Content, Field, Role, TypeId},
    trace::{Stop, Tracer},
};

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

impl<'t, 'g> Keys<'t, 'g> {
    pub(super) fn of_struct(tracer: &'t mut Tracer<'g>, id: TypeId, needed: bool) -> Self {
        Self::new(tracer, Owner::Struct(id), needed)
    }

    pub(super) fn of_variant(
        tracer: &'t mut Tracer<'g>,
        id: TypeId,
        index: usize,
        needed: bool,
    ) -> Self {
        Self::new(tracer, Owner::Variant(id, index), needed)
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
