//! The readers and writers of the HTTP contract by themselves, for fuzz targets.

use bytes::Bytes;
use http::{Request, Response, request, response};
use http_body::Frame;
use serde::Serialize;

use crate::{
    codec,
    error::Error,
    http::{RequestHead, ResponseHead},
    wire::Codec,
};

/// Reads the first item of a request.
///
/// # Errors
/// If it is no head.
pub fn request(item: &Bytes) -> Result<Request<()>, Error> {
    RequestHead::decode(item)?.into_request(())
}

/// Reads the first item of a response.
///
/// # Errors
/// If it is no head.
pub fn response(item: &Bytes) -> Result<Response<()>, Error> {
    ResponseHead::decode(item)?.into_response(())
}

/// Reads an item that follows.
///
/// # Errors
/// If it is no piece of a body and no trailers.
pub fn piece(item: &Bytes) -> Result<Frame<Bytes>, Error> {
    crate::http::piece(item)
}

/// Writes the first item of a request.
pub fn request_head(parts: &request::Parts) -> Bytes {
    written(&RequestHead::of(parts))
}

/// Writes the first item of a response.
pub fn response_head(parts: &response::Parts) -> Bytes {
    written(&ResponseHead::of(parts))
}

fn written(head: &impl Serialize) -> Bytes {
    let mut out = Vec::new();
    codec::encode(Codec::FieldNamed, head, &mut out).expect("text, numbers and bytes");
    out.into()
}
