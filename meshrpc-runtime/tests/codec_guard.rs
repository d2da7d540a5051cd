//! What a codec accepts reads back equal: types that write themselves differently are noticed.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    num::NonZeroU64,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use meshrpc::{
    codec::{self, ArgsWriter},
    contract::MethodSpec,
    wire::Codec,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

fn method<T: DeserializeOwned>() -> MethodSpec {
    MethodSpec::unary("get", 1, &[], |schema| schema.reply::<T>())
}

#[test]
fn what_a_type_writes_differently_than_it_reads_is_noticed() {
    #[derive(Serialize, Deserialize)]
    struct LeavesOut {
        #[serde(skip_serializing, default)]
        #[allow(dead_code)]
        secret: u8,
        shown: u8,
    }
    #[derive(Serialize, Deserialize)]
    #[serde(into = "String")]
    struct IntoOnly {
        text: u32,
    }
    impl From<IntoOnly> for String {
        fn from(value: IntoOnly) -> String {
            value.text.to_string()
        }
    }
    impl Clone for IntoOnly {
        fn clone(&self) -> Self {
            Self { text: self.text }
        }
    }
    #[derive(Serialize, Deserialize)]
    enum Skips {
        #[serde(skip)]
        #[allow(dead_code)]
        Internal,
        First(u8),
        Second(u8),
    }
    assert_noticed(
        &LeavesOut {
            secret: 1,
            shown: 2,
        },
        "`secret`",
    );
    assert_noticed(&IntoOnly { text: 1 }, "Str");
    assert_noticed(&Skips::First(1), "`First`");
    assert_noticed(&Skips::Second(1), "`Second`");
    assert_noticed(&vec![Some(Skips::Second(1))], "`Second`");

    #[track_caller]
    fn assert_noticed<T: Serialize + DeserializeOwned>(value: &T, part: &str) {
        let method = method::<T>();
        let error =
            codec::encode_reply(Codec::Positional, &method, value, &mut Vec::new()).unwrap_err();
        assert!(error.needs_field_names(), "{error}");
        assert!(error.to_string().contains(part), "{error}");
        codec::encode_reply(Codec::FieldNamed, &method, value, &mut Vec::new())
            .expect("names tell");
    }
}

#[test]
fn an_argument_that_is_written_differently_is_named() {
    static METHOD: MethodSpec = MethodSpec::unary("put", 1, &["id", "text"], |s| {
        s.argument::<u64>();
        s.argument::<String>();
        s.reply::<()>();
    });
    let mut out = Vec::new();
    let mut arguments = ArgsWriter::new(Codec::Positional, &METHOD, &mut out);
    arguments.put(&7u64).expect("a u64");
    let error = arguments.put(&8u64).unwrap_err();
    assert_eq!(error.argument(), Some("text"));
    assert!(error.needs_field_names(), "{error}");
    assert!(out.is_empty());
}

/// Types whose values are written in the shape that is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Corpus {
    Nothing,
    Std(Box<Std>),
    Crates {
        id: uuid::Uuid,
        at: chrono::DateTime<chrono::Utc>,
    },
    Nested(Vec<Corpus>, Option<Box<Corpus>>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Std {
    address: IpAddr,
    sockets: Vec<SocketAddr>,
    duration: Duration,
    since: SystemTime,
    path: PathBuf,
    counts: BTreeMap<char, NonZeroU64>,
    result: Result<(), String>,
    #[serde(with = "serde_bytes")]
    blob: Vec<u8>,
}

mod round_trip {
    use proptest::prelude::*;

    use super::*;

    fn corpus() -> impl Strategy<Value = Corpus> {
        let std = (
            any::<IpAddr>(),
            // serde itself leaves out the flow and scope of an IPv6 socket address.
            proptest::collection::vec(any::<(IpAddr, u16)>().prop_map(SocketAddr::from), 0..4),
            any::<Duration>(),
            0u64..1 << 40,
            any::<String>(),
            proptest::collection::btree_map(
                any::<char>(),
                (1u64..).prop_filter_map("not 0", NonZeroU64::new),
                0..4,
            ),
            any::<Result<(), String>>(),
            any::<Vec<u8>>(),
        );
        let std = std.prop_map(
            |(address, sockets, duration, since, path, counts, result, blob)| {
                let since = SystemTime::UNIX_EPOCH + Duration::from_millis(since);
                let path = PathBuf::from(path);
                Corpus::Std(Box::new(Std {
                    address,
                    sockets,
                    duration,
                    since,
                    path,
                    counts,
                    result,
                    blob,
                }))
            },
        );
        let crates =
            (any::<u128>(), 0i64..4_000_000_000).prop_filter_map("a time", |(id, seconds)| {
                let at = chrono::DateTime::from_timestamp(seconds, 0)?;
                Some(Corpus::Crates {
                    id: uuid::Uuid::from_u128(id),
                    at,
                })
            });
        prop_oneof![Just(Corpus::Nothing), std, crates].prop_recursive(3, 12, 3, |inner| {
            (
                proptest::collection::vec(inner.clone(), 0..3),
                proptest::option::of(inner),
            )
                .prop_map(|(list, one)| Corpus::Nested(list, one.map(Box::new)))
        })
    }

    proptest! {
        #[test]
        fn what_the_positional_codec_accepts_reads_back_equal(value in corpus()) {
            static METHOD: MethodSpec = MethodSpec::unary("get", 1, &[], |s| s.reply::<Corpus>());
            prop_assert_ne!(METHOD.fingerprint(), 0);
            let mut bytes = Vec::new();
            codec::encode_reply(Codec::Positional, &METHOD, &value, &mut bytes)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            let read: Corpus = codec::decode(Codec::Positional, &bytes)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(read, value);
        }

        #[test]
        fn what_the_field_named_codec_accepts_reads_back_equal(value in corpus()) {
            let mut bytes = Vec::new();
            codec::encode(Codec::FieldNamed, &value, &mut bytes)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            let read: Corpus = codec::decode(Codec::FieldNamed, &bytes)
                .map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(read, value);
        }
    }
}
