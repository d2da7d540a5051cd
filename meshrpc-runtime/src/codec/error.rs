//! Why a value could not be written or read.

use std::fmt;

use super::{MAX_DEPTH, MAX_EMPTY_ELEMENTS};

/// Why a value could not be written.
///
/// The fault lies with the value or its type, on this side; nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EncodeError(Box<Located<EncodeProblem>>);

/// Why a value could not be read.
///
/// The fault lies with whoever wrote the bytes, or the two sides hold different types.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(Box<Located<DecodeProblem>>);

/// A problem, and where it was met.
#[derive(Debug)]
struct Located<P> {
    argument: Option<&'static str>,
    target: Option<&'static str>,
    problem: P,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeProblem {
    #[error(
        "field `{field}` of `{container}` is left out of this value, which only a codec with field names can express"
    )]
    SkippedField {
        container: &'static str,
        field: &'static str,
    },
    #[error("a {0} does not know its length, which only a codec with field names can express")]
    UnknownLength(&'static str),
    #[error("more than {MAX_EMPTY_ELEMENTS} elements that take no bytes")]
    EmptyElements,
    #[error("{0}")]
    Asymmetric(String),
    #[error("`{container}` announced {announced} elements and wrote {written}")]
    Length {
        container: &'static str,
        announced: usize,
        written: usize,
    },
    #[error("nested deeper than {MAX_DEPTH} levels")]
    Depth,
    #[error("an item of {len} bytes, where the {reader} takes {max} (`{setting})")]
    TooLong {
        len: u64,
        max: u64,
        reader: &'static str,
        setting: &'static str,
    },
    #[error("{position}: `Some` of a value written as nil would be read as `None`")]
    SomeNil { position: String },
    #[error("{position}: {value} is not a number in JSON")]
    NotFinite { position: String, value: f64 },
    #[error("{given} arguments for a method of {expected}")]
    ArgumentCount { expected: usize, given: usize },
    #[cfg(not(feature = "json"))]
    #[error("the codec JSON needs the feature `json` of meshrpc-runtime, which is off")]
    JsonOff,
    #[error("{0}")]
    Other(String),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum DecodeProblem {
    #[error("the bytes end inside the value")]
    UnexpectedEnd,
    #[error("{0} bytes follow the value")]
    TrailingBytes(usize),
    #[error("nested deeper than {MAX_DEPTH} levels")]
    Depth,
    #[error("{declared} elements are declared where {bytes} bytes are left")]
    Elements { declared: u64, bytes: usize },
    #[error("more than {MAX_EMPTY_ELEMENTS} elements that take no bytes")]
    EmptyElements,
    #[error("{0} elements are left that the type does not read")]
    ElementsLeft(usize),
    #[error("byte {byte:#04x} is no {expected}")]
    InvalidByte { byte: u8, expected: &'static str },
    #[error("text that is not UTF-8")]
    Utf8,
    #[error("the type asks what comes next, which the positional codec does not write")]
    SelfDescribing,
    #[error("it is missing")]
    Missing,
    #[error("it is missing, and the method knows no `{0}`, which may be another name of it")]
    Renamed(String),
    #[error("the arguments are no map of names")]
    NotNamed,
    #[error("`{0}` occurs twice")]
    Duplicate(String),
    #[error("more values are read than the method has arguments")]
    ArgumentCount,
    #[cfg(not(feature = "json"))]
    #[error("the codec JSON needs the feature `json` of meshrpc-runtime, which is off")]
    JsonOff,
    #[error("{0}")]
    Other(String),
}

impl EncodeError {
    /// True if the value can be written with field names although not positionally: the caller
    /// encodes it again with [`Codec::FieldNamed`](crate::wire::Codec::FieldNamed) and keeps to that codec for this method.
    pub fn needs_field_names(&self) -> bool {
        matches!(
            self.0.problem,
            EncodeProblem::SkippedField { .. }
                | EncodeProblem::UnknownLength(_)
                | EncodeProblem::EmptyElements
                | EncodeProblem::Asymmetric(_)
        )
    }

    /// Wire name of the argument that could not be written, if it was one.
    pub fn argument(&self) -> Option<&'static str> {
        self.0.argument
    }

    /// True if an item is longer than its reader takes.
    pub(crate) fn is_too_long(&self) -> bool {
        matches!(self.0.problem, EncodeProblem::TooLong { .. })
    }

    #[cold]
    pub(crate) fn new(problem: EncodeProblem) -> Self {
        Self(Box::new(Located {
            argument: None,
            target: None,
            problem,
        }))
    }

    pub(crate) fn in_argument(mut self, name: &'static str) -> Self {
        self.0.argument = Some(name);
        self
    }

    pub(crate) fn in_type<T: ?Sized>(mut self) -> Self {
        self.0.target.get_or_insert(std::any::type_name::<T>());
        self
    }
}

impl DecodeError {
    /// Wire name of the argument that is missing or cannot be read, if it was one.
    pub fn argument(&self) -> Option<&'static str> {
        self.0.argument
    }

    /// The same, of the `T` that crosses as what was read.
    #[must_use]
    pub(crate) fn instead_of<T: ?Sized>(mut self) -> Self {
        self.0.target = Some(std::any::type_name::<T>());
        self
    }

    #[cold]
    pub(crate) fn new(problem: DecodeProblem) -> Self {
        Self(Box::new(Located {
            argument: None,
            target: None,
            problem,
        }))
    }

    pub(crate) fn in_argument(mut self, name: &'static str) -> Self {
        self.0.argument = Some(name);
        self
    }

    pub(crate) fn in_type<T: ?Sized>(mut self) -> Self {
        self.0.target.get_or_insert(std::any::type_name::<T>());
        self
    }
}

impl serde::ser::Error for EncodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(EncodeProblem::Other(message.to_string()))
    }
}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(DecodeProblem::Other(message.to_string()))
    }
}

impl<P: fmt::Display> fmt::Display for Located<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.argument, self.target) {
            (Some(argument), Some(target)) => write!(f, "argument `{argument}` ({target}): ")?,
            (Some(argument), None) => write!(f, "argument `{argument}`: ")?,
            (None, Some(target)) => write!(f, "{target}: ")?,
            (None, None) => {}
        }
        write!(f, "{}", self.problem)
    }
}

#[cfg(not(feature = "json"))]
impl EncodeError {
    pub(super) fn json_off() -> Self {
        Self::new(EncodeProblem::JsonOff)
    }
}

#[cfg(not(feature = "json"))]
impl DecodeError {
    pub(super) fn json_off() -> Self {
        Self::new(DecodeProblem::JsonOff)
    }
}
