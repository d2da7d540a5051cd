//! Changes of a type: `T` is an argument of `put` and the reply of `get`.

use crate::change::Change;

macro_rules! types {
    ($($module:ident $contract:literal $name:literal:
        old { $($old:tt)* } sends [$($old_value:expr),+];
        new { $($new:tt)* } sends [$($new_value:expr),+];
    )*) => {
        $(mod $module {
            types!(@side old $contract { $($old)* } $($old_value;)+);
            types!(@side new $contract { $($new)* } $($new_value;)+);
        })*

        pub fn changes() -> Vec<Change> {
            vec![$(Change {
                name: $name,
                old: $module::old::half(),
                new: $module::new::half(),
            }),*]
        }
    };
    (@side $side:ident $contract:literal { $($items:tt)* } $($value:expr;)+) => {
        pub mod $side {
            #[allow(unused_imports)]
            use std::collections::BTreeMap;

            use meshrpc::{mesh_service, server::ServerBuilder};
            #[allow(unused_imports)]
            use serde::{Deserialize, Serialize};

            use crate::{change::{Calls, Half}, report::{LogClient, outcome, received, seen}};

            $($items)*

            #[mesh_service(name = $contract)]
            pub trait Shop {
                async fn put(&self, item: T) -> anyhow::Result<()>;
                async fn get(&self, index: u32) -> anyhow::Result<T>;
            }

            struct Service;

            fn values() -> Vec<T> {
                vec![$($value),+]
            }

            impl Shop for Service {
                async fn put(&self, item: T) -> anyhow::Result<()> {
                    received(&item);
                    Ok(())
                }

                async fn get(&self, index: u32) -> anyhow::Result<T> {
                    let value = values().into_iter().nth(index as usize);
                    value.ok_or_else(|| anyhow::anyhow!("no more"))
                }
            }

            fn serve(server: ServerBuilder) -> ServerBuilder {
                server.service(ShopHandler::new(Service))
            }

            fn call<'a>(mesh: &'a meshrpc::Mesh, deployment: &'a str, log: &'a LogClient) -> Calls<'a> {
                Box::pin(async move {
                    let client = ShopClient::connect(mesh, deployment);
                    let mut calls = Vec::new();
                    for value in values() {
                        let sent = format!("put {value:?}");
                        calls.push(seen(log, sent, outcome(client.put(value).await)).await);
                    }
                    // As many as the other side has; it says when there are no more.
                    for index in 0..2 {
                        let got = outcome(client.get(index).await);
                        calls.push(seen(log, format!("get {index}"), got).await);
                    }
                    calls
                })
            }

            pub fn half() -> Half {
                Half { serve, call }
            }
        }
    };
}

