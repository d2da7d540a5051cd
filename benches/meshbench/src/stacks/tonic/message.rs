//! The messages, as `prost` makes them of a `.proto` file.

use bytes::Bytes;

/// The message that is echoed.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Message {
    /// Tells one call from another.
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// Sixteen bytes.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Two times eight bytes.
    #[prost(string, repeated, tag = "3")]
    pub tags: Vec<String>,
}

/// A number.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Number {
    /// It.
    #[prost(uint64, tag = "1")]
    pub number: u64,
}

/// Bytes, which are not copied out of what arrived.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Body {
    /// Them.
    #[prost(bytes = "bytes", tag = "1")]
    pub bytes: Bytes,
}
