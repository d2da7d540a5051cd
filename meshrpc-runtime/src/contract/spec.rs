//! What a trait looks like to the runtime.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::schema::{self, Items, Layout, MethodSchema, Shape};
use crate::wire::{CallKind, Codec, ContractOffer, MethodOffer};

/// A contract: a trait, as generated code describes it. One static per trait.
///
/// ```
/// use meshrpc::contract::{MethodSpec, ServiceSpec, method_key};
///
/// static GREETER: ServiceSpec = ServiceSpec {
///     name: "Greeter",
///     methods: {
///         // A static of its own: a `MethodSpec` holds what was learnt at run time.
///         static METHODS: [MethodSpec; 1] = [MethodSpec::unary("greet", 0x1, &["name"], |schema| {
///             schema.argument::<String>();
///             schema.reply::<String>();
///             schema.error_text();
///         })];
///         &METHODS
///     },
/// };
/// assert_eq!(GREETER.offer().methods.len(), 1);
/// assert_eq!(method_key("Greeter", "greet"), 0x9b3e_47b1_95eb_0cdf);
/// ```
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
    /// What it has begun is done to the end, whatever becomes of the caller or its deadline.
    pub completes: bool,
    /// Its deadline, unless the call says otherwise.
    pub deadline: Deadline,
    /// Its callers wait for it on their own thread.
    pub blocking: bool,
    /// Tells the types.
    schema: fn(&mut MethodSchema),
    traced: OnceLock<Traced>,
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

/// A method that no codec can carry.
#[derive(Debug, thiserror::Error)]
#[error(
    "method `{method}` of `{contract}` can be carried by no codec: positionally {positional}; by name {by_name}"
)]
pub struct UnsupportedMethod {
    contract: &'static str,
    method: &'static str,
    positional: String,
    by_name: String,
}

/// What tracing found.
#[derive(Debug)]
struct Traced {
    schema: MethodSchema,
    layout: Layout,
    fingerprint: u64,
}

impl ServiceSpec {
    /// The method with this key.
    pub fn method(&self, key: u64) -> Option<&MethodSpec> {
        self.methods.iter().find(|method| method.key == key)
    }

    /// Name and fingerprints for the handshake.
    ///
    /// Traces the types of every method that was not traced before, which takes microseconds per
    /// type: call it when a server is built or a client first connects.
    pub fn offer(&self) -> ContractOffer {
        let methods: Vec<MethodOffer> = self
            .methods
            .iter()
            .map(|method| MethodOffer {
                key: method.key,
                fingerprint: method.fingerprint(),
            })
            .collect();
        let pairs = methods
            .iter()
            .map(|method| (method.key, method.fingerprint));
        ContractOffer {
            name: self.name.to_owned(),
            fingerprint: schema::of_contract(self.name, pairs),
            methods,
        }
    }

    /// Finds a method whose types no codec can carry.
    ///
    /// # Errors
    ///
    /// If a method has both a type that describes itself, which rules out the positional codec, and
    /// an option whose content is written as nil, which rules out the codecs with field names.
    pub fn check(&self) -> Result<(), UnsupportedMethod> {
        for method in self.methods {
            if let (Some(positional), Some(by_name)) = (method.obstacle(), method.some_nil()) {
                return Err(UnsupportedMethod {
                    contract: self.name,
                    method: method.name,
                    positional,
                    by_name,
                });
            }
        }
        Ok(())
    }
}

