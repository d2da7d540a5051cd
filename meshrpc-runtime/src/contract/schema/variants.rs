//! The variants of an enum while it is traced, one in each pass.

use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, VariantAccess, Visitor, value::U32Deserializer,
};

use super::{
    access::Places,
    keys::Keys,
    place::Place,
    shape::{Beyond, Body, Content, TypeId},
    trace::{Stop, Tracer},
};

/// A variant that was chosen.
pub(super) struct VariantChoice<'t, 'g> {
    tracer: &'t mut Tracer<'g>,
    id: TypeId,
    /// [`BEYOND`], or that of a variant.
    index: usize,
    needed: bool,
}

/// A number that no variant has.
const BEYOND: usize = u32::MAX as usize;

impl<'t, 'g> VariantChoice<'t, 'g> {
    /// A number beyond the variants first, then an unknown variant that was visited least, else the
    /// one whose value ends soonest.
    pub(super) fn new(tracer: &'t mut Tracer<'g>, id: TypeId, needed: bool) -> Result<Self, Stop> {
        if tracer.graph.types[id].beyond == Beyond::Unknown {
            // Until it is refused, should that be by a panic.
            tracer.graph.types[id].beyond = Beyond::Taken;
            tracer.graph.version += 1;
            let index = BEYOND;
            return Ok(Self {
                tracer,
                id,
                index,
                needed,
            });
        }
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
            Ok(_) if self.index == BEYOND => Err(self.tracer.stop()),
            Ok(value) => Ok((value, self)),
            Err(_) if self.index == BEYOND => {
                self.tracer.graph.types[self.id].beyond = Beyond::Refused;
                Err(self.tracer.stop())
            }
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
        Keys::of_variant(self.tracer, self.id, self.index, self.needed).read(visitor)
    }
}
