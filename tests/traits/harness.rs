//! A trait is called twice in the same way: at an implementation here, and at its like in a server
//! on a socket, through the generated client. Both have to answer alike.
//!
//! The implementations answer with [`Made`] values: each one is made of the method, every argument
//! and all calls before, so that a swapped argument, a call that is made twice or one that is lost
//! shows in an answer, that one or the next.

use std::{
    cell::Cell,
    collections::BTreeMap,
    error::Error as StdError,
    fmt::Debug,
    fs::Permissions,
    io,
    os::unix::fs::PermissionsExt as _,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use meshrpc::{
    Client, Handler, Mesh, Server,
    client::Dialer,
    mesh::{Environment, local::Registry},
};
use serde::de::DeserializeOwned;

use crate::values::Values;

/// Serves `handler` on a TCP socket for as long as the test's runtime, and connects a client.
///
/// # Panics
/// If it cannot be served or reached.
pub async fn served<C: Client>(handler: impl Handler) -> C {
    let folder = tempfile::Builder::new()
        .prefix("mesh")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in("/tmp")
        .expect("a folder can be made");
    let mesh = || {
        let environment = Environment::from_vars([
            (
                "MESHRPC_RUNTIME_DIR",
                folder.path().to_str().expect("a plain path"),
            ),
            ("MESHRPC_NAMESPACE", "traits"),
        ])
        .expect("an environment");
        let registry = Arc::new(Registry::open(&environment).expect("the registry is ours"));
        Mesh::from_parts(registry.clone(), registry, Arc::new(Dialer))
    };
    let (there, here) = (mesh(), mesh());
    let server = Server::builder().service(handler).build();
    let serving = there.serve("service", server).await.expect("it is served");
    let client = C::connect(&here, "service");
    C::wait_ready(&client).await.expect("it is reached");
    tokio::spawn(async move {
        let _kept = (there, here, serving, folder);
        std::future::pending::<()>().await;
    });
    client
}

/// Notes the calls of one implementation; itself an implementation of most traits.
#[derive(Debug, Default)]
pub struct Calls(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    /// Of all calls so far.
    hash: u64,
    turn: u64,
    errors: usize,
    /// The variants that its error has.
    variants: usize,
    /// Of each method.
    counts: BTreeMap<&'static str, u64>,
}

impl Calls {
    /// What a call of `method` with these arguments answers with.
    pub fn made(&self, method: &'static str, arguments: &[&dyn Debug]) -> Made {
        let mut noted = self.0.lock().expect("no call panics");
        // FNV-1a: the same in every process.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in format!("{:x} {method} {arguments:?}", noted.hash).bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        noted.hash = hash;
        noted.turn += 1;
        *noted.counts.entry(method).or_default() += 1;
        Made {
            turn: noted.turn - 1,
            hash,
        }
    }

    /// A value made of the call; every second call of a method fails, with each error in turn.
    pub fn answer<T: DeserializeOwned, E: Fails>(
        &self,
        method: &'static str,
        arguments: &[&dyn Debug],
    ) -> Result<T, E> {
        let made = self.made(method, arguments);
        let mut noted = self.0.lock().expect("no call panics");
        if noted.counts[method] % 2 == 1 {
            return Ok(made.value());
        }
        let fails = E::VARIANTS[noted.errors % E::VARIANTS.len()];
        noted.errors += 1;
        noted.variants = E::VARIANTS.len();
        Err(fails(made))
    }

    /// A value made of the call.
    pub fn value<T: DeserializeOwned>(&self, method: &'static str, arguments: &[&dyn Debug]) -> T {
        self.made(method, arguments).value()
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        let noted = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (errors, variants) = (noted.errors, noted.variants);
        assert!(
            thread::panicking() || errors >= variants,
            "{errors} calls failed: not one for each of {variants} variants"
        );
    }
}

/// An error of which each variant can be made.
pub trait Fails: Sized + 'static {
    /// Makes each of them, from a call.
    const VARIANTS: &'static [fn(Made) -> Self];
}

/// `fails!(E: made => Self::One(made.text()), Self::Two)`: what makes each variant.
macro_rules! fails {
    ($error:ty: $made:ident => $($variant:expr),+ $(,)?) => {
        impl $crate::harness::Fails for $error {
            #[allow(unused_variables, reason = "a variant may hold nothing")]
            const VARIANTS: &'static [fn($crate::harness::Made) -> Self] =
                &[$(|$made| $variant),+];
        }
    };
}
pub(crate) use fails;

fails!(io::Error: made =>
    io::Error::new(io::ErrorKind::NotFound, made.text()),
    io::Error::other(made.text()),
    io::Error::new(io::ErrorKind::TimedOut, made.text()),
);
fails!(anyhow::Error: made =>
    anyhow::anyhow!(made.text()),
    anyhow::Error::new(io::Error::other(made.text())).context("above it"),
    anyhow::anyhow!("below").context(made.text()).context("on top"),
);
fails!(Box<dyn StdError + Send + Sync>: made =>
    made.text().into(),
    Box::new(io::Error::other(made.text())),
);
fails!(String: made => made.text(), String::new());

