//! Changes of a trait and of its methods.

use crate::change::Change;

macro_rules! methods {
    ($($module:ident $name:literal:
        old { $($old:tt)* } serves { $($old_impl:tt)* } calls |$old_client:ident| { $($old_call:literal: $old_expr:expr;)* }
        new { $($new:tt)* } serves { $($new_impl:tt)* } calls |$new_client:ident| { $($new_call:literal: $new_expr:expr;)* }
    )*) => {
        $(mod $module {
            methods!(@side old $name { $($old)* } { $($old_impl)* } $old_client { $($old_call: $old_expr;)* });
            methods!(@side new $name { $($new)* } { $($new_impl)* } $new_client { $($new_call: $new_expr;)* });
        })*

        pub fn changes() -> Vec<Change> {
            vec![$(Change {
                name: $name,
                old: $module::old::half(),
                new: $module::new::half(),
            }),*]
        }
    };
    (@side $side:ident $name:literal { $($methods:tt)* } { $($implemented:tt)* }
        $client:ident { $($call:literal: $expr:expr;)* }
    ) => {
        pub mod $side {
            use meshrpc::{mesh_service, server::ServerBuilder};
            #[allow(unused_imports)]
            use serde::{Deserialize, Serialize};

            #[allow(unused_imports)]
            use crate::{change::{Calls, Half}, report::{Failure, LogClient, outcome, received, seen}};

            $($methods)*

            struct Service;

            impl Shop for Service { $($implemented)* }

            fn serve(server: ServerBuilder) -> ServerBuilder {
                server.service(ShopHandler::new(Service))
            }

            fn call<'a>(mesh: &'a meshrpc::Mesh, deployment: &'a str, log: &'a LogClient) -> Calls<'a> {
                Box::pin(async move {
                    let $client = ShopClient::connect(mesh, deployment);
                    let mut calls = Vec::new();
                    $(calls.push(seen(log, $call.to_owned(), outcome($expr.await)).await);)*
                    calls
                })
            }

            pub fn half() -> Half {
                Half { serve, call }
            }
        }
    };
}