impl MethodSpec {
    /// A unary method, not idempotent, with the default deadline.
    ///
    /// `schema` tells the types: each argument in the order of `arguments`, then the reply and the
    /// error.
    pub const fn unary(
        name: &'static str,
        key: u64,
        arguments: &'static [&'static str],
        schema: fn(&mut MethodSchema),
    ) -> Self {
        Self {
            name,
            key,
            kind: CallKind::Unary,
            arguments,
            idempotent: false,
            completes: false,
            deadline: Deadline::Default,
            blocking: false,
            schema,
            traced: OnceLock::new(),
            demoted: AtomicBool::new(false),
        }
    }

    /// A method with streams, not idempotent, without a deadline.
    ///
    /// `schema` tells the types: each argument in the order of `arguments`, then the items that the
    /// caller sends, the items or the reply that the method answers with, and the error that it may
    /// fail with before the first item.
    ///
    /// ```
    /// # use meshrpc::{contract::MethodSpec, wire::CallKind};
    /// static TAIL: MethodSpec =
    ///     MethodSpec::streaming(CallKind::ServerStream, "tail", 0x1, &["from"], |schema| {
    ///         schema.argument::<u64>();
    ///         schema.items::<Result<String, u32>>();
    ///     });
    /// assert_ne!(TAIL.fingerprint(), 0);
    /// ```
    pub const fn streaming(
        kind: CallKind,
        name: &'static str,
        key: u64,
        arguments: &'static [&'static str],
        schema: fn(&mut MethodSchema),
    ) -> Self {
        let mut method = Self::unary(name, key, arguments, schema).deadline(Deadline::None);
        method.kind = kind;
        method
    }

    /// The same, idempotent.
    pub const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// The same, called by threads that wait for it.
    pub const fn blocking(mut self) -> Self {
        self.blocking = true;
        self
    }

    /// The same, done to the end once it has begun: its handler is not dropped when the caller
    /// goes or the deadline passes, and a server that drains waits for it.
    pub const fn run_to_completion(mut self) -> Self {
        self.completes = true;
        self
    }

    /// The same, with this deadline.
    pub const fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// Structural fingerprint: equal where argument names and all types are, in any process and
    /// build. 0 if a type is not known completely or describes itself.
    ///
    /// The first call traces the types.
    pub fn fingerprint(&self) -> u64 {
        self.traced().fingerprint
    }

    /// The codec this side prefers: positional unless the types rule it out or a value did.
    pub fn codec(&self) -> Codec {
        if self.is_demoted() || self.fingerprint() == 0 {
            Codec::FieldNamed
        } else {
            Codec::Positional
        }
    }

    /// Why the positional codec is ruled out by a type, for people; `None` if it is not.
    pub fn obstacle(&self) -> Option<String> {
        self.traced().schema.obstacle(self.arguments)
    }

    /// Which option the codecs with field names cannot carry, for people; `None` if there is none.
    pub fn some_nil(&self) -> Option<String> {
        self.traced().schema.some_nil(self.arguments)
    }

    /// Uses the field-named codec from now on.
    pub(crate) fn demote(&self) {
        self.demoted.store(true, Ordering::Relaxed);
    }

    /// Whether [`demote`](Self::demote) was called.
    pub(crate) fn is_demoted(&self) -> bool {
        self.demoted.load(Ordering::Relaxed)
    }

    /// What this argument is read as.
    pub(crate) fn argument_shape(&self, index: usize) -> Shape<'_> {
        let Traced { schema, layout, .. } = self.traced();
        let place = schema.argument_in(layout, index);
        Shape { layout, place }
    }

    /// What the reply is read as.
    pub(crate) fn reply_shape(&self) -> Shape<'_> {
        let Traced { schema, layout, .. } = self.traced();
        let place = schema.reply_in(layout);
        Shape { layout, place }
    }

    /// What the items of a stream are read as.
    pub(crate) fn items_shape(&self, of: Items) -> Shape<'_> {
        let Traced { schema, layout, .. } = self.traced();
        let place = schema.items_in(layout, of);
        Shape { layout, place }
    }

    /// What the method's error is read as.
    pub(crate) fn error_shape(&self) -> Shape<'_> {
        let Traced { schema, layout, .. } = self.traced();
        let place = schema.error_in(layout);
        Shape { layout, place }
    }

    fn traced(&self) -> &Traced {
        self.traced.get_or_init(|| {
            let mut schema = MethodSchema::default();
            (self.schema)(&mut schema);
            let fingerprint = schema.fingerprint(self.arguments);
            Traced {
                layout: schema.layout(),
                schema,
                fingerprint,
            }
        })
    }
}

/// Key of a method: the first eight bytes, little-endian, of SHA-256 of `contract/method`.
pub fn method_key(contract: &str, method: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update(contract);
    hash.update("/");
    hash.update(method);
    hash.finalize()
        .iter()
        .take(8)
        .rev()
        .fold(0, |key, byte| key << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demoted_method_is_field_named_from_then_on() {
        let method = MethodSpec::unary("get", 1, &[], |schema| schema.reply::<u8>());
        assert_eq!(method.codec(), Codec::Positional);
        method.demote();
        assert_eq!(method.codec(), Codec::FieldNamed);
        assert_ne!(method.fingerprint(), 0, "the types are the same as before");
    }
}
