//! The body of a request: the arguments of a method, in order or by name.

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_bytes::Bytes as ByteStr;

#[cfg(feature = "json")]
use super::json;
use super::{
    attached::{Attached, ByteString},
    error::{DecodeError, DecodeProblem, EncodeError, EncodeProblem},
    field_named,
    positional::PositionalReader,
    write,
};
use crate::{contract::MethodSpec, wire::Codec};

/// Writes the arguments of one call, in the order of the method.
///
/// Positionally they follow one another, as a tuple would; in the codecs with names they are one
/// map of wire name and value.
#[derive(Debug)]
pub struct ArgsWriter<'a> {
    codec: Codec,
    method: &'a MethodSpec,
    out: &'a mut Vec<u8>,
    attached: Option<&'a mut Attached>,
    start: usize,
    written: usize,
}

/// Reads the arguments of one call, in the order of the method.
///
/// In the codecs with names they may come in any order. Unknown names are ignored, or a missing one
/// is null where its type accepts null; not both in one call, where an argument may have got another
/// name and its value would be lost.
#[derive(Debug)]
pub struct ArgsReader<'a> {
    arguments: &'static [&'static str],
    taken: usize,
    body: Body<'a>,
    /// What `body` is of, where byte strings may stay a part of it.
    whole: Option<&'a Bytes>,
}

#[derive(Debug)]
enum Body<'a> {
    Positional(PositionalReader<'a>),
    FieldNamed(Values<&'a [u8]>),
    #[cfg(feature = "json")]
    Json(Values<&'a serde_json::value::RawValue>),
}

/// What was found under the names of arguments.
#[derive(Debug)]
pub(super) struct Values<V> {
    /// In the order of the method.
    of: Vec<Option<V>>,
    /// A name that is no argument.
    unknown: Option<String>,
}

impl<'a> ArgsWriter<'a> {
    /// Begins a body at the end of `out`.
    pub fn new(codec: Codec, method: &'a MethodSpec, out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        match codec {
            Codec::Positional => {}
            Codec::FieldNamed => field_named::put_map_header(method.arguments.len(), out),
            Codec::Json => out.push(b'{'),
        }
        Self {
            codec,
            method,
            out,
            attached: None,
            start,
            written: 0,
        }
    }

    /// Leaves the byte strings that are [put as such](Self::put_raw) to `attached`.
    pub(crate) fn attaching(self, attached: &'a mut Attached) -> Self {
        Self {
            attached: Some(attached),
            ..self
        }
    }

    /// Writes the next argument.
    ///
    /// # Errors
    ///
    /// If it cannot be written such that it reads back the same, or the method has no more
    /// arguments. Nothing of the body is left in the output then.
    pub fn put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.try_put(value).inspect_err(|_| self.take_back())
    }

    /// Writes the next argument, a byte string. The bytes are the same as if it was put as a byte
    /// string of serde; but a long one is sent from where it is, where that can be.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub fn put_raw(&mut self, bytes: &Bytes) -> Result<(), EncodeError> {
        let Some(attached) = self.attached.take() else {
            return self.put(ByteStr::new(bytes));
        };
        let begun = self.begin();
        let codec = self.codec;
        let kept = begun.is_ok() && attached.put(codec, bytes, self.out);
        self.attached = Some(attached);
        let (index, name) = begun.inspect_err(|_| self.take_back())?;
        if kept {
            return Ok(());
        }
        self.value(index, name, ByteStr::new(bytes))
            .inspect_err(|_| self.take_back())
    }

    /// Ends the body.
    ///
    /// # Errors
    ///
    /// If arguments are missing. Nothing of the body is left in the output then.
    pub fn finish(mut self) -> Result<(), EncodeError> {
        if self.written != self.method.arguments.len() {
            self.take_back();
            return Err(self.miscounted(self.written));
        }
        if self.codec == Codec::Json {
            self.out.push(b'}');
        }
        Ok(())
    }

    fn try_put<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        let (index, name) = self.begin()?;
        self.value(index, name, value)
    }

    /// Writes what precedes the value of the next argument; its place and name.
    fn begin(&mut self) -> Result<(usize, &'static str), EncodeError> {
        let Some(name) = self.method.arguments.get(self.written).copied() else {
            return Err(self.miscounted(self.written + 1));
        };
        match self.codec {
            Codec::Positional => {}
            Codec::FieldNamed => field_named::put_name(name, self.out),
            Codec::Json => {
                if self.written > 0 {
                    self.out.push(b',');
                }
                #[cfg(feature = "json")]
                json::put_name(name, self.out);
            }
        }
        self.written += 1;
        Ok((self.written - 1, name))
    }

    fn value<T: Serialize + ?Sized>(
        &mut self,
        index: usize,
        name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        let shape = || self.method.argument_shape(index);
        write(self.codec, shape, value, self.out)
            .map_err(|error| error.in_type::<T>().in_argument(name))
    }

    #[cold]
    fn take_back(&mut self) {
        self.out.truncate(self.start);
        if let Some(attached) = &mut self.attached {
            attached.clear();
        }
    }

    #[cold]
    fn miscounted(&self, given: usize) -> EncodeError {
        EncodeError::new(EncodeProblem::ArgumentCount {
            expected: self.method.arguments.len(),
            given,
        })
    }
}