methods! {
    method_added "a method is added":
    old { #[mesh_service(name = "a_method_is_added")] pub trait Shop { async fn a(&self) -> anyhow::Result<u8>; } }
    serves { async fn a(&self) -> anyhow::Result<u8> { received(&"a"); Ok(1) } }
    calls |client| { "a()": client.a(); }
    new { #[mesh_service(name = "a_method_is_added")] pub trait Shop { async fn b(&self) -> anyhow::Result<u8>; async fn a(&self) -> anyhow::Result<u8>; } }
    serves { async fn a(&self) -> anyhow::Result<u8> { received(&"a"); Ok(1) } async fn b(&self) -> anyhow::Result<u8> { received(&"b"); Ok(2) } }
    calls |client| { "a()": client.a(); "b()": client.b(); }

    method_renamed "a method is renamed":
    old { #[mesh_service(name = "a_method_is_renamed")] pub trait Shop { async fn a(&self) -> anyhow::Result<u8>; } }
    serves { async fn a(&self) -> anyhow::Result<u8> { received(&"a"); Ok(1) } }
    calls |client| { "a()": client.a(); }
    new { #[mesh_service(name = "a_method_is_renamed")] pub trait Shop { async fn b(&self) -> anyhow::Result<u8>; } }
    serves { async fn b(&self) -> anyhow::Result<u8> { received(&"b"); Ok(2) } }
    calls |client| { "b()": client.b(); }

    method_named "a method is renamed, with `#[mesh(name)]`":
    old { #[mesh_service(name = "a_method_is_renamed_with_a_name")] pub trait Shop { async fn a(&self) -> anyhow::Result<u8>; } }
    serves { async fn a(&self) -> anyhow::Result<u8> { received(&"a"); Ok(1) } }
    calls |client| { "a()": client.a(); }
    new { #[mesh_service(name = "a_method_is_renamed_with_a_name")] pub trait Shop { #[mesh(name = "a")] async fn b(&self) -> anyhow::Result<u8>; } }
    serves { async fn b(&self) -> anyhow::Result<u8> { received(&"b"); Ok(2) } }
    calls |client| { "b()": client.b(); }

    argument_option "an `Option` argument is added":
    old { #[mesh_service(name = "an_option_argument")] pub trait Shop { async fn f(&self, id: u32) -> anyhow::Result<u8>; } }
    serves { async fn f(&self, id: u32) -> anyhow::Result<u8> { received(&id); Ok(1) } }
    calls |client| { "f(1)": client.f(1); }
    new { #[mesh_service(name = "an_option_argument")] pub trait Shop { async fn f(&self, id: u32, note: Option<String>) -> anyhow::Result<u8>; } }
    serves { async fn f(&self, id: u32, note: Option<String>) -> anyhow::Result<u8> { received(&(id, note)); Ok(1) } }
    calls |client| { "f(1, Some(\"a\"))": client.f(1, Some("a".into())); }

    argument_added "an argument is added":
    old { #[mesh_service(name = "an_argument")] pub trait Shop { async fn f(&self, id: u32) -> anyhow::Result<u8>; } }
    serves { async fn f(&self, id: u32) -> anyhow::Result<u8> { received(&id); Ok(1) } }
    calls |client| { "f(1)": client.f(1); }
    new { #[mesh_service(name = "an_argument")] pub trait Shop { async fn f(&self, id: u32, count: u32) -> anyhow::Result<u8>; } }
    serves { async fn f(&self, id: u32, count: u32) -> anyhow::Result<u8> { received(&(id, count)); Ok(1) } }
    calls |client| { "f(1, 2)": client.f(1, 2); }

    argument_renamed "an argument is renamed":
    old { #[mesh_service(name = "argument_renamed")] pub trait Shop { async fn f(&self, id: u32) -> anyhow::Result<u8>; } }
    serves { async fn f(&self, id: u32) -> anyhow::Result<u8> { received(&id); Ok(1) } }
    calls |client| { "f(1)": client.f(1); }
    new { #[mesh_service(name = "argument_renamed")] pub trait Shop { async fn f(&self, key: u32) -> anyhow::Result<u8>; } }
    serves { async fn f(&self, key: u32) -> anyhow::Result<u8> { received(&key); Ok(1) } }
    calls |client| { "f(1)": client.f(1); }

    option_renamed "an `Option` argument is renamed":
    old { #[mesh_service(name = "option_renamed")] pub trait Shop { async fn f(&self, id: Option<u32>) -> anyhow::Result<u8>; } }
    serves { async fn f(&self, id: Option<u32>) -> anyhow::Result<u8> { received(&id); Ok(1) } }
    calls |client| { "f(Some(1))": client.f(Some(1)); }
    new { #[mesh_service(name = "option_renamed")] pub trait Shop { async fn f(&self, key: Option<u32>) -> anyhow::Result<u8>; } }
    serves { async fn f(&self, key: Option<u32>) -> anyhow::Result<u8> { received(&key); Ok(1) } }
    calls |client| { "f(Some(1))": client.f(Some(1)); }

    arguments_reordered "arguments of one type are reordered":
    old { #[mesh_service(name = "arguments_reordered")] pub trait Shop { async fn f(&self, a: u32, b: u32) -> anyhow::Result<u8>; } }
    serves { async fn f(&self, a: u32, b: u32) -> anyhow::Result<u8> { received(&format!("a {a}, b {b}")); Ok(1) } }
    calls |client| { "f(a: 1, b: 2)": client.f(1, 2); }
    new { #[mesh_service(name = "arguments_reordered")] pub trait Shop { async fn f(&self, b: u32, a: u32) -> anyhow::Result<u8>; } }
    serves { async fn f(&self, b: u32, a: u32) -> anyhow::Result<u8> { received(&format!("a {a}, b {b}")); Ok(1) } }
    calls |client| { "f(b: 2, a: 1)": client.f(2, 1); }

    argument_retyped "an argument gets another type":
    old { #[mesh_service(name = "argument_retyped")] pub trait Shop { async fn f(&self, id: u32) -> anyhow::Result<u8>; } }
    serves { async fn f(&self, id: u32) -> anyhow::Result<u8> { received(&id); Ok(1) } }
    calls |client| { "f(1)": client.f(1); }
    new { #[mesh_service(name = "argument_retyped")] pub trait Shop { async fn f(&self, id: &str) -> anyhow::Result<u8>; } }
    serves { async fn f(&self, id: &str) -> anyhow::Result<u8> { received(&id); Ok(1) } }
    calls |client| { "f(\"1\")": client.f("1"); }

    reply_retyped "the reply gets another type":
    old { #[mesh_service(name = "reply_retyped")] pub trait Shop { async fn f(&self) -> anyhow::Result<u32>; } }
    serves { async fn f(&self) -> anyhow::Result<u32> { received(&"f"); Ok(1) } }
    calls |client| { "f()": client.f(); }
    new { #[mesh_service(name = "reply_retyped")] pub trait Shop { async fn f(&self) -> anyhow::Result<String>; } }
    serves { async fn f(&self) -> anyhow::Result<String> { received(&"f"); Ok("one".into()) } }
    calls |client| { "f()": client.f(); }

    error_variant "a variant is added to the error":
    old {
        #[derive(Debug, Serialize, Deserialize)] pub enum Fault { Empty, Lost(String) }
        impl From<meshrpc::Error> for Fault { fn from(error: meshrpc::Error) -> Self { Self::Lost(error.tell()) } }
        impl std::fmt::Display for Fault { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "fault") } }
        impl Failure for Fault { fn tell(&self) -> String { format!("{self:?}") } }
        #[mesh_service(name = "error_variant")] pub trait Shop { async fn f(&self, which: u8) -> Result<u8, Fault>; }
    }
    serves { async fn f(&self, which: u8) -> Result<u8, Fault> { received(&which); Err(Fault::Empty) } }
    calls |client| { "f(0)": client.f(0); "f(1)": client.f(1); }
    new {
        #[derive(Debug, Serialize, Deserialize)] pub enum Fault { Closed, Empty, Lost(String) }
        impl From<meshrpc::Error> for Fault { fn from(error: meshrpc::Error) -> Self { Self::Lost(error.tell()) } }
        impl std::fmt::Display for Fault { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "fault") } }
        impl Failure for Fault { fn tell(&self) -> String { format!("{self:?}") } }
        #[mesh_service(name = "error_variant")] pub trait Shop { async fn f(&self, which: u8) -> Result<u8, Fault>; }
    }
    serves { async fn f(&self, which: u8) -> Result<u8, Fault> { received(&which); Err(if which == 0 { Fault::Empty } else { Fault::Closed }) } }
    calls |client| { "f(0)": client.f(0); "f(1)": client.f(1); }

    error_anyhow "the error becomes `anyhow::Error`":
    old {
        #[derive(Debug, Serialize, Deserialize)] pub enum Fault { Empty, Lost(String) }
        impl From<meshrpc::Error> for Fault { fn from(error: meshrpc::Error) -> Self { Self::Lost(error.tell()) } }
        impl std::fmt::Display for Fault { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "nothing there") } }
        impl Failure for Fault { fn tell(&self) -> String { format!("{self:?}") } }
        #[mesh_service(name = "error_anyhow")] pub trait Shop { async fn f(&self) -> Result<u8, Fault>; }
    }
    serves { async fn f(&self) -> Result<u8, Fault> { received(&"f"); Err(Fault::Empty) } }
    calls |client| { "f()": client.f(); }
    new { #[mesh_service(name = "error_anyhow")] pub trait Shop { async fn f(&self) -> anyhow::Result<u8>; } }
    serves { async fn f(&self) -> anyhow::Result<u8> { received(&"f"); Err(anyhow::anyhow!("nothing there")) } }
    calls |client| { "f()": client.f(); }

    effects "`idempotent` and a deadline are added":
    old { #[mesh_service(name = "effects")] pub trait Shop { async fn f(&self) -> anyhow::Result<u8>; } }
    serves { async fn f(&self) -> anyhow::Result<u8> { received(&"f"); Ok(1) } }
    calls |client| { "f()": client.f(); }
    new { #[mesh_service(name = "effects")] pub trait Shop { #[mesh(idempotent, deadline = "20s")] async fn f(&self) -> anyhow::Result<u8>; } }
    serves { async fn f(&self) -> anyhow::Result<u8> { received(&"f"); Ok(1) } }
    calls |client| { "f()": client.f(); }

    contract_renamed "the trait gets another name":
    old { #[mesh_service(name = "contract_before")] pub trait Shop { async fn f(&self) -> anyhow::Result<u8>; } }
    serves { async fn f(&self) -> anyhow::Result<u8> { received(&"f"); Ok(1) } }
    calls |client| { "f()": client.f(); }
    new { #[mesh_service(name = "contract_after")] pub trait Shop { async fn f(&self) -> anyhow::Result<u8>; } }
    serves { async fn f(&self) -> anyhow::Result<u8> { received(&"f"); Ok(1) } }
    calls |client| { "f()": client.f(); }
}
