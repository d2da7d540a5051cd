//! Types that contain themselves, and generic ones.

use std::{borrow::Cow, collections::BTreeMap};

use proptest::prelude::*;
use proptest_derive::Arbitrary;
use serde::{Deserialize, Serialize};

use super::harness::Corpus;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct List {
    value: u32,
    next: Option<Box<List>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Text(String),
    Children(Vec<Tree>),
    Named {
        left: Box<Tree>,
        names: BTreeMap<u8, Tree>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op")]
enum Filter {
    Equal { field: String, value: i64 },
    All { of: Vec<Filter> },
    Not { that: Box<Filter> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Folder {
    name: String,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Entry {
    File { size: u64 },
    Folder(Folder),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Chain(Option<Box<Chain>>);

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<T>,
}

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
enum Either<L, R> {
    Left(L),
    Right { right: R },
}

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
struct Several {
    numbers: Page<u8>,
    texts: Page<String>,
    nested: Page<Page<bool>>,
    either: Either<Page<u8>, Either<u8, String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Borrowed<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    tags: Vec<Cow<'a, str>>,
}

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
struct Grid<const N: usize> {
    cells: Vec<u8>,
}

mod one {
    #[derive(
        Clone, Debug, PartialEq, proptest_derive::Arbitrary, serde::Serialize, serde::Deserialize,
    )]
    pub(super) struct Card {
        pub(super) number: u64,
    }
}

mod two {
    #[derive(
        Clone, Debug, PartialEq, proptest_derive::Arbitrary, serde::Serialize, serde::Deserialize,
    )]
    pub(super) struct Card {
        pub(super) number: String,
    }
}

fn lists() -> impl Strategy<Value = List> {
    proptest::collection::vec(any::<u32>(), 1..30).prop_map(|values| {
        let list = values
            .into_iter()
            .rev()
            .fold(None, |next, value| Some(Box::new(List { value, next })));
        *list.expect("not empty")
    })
}

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![Just(Tree::Leaf), any::<String>().prop_map(Tree::Text)];
    leaf.prop_recursive(5, 32, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Tree::Children),
            (
                inner.clone(),
                proptest::collection::btree_map(any::<u8>(), inner, 0..3)
            )
                .prop_map(|(left, names)| Tree::Named {
                    left: Box::new(left),
                    names
                }),
        ]
    })
}

fn filters() -> impl Strategy<Value = Filter> {
    let leaf = any::<(String, i64)>().prop_map(|(field, value)| Filter::Equal { field, value });
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(|of| Filter::All { of }),
            inner.prop_map(|that| Filter::Not {
                that: Box::new(that)
            }),
        ]
    })
}

fn folders() -> impl Strategy<Value = Folder> {
    let empty = any::<String>().prop_map(|name| Folder {
        name,
        entries: Vec::new(),
    });
    empty.prop_recursive(4, 16, 3, |inner| {
        let entry = prop_oneof![
            any::<u64>().prop_map(|size| Entry::File { size }),
            inner.prop_map(Entry::Folder)
        ];
        (any::<String>(), proptest::collection::vec(entry, 0..3))
            .prop_map(|(name, entries)| Folder { name, entries })
    })
}

/// Nested up to and past what a codec takes.
fn chains() -> impl Strategy<Value = Chain> {
    (0usize..80)
        .prop_map(|depth| (0..depth).fold(Chain(None), |inner, _| Chain(Some(Box::new(inner)))))
}

pub(crate) fn add(corpus: &mut Corpus) {
    corpus.add("a list through `Option<Box>`", lists());
    corpus.add("a tree through `Vec`, `Box` and maps", trees());
    corpus.add("a tree with `tag`", filters());
    corpus.add("two types that contain each other", folders());
    corpus.add("a newtype of an option of itself, up to 80 deep", chains());
    corpus.any::<Several>("one generic type with several arguments");
    corpus.any::<Page<Either<(), one::Card>>>("generic types in generic types");
    corpus.any::<(one::Card, two::Card)>("two types of one name");
    corpus.any::<(Grid<2>, Grid<3>)>("const generics");
    let borrowed = any::<(String, Vec<String>)>().prop_map(|(name, tags)| Borrowed::<'static> {
        name: name.into(),
        tags: tags.into_iter().map(Into::into).collect(),
    });
    corpus.compare("`Cow` with `borrow`", borrowed.prop_map(Owned), |a, b| {
        a == b
    });
}

/// Reads what borrows into what owns.
#[derive(Debug, PartialEq, Serialize)]
#[serde(transparent)]
struct Owned(Borrowed<'static>);

impl<'de> Deserialize<'de> for Owned {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Borrowed { name, tags } = Borrowed::deserialize(deserializer)?;
        Ok(Self(Borrowed {
            name: name.into_owned().into(),
            tags: tags
                .into_iter()
                .map(|tag| tag.into_owned().into())
                .collect(),
        }))
    }
}
