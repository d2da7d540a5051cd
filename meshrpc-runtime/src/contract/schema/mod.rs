//! What serde types look like on the wire, learnt from their `Deserialize` implementations.
//!
//! Two sides may use the positional codec only if they hold the same types. So each type of a
//! method is traced: it is deserialized from a [`Tracer`](trace) that writes down what is asked
//! for. The shape is recorded on the way down, so no value of the type is ever needed; a field
//! whose value cannot be made up (it is validated, or recursive) fails its pass after its shape is
//! known, and the next pass begins with another field.
//!
//! From the shapes follows a fingerprint that is the same in every process, build and module: it
//! is made of the names serde sees and of the order of everything, never of Rust paths.

mod access;
mod fingerprint;
mod keys;
mod layout;
mod place;
mod samples;
mod shape;
mod trace;
mod variants;

use serde::de::DeserializeOwned;

pub(super) use self::fingerprint::of_contract;
use self::shape::{Graph, NodeId};
pub(crate) use self::{
    layout::{Behind, Kind, Layout, Part, Place, Shape},
    shape::Leaf,
};

/// The types of one method, as its schema function tells them.
///
/// ```
/// # use meshrpc::contract::MethodSpec;
/// static AT: MethodSpec = MethodSpec::unary("at", 0x1, &["zone"], |schema| {
///     schema.argument::<String>();
///     schema.reply::<u64>();
///     schema.error_text();
/// });
/// assert_ne!(AT.fingerprint(), 0);
/// ```
#[derive(Debug, Default)]
pub struct MethodSchema {
    graph: Graph,
    arguments: Vec<NodeId>,
    /// Items that the caller sends.
    taken_items: Option<NodeId>,
    reply: Option<NodeId>,
    /// Items that the method answers with.
    items: Option<NodeId>,
    failure: Failure,
}

/// Which stream of a method an item belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Items {
    /// The one that the caller sends.
    Taken,
    /// The one that the method answers with.
    Answered,
}

/// How a method's error crosses.
#[derive(Clone, Copy, Debug, Default)]
enum Failure {
    /// There is none.
    #[default]
    Never,
    /// As message and source chain.
    Text,
    /// As a value.
    Typed(NodeId),
}

impl MethodSchema {
    /// The next argument is a `T`.
    pub fn argument<T: DeserializeOwned>(&mut self) {
        let node = trace::trace::<T>(&mut self.graph);
        self.arguments.push(node);
    }

    /// The caller sends a stream of `T`.
    pub fn taken_items<T: DeserializeOwned>(&mut self) {
        self.taken_items = Some(trace::trace::<T>(&mut self.graph));
    }

    /// The method answers with a `T`.
    pub fn reply<T: DeserializeOwned>(&mut self) {
        self.reply = Some(trace::trace::<T>(&mut self.graph));
    }

    /// The method answers with a stream of `T`.
    pub fn items<T: DeserializeOwned>(&mut self) {
        self.items = Some(trace::trace::<T>(&mut self.graph));
    }

    /// The method fails with an `E`, which crosses as a value.
    pub fn error<E: DeserializeOwned>(&mut self) {
        self.failure = Failure::Typed(trace::trace::<E>(&mut self.graph));
    }

    /// The method's error crosses as text.
    pub fn error_text(&mut self) {
        self.failure = Failure::Text;
    }

    /// Same for equal methods, 0 if a type is not known completely or describes itself.
    pub(super) fn fingerprint(&self, names: &[&str]) -> u64 {
        match self.obstacle(names) {
            Some(_) => 0,
            None => fingerprint::of_method(self, names),
        }
    }

    /// Where the positional codec would not know what comes next, and why.
    pub(super) fn obstacle(&self, names: &[&str]) -> Option<String> {
        if names.len() != self.arguments.len() {
            return Some(format!(
                "{} arguments have names, {} have types",
                names.len(),
                self.arguments.len()
            ));
        }
        self.find(names, |graph, node| graph.obstacle(node))
    }

    /// Where the codecs with names would read `Some` as `None`.
    pub(super) fn some_nil(&self, names: &[&str]) -> Option<String> {
        self.find(names, |graph, node| graph.some_nil(node))
    }

    /// The shapes as the positional writer follows them.
    pub(super) fn layout(&self) -> Layout {
        Layout::of(&self.graph)
    }

    /// What the argument is read as.
    pub(super) fn argument_in(&self, layout: &Layout, index: usize) -> Place {
        let node = self.arguments.get(index);
        node.map_or(Place::ANYTHING, |node| layout.at(*node))
    }

    /// What the reply is read as.
    pub(super) fn reply_in(&self, layout: &Layout) -> Place {
        self.reply.map_or(Place::ANYTHING, |node| layout.at(node))
    }

    /// What the items of a stream are read as.
    pub(super) fn items_in(&self, layout: &Layout, of: Items) -> Place {
        let node = match of {
            Items::Taken => self.taken_items,
            Items::Answered => self.items,
        };
        node.map_or(Place::ANYTHING, |node| layout.at(node))
    }

    /// What the method's error is read as.
    pub(super) fn error_in(&self, layout: &Layout) -> Place {
        match self.failure {
            Failure::Typed(node) => layout.at(node),
            Failure::Never | Failure::Text => Place::ANYTHING,
        }
    }

    fn find(
        &self,
        names: &[&str],
        search: impl Fn(&Graph, NodeId) -> Option<String>,
    ) -> Option<String> {
        let arguments = self.arguments.iter().zip(names);
        let failure = match self.failure {
            Failure::Typed(node) => Some(node),
            Failure::Never | Failure::Text => None,
        };
        arguments
            .map(|(node, name)| (*node, format!("argument `{name}`")))
            .chain(
                self.taken_items
                    .map(|node| (node, "an item sent".to_owned())),
            )
            .chain(self.reply.map(|node| (node, "the reply".to_owned())))
            .chain(self.items.map(|node| (node, "an item".to_owned())))
            .chain(failure.map(|node| (node, "the error".to_owned())))
            .find_map(|(node, place)| {
                search(&self.graph, node).map(|found| format!("{place}: {found}"))
            })
    }
}
