//! Names that generated code might take for its own.

// As people call things.
#![allow(non_camel_case_types, non_upper_case_globals, dead_code)]

use meshrpc::{Client as _, mesh_service};
use meshrpc_tests::pair;
use serde::{Deserialize, Serialize};

/// A type called as generated code might call a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct S(u8);

/// Another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct T(S);

/// Methods and arguments called as things of the prelude, of the client, and of generated bodies.
#[mesh_service(dyn, types(E = String))]
pub trait Names {
    /// Called `E`.
    type E;
    /// Types of short names.
    async fn types(&self, s: S, t: &T) -> Result<(S, T), Self::E>;
    /// Arguments called as variables of generated code.
    async fn arguments(
        &self,
        args: u8,
        service: u8,
        request: u8,
        reply: u8,
        result: u8,
        answer: u8,
        channel: u8,
        value: u8,
        schema: u8,
        x: &[&str],
    ) -> Result<Vec<u8>, String>;
    /// Arguments that are keywords, or unused.
    async fn keywords(&self, r#type: u8, r#match: u8, _unused: u8, _: u8) -> Result<u8, String>;
    /// Called as something of `Clone`.
    async fn clone(&self) -> Result<u8, String>;
    /// Called as something of `Client`.
    async fn channel(&self) -> Result<u8, String>;
    /// Called as something of `Client`.
    async fn spec(&self, this: u8) -> Result<u8, String>;
    /// Called as something of `Handler`.
    async fn call(&self) -> Result<u8, String>;
    /// Called as something of `Iterator`.
    async fn map(&self, iter: Vec<&str>) -> Result<usize, String>;
    /// Called as something of `Option`.
    async fn as_ref(&self) -> Result<u8, String>;
    /// Called as something of `Future`.
    async fn poll(&self) -> Result<u8, String>;
    /// Called as something of `Arc`.
    async fn new(&self) -> Result<u8, String>;
    /// A keyword.
    async fn r#await(&self) -> Result<u8, String>;
    /// Called as something of `Into`.
    async fn into(&self, into: impl Into<String>) -> Result<String, String>;
}

struct Service;

impl Names for Service {
    type E = String;
    async fn types(&self, s: S, t: &T) -> Result<(S, T), String> {
        Ok((S(s.0 + 1), t.clone()))
    }
    async fn arguments(
        &self,
        args: u8,
        service: u8,
        request: u8,
        reply: u8,
        result: u8,
        answer: u8,
        channel: u8,
        value: u8,
        schema: u8,
        x: &[&str],
    ) -> Result<Vec<u8>, String> {
        let len = u8::try_from(x.len()).map_err(|error| error.to_string())?;
        Ok(vec![
            args, service, request, reply, result, answer, channel, value, schema, len,
        ])
    }
    async fn keywords(&self, r#type: u8, r#match: u8, _: u8, last: u8) -> Result<u8, String> {
        Ok(r#type * 100 + r#match * 10 + last)
    }
    async fn clone(&self) -> Result<u8, String> {
        Ok(1)
    }
    async fn channel(&self) -> Result<u8, String> {
        Ok(2)
    }
    async fn spec(&self, this: u8) -> Result<u8, String> {
        Ok(this)
    }
    async fn call(&self) -> Result<u8, String> {
        Ok(4)
    }
    async fn map(&self, iter: Vec<&str>) -> Result<usize, String> {
        Ok(iter.len())
    }
    async fn as_ref(&self) -> Result<u8, String> {
        Ok(6)
    }
    async fn poll(&self) -> Result<u8, String> {
        Ok(7)
    }
    async fn new(&self) -> Result<u8, String> {
        Ok(8)
    }
    async fn r#await(&self) -> Result<u8, String> {
        Ok(9)
    }
    async fn into(&self, into: impl Into<String>) -> Result<String, String> {
        Ok(into.into())
    }
}

async fn answered(names: &impl Names<E = String>) {
    let types = Names::types(names, S(1), &T(S(5))).await;
    assert_eq!(types, Ok((S(2), T(S(5)))));
    let arguments = Names::arguments(names, 1, 2, 3, 4, 5, 6, 7, 8, 9, &["x"; 10]).await;
    assert_eq!(arguments, Ok((1..=10).collect()));
    assert_eq!(Names::keywords(names, 1, 2, 3, 4).await, Ok(124));
    assert_eq!(Names::clone(names).await, Ok(1));
    assert_eq!(Names::channel(names).await, Ok(2));
    assert_eq!(Names::spec(names, 3).await, Ok(3));
    assert_eq!(Names::call(names).await, Ok(4));
    assert_eq!(Names::map(names, vec!["5"]).await, Ok(1));
    assert_eq!(Names::as_ref(names).await, Ok(6));
    assert_eq!(Names::poll(names).await, Ok(7));
    assert_eq!(Names::new(names).await, Ok(8));
    assert_eq!(Names::r#await(names).await, Ok(9));
    assert_eq!(Names::into(names, "10").await, Ok("10".to_owned()));
}

#[tokio::test]
async fn names_of_methods_and_arguments_are_free() {
    let client = NamesClient::from_channel(pair(NamesHandler::new(Service)).await);
    answered(&client).await;
    let object: std::sync::Arc<dyn DynNames> = std::sync::Arc::new(client);
    answered(&object).await;
}

/// Traits called as what generated code uses, two of them with methods of the same names.
mod traits {
    use super::*;

    /// Called as the base of every client.
    #[mesh_service]
    pub trait Client {
        /// The same as of the next one.
        async fn call(&self, n: u8) -> Result<u8, String>;
    }

    /// Called as the base of every handler.
    #[mesh_service]
    pub trait Handler {
        /// The same as of the one before.
        async fn call(&self, n: u8) -> Result<u8, String>;
    }

    /// A keyword.
    #[mesh_service]
    pub trait r#Try {
        /// Tries.
        async fn r#try(&self, r#in: u8) -> Result<u8, String>;
    }

    /// Called as a parameter of generated code.
    #[mesh_service(dyn)]
    pub trait S {
        /// Of a type called `Service`.
        async fn call(&self, n: Service) -> Result<u8, String>;
    }

    /// An argument.
    #[derive(Serialize, Deserialize)]
    pub struct Service(pub u8);

    impl Client for u8 {
        async fn call(&self, n: u8) -> Result<u8, String> {
            Ok(self + n)
        }
    }
    impl Handler for u8 {
        async fn call(&self, n: u8) -> Result<u8, String> {
            Ok(self * n)
        }
    }
    impl r#Try for u8 {
        async fn r#try(&self, r#in: u8) -> Result<u8, String> {
            Ok(self - r#in)
        }
    }
    impl S for u8 {
        async fn call(&self, n: Service) -> Result<u8, String> {
            Ok(n.0)
        }
    }

