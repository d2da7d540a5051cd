//! Runs of bytes, written many at a time.

use serde::ser::{Serialize, SerializeSeq};

use super::{Elements, byte::Byte};
use crate::codec::error::EncodeError;

/// Bytes that are gathered.
const RUN: usize = 256;

impl Elements<'_, '_> {
    /// Writes elements that are read as bytes, and that most likely are.
    pub(super) fn put_bytes<I>(&mut self, mut elements: I) -> Result<(), EncodeError>
    where
        I: Iterator,
        I::Item: Serialize,
    {
        let mut run = [0; RUN];
        loop {
            let room = self.left.min(RUN);
            let mut filled = 0;
            let mut other = None;
            for (place, element) in run[..room].iter_mut().zip(elements.by_ref()) {
                match element.serialize(Byte) {
                    Ok(byte) => *place = byte,
                    Err(_) => {
                        other = Some(element);
                        break;
                    }
                }
                filled += 1;
            }
            self.writer.out.extend_from_slice(&run[..filled]);
            self.left -= filled;
            if let Some(element) = other {
                self.serialize_element(&element)?;
            } else if filled < RUN {
                break;
            }
        }
        // Any that is left is one too many.
        elements.try_for_each(|element| self.serialize_element(&element))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize, Serializer};

    use super::RUN;
    use crate::{
        codec::{EncodeError, decode, encode_reply},
        contract::MethodSpec,
        wire::Codec,
    };

    static BYTES: MethodSpec = MethodSpec::unary("bytes", 1, &[], |schema| {
        schema.reply::<Vec<u8>>();
    });

    fn encoded<T: Serialize>(value: &T) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::new();
        encode_reply(Codec::Positional, &BYTES, value, &mut out).map(|()| out)
    }

    /// A byte, as most write it.
    #[derive(Clone, Serialize, Deserialize)]
    struct Wrapped(u8);

    /// Writes itself as a byte up to 200, and as something wider above.
    struct Now(u8);

    impl Serialize for Now {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                byte @ ..=200 => serializer.serialize_u8(byte),
                wide => serializer.serialize_u16(wide.into()),
            }
        }
    }

    /// Says that it has more or fewer elements than it has.
    struct Says(usize);

    impl Serialize for Says {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            struct Lie(std::ops::Range<u8>, usize);
            impl Iterator for Lie {
                type Item = u8;
                fn next(&mut self) -> Option<u8> {
                    self.0.next()
                }
                fn size_hint(&self) -> (usize, Option<usize>) {
                    (self.1, Some(self.1))
                }
            }
            serializer.collect_seq(Lie(0..10, self.0))
        }
    }

    #[test]
    fn bytes_are_the_same_in_any_number_and_wrapping() {
        for len in [0, 1, RUN - 1, RUN, RUN + 1, 2 * RUN, 5 * RUN + 7] {
            let bytes: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let wrapped: Vec<Wrapped> = bytes.iter().map(|byte| Wrapped(*byte)).collect();
            let written = encoded(&bytes).unwrap();
            assert_eq!(encoded(&wrapped).unwrap(), written, "{len}");
            let read: Vec<u8> = decode(Codec::Positional, &written).unwrap();
            assert_eq!(read, bytes);
        }
    }

    #[test]
    fn one_element_that_is_no_byte_is_found_wherever_it_is() {
        for at in [0, 1, RUN - 1, RUN, 3 * RUN] {
            let mut elements: Vec<Now> = (0..4 * RUN).map(|_| Now(7)).collect();
            assert!(encoded(&elements).is_ok());
            elements[at].0 = 201;
            let error = encoded(&elements).unwrap_err();
            assert!(error.needs_field_names(), "{at}: {error}");
        }
    }

    #[test]
    fn a_number_of_bytes_that_was_wrongly_told_is_an_error() {
        assert!(encoded(&Says(10)).is_ok());
        for told in [0, 9, 11, 10_000_000_000] {
            let error = encoded(&Says(told)).unwrap_err().to_string();
            assert!(error.contains("elements and wrote"), "{told}: {error}");
        }
    }
}
