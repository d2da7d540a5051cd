//! Bytes, arrays, and elements that take no bytes.

use proptest::prelude::*;
use proptest_derive::Arbitrary;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_bytes::ByteBuf;

use super::harness::Corpus;

macro_rules! data {
    ($($(#[$attribute:meta])* $kind:ident $name:ident $body:tt)*) => {$(
        #[derive(Clone, Debug, PartialEq, Arbitrary, Serialize, Deserialize)]
        $(#[$attribute])*
        $kind $name $body
    )*};
}

data! {
    struct WithBytes { #[serde(with = "serde_bytes")] blob: Vec<u8>, list: Vec<u8> }

    #[serde(tag = "type")]
    enum Tagged { Blob { #[serde(with = "serde_bytes")] blob: Vec<u8> }, None }

    #[serde(untagged)]
    enum Untagged { Number(u64), Blob(#[serde(with = "serde_bytes")] Vec<u8>) }

    enum External { Blob(#[serde(with = "serde_bytes")] Vec<u8>), Array([u8; 16]) }

    struct Nothings { list: Vec<()>, pairs: Vec<((), [u8; 0])>, after: u8 }
}

/// An array longer than serde's, as a tuple.
#[derive(Clone, Debug, PartialEq)]
struct Digest([u8; 64]);

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeTuple as _;
        let mut tuple = serializer.serialize_tuple(64)?;
        for byte in &self.0 {
            tuple.serialize_element(byte)?;
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Digest;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("64 bytes")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut access: A,
            ) -> Result<Digest, A::Error> {
                let mut bytes = [0; 64];
                for (index, byte) in bytes.iter_mut().enumerate() {
                    *byte = access
                        .next_element()?
                        .ok_or_else(|| A::Error::invalid_length(index, &self))?;
                }
                Ok(Digest(bytes))
            }
        }
        deserializer.deserialize_tuple(64, Visitor)
    }
}

pub(crate) fn add(corpus: &mut Corpus) {
    corpus.any::<Vec<u8>>("`Vec<u8>`");
    corpus.add(
        "`serde_bytes::ByteBuf`",
        any::<Vec<u8>>().prop_map(ByteBuf::from),
    );
    corpus.any::<WithBytes>("`with = \"serde_bytes\"`");
    corpus.any::<External>("bytes in an enum");
    corpus.any::<Tagged>("bytes in an enum with `tag`");
    corpus.any::<Untagged>("a number or bytes, `untagged`");
    corpus.any::<[u8; 32]>("`[u8; 32]`");
    corpus.any::<[String; 3]>("`[String; 3]`");
    corpus.any::<[u8; 0]>("`[u8; 0]`");
    let digest = proptest::collection::vec(any::<u8>(), 64)
        .prop_map(|bytes| Digest(bytes.try_into().expect("64 bytes")));
    corpus.add("an array of 64, by hand", digest);
    corpus.add(
        "a list of such arrays",
        proptest::collection::vec(any::<[u8; 32]>(), 0..4),
    );
    corpus.any::<Nothings>("`Vec<()>`");
    let many = prop_oneof![63 => Just(3usize), 1 => Just(65_537)].prop_map(|len| vec![(); len]);
    corpus.add("`Vec<()>` of more than 65,536", many);
    corpus.any::<()>("`()`");
    corpus.any::<String>("text in any script");
    corpus.add(
        "text with control characters",
        proptest::collection::vec(any::<char>(), 0..40)
            .prop_map(|characters| characters.into_iter().collect::<String>()),
    );
}
