//! A trait is called twice in the same way: at an implementation here, and at its like in a server
//! on a socket, through the generated client. Both have to answer alike.
//!
//! The implementations answer with [`Made`] values: each one holds the method, every argument and
//! how many calls came before, so that a swapped argument, a call that is made twice or one that is
//! lost shows in an answer, that one or the next.

use std::{
    error::Error as StdError,
    fmt::Debug,
    fs::Permissions,
    io,
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use meshrpc::{
    Client, Handler, Mesh, Server,
    client::Dialer,
    mesh::{Environment, local::Registry},
};

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

/// Counts the calls of one implementation.
#[derive(Debug, Default)]
pub struct Calls(AtomicU64);

impl Calls {
    /// What a call of `method` with these arguments answers with.
    pub fn made(&self, method: &str, arguments: &[&dyn Debug]) -> Made {
        let turn = self.0.fetch_add(1, Ordering::Relaxed);
        // FNV-1a: the same in every process.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in format!("{turn} {method} {arguments:?}").bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Made { turn, hash }
    }
}

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

/// What came of each call of a trait, in order.
#[derive(Debug, Default, PartialEq)]
pub struct Transcript(Vec<String>);

impl Transcript {
    /// Notes an answer.
    pub fn note(&mut self, answer: impl Debug) {
        self.0.push(format!("{answer:?}"));
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
