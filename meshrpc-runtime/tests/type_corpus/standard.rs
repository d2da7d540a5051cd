//! Types of the standard library.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{BinaryHeap, LinkedList, VecDeque},
    ffi::{CString, OsString},
    marker::PhantomData,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4},
    ops::{Bound, Range, RangeFrom, RangeInclusive, RangeTo},
    path::PathBuf,
    rc::Rc,
    sync::{Arc, Mutex, RwLock, atomic::AtomicU64},
    time::{Duration, SystemTime},
};

use proptest::prelude::*;
use proptest_derive::Arbitrary;
use serde::{Deserialize, Serialize};

use super::harness::Corpus;

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
struct Marked<T> {
    id: u32,
    #[proptest(value = "PhantomData")]
    marker: PhantomData<T>,
}

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Tagged {
    Span {
        duration: Duration,
        range: Range<u8>,
    },
    Place {
        address: IpAddr,
        result: Result<u8, String>,
    },
}

fn times() -> impl Strategy<Value = SystemTime> {
    (-1_000i64..1 << 40, 0u32..1_000_000_000).prop_map(|(seconds, nanos)| {
        let nanos = Duration::from_nanos(nanos.into());
        match u64::try_from(seconds) {
            Ok(seconds) => SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + nanos,
            Err(_) => SystemTime::UNIX_EPOCH - Duration::from_secs(seconds.unsigned_abs()),
        }
    })
}

fn bounds() -> impl Strategy<Value = Bound<u8>> {
    any::<Option<Result<u8, u8>>>().prop_map(|bound| match bound {
        None => Bound::Unbounded,
        Some(Ok(bound)) => Bound::Included(bound),
        Some(Err(bound)) => Bound::Excluded(bound),
    })
}

pub(crate) fn add(corpus: &mut Corpus) {
    corpus.any::<Duration>("`Duration`");
    corpus.add("`SystemTime`", times());
    corpus.any::<Range<u32>>("`Range`");
    corpus.any::<RangeInclusive<i64>>("`RangeInclusive`");
    let ranges = any::<(u8, char)>().prop_map(|(from, to)| (from.., ..to));
    corpus.add::<(RangeFrom<u8>, RangeTo<char>)>("`RangeFrom`, `RangeTo`", ranges);
    corpus.add("`Bound`", bounds());
    corpus.any::<Result<u8, String>>("`Result`");
    corpus.any::<Result<Result<(), ()>, Option<u8>>>("`Result` of `Result`");
    corpus.any::<Ipv4Addr>("`Ipv4Addr`");
    corpus.any::<Ipv6Addr>("`Ipv6Addr`");
    corpus.any::<IpAddr>("`IpAddr`");
    corpus.any::<SocketAddrV4>("`SocketAddrV4`");
    corpus.add(
        "`SocketAddr`",
        any::<(IpAddr, u16)>().prop_map(SocketAddr::from),
    );
    corpus.any::<Tagged>("such types in an enum with `tag`");
    corpus.add("`PathBuf`", any::<String>().prop_map(PathBuf::from));
    corpus.add("`OsString`", any::<String>().prop_map(OsString::from));
    let c = any::<String>().prop_map(|text| CString::new(text.replace('\0', "")).expect("no nul"));
    corpus.add("`CString`", c);
    corpus.add(
        "`Cow<'static, str>`",
        any::<String>().prop_map(Cow::<'static, str>::Owned),
    );
    corpus.add(
        "`Cow<'static, [u8]>`",
        any::<Vec<u8>>().prop_map(Cow::<'static, [u8]>::Owned),
    );
    corpus.any::<Box<str>>("`Box<str>`");
    corpus.add(
        "`Box<[u16]>`",
        any::<Vec<u16>>().prop_map(Vec::into_boxed_slice),
    );
    corpus.add(
        "`Arc<str>`, `Arc<[u8]>`",
        any::<(String, Vec<u8>)>().prop_map(|(a, b)| (Arc::<str>::from(a), Arc::<[u8]>::from(b))),
    );
    corpus.add("`Rc<Vec<String>>`", any::<Vec<String>>().prop_map(Rc::new));
    corpus.any::<VecDeque<u16>>("`VecDeque`");
    corpus.any::<LinkedList<Option<u16>>>("`LinkedList`");
    let heap = |heap: &BinaryHeap<Reverse<u8>>| heap.clone().into_sorted_vec();
    corpus.compare(
        "`BinaryHeap<Reverse<u8>>`",
        any::<Vec<u8>>().prop_map(|list| list.into_iter().map(Reverse).collect()),
        |a, b| heap(a) == heap(b),
    );
    corpus.compare(
        "`Mutex`, `RwLock`",
        any::<(u8, String)>().prop_map(|(a, b)| (Mutex::new(a), RwLock::new(b))),
        |a, b| {
            *a.0.lock().expect("not poisoned") == *b.0.lock().expect("not poisoned")
                && *a.1.read().expect("not poisoned") == *b.1.read().expect("not poisoned")
        },
    );
    corpus.add(
        "`Cell`, `RefCell`",
        any::<(u8, String)>().prop_map(|(a, b)| (Cell::new(a), RefCell::new(b))),
    );
    corpus.compare(
        "`AtomicU64`",
        any::<u64>().prop_map(AtomicU64::new),
        |a, b| {
            use std::sync::atomic::Ordering::Relaxed;
            a.load(Relaxed) == b.load(Relaxed)
        },
    );
    corpus.any::<Marked<fn()>>("`PhantomData`");
    corpus.any::<(u8, (i8, (char, (String, ((), bool)))))>("tuples in tuples");
    type Eight = (u8, u16, u32, u64, i8, i16, i32, i64);
    corpus.any::<(Eight, Eight)>("two tuples of 8");
    corpus.add(
        "a tuple of 12",
        any::<(u8, String)>().prop_map(|(n, t)| {
            let s = || t.clone();
            (n, s(), n, s(), n, s(), n, s(), n, s(), n, s())
        }),
    );
}
