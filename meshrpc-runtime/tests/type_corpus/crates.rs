//! Types of crates that most programs use.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc, Weekday};
use proptest::prelude::*;
use proptest_derive::Arbitrary;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use serde_with::{base64::Base64, serde_as};
use url::Url;
use uuid::Uuid;

use super::harness::Corpus;

macro_rules! data {
    ($($(#[$attribute:meta])* $kind:ident $name:ident $body:tt)*) => {$(
        #[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
        $(#[$attribute])*
        $kind $name $body
    )*};
}

macro_rules! converted {
    ($(struct $name:ident $body:tt)*) => {$(
        #[serde_as]
        #[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
        struct $name $body
    )*};
}

data! {
    struct Event {
        #[proptest(strategy = "uuids()")] id: Uuid,
        #[proptest(strategy = "times()")] at: DateTime<Utc>,
        #[proptest(strategy = "dates()")] day: NaiveDate,
    }

    #[serde(tag = "type")]
    enum Tagged { Event(Event), Link { #[proptest(strategy = "urls()")] url: Url } }

    #[serde(untagged)]
    enum Untagged { Event(Event), Link { #[proptest(strategy = "urls()")] url: Url } }

    struct Flat { name: String, #[serde(flatten)] event: Event }

    struct Stamped {
        #[proptest(strategy = "whole_seconds()")]
        #[serde(with = "chrono::serde::ts_seconds")] at: DateTime<Utc>,
        #[proptest(strategy = "Just(None)")]
        #[serde(with = "chrono::serde::ts_milliseconds_option")] end: Option<DateTime<Utc>>,
    }

    struct Plain {
        #[proptest(strategy = "uuids()")]
        #[serde(with = "uuid::serde::simple")] simple: Uuid,
        #[proptest(strategy = "uuids()")]
        #[serde(with = "uuid::serde::compact")] compact: Uuid,
    }
}

converted! {
    struct Displayed {
        #[serde_as(as = "serde_with::DisplayFromStr")] number: u64,
        #[serde_as(as = "Vec<serde_with::DisplayFromStr>")] list: Vec<i32>,
        #[serde_as(as = "Option<serde_with::DisplayFromStr>")] maybe: Option<bool>,
    }

    struct Encoded {
        #[serde_as(as = "serde_with::Bytes")] bytes: Vec<u8>,
        #[serde_as(as = "serde_with::Bytes")] array: [u8; 16],
        #[serde_as(as = "Base64")] text: Vec<u8>,
    }

    struct Timed {
        #[proptest(strategy = "(0u64..1 << 40).prop_map(Duration::from_secs)")]
        #[serde_as(as = "serde_with::DurationSeconds<u64>")] seconds: Duration,
        #[proptest(strategy = "(0u64..1 << 30).prop_map(Duration::from_millis)")]
        #[serde_as(as = "serde_with::DurationMilliSeconds<u64>")] millis: Duration,
    }

    struct Pairs { #[serde_as(as = "serde_with::Map<_, _>")] pairs: Vec<(String, u8)>, last: u8 }

    struct Listed { #[serde_as(as = "serde_with::Seq<(_, _)>")] map: BTreeMap<(u8, u8), String> }

    struct OneOrMany { #[serde_as(as = "serde_with::OneOrMany<_>")] list: Vec<u16> }

    struct EmptyText {
        #[proptest(strategy = "any::<Option<u8>>()")]
        #[serde_as(as = "serde_with::NoneAsEmptyString")] number: Option<u8>,
    }

    struct Flags { #[serde_as(as = "serde_with::BoolFromInt")] flag: bool }
}

#[serde_with::skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
struct NoNones {
    a: Option<u8>,
    b: Option<String>,
    c: u8,
}

fn uuids() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn whole_seconds() -> impl Strategy<Value = DateTime<Utc>> {
    (-62_000_000_000i64..250_000_000_000)
        .prop_map(|seconds| DateTime::from_timestamp(seconds, 0).expect("a time"))
}

fn times() -> impl Strategy<Value = DateTime<Utc>> {
    (whole_seconds(), 0i64..1_000_000_000)
        .prop_map(|(time, nanos)| time + TimeDelta::nanoseconds(nanos))
}

fn zoned() -> impl Strategy<Value = DateTime<FixedOffset>> {
    (times(), -1_400i32..1_400).prop_map(|(time, minutes)| {
        let offset = FixedOffset::east_opt(minutes * 60).expect("within a day");
        time.with_timezone(&offset)
    })
}

fn dates() -> impl Strategy<Value = NaiveDate> {
    (-90_000_000i32..90_000_000).prop_filter_map("a date", NaiveDate::from_num_days_from_ce_opt)
}

fn urls() -> impl Strategy<Value = Url> {
    "(http|https|ws)://[a-z]{1,8}\\.example(:[1-9][0-9]{1,3})?/[a-z0-9/%]{0,0}[a-z]{0,8}(\\?[a-z]=[0-9é]{1,3})?"
        .prop_map(|text| Url::parse(&text).expect("a URL"))
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

pub(crate) fn add(corpus: &mut Corpus) {
    corpus.add("`uuid::Uuid`", uuids());
    corpus.any::<Plain>("`uuid::serde::simple`, `compact`");
    corpus.add("`chrono::DateTime<Utc>`", times());
    corpus.add("`chrono::DateTime<FixedOffset>`", zoned());
    corpus.add("`chrono::NaiveDate`", dates());
    let clock = (0u32..86_400, 0u32..1_000_000_000).prop_map(|(second, nano)| {
        NaiveTime::from_num_seconds_from_midnight_opt(second, nano).expect("a time")
    });
    corpus.add("`chrono::NaiveTime`", clock);
    corpus.add::<NaiveDateTime>(
        "`chrono::NaiveDateTime`",
        times().prop_map(|time| time.naive_utc()),
    );
    corpus.add(
        "`chrono::Duration`",
        any::<i64>().prop_map(TimeDelta::nanoseconds),
    );
    let days = (0u8..7).prop_map(|day| Weekday::try_from(day).expect("a day"));
    corpus.add("`chrono::Weekday`", days);
    corpus.any::<Stamped>("`chrono::serde::ts_seconds`");
    corpus.add("`url::Url`", urls());
    corpus.any::<Event>("ids and times in a struct");
    corpus.any::<Tagged>("ids, times and URLs in an enum with `tag`");
    corpus.any::<Untagged>("the same, `untagged`");
    corpus.any::<Flat>("the same, flattened");
    corpus.any::<Displayed>("`serde_with::DisplayFromStr`");
    corpus.any::<Encoded>("`serde_with::Bytes`, `Base64`");
    corpus.any::<Timed>("`serde_with::DurationSeconds`");
    corpus.any::<Pairs>("`serde_with::Map`");
    corpus.any::<Listed>("`serde_with::Seq`");
    corpus.any::<OneOrMany>("`serde_with::OneOrMany`");
    corpus.any::<EmptyText>("`serde_with::NoneAsEmptyString`");
    corpus.any::<Flags>("`serde_with::BoolFromInt`");
    corpus.any::<NoNones>("`serde_with::skip_serializing_none`");
    corpus.add("`serde_json::Value`", values());
    corpus.add(
        "`Option<serde_json::Value>`",
        proptest::option::of(values()),
    );
    let objects = proptest::collection::btree_map(any::<String>(), values(), 0..4)
        .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>());
    corpus.add("`serde_json::Map`", objects);
    let raw = values().prop_map(|value| RawValue::from_string(value.to_string()).expect("JSON"));
    corpus.compare("`Box<serde_json::value::RawValue>`", raw, |a, b| {
        a.get() == b.get()
    });
}