/// The result of a call, from which values of any type are made.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// Calls before this one, of any method of the implementation.
    pub turn: u64,
    hash: u64,
}

impl Made {
    /// A number.
    pub fn number(self) -> u64 {
        self.hash
    }

    /// A number below `bound`.
    pub fn below(self, bound: u64) -> u64 {
        self.hash % bound
    }

    /// A text.
    pub fn text(self) -> String {
        format!("{:016x}", self.hash)
    }

    /// True or false.
    pub fn flag(self) -> bool {
        self.hash & 1 == 1
    }

    /// An error of the system.
    pub fn io(self) -> io::Error {
        io::Error::other(self.text())
    }

    /// A value of any serde type.
    pub fn value<T: DeserializeOwned>(self) -> T {
        Values::new(self.hash).value()
    }

    /// Some bytes.
    pub fn bytes(self) -> Vec<u8> {
        self.hash.to_le_bytes().to_vec()
    }

    /// Another result of the same call.
    pub fn and(self, more: u64) -> Self {
        Self {
            turn: self.turn,
            hash: (self.hash ^ more).wrapping_mul(0x0100_0000_01b3),
        }
    }
}

/// What came of each call of a trait, in order; also what the calls are given.
#[derive(Debug, Default)]
pub struct Transcript {
    seen: Vec<String>,
    given: Cell<u64>,
}

impl PartialEq for Transcript {
    fn eq(&self, other: &Self) -> bool {
        self.seen == other.seen
    }
}

impl Transcript {
    /// An argument of any serde type, another one each time.
    pub fn give<T: DeserializeOwned>(&self) -> T {
        self.given.set(self.given.get() + 1);
        Values::new(self.given.get()).value()
    }

    /// A text, to be borrowed.
    pub fn text(&self) -> String {
        self.give()
    }

    /// Notes an answer.
    pub fn note(&mut self, answer: impl Debug) {
        self.seen.push(format!("{answer:?}"));
    }

    /// Notes the result of a call whose error crosses variant by variant: which one it was, and the
    /// messages.
    pub fn variant<T: Debug, E: StdError + 'static>(&mut self, result: Result<T, E>) {
        self.note(result.map_err(|error| {
            let shown = format!("{error:?}");
            let name = shown.split(|c: char| !c.is_alphanumeric()).next();
            (name.map(str::to_owned), chain(&error))
        }));
    }

    /// Notes the result of a call whose error crosses as a value.
    pub fn result<T: Debug, E: Debug>(&mut self, result: Result<T, E>) {
        self.note(result);
    }

    /// Notes the result of a call whose error crosses as messages: those of it and of its sources.
    pub fn messages<T: Debug>(
        &mut self,
        result: Result<T, impl AsRef<dyn StdError + Send + Sync>>,
    ) {
        self.note(result.map_err(|error| chain(error.as_ref())));
    }

    /// Notes the result of a call whose error crosses as messages, in an error type of the trait's.
    pub fn wrapped<T: Debug, E: StdError + 'static>(&mut self, result: Result<T, E>) {
        self.note(result.map_err(|error| remote(&error)));
    }
}

/// Message and sources, outermost first.
pub fn chain(error: &(dyn StdError + 'static)) -> Vec<String> {
    causes(error).map(ToString::to_string).collect()
}

/// The chain of the remote error that an error holds, or its own.
fn remote(error: &(dyn StdError + 'static)) -> Vec<String> {
    let is_remote = |error: &(dyn StdError + 'static)| {
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        error.is::<meshrpc::Error>() || inner.is_some_and(|inner| inner.is::<meshrpc::Error>())
    };
    let remote = causes(error).find(|error| is_remote(*error));
    chain(remote.unwrap_or(error))
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| {
        (*error).source()
    })
}

#[test]
fn whatever_is_wrong_with_a_call_shows() {
    let ask = |calls: &[(&'static str, u8, u8)]| {
        let noted = Calls::default();
        let made = calls
            .iter()
            .map(|(method, a, b)| noted.made(method, &[a, b]).hash);
        made.last().expect("there is one")
    };
    let right = ask(&[("put", 1, 2), ("get", 1, 2)]);
    assert_eq!(right, ask(&[("put", 1, 2), ("get", 1, 2)]));
    assert_ne!(right, ask(&[("put", 2, 1), ("get", 1, 2)]), "swapped");
    assert_ne!(
        right,
        ask(&[("put", 1, 2), ("put", 1, 2), ("get", 1, 2)]),
        "doubled"
    );
    assert_ne!(right, ask(&[("get", 1, 2)]), "lost");
    assert_ne!(
        right,
        ask(&[("get", 1, 2), ("put", 1, 2)]),
        "in another order"
    );
}