    #[tokio::test]
    async fn names_of_traits_are_free() {
        use meshrpc::Client as _;
        let client = ClientClient::from_channel(pair(ClientHandler::new(3)).await);
        assert_eq!(Client::call(&client, 4).await, Ok(7));
        let client = HandlerClient::from_channel(pair(HandlerHandler::new(3)).await);
        assert_eq!(Handler::call(&client, 4).await, Ok(12));
        let client = TryClient::from_channel(pair(TryHandler::new(3)).await);
        assert_eq!(client.r#try(2).await, Ok(1));
        assert_eq!(TRY.methods[0].name, "try");
        assert_eq!(TRY.methods[0].arguments, ["in"]);
        let object: Box<dyn DynS> = Box::new(SClient::from_channel(pair(SHandler::new(3)).await));
        assert_eq!(object.call(Service(5)).await, Ok(5));
    }
}

/// Everything of the prelude means something else here.
mod shadowed {
    use meshrpc::mesh_service;

    pub(super) type Result<T> = std::result::Result<T, std::string::String>;
    pub(super) struct Box;
    pub(super) struct Vec;
    pub(super) struct Option;
    pub(super) struct String;
    pub(super) struct Some;
    pub(super) struct Ok;
    pub(super) struct Err;
    pub(super) struct None;
    pub(super) trait Send {}
    pub(super) trait Sync {}
    pub(super) trait Clone {}
    pub(super) trait Debug {}
    pub(super) trait Iterator {}
    pub(super) trait IntoIterator {}
    pub(super) trait Future {}
    pub(super) trait Into {}
    pub(super) trait From {}
    pub(super) trait ToOwned {}
    pub(super) trait AsRef {}
    pub(super) mod std_string {
        pub(crate) use std::string::String;
    }

