//! Passes over a type, until nothing about it is unknown.

use std::{fmt, panic};

use serde::de::{self, DeserializeOwned};

use super::{
    place::Place,
    samples,
    shape::{Graph, Node, NodeId, TypeId},
};

/// Nesting of one pass. What lies deeper is not traced, and could hardly be decoded either.
const MAX_DEPTH: u32 = 96;
/// Places visited for one type over all passes.
const MAX_STEPS: u32 = 200_000;
/// Passes in a row that teach nothing.
const MAX_IDLE_PASSES: u32 = 16;

/// Adds the shape of `T` to `graph`. What cannot be traced stays unknown.
pub(super) fn trace<T: DeserializeOwned>(graph: &mut Graph) -> NodeId {
    let root = graph.add_node();
    let mut tracer = Tracer {
        graph,
        stack: Vec::new(),
        minimal: false,
        depth: 0,
        steps: MAX_STEPS,
        stopped: false,
        idle: 0,
        samples: Vec::new(),
        leaves: Vec::new(),
    };
    while tracer.graph.is_open(root) && tracer.steps > 0 && tracer.idle < MAX_IDLE_PASSES {
        let before = tracer.graph.version;
        // The made-up values may panic in code that trusts its own bytes. A field it would have
        // reached then stays unknown.
        let pass = panic::AssertUnwindSafe(|| tracer.pass::<T>(root));
        let panicked = panic::catch_unwind(pass).is_err();
        if panicked {
            tracer.reset();
        }
        tracer.idle = if tracer.graph.version == before {
            tracer.idle + 1
        } else {
            0
        };
    }
    root
}

/// One type being traced.
pub(super) struct Tracer<'g> {
    pub(super) graph: &'g mut Graph,
    /// Named types that are being read.
    pub(super) stack: Vec<TypeId>,
    /// A type occurs inside itself: known options are none, known sequences empty, and enums take
    /// the variant that ends soonest.
    pub(super) minimal: bool,
    depth: u32,
    steps: u32,
    /// This pass was ended here, not by the type.
    stopped: bool,
    pub(super) idle: u32,
    /// By node, which sample a leaf gives.
    pub(super) samples: Vec<u8>,
    /// Leaves read in this pass.
    pub(super) leaves: Vec<NodeId>,
}

/// Why a pass ended.
#[derive(Debug)]
pub(super) enum Stop {
    /// By the tracer: nothing is left to learn here, or a bound is reached.
    Tracer,
    /// By the type, which did not like a value.
    Type,
    /// By a struct, which had this field already.
    Duplicate(&'static str),
}

impl Tracer<'_> {
    fn pass<T: DeserializeOwned>(&mut self, root: NodeId) {
        self.reset();
        let place = Place {
            tracer: self,
            node: root,
            needed: false,
        };
        if T::deserialize(place).is_err() && !self.stopped {
            self.next_sample();
        }
    }

    fn reset(&mut self) {
        self.stack.clear();
        self.minimal = false;
        self.depth = 0;
        self.stopped = false;
        self.leaves.clear();
    }

    /// A value was refused: the last leaf that has another sample gives it next time.
    fn next_sample(&mut self) {
        for node in self.leaves.iter().rev() {
            let Node::Leaf(leaf) = self.graph.nodes[*node] else {
                continue;
            };
            if let Some(sample) = self.samples.get_mut(*node)
                && usize::from(*sample) + 1 < samples::count(leaf)
            {
                *sample += 1;
                self.graph.version += 1;
                return;
            }
        }
    }

    /// Ends the pass.
    pub(super) fn stop(&mut self) -> Stop {
        self.stopped = true;
        Stop::Tracer
    }

    pub(super) fn enter(&mut self) -> Result<(), Stop> {
        match self.steps.checked_sub(1) {
            Some(steps) if self.depth < MAX_DEPTH => self.steps = steps,
            Some(_) => return Err(self.stop()),
            None => return Err(self.stop()),
        }
        self.depth += 1;
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }
}

impl de::Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Stop::Type
    }

    fn duplicate_field(field: &'static str) -> Self {
        Stop::Duplicate(field)
    }
}

impl std::error::Error for Stop {}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("end of a tracing pass")
    }
}