types! {
    nothing "nothing" "nothing changes":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u32, name: String } } sends [T { id: 1, name: "a".into() }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u32, name: String } } sends [T { id: 1, name: "a".into() }];

    added_default "added_default" "a field is added, with `default`":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u32 } } sends [T { id: 1 }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u32, #[serde(default)] level: u8 } } sends [T { id: 1, level: 2 }];

    added_plain "added_plain" "a field is added, without `default`":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u32 } } sends [T { id: 1 }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u32, level: u8 } } sends [T { id: 1, level: 2 }];

    added_option "added_option" "an `Option` field is added":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u32 } } sends [T { id: 1 }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u32, note: Option<String> } } sends [T { id: 1, note: Some("a".into()) }];

    added_strict "added_strict" "a field is added, and the old side has `deny_unknown_fields`":
    old { #[derive(Debug, Serialize, Deserialize)] #[serde(deny_unknown_fields)] pub struct T { id: u32 } } sends [T { id: 1 }];
    new { #[derive(Debug, Serialize, Deserialize)] #[serde(deny_unknown_fields)] pub struct T { id: u32, #[serde(default)] level: u8 } } sends [T { id: 1, level: 2 }];

    reordered "reordered" "fields are reordered":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { a: u8, b: u8 } } sends [T { a: 1, b: 2 }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { b: u8, a: u8 } } sends [T { a: 1, b: 2 }];

    renamed "renamed" "a field is renamed":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { name: String } } sends [T { name: "a".into() }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { title: String } } sends [T { title: "a".into() }];

    renamed_alias "renamed_alias" "a field is renamed, with `alias` to the old name":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { name: String } } sends [T { name: "a".into() }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { #[serde(alias = "name")] title: String } } sends [T { title: "a".into() }];

    renamed_rename "renamed_rename" "a field is renamed, with `rename` to the old name":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { name: String } } sends [T { name: "a".into() }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { #[serde(rename = "name")] title: String } } sends [T { title: "a".into() }];

    renamed_option "renamed_option" "an `Option` field is renamed":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { name: Option<String> } } sends [T { name: Some("a".into()) }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { title: Option<String> } } sends [T { title: Some("a".into()) }];

    widened "widened" "`u32` becomes `u64`":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u32 } } sends [T { id: 1 }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u64 } } sends [T { id: 1 }, T { id: 1 << 40 }];

    floated "floated" "`u64` becomes `f64`":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u64 } } sends [T { id: 1 }, T { id: (1 << 53) + 1 }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: f64 } } sends [T { id: 1.5 }];

    narrowed "narrowed" "`f64` becomes `f32`":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { x: f64 } } sends [T { x: 0.5 }, T { x: 0.1 }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { x: f32 } } sends [T { x: 0.1 }];

    retyped "retyped" "`u32` becomes `String`":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u32 } } sends [T { id: 1 }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: String } } sends [T { id: "1".into() }];

    enumerated "enumerated" "`u8` becomes an enum":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { level: u8 } } sends [T { level: 1 }];
    new { #[derive(Debug, Serialize, Deserialize)] pub enum Level { Low, High } #[derive(Debug, Serialize, Deserialize)] pub struct T { level: Level } } sends [T { level: Level::High }, T { level: Level::Low }];

    made_optional "made_optional" "a field becomes an `Option`":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u32 } } sends [T { id: 1 }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: Option<u32> } } sends [T { id: Some(1) }, T { id: None }];

    listed "listed" "a field becomes a list":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u32 } } sends [T { id: 1 }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: Vec<u32> } } sends [T { id: vec![1] }];

    numbered "numbered" "a map with numbers as keys becomes a struct":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { map: BTreeMap<u8, u8> } } sends [T { map: [(0, 1)].into() }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct Inner { #[serde(default)] a: u8 } #[derive(Debug, Serialize, Deserialize)] pub struct T { map: Inner } } sends [T { map: Inner { a: 1 } }];

    wrapped "wrapped" "a newtype is put around a field":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: u32 } } sends [T { id: 1 }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct Id(u32); #[derive(Debug, Serialize, Deserialize)] pub struct T { id: Id } } sends [T { id: Id(1) }];

    type_renamed "type_renamed" "a type is renamed":
    old { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: Id } #[derive(Debug, Serialize, Deserialize)] pub struct Id { n: u8 } } sends [T { id: Id { n: 1 } }];
    new { #[derive(Debug, Serialize, Deserialize)] pub struct T { id: Key } #[derive(Debug, Serialize, Deserialize)] pub struct Key { n: u8 } } sends [T { id: Key { n: 1 } }];

    variant_added "variant_added" "a variant is added":
    old { #[derive(Debug, Serialize, Deserialize)] pub enum T { A, B(u8) } } sends [T::A, T::B(1)];
    new { #[derive(Debug, Serialize, Deserialize)] pub enum T { Z, A, B(u8) } } sends [T::A, T::Z];

    variant_other "variant_other" "a variant is added, and the old side has `other`":
    old { #[derive(Debug, Serialize, Deserialize)] pub enum T { A, #[serde(other)] Unknown } } sends [T::A];
    new { #[derive(Debug, Serialize, Deserialize)] pub enum T { A, Z, #[serde(other)] Unknown } } sends [T::A, T::Z];

    variant_renamed "variant_renamed" "a variant is renamed":
    old { #[derive(Debug, Serialize, Deserialize)] pub enum T { A, B } } sends [T::A, T::B];
    new { #[derive(Debug, Serialize, Deserialize)] pub enum T { A, C } } sends [T::A, T::C];

    variant_alias "variant_alias" "a variant is renamed, with `alias` to the old name":
    old { #[derive(Debug, Serialize, Deserialize)] pub enum T { A, B } } sends [T::A, T::B];
    new { #[derive(Debug, Serialize, Deserialize)] pub enum T { A, #[serde(alias = "B")] C } } sends [T::A, T::C];

    variants_reordered "variants_reordered" "variants are reordered":
    old { #[derive(Debug, Serialize, Deserialize)] pub enum T { A, B } } sends [T::A, T::B];
    new { #[derive(Debug, Serialize, Deserialize)] pub enum T { B, A } } sends [T::A, T::B];

    variant_filled "variant_filled" "a unit variant gets fields":
    old { #[derive(Debug, Serialize, Deserialize)] pub enum T { A, B } } sends [T::A, T::B];
    new { #[derive(Debug, Serialize, Deserialize)] pub enum T { A, B { #[serde(default)] x: u8 } } } sends [T::A, T::B { x: 1 }];

    tagged "tagged" "an enum gets a `tag`":
    old { #[derive(Debug, Serialize, Deserialize)] pub enum T { A { x: u8 } } } sends [T::A { x: 1 }];
    new { #[derive(Debug, Serialize, Deserialize)] #[serde(tag = "kind")] pub enum T { A { x: u8 } } } sends [T::A { x: 1 }];

    tupled "tupled" "a tuple gets a third value":
    old { pub type T = (u8, u8); } sends [(1, 2)];
    new { pub type T = (u8, u8, u8); } sends [(1, 2, 3)];
}
