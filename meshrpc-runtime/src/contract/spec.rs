//! What a trait looks like to the runtime.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use crate::wire::CallKind;

/// A contract: a trait, as generated code describes it. One static per trait.
#[derive(Debug)]
pub struct ServiceSpec {
    /// Wire name.
    pub name: &'static str,
    /// The methods, in the order of the trait.
    pub methods: &'static [MethodSpec],
}

/// A method of a contract.
#[derive(Debug)]
pub struct MethodSpec {
    /// Wire name.
    pub name: &'static str,
    /// First eight bytes, little-endian, of SHA-256 of `contract/method`.
    pub key: u64,
    /// Which directions are streams.
    pub kind: CallKind,
    /// Wire names of the arguments, in order.
    pub arguments: &'static [&'static str],
    /// It may be called again when it may have run.
    pub idempotent: bool,
    /// Its deadline, unless the call says otherwise.
    pub deadline: Deadline,
    /// Set once a value was met that the positional codec would corrupt: field-named from then on,
    /// for the life of the process.
    demoted: AtomicBool,
}

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// What the process has as its default.
    Default,
    /// No deadline.
    None,
    /// This long.
    After(Duration),
}

impl ServiceSpec {
    /// The method with this key.
    pub fn method(&self, key: u64) -> Option<&MethodSpec> {
        self.methods.iter().find(|method| method.key == key)
    }
}

impl MethodSpec {
    /// A unary method, not idempotent, with the default deadline.
    pub const fn unary(
        name: &'static str,
        key: u64,
        arguments: &'static [&'static str],
        _: fn(&mut super::MethodSchema),
    ) -> Self {
        Self {
            name,
            key,
            kind: CallKind::Unary,
            arguments,
            idempotent: false,
            deadline: Deadline::Default,
            demoted: AtomicBool::new(false),
        }
    }

    /// The same, idempotent.
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// The same, with this deadline.
    pub const fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// Uses the field-named codec from now on.
    pub(crate) fn demote(&self) {
        self.demoted.store(true, Ordering::Relaxed);
    }

    /// Whether [`demote`](Self::demote) was called.
    pub(crate) fn is_demoted(&self) -> bool {
        self.demoted.load(Ordering::Relaxed)
    }
}
