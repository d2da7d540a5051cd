//! Options, and what is nil in the codecs with names.

use std::collections::BTreeMap;

use proptest_derive::Arbitrary;
use serde::{Deserialize, Serialize};

use super::harness::Corpus;

macro_rules! data {
    ($($(#[$attribute:meta])* struct $name:ident $body:tt $(;)?)*) => {$(
        #[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
        $(#[$attribute])*
        struct $name $body
    )*};
}

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
struct Maybe(Option<u8>);

data! {
    struct Patch {
        name: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none", with = "serde_with::rust::double_option")]
        email: Option<Option<String>>,
    }

    struct Fields { a: Option<u8>, b: Option<Vec<Option<u8>>>, c: Option<Box<Option<u8>>> }

    #[serde(transparent)]
    struct Hidden { inner: Option<u8> }
}

pub(crate) fn add(corpus: &mut Corpus) {
    corpus.any::<Option<u32>>("`Option<u32>`");
    corpus.any::<Option<Vec<Option<String>>>>("`Option<Vec<Option<String>>>`");
    corpus.any::<Option<Option<u8>>>("`Option<Option<u8>>`");
    corpus.any::<Vec<Option<Option<Option<u8>>>>>("`Vec<Option<Option<Option<u8>>>>`");
    corpus.any::<Option<()>>("`Option<()>`");
    corpus.any::<Option<Unit>>("`Option` of a unit struct");
    corpus.any::<Option<Maybe>>("`Option` of a newtype of `Option`");
    corpus.any::<Option<Hidden>>("`Option` of a `transparent` `Option`");
    corpus.any::<BTreeMap<u8, Option<Option<u8>>>>("a map to `Option<Option<u8>>`");
    corpus.any::<Option<(Option<()>, u8)>>("`Option<(Option<()>, u8)>`");
    corpus.any::<Result<Option<u8>, Option<()>>>("`Result<Option<u8>, Option<()>>`");
    corpus.any::<Fields>("options in fields, boxes and lists");
    corpus.any::<Patch>("`serde_with`'s `double_option`");
}