    #[mesh_service(dyn)]
    pub(super) trait Bare {
        async fn borrowed(&self, text: &str, many: &[&str], note: &[u8]) -> Result<usize>;
        async fn owned(&self, text: std_string::String) -> Result<std_string::String>;
    }

    #[mesh_service]
    pub(super) trait Locked {
        async fn change(&mut self, by: u8) -> Result<u8>;
    }
}

impl shadowed::Bare for u8 {
    async fn borrowed(&self, text: &str, many: &[&str], note: &[u8]) -> Result<usize, String> {
        Ok(text.len() * 100 + many.len() * 10 + note.len())
    }
    async fn owned(&self, text: String) -> Result<String, String> {
        Ok(text)
    }
}

impl shadowed::Locked for u8 {
    async fn change(&mut self, by: u8) -> Result<u8, String> {
        *self += by;
        Ok(*self)
    }
}

#[tokio::test]
async fn the_prelude_may_mean_something_else() {
    use shadowed::{Bare as _, BareClient, BareHandler, DynBare, Locked as _};
    let client = BareClient::from_channel(pair(BareHandler::new(0)).await);
    assert_eq!(client.borrowed("abc", &["a", "b"], &[1]).await, Ok(321));
    let object: Box<dyn DynBare> = Box::new(client);
    assert_eq!(object.owned("x".to_owned()).await, Ok("x".to_owned()));
    let handler = shadowed::LockedHandler::new(1);
    let mut client = shadowed::LockedClient::from_channel(pair(handler).await);
    assert_eq!(client.change(2).await, Ok(3));
}

/// Made by a macro, with names and types of its caller.
macro_rules! made {
    ($(#[$meta:meta])* $vis:vis $name:ident, $method:ident($argument:ident: $ty:ty) -> $reply:ty) => {
        $(#[$meta])*
        #[mesh_service(dyn)]
        $vis trait $name {
            /// Its method.
            async fn $method(&self, $argument: $ty, more: &[$ty]) -> Result<$reply, String>;
        }
        impl $name for u8 {
            async fn $method(&self, $argument: $ty, more: &[$ty]) -> Result<$reply, String> {
                let _ = more;
                Ok($argument)
            }
        }
    };
}

made!(
    /// One.
    pub(in crate::hygiene) MadeOne, one(a: u8) -> u8
);
made!(MadeTwo, two(b: Vec<Option<u8>>) -> Vec<Option<u8>>);

#[tokio::test]
async fn traits_that_macros_make_are_served() {
    let client = MadeOneClient::from_channel(pair(MadeOneHandler::new(0)).await);
    assert_eq!(client.one(1, &[2]).await, Ok(1));
    let client = MadeTwoClient::from_channel(pair(MadeTwoHandler::new(0)).await);
    assert_eq!(client.two(vec![None], &[]).await, Ok(vec![None]));
}

mod elsewhere {
    pub(super) use super::{Names as Renamed, NamesClient as Caller};
}

#[tokio::test]
async fn a_trait_is_used_under_another_name() {
    use elsewhere::Renamed as _;
    let client = elsewhere::Caller::from_channel(pair(NamesHandler::new(Service)).await);
    assert_eq!(client.spec(9).await, Ok(9));
}

#[tokio::test]
async fn two_traits_inside_one_function_are_served() {
    #[mesh_service(dyn)]
    trait One {
        async fn call(&self, n: u8) -> Result<u8, String>;
    }
    #[mesh_service(types(Item = Local), generics(const N = 2))]
    trait Two<const N: usize> {
        type Item;
        async fn call(&mut self, n: [u8; N]) -> Result<Self::Item, String>;
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Local(u8);
    impl One for u8 {
        async fn call(&self, n: u8) -> Result<u8, String> {
            Ok(n + self)
        }
    }
    impl Two<2> for u8 {
        type Item = Local;
        async fn call(&mut self, n: [u8; 2]) -> Result<Local, String> {
            Ok(Local(n[1]))
        }
    }
    let one: Box<dyn DynOne> = Box::new(OneClient::from_channel(pair(OneHandler::new(1)).await));
    assert_eq!(One::call(&one, 1).await, Ok(2));
    let mut two = TwoClient::from_channel(pair(TwoHandler::new(1)).await);
    assert_eq!(Two::call(&mut two, [3, 4]).await, Ok(Local(4)));
}
