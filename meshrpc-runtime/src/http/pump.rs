//! Messages that go out over the mesh.

use std::{
    error::Error as StdError,
    pin::{Pin, pin},
};

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body;
use serde::Serialize;

use super::head::Trailers;
use crate::{
    codec,
    connection::SendStream,
    error::{Error, Kind},
    wire::{Codec, put_item_prefix},
};

/// Longest piece of a body in one item.
const PIECE: usize = 64 << 10;

/// Sends the head of a message.
pub(crate) async fn send_head(stream: &mut SendStream, head: &impl Serialize) -> Result<(), Error> {
    let encoded = encoded(head)?;
    let mut item = Vec::with_capacity(encoded.len() + 4);
    put_item_prefix(&mut item, encoded.len(), true);
    item.extend_from_slice(&encoded);
    stream.send(item.into()).await
}

/// Why a body was not sent to its end.
#[derive(Debug)]
pub(crate) enum Broken {
    /// It broke off itself.
    Body(Error),
    /// The peer takes no more.
    Stream(Error),
}

/// Sends a body to its end. The stream is left for the caller to finish, or to fail.
pub(crate) async fn send_body<B>(stream: &mut SendStream, body: B) -> Result<(), Broken>
where
    B: Body,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let mut body = pin!(body);
    while let Some(frame) = next_frame(body.as_mut()).await {
        match frame?.into_data() {
            Ok(mut data) => {
                while data.has_remaining() {
                    let len = data.remaining().min(PIECE);
                    let piece = data.copy_to_bytes(len);
                    stream
                        .send(tagged(0, &piece, false))
                        .await
                        .map_err(Broken::Stream)?;
                }
            }
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    let encoded = encoded(&Trailers::of(&trailers)).map_err(Broken::Body)?;
                    stream
                        .send(tagged(1, &encoded, true))
                        .await
                        .map_err(Broken::Stream)?;
                }
            }
        }
    }
    Ok(())
}

fn encoded(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut encoded = Vec::new();
    codec::encode(Codec::FieldNamed, value, &mut encoded)
        .map_err(|error| Error::new(Kind::Codec, error.to_string()))?;
    Ok(encoded)
}

async fn next_frame<B>(mut body: Pin<&mut B>) -> Option<Result<http_body::Frame<B::Data>, Broken>>
where
    B: Body,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let broken = |error: B::Error| {
        let broken = Error::new(Kind::Cancelled, "the body broke off");
        Broken::Body(broken.with_source(error.into()))
    };
    std::future::poll_fn(|cx| {
        body.as_mut()
            .poll_frame(cx)
            .map(|frame| frame.map(|frame| frame.map_err(broken)))
    })
    .await
}

fn tagged(tag: u8, bytes: &[u8], field_named: bool) -> Bytes {
    let mut prefix = Vec::with_capacity(10);
    put_item_prefix(&mut prefix, bytes.len() + 1, field_named);
    let mut item = BytesMut::with_capacity(prefix.len() + 1 + bytes.len());
    item.extend_from_slice(&prefix);
    item.extend_from_slice(&[tag]);
    item.extend_from_slice(bytes);
    item.freeze()
}

impl Broken {
    pub(crate) fn into_error(self) -> Error {
        match self {
            Broken::Body(error) | Broken::Stream(error) => error,
        }
    }
}
