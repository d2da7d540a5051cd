//! Numbers, to the last bit.

use std::num::{NonZeroI32, NonZeroU8, NonZeroU64, NonZeroU128, Saturating, Wrapping};

use proptest::prelude::*;
use proptest_derive::Arbitrary;
use serde::{Deserialize, Serialize};

use super::harness::Corpus;

/// Equal if all bits are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Double(f64);

/// Equal if all bits are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Single(f32);

impl PartialEq for Double {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl PartialEq for Single {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Buffered {
    Both { single: Single, double: Double },
}

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Tagged {
    Wide { number: u128 },
    Signed { number: i128 },
    Narrow { number: i64, byte: u8 },
}

fn doubles() -> impl Strategy<Value = Double> {
    prop_oneof![
        6 => any::<u64>().prop_map(f64::from_bits),
        1 => Just(f64::NAN),
        1 => Just(f64::from_bits(0xFFF8_0000_0000_0001)),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(-0.0),
        1 => Just(f64::MIN_POSITIVE / 3.0),
        1 => Just(0.1),
    ]
    .prop_map(Double)
}

fn singles() -> impl Strategy<Value = Single> {
    prop_oneof![
        6 => any::<u32>().prop_map(f32::from_bits),
        1 => Just(f32::NAN),
        1 => Just(f32::INFINITY),
        1 => Just(-0.0),
        1 => Just(0.1),
        // As text it is another one by way of an `f64`.
        1 => Just(7.038_531e-26),
    ]
    .prop_map(Single)
}

pub(crate) fn add(corpus: &mut Corpus) {
    corpus.any::<(u8, u16, u32, u64)>("`(u8, u16, u32, u64)`");
    corpus.any::<(i8, i16, i32, i64)>("`(i8, i16, i32, i64)`");
    corpus.any::<(usize, isize)>("`(usize, isize)`");
    corpus.any::<u128>("`u128`");
    corpus.any::<i128>("`i128`");
    corpus.any::<Tagged>("128 bits in an enum with `tag`");
    corpus.add("`f64`, with NaN and infinities", doubles());
    corpus.add("`f32`, with NaN and infinities", singles());
    corpus.add(
        "`f64`, finite",
        doubles().prop_filter("finite", |double| double.0.is_finite()),
    );
    corpus.add(
        "`f32`, finite",
        singles().prop_filter("finite", |single| single.0.is_finite()),
    );
    let both = (singles(), doubles())
        .prop_filter("finite", |(single, double)| {
            single.0.is_finite() && double.0.is_finite()
        })
        .prop_map(|(single, double)| Buffered::Both { single, double });
    corpus.add("floats in an `untagged` enum, finite", both);
    corpus.add("`bool`, `char`", any::<(bool, char)>());
    let nonzero = any::<(u8, u64, u128, i32)>().prop_map(|(a, b, c, d)| {
        (
            NonZeroU8::new(a.max(1)).expect("not 0"),
            NonZeroU64::new(b.max(1)).expect("not 0"),
            NonZeroU128::new(c.max(1)).expect("not 0"),
            NonZeroI32::new(d | 1).expect("not 0"),
        )
    });
    corpus.add("`NonZero` of four kinds", nonzero);
    let wrapping = any::<(u8, i64)>().prop_map(|(a, b)| (Wrapping(a), Saturating(b)));
    corpus.add("`Wrapping`, `Saturating`", wrapping);
}