impl<'a> ArgsReader<'a> {
    /// Reads the names of `body`, if its codec has any.
    ///
    /// # Errors
    ///
    /// If the body is no map of names, or an argument occurs twice.
    pub fn new(
        codec: Codec,
        arguments: &'static [&'static str],
        body: &'a [u8],
    ) -> Result<Self, DecodeError> {
        let body = match codec {
            Codec::Positional => Body::Positional(PositionalReader::new(body)),
            Codec::FieldNamed => Body::FieldNamed(field_named::split_map(arguments, body)?),
            #[cfg(feature = "json")]
            Codec::Json => Body::Json(json::split_object(arguments, body)?),
            #[cfg(not(feature = "json"))]
            Codec::Json => return Err(DecodeError::json_off()),
        };
        Ok(Self {
            arguments,
            taken: 0,
            body,
            whole: None,
        })
    }

    /// Lets byte strings that are [taken as such](Self::take_raw) stay a part of `body`, which is
    /// what this reads.
    pub(crate) fn sharing(self, body: &'a Bytes) -> Self {
        Self {
            whole: Some(body),
            ..self
        }
    }

    /// Reads the next argument of the method.
    ///
    /// # Errors
    ///
    /// If it is missing and its type does not accept null, or it is no such value, or it passes a
    /// limit. The error names the argument.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<T, DecodeError> {
        self.read::<T, T>()
    }

    /// Reads the next argument, a byte string. A long one is not copied, where that can be: it is a
    /// part of the request, and keeps the whole of it.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    pub fn take_raw(&mut self) -> Result<Bytes, DecodeError> {
        let bytes: ByteString<'a> = self.read::<_, Bytes>()?;
        Ok(match self.whole {
            Some(body) => bytes.part_of(body),
            None => bytes.into_owned(),
        })
    }

    /// Reads a `T`, which errors call an `As`.
    fn read<T: Deserialize<'a>, As>(&mut self) -> Result<T, DecodeError> {
        let index = self.taken;
        let Some(name) = self.arguments.get(index).copied() else {
            return Err(DecodeError::new(DecodeProblem::ArgumentCount));
        };
        self.taken += 1;
        match &mut self.body {
            Body::Positional(reader) => T::deserialize(reader),
            Body::FieldNamed(values) => match values.get(index) {
                Some(value) => field_named::decode_scanned(value),
                None => values.absent(|| field_named::decode(field_named::NIL)),
            },
            #[cfg(feature = "json")]
            Body::Json(values) => match values.get(index) {
                Some(value) => json::decode(value.get().as_bytes()),
                None => values.absent(|| json::decode(json::NULL)),
            },
        }
        .map_err(|error| error.in_type::<As>().in_argument(name))
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// If bytes follow the last positional argument.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.body {
            Body::Positional(reader) => reader.finish(),
            _ => Ok(()),
        }
    }
}

impl<V: Copy> Values<V> {
    pub(super) fn none(arguments: &[&str]) -> Self {
        Self {
            of: vec![None; arguments.len()],
            unknown: None,
        }
    }

    /// Keeps what was found under a name.
    pub(super) fn put(
        &mut self,
        arguments: &[&str],
        name: &[u8],
        value: V,
    ) -> Result<(), DecodeError> {
        let position = arguments
            .iter()
            .position(|argument| argument.as_bytes() == name);
        let Some(index) = position else {
            self.unknown
                .get_or_insert_with(|| String::from_utf8_lossy(name).into_owned());
            return Ok(());
        };
        match self.of[index].replace(value) {
            None => Ok(()),
            Some(_) => {
                let name = arguments[index].to_owned();
                Err(DecodeError::new(DecodeProblem::Duplicate(name)))
            }
        }
    }

    fn get(&self, index: usize) -> Option<V> {
        self.of.get(index).copied().flatten()
    }

    /// The value of an argument that is not there, if null is one.
    fn absent<T>(&self, null: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
        match &self.unknown {
            Some(unknown) => Err(DecodeProblem::Renamed(unknown.clone())),
            None => null().map_err(|_| DecodeProblem::Missing),
        }
        .map_err(DecodeError::new)
    }
}
